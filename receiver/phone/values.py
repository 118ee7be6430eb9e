"""Requests and replies as their values, whatever the format."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from receiver.errors import WireError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest
from receiver.wire import read
from receiver.wire.charset import decode
from receiver.wire.form import read_urlencoded
from receiver.wire.reply_values import reply_values


def values_of_request(request: OutgoingRequest) -> Any:
    """What a request holds; its text where it cannot be read."""
    try:
        if not request.body:
            return read_urlencoded(urlsplit(request.target).query.encode())[0]
        return read(request.body, dict(request.headers).get("Content-Type", "")).values
    except WireError:
        return as_text(request.body)


def values_of_reply(reply: HttpReply) -> Any:
    """What a reply holds; its text where it cannot be read."""
    return reply_values(reply.body)


def as_text(body: bytes) -> str:
    """Bytes as a person can read them."""
    return decode(body).text


def pairs(values: Any) -> Iterator[tuple[str, str]]:
    """Names with their values as text, those of inner structures among them; a value that is no structure has no name.

    The name of an inner structure is left out: an author knows whether it is METHOD, DATA or their fields.
    """
    if not isinstance(values, Mapping):
        yield "", shown(values)
        return
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from pairs(value)
        else:
            yield str(name), shown(value)


def shown(value: Any) -> str:
    """A value as text without control characters; an empty one as a pair of quotes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return printable(text) or '""'


def printable(text: str) -> str:
    """Text from outside without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
