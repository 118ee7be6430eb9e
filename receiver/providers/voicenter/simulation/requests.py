"""The bytes of Voicenter's requests, laid out as in its document."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from receiver.providers.base.simulation import OutgoingRequest
from receiver.wire import Format

_CONTENT_TYPES = {
    Format.XMLRPC: "text/xml",
    Format.JSON: "application/json",
    Format.FORM: "application/x-www-form-urlencoded",
}
_DECLARATIONS = {"CDR": '<?xml version="1.0"?>'}
"""The CDR's declaration has no encoding; those of the other methods have one (A-11, A-12)."""
_SMALL, _WIDE = "i4", "i8"
"""Types of a CDR's integers; `time` is the wide one (A-13)."""


def request_of(
    kind: str, values: Mapping[str, Any], format_: Format, *, asks: bool, target: str = ""
) -> OutgoingRequest:
    """A request of that kind in that format. Values are strings, integers, and in JSON also structures."""
    if format_ is Format.QUERY:
        return OutgoingRequest(kind, b"", (), "GET", f"{target}?{urlencode(values)}", asks)
    writers = {Format.XMLRPC: _xml, Format.JSON: _json, Format.FORM: _form}
    body = writers[format_](kind, values)
    return OutgoingRequest(kind, body.encode(), (("Content-Type", _CONTENT_TYPES[format_]),), "POST", target, asks)


def _form(_kind: str, values: Mapping[str, Any]) -> str:
    return urlencode(
        {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            for name, value in values.items()
        }
    )


def _json(kind: str, values: Mapping[str, Any]) -> str:
    """A CDR and a pop-up are bare objects, the others an envelope of METHOD and DATA (A-04)."""
    content = values if kind in {"CDR", "POPUP"} else {"METHOD": kind, "DATA": values}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _xml(kind: str, values: Mapping[str, Any]) -> str:
    declaration = _DECLARATIONS.get(kind, '<?xml version="1.0" encoding="utf-8"?>')
    lines = [
        declaration,
        "<methodCall>",
        f"  <methodName>{kind}</methodName>",
        *("  <params>", "    <param>", "      <value>", "        <struct>"),
        *_members(kind, values),
        *("        </struct>", "      </value>", "    </param>", "  </params>", "</methodCall>"),
    ]
    return "\n".join(lines)


def _members(kind: str, values: Mapping[str, Any]) -> Iterable[str]:
    for name, value in values.items():
        yield "          <member>"
        yield f"            <name>{escape(name)}</name>"
        yield "            <value>"
        yield f"              {_scalar(kind, name, value)}"
        yield "            </value>"
        yield "          </member>"


def _scalar(kind: str, name: str, value: Any) -> str:
    if isinstance(value, int):
        tag = (_WIDE if name == "time" else _SMALL) if kind == "CDR" else "int"
        return f"<{tag}>{value}</{tag}>"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<string>{escape(text)}</string>" if text else "<string />"
