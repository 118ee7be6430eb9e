"""Slow, large and silent senders on real sockets: they are disconnected, and others are not affected."""

import gzip
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving

HEAD = b"POST /voicenter HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CDR = b'{"ivruniqueid": "0540000000"}'


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with short time limits."""
    limits = {"RECEIVER_REQUEST_SECONDS": "1", "RECEIVER_IDLE_SECONDS": "1", "RECEIVER_MAX_HEADER_BYTES": "4096"}
    with serving(tmp_path_factory.mktemp("receiver"), **limits) as receiver:
        yield receiver


def _connect(receiver: Receiver) -> socket.socket:
    address = urlsplit(receiver.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _until_closed(connection: socket.socket) -> bytes:
    """What is received until the other side closes; times out if it never does."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("part", [b"", b"POST /voice", HEAD, HEAD + b"Content-Length: 100\r\n\r\n{"])
def test_a_sender_that_stops_in_the_middle_is_disconnected(receiver: Receiver, part: bytes) -> None:
    """In its first line, in its head or in its body: the connection is closed after `request_seconds`."""
    with _connect(receiver) as connection:
        began = time.monotonic()
        connection.sendall(part)
        _until_closed(connection)
        assert 0.5 < time.monotonic() - began < 5


@pytest.mark.parametrize("then", [b"", b"\r\n", b"\r\n\r\n", b"POST /voicen", HEAD])
def test_a_sender_that_stops_after_a_request_is_disconnected(receiver: Receiver, then: bytes) -> None:
    """Also if it then sends something that is not a request, such as a blank line."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(CDR) + CDR)
        assert b'"err"' in connection.recv(65536)
        began = time.monotonic()
        if then:
            connection.sendall(then)
        _until_closed(connection)
        assert 0.5 < time.monotonic() - began < 5


def test_a_sender_of_single_bytes_is_disconnected(receiver: Receiver) -> None:
    """The time limit is for the whole request: single bytes do not renew it."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        began = time.monotonic()
        while _takes(connection, b"x"):
            assert time.monotonic() - began < 5
            time.sleep(0.1)


def _takes(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def test_an_endless_head_is_rejected(receiver: Receiver) -> None:
    """It gets 431 before it uses much memory."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD)
        try:
            for _ in range(100):
                connection.sendall(b"X-Long: " + b"x" * 500 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return
        assert _until_closed(connection).startswith(b"HTTP/1.1 431")


def test_too_many_headers_are_rejected(receiver: Receiver) -> None:
    """However short they are; the rest of the connection is not read."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"a: b\r\n" * 99 + b"Content-Length: %d\r\n\r\n" % len(CDR) + CDR)
        answer = _until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 431")
    assert answer.count(b"HTTP/1.1") == 1


def test_endless_trailers_are_rejected(receiver: Receiver) -> None:
    """Trailers after a chunked body have the limit of a head, in one long line or in many; so have chunk extensions."""
    for endless in (b"x" * 1000, b"a: b\r\n" * 200):
        for before in (b"0\r\nX: ", b"1;"):
            with _connect(receiver) as connection:
                connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + before)
                sent = 0
                while sent < 50_000 and _takes(connection, endless):
                    sent += 1
                assert sent < 50_000


def test_a_head_may_arrive_with_a_part_of_its_body(receiver: Receiver) -> None:
    """A long body does not count as a long head, however the bytes are split."""
    body = b'{"ivruniqueid": "0540000000", "text": "' + b"x" * 50_000 + b'"}'
    whole = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for cut in (whole.index(b"\r\n\r\n") + 3, whole.index(b"\r\n\r\n") + 4):
        with _connect(receiver) as connection:
            connection.sendall(whole[:cut])
            time.sleep(0.1)
            connection.sendall(whole[cut:])
            assert b'"err":"0"' in _until_closed(connection)


def test_a_long_head_in_one_piece_is_rejected_too(receiver: Receiver) -> None:
    """The limit does not depend on how the head arrives."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"X-Long: " + b"x" * 5000 + b"\r\nContent-Length: 2\r\n\r\n{}")
        assert _until_closed(connection).startswith(b"HTTP/1.1 431")


def test_all_of_several_requests_are_answered_to_a_half_closed_sender(receiver: Receiver) -> None:
    """A sender may send everything, close its side, and then read."""
    one = HEAD + b"Content-Length: %d\r\n\r\n" % len(CDR) + CDR
    with _connect(receiver) as connection:
        connection.sendall(one * 3)
        connection.shutdown(socket.SHUT_WR)
        assert _until_closed(connection).count(b'"err":"0"') == 3


def test_a_compressed_bomb_is_rejected(receiver: Receiver) -> None:
    """A body is never decompressed to more than a hundred times its size (A-26)."""
    bomb = gzip.compress(b"x" * 10_000_000)
    for encoding in ("gzip", "x-gzip", "deflate"):
        reply = httpx.post(f"{receiver.url}/voicenter", content=bomb, headers={"Content-Encoding": encoding})
        assert reply.status_code == 413


def test_an_unknown_content_encoding_is_rejected(receiver: Receiver) -> None:
    """415 asks the sender to send the body uncompressed."""
    for encoding in ("deflate, gzip", "br", "identity, gzip"):
        reply = httpx.post(f"{receiver.url}/voicenter", content=b"{}", headers={"Content-Encoding": encoding})
        assert reply.status_code == 415
        assert "other than gzip and deflate" in reply.text


def test_an_endless_body_is_rejected(receiver: Receiver) -> None:
    """It is rejected as soon as it is too long, and the connection is closed."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD.replace(b"voicenter", b"voicenter/ivr") + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        while sent < 2000 and _takes(connection, chunk):
            sent += 1
    assert sent < 2000


def test_disconnected_senders_are_listed(receiver: Receiver) -> None:
    """With the reason, although there was no complete request."""
    with _connect(receiver) as connection:
        connection.sendall(b"POST /voice")
        _until_closed(connection)
    time.sleep(2.5)
    refused = run(receiver.folder, "refused").stdout
    assert "took too long to arrive" in refused
    assert "too many headers" in refused


def test_an_idle_connection_is_closed_after_a_while(receiver: Receiver) -> None:
    """Its request was answered, and no further one arrived."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(CDR) + CDR)
        assert b'"err":"0"' in _until_closed(connection)


def test_pipelined_requests_are_answered_in_order(receiver: Receiver) -> None:
    """Two requests in one packet get two replies."""
    one = HEAD + b"Content-Length: %d\r\n\r\n" % len(CDR) + CDR
    with _connect(receiver) as connection:
        connection.sendall(one + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = _until_closed(connection)
    assert answers.index(b'"err":"0"') < answers.index(b"ok\n")


def test_a_half_closed_sender_gets_its_reply(receiver: Receiver) -> None:
    """Some senders close their side before they read the reply."""
    with _connect(receiver) as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(CDR) + CDR)
        connection.shutdown(socket.SHUT_WR)
        assert b'"err":"0"' in _until_closed(connection)


def test_a_chunked_body_is_read(receiver: Receiver) -> None:
    """As in HTTP/1.1 (A-26)."""
    with _connect(receiver) as connection:
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CDR), CDR)
        connection.sendall(HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        assert b'"err":"0"' in _until_closed(connection)


def test_many_silent_connections_delay_no_reply(receiver: Receiver) -> None:
    """Beside a thousand silent connections a request is answered at once."""
    silent = [_connect(receiver) for _ in range(1000)]
    try:
        began = time.monotonic()
        reply = httpx.post(f"{receiver.url}/voicenter", content=CDR, timeout=5)
        assert reply.json()["err"] == "0"
        assert time.monotonic() - began < 3
    finally:
        for connection in silent:
            connection.close()


def test_bytes_that_are_not_http_get_400(receiver: Receiver, tmp_path: Path) -> None:
    """There is no traceback in the output."""
    with _connect(receiver) as connection:
        connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert b"400" in _until_closed(connection)
    assert "Traceback" not in "".join(receiver.output)
