"""Behind a real proxy, as most receivers run: nginx on the same machine."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving

NGINX = shutil.which("nginx") or next(filter(os.path.exists, ["/usr/sbin/nginx"]), None)
CDR = {"caller": "0540000000", "ivruniqueid": "1"}
CONFIGURATION = """
daemon off;
pid nginx.pid;
error_log error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {receiver}{path};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _nginx(folder: Path, receiver: Receiver, path: str = "") -> Iterator[str]:
    """Serve through nginx, in front of a receiver; its URL."""
    port = _free_port()
    (folder / "nginx.conf").write_text(CONFIGURATION.format(port=port, receiver=receiver.url, path=path))
    process = subprocess.Popen(
        [str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"], stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 10
        while not _answers(url):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code < 500
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(("allowed", "status"), [("127.0.0.0/8", 200), ("198.51.100.0/24", 403)])
def test_the_address_list_holds_behind_nginx(tmp_path: Path, allowed: str, status: int) -> None:
    """A sender's own forwarding header is ignored behind nginx."""
    trust = {"RECEIVER_TRUSTED_PROXIES": "127.0.0.2", "RECEIVER_ALLOW_FROM": allowed}
    with serving(tmp_path, **trust) as receiver, _nginx(tmp_path, receiver) as url:
        # nginx connects from 127.0.0.1, which is not a trusted proxy here, so its header is ignored.
        spoofed = {"X-Forwarded-For": "198.51.100.7"}
        assert httpx.post(f"{url}/voicenter", json=CDR, headers=spoofed).status_code == status
    trust["RECEIVER_TRUSTED_PROXIES"] = "127.0.0.1"
    with serving(tmp_path, **trust) as receiver, _nginx(tmp_path, receiver) as url:
        # Now nginx is trusted. It adds the sender's address on the right: 127.0.0.1, which is a trusted proxy too, so
        # the sender's own header is read. Spoofing needs an address in the list of proxies.
        spoofed = {"X-Forwarded-For": "198.51.100.7"}
        believed = httpx.post(f"{url}/voicenter", json=CDR, headers=spoofed)
        assert believed.status_code == (200 if allowed.startswith("198") else 403)


def test_check_says_what_the_receiver_saw_behind_nginx(tmp_path: Path) -> None:
    """The scheme, both addresses and each check; also a changed path, and a receiver that does not answer."""
    trust = {
        "RECEIVER_TRUSTED_PROXIES": "127.0.0.1",
        "RECEIVER_SECRETS": "a-long-secret",
        "RECEIVER_PASSWORDS": "user:password",
        "RECEIVER_ALLOW_FROM": "127.0.0.1",
    }
    with serving(tmp_path, **trust) as receiver, _nginx(tmp_path, receiver) as url:
        said = run(tmp_path, "check", "--url", url, code=0, **trust).stdout
        assert f"{url}/SECRET/voicenter" in said
        assert "a-long-secret" not in said
        for line in (
            "answered 200",
            "connected from 127.0.0.1, sent by 127.0.0.1",
            "secret: accepted",
            "address: accepted",
        ):
            assert line in said
        assert "password: accepted" in said
        assert "was ignored" not in said

        wrong = {**trust, "RECEIVER_SECRETS": "another-secret", "RECEIVER_PASSWORDS": "user:wrong-one"}
        said = run(tmp_path, "check", "--url", url, code=1, **wrong).stdout
        assert "answered 404 instead of 200" in said
        assert "secret: rejected" in said
        assert "password: rejected" in said

    with serving(tmp_path, **trust) as receiver, _nginx(tmp_path, receiver, "/wrong/") as url:
        said = run(tmp_path, "check", "--url", url, code=1, **trust).stdout
        assert "no callback arrives at this path: does a proxy change it?" in said

        other = tmp_path / "other"
        other.mkdir()
        said = run(other, "check", "--url", url, code=1, **trust).stdout
        assert "did not arrive at a receiver with this journal" in said
    said = run(tmp_path, "check", "--url", url, code=1, **trust).stdout
    assert "cannot be reached" in said
