"""What Spokn gets as a reply; `make fuzz` holds every reply to it."""

import httpx


def wrong_reply(reply: httpx.Response) -> str:
    """What is wrong with a reply, or nothing. Raises UnicodeDecodeError."""
    text = reply.content.decode("utf-8")
    is_documented = text == "OK" or text.startswith("ERROR: ")
    is_plain = reply.headers["content-type"] == "text/plain; charset=utf-8"
    return "" if is_documented and is_plain else f"no documented shape: {reply.content[:60]!r}"
