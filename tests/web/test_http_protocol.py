"""What goes over the wire, and in how many pieces."""

from receiver.web.reply_batching import ReplyBatchingTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire:
    """A transport that remembers what it was told to do."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        """Remember a piece."""
        self.done.append(data)

    def close(self) -> None:
        """Remember the end."""
        self.done.append("closed")

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return "closed" in self.done

    get_extra_info = pause_reading = resume_reading = None


def test_the_head_of_a_reply_travels_with_its_body() -> None:
    """One packet, not two: a provider need not wait for the second."""
    wire = Wire()
    replies = ReplyBatchingTransport(wire)
    replies.write(HEAD)
    replies.write(b"OK")
    replies.write(b"more")
    assert wire.done == [HEAD + b"OK", b"more"]


def test_a_head_without_a_body_is_sent_at_the_end() -> None:
    """By whoever says that nothing follows, or closes."""
    wire = Wire()
    replies = ReplyBatchingTransport(wire)
    replies.write(HEAD)
    assert wire.done == []
    replies.flush()
    replies.flush()
    replies.write(HEAD)
    replies.close()
    assert (wire.done, replies.is_closing()) == ([HEAD, HEAD, "closed"], True)


def test_an_invitation_to_go_on_does_not_wait() -> None:
    """Its receiver waits for it before it sends what the reply is to."""
    wire = Wire()
    ReplyBatchingTransport(wire).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.done == [b"HTTP/1.1 100 Continue\r\n\r\n"]
