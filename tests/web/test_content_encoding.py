"""Compressed bodies (A-26): decompressed within limits, and stored as sent if that fails."""

import gzip
import json
import zlib
from pathlib import Path

import pytest

from receiver.errors import WireError
from receiver.wire.content_encoding import FREE_BYTES, MAX_RATIO, TooLargeError, decompress
from receiver.wire.xmlrpc import write_call
from tests.support import running

CDR = write_call("CDR", {"ivruniqueid": "a", "caller": "054", "queuename": "שירות"})
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
COMPRESSED = {
    "gzip": gzip.compress(CDR),
    "x-gzip": gzip.compress(CDR),
    "deflate": zlib.compress(CDR),
    " GZIP ": gzip.compress(CDR[:50]) + gzip.compress(CDR[50:]),
    "Deflate": RAW.compress(CDR) + RAW.flush(),
}


@pytest.mark.parametrize("encoding", COMPRESSED)
async def test_a26_a_compressed_record_is_read(tmp_path: Path, encoding: str) -> None:
    """A rejected record would be lost. The decompressed body is stored."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Encoding": encoding, "Content-Type": "text/xml"}
        reply = await receiver.client.post("/voicenter", content=COMPRESSED[encoding], headers=headers)
        assert "<int>0</int>" in reply.text
    [stored] = receiver.callbacks()
    assert (stored.outcome, stored.body) == ("accepted", CDR)
    assert f"content_encoding:{encoding.strip().lower()}" in stored.notes


@pytest.mark.parametrize("body", [b"no gzip at all", COMPRESSED["gzip"][:-12], COMPRESSED["gzip"][:20]])
async def test_a26_what_cannot_be_decompressed_is_stored_with_its_reason(tmp_path: Path, body: bytes) -> None:
    """With the bytes as sent; the reply is the documented parse error."""
    async with running(tmp_path) as receiver:
        reply = await receiver.client.post("/voicenter/cdr", content=body, headers={"Content-Encoding": "gzip"})
        assert (reply.status_code, json.loads(reply.content)["err"]) == (200, "1")
    [stored] = receiver.callbacks()
    assert (stored.outcome, stored.kind, stored.body) == ("unparsed", "CDR", body)
    assert "gzip" in stored.reason or "compressed" in stored.reason


async def test_a26_the_limits_apply_to_the_decompressed_body(tmp_path: Path) -> None:
    """It gets 413 like an uncompressed body, and its memory is counted."""
    body = gzip.compress(b'{"ivruniqueid": "a", "x": "' + b"0123456789abcdef" * 500 + b'"}')
    headers = {"Content-Encoding": "gzip"}
    async with running(tmp_path, max_body_bytes=4000, max_transcript_bytes=4000) as receiver:
        assert (await receiver.client.post("/voicenter", content=body, headers=headers)).status_code == 413
    async with running(tmp_path, max_pending_bytes=4000) as receiver:
        assert (await receiver.client.post("/voicenter", content=body, headers=headers)).status_code == 503
    assert receiver.callbacks() == []


def test_a26_the_ratio_is_limited() -> None:
    """A bomb is not decompressed, however large a body may be."""
    with pytest.raises(TooLargeError):
        decompress(gzip.compress(bytes(50_000_000)), "gzip", 10**9)
    small = gzip.compress(bytes(FREE_BYTES))
    assert len(small) * MAX_RATIO < FREE_BYTES
    assert decompress(small, "gzip", 10**9) == bytes(FREE_BYTES)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_malformed_encoding_raises_our_own_error(encoding: str) -> None:
    """The library's exceptions are translated."""
    for body in (b"", b"\x1f\x8b", b"\x78", b"x" * 100, zlib.compress(b"x" * 100)[:-3]):
        if body:
            with pytest.raises(WireError):
                decompress(body, encoding, 100)
