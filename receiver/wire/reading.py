"""Telling the formats apart, and reading each.

The first byte decides, not the header: providers send no Content-Type that can be relied on (decision A-02).
"""

from email.message import Message as Header

from receiver.errors import WireError
from receiver.wire import form, jsonbody, xmlrpc
from receiver.wire.message import USUAL, Format, Limits, Message, Value, notes_of_repeated
from receiver.wire.text import HEBREW_FALLBACKS, Decoded, decode

_BOM_BYTES = b"\xef\xbb\xbf\xff\xfe\x00"


def tell_format(body: bytes, content_type: str = "") -> Format:
    """The format that the first byte that is no blank tells; the header only helps with multipart."""
    start = body[:200].lstrip(_BOM_BYTES + b" \t\r\n")
    if start.startswith(b"<"):
        return Format.XMLRPC
    if start.startswith((b"{", b"[")):
        return Format.JSON
    has_parts = b"form-data" in body[:2000].lower()
    if (start.startswith(b"--") and has_parts) or (
        _is_multipart(content_type) and (has_parts or start.startswith(b"--"))
    ):
        return Format.MULTIPART
    return Format.FORM


def read(
    body: bytes,
    content_type: str = "",
    fallbacks: tuple[str, ...] = HEBREW_FALLBACKS,
    limits: Limits = USUAL,
) -> Message:
    """What `body` holds. Raises WireError, and nothing else, when it cannot be read.

    `content_type` is the header as sent; it tells the charset and the boundary, never the format.
    `fallbacks` are the character sets to try when the bytes are not what was declared.
    """
    format_ = tell_format(body, content_type)
    if not body.strip():
        raise WireError("the body is empty")
    match format_:
        case Format.XMLRPC:
            return _read_xmlrpc(decode(body, _charset(content_type), fallbacks), limits)
        case Format.JSON:
            decoded = decode(body, _charset(content_type), fallbacks)
            values, notes = jsonbody.read(decoded.text.strip("\x00 \t\r\n"), limits)
            return Message(format_, values, notes=decoded.notes + notes)
        case Format.MULTIPART:
            fields, notes = form.read_multipart(body.lstrip(b" \t\r\n"), content_type, fallbacks, limits.form_fields)
        case _:
            plain = body.removeprefix(b"\xef\xbb\xbf")
            fields, notes = form.read_urlencoded(plain, _charset(content_type), fallbacks, limits.form_fields)
    return Message(format_, fields, notes=notes)


def _read_xmlrpc(decoded: Decoded, limits: Limits) -> Message:
    call = xmlrpc.read_call(decoded.text.strip("\x00 \t\r\n"), limits)
    notes = decoded.notes + notes_of_repeated(call.repeated) if call.repeated else decoded.notes
    return Message(Format.XMLRPC, _first_struct(call.params), call.method, notes)


def _first_struct(params: tuple[Value, ...]) -> Value:
    """The first struct among the params, else the first array, else None (decision A-23)."""
    for wanted in (dict, list):
        for param in params:
            if isinstance(param, wanted):
                return param
    return None


def _is_multipart(content_type: str) -> bool:
    return content_type.strip().lower().startswith("multipart/")


def _charset(content_type: str) -> str | None:
    if "charset" not in content_type.lower():
        return None
    header = Header()
    header["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    try:
        charset = header.get_content_charset()
    except (TypeError, ValueError):
        return None  # `charset*=a; charset*1=b` and its like break the standard library
    return charset if isinstance(charset, str) else None
