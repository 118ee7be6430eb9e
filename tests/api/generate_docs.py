"""Writes the calls into the providers' pages: `python -m tests.api.generate`."""

import re
import types
import typing
from datetime import time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall
from receiver.providers.base.api.discovery import discover_apis
from receiver.providers.base.api.parameters import sent_as
from receiver.providers.base.event import WireModel

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- calls: python -m tests.api.generate -->\n", "<!-- end of calls -->\n"


def type_name(hint: Any) -> str:
    """A type in words."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        shown = [kind for kind in kinds if not (kind is str and SecretStr in kinds)]
        return " or ".join("str (secret)" if kind is SecretStr else type_name(kind) for kind in shown)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return f"list of {type_name(inner[0])}"
    if origin is dict:
        return "mapping"
    if hint in (timedelta, time):
        return str(hint.__name__)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"`{hint.__name__}`"
    return f"`{hint.__name__}`" if hint.__module__ != "builtins" and "receiver" in hint.__module__ else hint.__name__


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def parameter_rows(model: Any) -> list[str]:
    """A row for each parameter: the needed ones first."""
    hints = typing.get_type_hints(model)
    fields = sorted(model.model_fields.items(), key=lambda field: not field[1].is_required())
    return [
        _row(
            f"`{name}`" + ("" if info.is_required() else " (optional)"),
            f"`{sent_as(info).name}`",
            type_name(hints[name]),
            " ".join((info.description or "").split()),
        )
        for name, info in fields
    ]


def call_text(call: ApiCall[Any]) -> str:
    """The section of a call."""
    again = "tried again if it fails" if call.is_repeatable else "tried once"
    how = " or ".join(str(encoding) for encoding in call.encodings)
    lines = [
        f"### {call.title}",
        "",
        f"{call.summary} Document: `{call.documented}`, chapter {call.source}. Command: `{call.command}`.",
        f"Sent as {how}; {again}.",
        "",
    ]
    if rows := parameter_rows(call.parameters):
        lines += ["| parameter | on the wire | type | what |", "| --- | --- | --- | --- |", *rows, ""]
    fields = [f"`{name}`" for name in call.result.model_fields if name not in WireModel.model_fields]
    lines += [f"Result: `{call.result.__name__}`" + (f" with {', '.join(fields)}." if fields else "."), ""]
    return "\n".join(lines)


def calls_text(api: Api) -> str:
    """All calls of a provider."""
    rows = [
        _row(
            f"`{call.documented}`", f"`client.{call.title}`", f"`receiver api {api.name} {call.command}`", call.summary
        )
        for call in api.calls
    ]
    table = ["| in the document | in Python | command | what |", "| --- | --- | --- | --- |", *rows, "", ""]
    return "\n".join(table) + "\n".join(call_text(call) for call in api.calls)


def pages() -> dict[Path, str]:
    """The text of each provider's page, with the calls of today."""
    made = {}
    for name, api in discover_apis().items():
        path = DOCS / "providers" / f"{name}.md"
        before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        calls = re.sub(r"\n{3,}", "\n\n", f"{BEGIN}\n{calls_text(api)}\n{END}")
        made[path] = f"{before}{calls}{after}"
    return made


def write() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
