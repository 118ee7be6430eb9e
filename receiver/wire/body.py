"""Detect the format of a body, and read it.

The first byte decides, not the header: the Content-Type of providers is not reliable (A-02).
"""

from email.message import Message as Header

from receiver.errors import WireError
from receiver.wire import form, jsonbody, xmlrpc
from receiver.wire.charset import HEBREW_FALLBACKS, Decoded, decode
from receiver.wire.fast_xmlrpc import ShapeCache
from receiver.wire.message import DEFAULT_LIMITS, BodyLimits, Format, Message, Value, notes_of_repeated

_BOM_BYTES = b"\xef\xbb\xbf\xff\xfe\x00"


def detect_format(body: bytes, content_type: str = "") -> Format:
    """The format, by the first byte that is not a blank; the header only helps with multipart."""
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
    limits: BodyLimits = DEFAULT_LIMITS,
    shapes: ShapeCache | None = None,
) -> Message:
    """The content of `body`. Raises WireError, and nothing else, if it cannot be read.

    `content_type` is the header as sent; the charset and the boundary come from it, never the format.
    `fallbacks` are the character sets to try if the bytes do not fit the declared one. With `shapes` XML-RPC calls of a
    known shape are read faster.
    """
    format_ = detect_format(body, content_type)
    if not body.strip(_PADDING):
        raise WireError("the body is empty")
    if format_ is Format.XMLRPC:
        return _read_xmlrpc(decode(body, _charset(content_type), fallbacks), limits, shapes)
    if format_ is Format.JSON:
        decoded = decode(body, _charset(content_type), fallbacks)
        values, notes = jsonbody.read(decoded.text.strip("\x00 \t\r\n"), limits)
        return Message(format_, values, notes=_trailing_nul(decoded.text) + decoded.notes + notes)
    if format_ is Format.MULTIPART:
        fields, notes = form.read_multipart(body.lstrip(b" \t\r\n"), content_type, fallbacks, limits.form_fields)
        return Message(format_, fields, notes=notes)
    plain = body.removeprefix(b"\xef\xbb\xbf").rstrip(_PADDING)
    fields, notes = form.read_urlencoded(plain, _charset(content_type), fallbacks, limits.form_fields)
    return Message(format_, fields, notes=(("trailing_nul",) if body.endswith(b"\0") else ()) + notes)


_PADDING = b"\0 \t\r\n"


def _trailing_nul(text: str) -> tuple[str, ...]:
    return ("trailing_nul",) if text.endswith("\0") else ()


def _read_xmlrpc(decoded: Decoded, limits: BodyLimits, shapes: ShapeCache | None) -> Message:
    call = xmlrpc.read_call(decoded.text.strip("\x00 \t\r\n"), limits, shapes)
    notes = decoded.notes
    if call.repeated or call.repaired or decoded.text.endswith("\0"):
        lenient = ("lenient_xml",) if call.repaired else ()
        notes = _trailing_nul(decoded.text) + notes + lenient + notes_of_repeated(call.repeated)
    return Message(Format.XMLRPC, _first_struct(call.params), call.method, notes)


def _first_struct(params: tuple[Value, ...]) -> Value:
    """The first struct among the params, else the first array, else None (A-23)."""
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
        return None  # parameters such as `charset*=a; charset*1=b` break the standard library
    return charset if isinstance(charset, str) else None
