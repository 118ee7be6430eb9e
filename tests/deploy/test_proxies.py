"""The proxy files of deploy/, as nginx, Caddy and HAProxy run them in front of a receiver."""

import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from receiver.cli.deployment.machine import PROXIES, Proxy
from tests.deploy.proxies import MISSING, SECRET, Running, running_proxy
from tests.scenarios.serving import Receiver, free_port, run, serving

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"proxies are not installed: apt-get install {' '.join(MISSING)}")

SENDER, OTHER = "127.0.0.5", "127.0.0.6"
PROBE, CDR = {"METHOD": "TEST"}, {"caller": "0540000000", "ivruniqueid": "1"}
MIB = 1024 * 1024
SETTINGS = {
    "RECEIVER_SECRETS": SECRET,
    "RECEIVER_TRUSTED_PROXIES": "127.0.0.1",
    "RECEIVER_ALLOW_FROM": f"{SENDER},127.0.0.1",
    "RECEIVER_METRICS": "true",
    "RECEIVER_REQUEST_SECONDS": "2",
}


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Each of the three."""
    return request.param  # type: ignore[no-any-return]  # the value is untyped


@pytest.fixture(scope="module")
def receiver(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that trusts its proxy, and gets callbacks from few addresses."""
    with serving(tmp_path_factory.mktemp("receiver"), **SETTINGS) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def front(proxy: Proxy, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The proxy in front of it."""
    folder = tmp_path_factory.mktemp(proxy)
    with running_proxy(proxy, folder, int(receiver.url.rpartition(":")[2])) as running:
        yield running


def _post(front: Running, content: dict[str, str], *, sender: str = SENDER, **headers: str) -> httpx.Response:
    with front.client(sender) as client:
        return client.post(f"{front.url}/voicenter/cdr", json=content, headers=headers)


def test_check_finds_nothing_to_change(front: Running, receiver: Receiver) -> None:
    """`receiver check --url`, the last of the steps that `receiver init` prints, calls through the proxy."""
    trust = {"SSL_CERT_FILE": str(front.authority)}
    said = run(receiver.folder, "check", "--url", front.machine.public_url, code=0, **SETTINGS, **trust).stdout
    for line in ("answered 200", "sent by 127.0.0.1", "secret: accepted", "address: accepted"):
        assert line in said


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_the_receiver_sees_the_senders_address(front: Running, header: str) -> None:
    """The proxy sets it, and what a sender writes there does not count."""
    other = {"X-Forwarded-For": OTHER, "Forwarded": f"for={OTHER}"}[header]
    assert _post(front, CDR, **{header: other}).status_code == 200
    spoofed = {"X-Forwarded-For": SENDER, "Forwarded": f"for={SENDER}"}[header]
    assert _post(front, CDR, sender=OTHER, **{header: spoofed}).status_code == 403


def test_the_longest_transcript_arrives_whole(front: Running, receiver: Receiver) -> None:
    """A CDR of nearly 16 MiB is stored with all its bytes."""
    content = {"ivruniqueid": "transcript", "transcript": "x" * (16 * MIB - 1000)}
    assert _post(front, content).json() == {"err": "0", "errdesc": "OK"}
    [stored] = [one for one in receiver.callbacks() if one["call_id"] == "transcript"]
    assert stored["outcome"] == "accepted"


def test_a_body_that_is_too_long_is_rejected(front: Running) -> None:
    """With 413; a proxy may close the connection before the whole body was sent, and the sender cannot read that.

    Caddy says 502 if it has begun to pass the body on when it meets the limit.
    """
    expected = {413, 502} if front.machine.proxy == "caddy" else {413}
    with suppress(httpx.WriteError, httpx.RemoteProtocolError):
        assert _post(front, {"transcript": "x" * 17 * MIB}).status_code in expected


def _request(front: Running, body: bytes) -> bytes:
    head = f"POST /{SECRET}/voicenter/cdr HTTP/1.1\r\nHost: {front.machine.host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def _read(connection: ssl.SSLSocket) -> bytes:
    """What comes until the proxy closes the connection."""
    read = b""
    try:
        while part := connection.recv(4096):
            read += part
    except OSError:
        pass
    return read


def test_a_sender_that_stops_gets_no_acknowledgement_and_delays_no_other(front: Running) -> None:
    """What was not stored whole is never acknowledged, also when a time limit ends the request."""
    request = _request(front, json.dumps({"ivruniqueid": "stopped"}).encode())
    with front.connect() as connection:
        connection.sendall(request[:-10])
        assert _post(front, CDR).status_code == 200
        assert b" 200 " not in _read(connection)


def test_a_sender_of_single_bytes_is_served(front: Running) -> None:
    """A slow line is no error, as long as each part comes in time."""
    with front.client(SENDER) as client:
        content = json.dumps(CDR).encode()
        parts = (content[at : at + 1] for at in range(len(content)))
        answered = client.post(f"{front.url}/voicenter/cdr", content=parts)
    assert answered.json() == {"err": "0", "errdesc": "OK"}


def test_only_callbacks_are_served(front: Running, receiver: Receiver) -> None:
    """Figures stay inside, and plain http is not redirected: a POST would lose its body."""
    assert httpx.get(f"{receiver.url}/metrics").status_code == 200
    with front.client() as client:
        for path in ("/metrics", "/metrics/", "/metrics//", "/%6detrics", "/met%72ics/"):
            assert client.get(f"{front.machine.public_url}{path}").status_code == 404, path
        assert client.get(f"{front.machine.public_url}/health").text == "ok\n"
        plain = f"http://localhost:{front.machine.http_port}/{SECRET}/voicenter/cdr"
        assert client.post(plain, json=CDR).status_code == 404


def test_no_secret_and_no_number_is_logged(proxy: Proxy, front: Running, tmp_path: Path) -> None:
    """Neither of a request that succeeds, nor of one that fails, nor while the receiver is down."""
    with front.client(SENDER) as client:
        assert client.get(f"{front.url}/voicenter?METHOD=CDR&caller=0541234567").status_code == 200
        assert client.get(f"{front.url}/nowhere?caller=0541234567").status_code == 404
    with running_proxy(proxy, tmp_path, free_port()) as alone:
        with alone.client() as client:
            down = client.get(f"{alone.url}/voicenter?METHOD=CDR&caller=0541234567", headers={"Referer": alone.url})
            assert down.status_code in (502, 503, 504)
            client.get(f"http://localhost:{alone.machine.http_port}/{SECRET}/voicenter?caller=0541234567")
        with alone.connect() as connection:
            connection.sendall(
                b"POST /" + SECRET.encode() + b"/voicenter HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n"
            )
            _read(connection)
        with alone.connect() as connection:
            connection.sendall(_request(alone, b"{}")[:-1])
    logged = front.logged() + alone.logged()
    assert SECRET not in logged
    assert "0541234567" not in logged
