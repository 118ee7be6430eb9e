"""Send the head of a response together with its body: one packet instead of two."""

from typing import Any

_FINAL_HEAD = tuple(b"HTTP/1.1 %d" % number for number in range(2, 6))
"""How the head of a final response begins."""


class ReplyBatchingTransport:
    """A transport that holds the head of a response back until the first part of its body."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head, self._has_begun = b"", False
        for name in ("is_closing", "get_extra_info", "pause_reading", "resume_reading"):
            setattr(self, name, getattr(transport, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data; the head of a reply waits for the next write."""
        if not self._has_begun and data.startswith(_FINAL_HEAD):
            self._head, self._has_begun = data, True
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Send what waits: the reply has ended."""
        self._has_begun = False
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Send what waits, and close."""
        self.flush()
        self._transport.close()
