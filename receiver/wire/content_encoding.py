"""Decompress a body: gzip and deflate, within limits (A-26)."""

import zlib

from receiver.errors import WireError

MAX_RATIO, FREE_BYTES = 100, 64 * 1024
"""How many times its size a body may decompress to, beyond FREE_BYTES; callbacks reach about ten."""

_GZIP_OR_ZLIB, _RAW = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS
ENCODINGS = frozenset(("gzip", "x-gzip", "deflate"))


class TooLargeError(WireError):
    """The decompressed body would exceed a limit."""


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body without its Content-Encoding, one of ENCODINGS.

    Raises TooLargeError when more than `max_bytes` or MAX_RATIO times its size would come out, WireError when the body
    is not what its header says.
    """
    most = min(max_bytes, max(FREE_BYTES, len(body) * MAX_RATIO))
    try:
        return _inflate(body, _GZIP_OR_ZLIB, most)
    except zlib.error as error:
        if encoding != "deflate":
            raise WireError(f"the body is no {encoding}: {error}") from error
    try:
        return _inflate(body, _RAW, most)  # some senders send the bare stream as "deflate"
    except zlib.error as error:
        raise WireError(f"the body is no deflate: {error}") from error


def _inflate(body: bytes, window: int, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while body:  # a gzip body may have several members
        stream = zlib.decompressobj(window)
        piece = stream.decompress(body, most - size + 1)
        size += len(piece)
        if size > most:
            raise TooLargeError(f"the body decompresses to more than {most} bytes")
        pieces.append(piece)
        if not stream.eof:
            raise WireError("the compressed body ends before its end")
        body = stream.unused_data.lstrip(b"\0")
    return b"".join(pieces)
