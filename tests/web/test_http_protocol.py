"""How replies are sent: the head together with the body."""

from receiver.web.reply_batching import ReplyBatchingTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire:
    """A transport that records its calls."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        """Record a write."""
        self.done.append(data)

    def close(self) -> None:
        """Record the end."""
        self.done.append("closed")

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return "closed" in self.done

    get_extra_info = pause_reading = resume_reading = None


def test_the_head_of_a_reply_is_sent_with_its_body() -> None:
    """In one packet instead of two."""
    wire = Wire()
    replies = ReplyBatchingTransport(wire)
    replies.write(HEAD)
    replies.write(b"OK")
    replies.write(b"more")
    assert wire.done == [HEAD + b"OK", b"more"]


def test_a_head_without_a_body_is_sent_at_the_end() -> None:
    """By `flush` or by `close`."""
    wire = Wire()
    replies = ReplyBatchingTransport(wire)
    replies.write(HEAD)
    assert wire.done == []
    replies.flush()
    replies.flush()
    replies.write(HEAD)
    replies.close()
    assert (wire.done, replies.is_closing()) == ([HEAD, HEAD, "closed"], True)


def test_a_100_continue_does_not_wait() -> None:
    """The sender waits for it before it sends the body."""
    wire = Wire()
    ReplyBatchingTransport(wire).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.done == [b"HTTP/1.1 100 Continue\r\n\r\n"]
