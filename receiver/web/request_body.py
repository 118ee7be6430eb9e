"""Read the body of one request, within its limits."""

import asyncio

from starlette.types import Receive

from receiver.web.admission import Admission
from receiver.web.rejections import Rejection
from receiver.wire.content_encoding import decompress

DECOMPRESS_ON_LOOP_BYTES = 16 * 1024
"""Larger compressed bodies are decompressed on a thread."""


class RequestBody:
    """The body of one request. The admission counts its bytes until `release`."""

    def __init__(self, receive: Receive, longest: int, admission: Admission) -> None:
        self._receive = receive
        self._longest = longest
        self._admission = admission
        self._chunks: list[bytes] = []
        self._held = 0
        self.size = 0
        """Bytes that have arrived."""
        self.is_complete = False
        """False if the sender disconnected."""

    async def read(self) -> Rejection | None:
        """Read to the end. Returns why it was rejected; None if it was not, or if the sender disconnected."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            self.size += len(chunk)
            if self.size > self._longest:
                return Rejection.LENGTH
            if not self._hold(len(chunk)):
                return Rejection.BUSY
            self._chunks.append(chunk)
            if not message.get("more_body", False):
                self.is_complete = True
                return None

    async def decompress(self, encoding: str) -> bytes:
        """The content without its Content-Encoding. Raises WireError, and TooLargeError beyond a limit."""
        if self.size <= DECOMPRESS_ON_LOOP_BYTES:
            return decompress(self.content, encoding, self._longest)
        return await asyncio.to_thread(decompress, self.content, encoding, self._longest)

    def replace(self, content: bytes) -> bool:
        """Replace the content by the decompressed one; False if there is no room for it."""
        self._chunks = [content]
        return self._hold(len(content))

    @property
    def content(self) -> bytes:
        """The whole body."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def release(self) -> None:
        """The body is no longer needed."""
        self._admission.free(self._held)
        self._held = 0

    def _hold(self, size: int) -> bool:
        if not self._admission.hold(size):
            return False
        self._held += size
        return True
