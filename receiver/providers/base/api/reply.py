"""Reading replies: the formats that providers share. What cannot be read raises ProviderReplyError."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from receiver.errors import WireError
from receiver.providers.base import coerce
from receiver.providers.base.api.definition import ApiReply
from receiver.providers.base.api.errors import HTTP_ERRORS, ErrorTable, ProviderReplyError, error_of
from receiver.providers.base.event import Reads, WireModel
from receiver.providers.base.names import normalize_name
from receiver.wire import BodyLimits, Format, detect_format, jsonbody, xmlrpc
from receiver.wire.charset import decode

LIMITS = BodyLimits(elements=2_000_000)
"""10,000 rows of 25 fields, and room to spare; a client waits for nothing else meanwhile."""
OK_STATUSES = range(200, 300)


def read_values(reply: ApiReply) -> dict[str, Any]:
    """The values of a reply in JSON or XML-RPC, whichever it is."""
    try:
        text = decode(reply.body).text.strip("\x00 \t\r\n")
        if detect_format(reply.body) is Format.XMLRPC:
            value = xmlrpc.read_response(text, LIMITS).value
        else:
            value = jsonbody.read(text, LIMITS)[0]
    except WireError as error:
        raise unreadable(reply, str(error)) from error
    if not isinstance(value, dict):
        raise unreadable(reply, "it holds no named values")
    return value


def check(reply: ApiReply, values: Mapping[str, Any], code: str, text: str, errors: ErrorTable, ok: int = 0) -> None:
    """Raise the error that `values` report in the fields `code` and `text`; names count in any case."""
    found = {normalize_name(name): value for name, value in values.items()}
    sent = found.get(normalize_name(code))
    if sent in coerce.BLANK:
        raise unreadable(reply, f"it has no {code}")
    number = code_of(sent)
    if number != ok:
        raise error_of(errors, number, text_of(found.get(normalize_name(text))), values)
    if reply.status not in OK_STATUSES:
        raise error_of(HTTP_ERRORS, reply.status, f"HTTP status {reply.status} with {code} {ok}", values)


def code_of(sent: object) -> int | str:
    """An error code as a number, also where it came as a string (I-06); as text where it is no number."""
    try:
        number = coerce.integer(sent)
    except (ValueError, OverflowError):
        return text_of(sent)
    return text_of(sent) if number is None else number


def text_of(sent: object) -> str:
    """An error's text; empty where there is none."""
    try:
        return coerce.text(sent)
    except ValueError:
        return ""


def unreadable(reply: ApiReply, why: str) -> Exception:
    """The error for a reply that says nothing: by its HTTP status if that tells of a failure, else with its bytes."""
    if reply.status not in OK_STATUSES:
        return error_of(HTTP_ERRORS, reply.status, f"HTTP status {reply.status}")
    return ProviderReplyError(f"the reply cannot be read: {why}", reply.status, reply.body)


Model = TypeVar("Model", bound=WireModel)


def list_of(model: type[Model]) -> Callable[[object], list[Model]]:
    """Reads a list of objects as models; a single object counts as a list of one."""
    return lambda value: [model.from_wire(item) for item in coerce.objects(value)]


def one_of(model: type[Model]) -> Callable[[object], Model]:
    """Reads an object as a model."""
    return lambda value: model.from_wire(_object(value))


def _object(value: object) -> dict[str, Any]:
    found = coerce.structure(value)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what converters raise
    return found


def texts(value: object) -> list[str]:
    """A list of texts; a single text counts as a list of one."""
    return [coerce.text(item) for item in (value if isinstance(value, list) else [value])]


__all__ = ["LIMITS", "Reads", "check", "code_of", "list_of", "one_of", "read_values", "text_of", "texts", "unreadable"]
