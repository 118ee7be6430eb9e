"""Writes the clients: `python -m tests.api.generate`.

Each provider's `client.py` comes from its definitions; the synchronous twins come from the asynchronous files.
"""

import re
import subprocess
import sys
import textwrap
import types
import typing
from collections import defaultdict
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall
from receiver.providers.base.api.discovery import discover_apis
from tests.api import generate_docs

ROOT = Path(__file__).parents[2]
PROVIDERS = ROOT / "receiver" / "providers"
BASE = PROVIDERS / "base" / "api"

_TO_SYNC = (
    (r"async def ", "def "),
    (r"async with ", "with "),
    (r"async for ", "for "),
    (r"await ", ""),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\bAsyncRetrying\b", "Retrying"),
    (r"\bAsyncClient\b", "Client"),
    (r"\bAsyncBaseTransport\b", "BaseTransport"),
    (r"\bAsyncSender\b", "SyncSender"),
    (r"\bAsyncApiClient\b", "SyncApiClient"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"import asyncio\n", ""),
    (r"Awaitable\[None\]", "None"),
    (r"from collections\.abc import Awaitable, Callable, Mapping", "from collections.abc import Callable, Mapping"),
    (r"base\.api\.sending import", "base.api.sending_sync import"),
    (r"class Client\(", "class SyncClient("),
)


def to_sync(source: str) -> str:
    """The synchronous twin of an asynchronous module."""
    for pattern, replacement in _TO_SYNC:
        source = re.sub(pattern, replacement, source)
    return source


def sync_module(name: str) -> str:
    """The text of `NAME_sync.py`."""
    head, _, body = (BASE / f"{name}.py").read_text(encoding="utf-8").partition('"""\n\n')
    summary = head.removeprefix('"""').splitlines()[0].rstrip(".").partition(":")[0]
    return f'"""{summary}, synchronously. Made from `{name}.py`: change that file."""\n\n' + to_sync(body)


class Imports:
    """The names that a module needs, by where they come from."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)

    def add(self, module: str, name: str) -> str:
        """Note a name; returns it."""
        self._names[module].add(name)
        return name

    def annotation(self, hint: Any) -> str:
        """A type as it is written, its names noted."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is type(None):
            return "None"
        if origin in (typing.Union, types.UnionType):
            parts = [self.annotation(part) for part in arguments]
            return " | ".join([part for part in parts if part != "None"] + ["None"] * ("None" in parts))
        if origin is not None:
            return f"{origin.__name__}[{', '.join(map(self.annotation, arguments))}]"
        if hint.__module__ != "builtins":
            module = "pydantic" if hint is SecretStr else hint.__module__
            self.add(module, hint.__name__)
        return str(hint.__name__)

    def text(self) -> str:
        """The import statements, sorted as ruff sorts them."""
        sections: list[list[str]] = [[], [], []]
        for module, names in sorted(self._names.items()):
            top = module.split(".")[0]
            section = 2 if top == "receiver" else 0 if top in sys.stdlib_module_names else 1
            ordered = sorted(names, key=lambda name: (not name[0].isupper(), name))
            line = f"from {module} import {', '.join(ordered)}\n"
            if len(line) > 121:
                line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")\n"
            sections[section].append(line)
        sections[1].insert(0, "import httpx\n")
        return "\n".join("".join(section) for section in sections if section)


def parameter_lines(call: ApiCall[Any], imports: Imports) -> list[str]:
    """The parameters of a method: those that are needed first, the others by keyword."""
    hints = typing.get_type_hints(call.parameters)
    needed = [name for name, info in call.parameters.model_fields.items() if info.is_required()]
    others = [name for name in call.parameters.model_fields if name not in needed]
    lines = [f"{name}: {imports.annotation(hints[name])}" for name in needed]
    if others:
        lines.append("*")
    for name in others:
        default = call.parameters.model_fields[name].default
        written = repr(default) if isinstance(default, bool | int) else "None"
        hint = imports.annotation(hints[name])
        optional = hint if written != "None" or hint.endswith("None") else f"{hint} | None"
        lines.append(f"{name}: {optional} = {written}")
    return lines


def order(call: ApiCall[Any]) -> list[str]:
    """Names of the parameters in the order of the method."""
    fields = call.parameters.model_fields
    return sorted(fields, key=lambda name: not fields[name].is_required())


def docstring(call: ApiCall[Any]) -> str:
    """What a method promises, and each of its parameters."""
    lines = [call.summary, ""]
    for name in order(call):
        info: FieldInfo = call.parameters.model_fields[name]
        text = f"{name}: {' '.join((info.description or '').split())}"
        lines += textwrap.wrap(text, 108, subsequent_indent="    ", break_on_hyphens=False)
    lines += [*([""] if len(lines) > 2 else []), f"Source: {call.source} ({call.documented})."]
    return f'"""{lines[0]}\n' + "\n".join(f"        {line}".rstrip() for line in lines[1:]) + '\n        """'


def method(call: ApiCall[Any], imports: Imports) -> str:
    """One method of a group."""
    lines = ["self", *parameter_lines(call, imports)]
    signature = "self" if len(lines) == 1 else "\n" + "".join(f"        {line},\n" for line in lines) + "    "
    result = imports.annotation(call.result)
    given = "".join(f'            "{name}": {name},\n' for name in order(call))
    return (
        f"    async def {call.name}({signature}) -> {result}:\n        {docstring(call)}\n"
        f"        given: dict[str, object] = {{"
        + (f"\n{given}        }}\n" if given else "}\n")
        + f'        call = self._sender.api.named("{call.title}", {result})\n'
        f"        return await self._sender.send(call, given)\n"
    )


def group_class(name: str, calls: list[ApiCall[Any]], imports: Imports) -> str:
    """The class of a group."""
    methods = "\n".join(method(call, imports) for call in calls)
    return (
        f'class {class_name(name)}:\n    """`client.{name}`."""\n\n'
        f"    def __init__(self, sender: AsyncSender) -> None:\n        self._sender = sender\n\n{methods}"
    )


def class_name(group: str) -> str:
    """The class of a group."""
    return "".join(word.capitalize() for word in group.split("_")) + "Group"


def client_class(api: Api, groups: list[str], imports: Imports) -> str:
    """The client itself."""
    hints = typing.get_type_hints(api.options_type)
    fields = {n: info for n, info in api.options_type.model_fields.items() if n not in api.options_type.settings_only}
    lines, given = [], []
    for name, info in fields.items():
        hint = imports.annotation(hints[name])
        written = "str | SecretStr" if hints[name] is SecretStr else hint
        written = "str" if info.is_required() and hint == "str | None" else written
        lines.append(
            (info.is_required(), f"{name}: {written}" + ("" if info.is_required() else f" = {info.default!r}"))
        )
        given.append(name)
    imports.add("pydantic", "SecretStr")
    lines.sort(key=lambda line: not line[0])
    parameters = "".join(f"        {line},\n" for _, line in lines)
    options = "".join(f'                "{name}": {name},\n' for name in given)
    described = "".join(
        "".join(f"    {line}\n" for line in textwrap.wrap(f"{name}: {info.description}", 108, subsequent_indent="    "))
        for name, info in fields.items()
    )
    attributes = "".join(f"        self.{group} = {class_name(group)}(sender)\n" for group in groups)
    return f'''class Client(AsyncApiClient):
    """{api.title}'s API.

{described}    encoding: how parameters are sent where the document allows several; None for the document's own example.
    transport: takes the place of the network, for tests.

    Raises SettingsError for options that cannot work.
    """

    api_type: ClassVar[type[Api]] = {type(api).__name__}

    def __init__(
        self,
        *,
{parameters}        encoding: Encoding | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        options = make_options(
            {type(api).__name__},
            {{
{options}            }},
        )
        super().__init__(AsyncSender({type(api).__name__}(), options, encoding=encoding, transport=transport))

    def _open(self, sender: AsyncSender) -> None:
{attributes}'''


def client_module(api: Api) -> str:
    """The text of a provider's `client.py`."""
    imports = Imports()
    base = "receiver.providers.base.api"
    imports.add("typing", "ClassVar")
    imports.add(f"{base}.contract", "Api")
    imports.add(f"{base}.definition", "Encoding")
    imports.add(f"{base}.discovery", "make_options")
    imports.add(f"{base}.sending", "AsyncApiClient")
    imports.add(f"{base}.sending", "AsyncSender")
    imports.add(type(api).__module__, type(api).__name__)
    groups: dict[str, list[ApiCall[Any]]] = defaultdict(list)
    for call in api.calls:
        groups[call.group].append(call)
    classes = [group_class(name, calls, imports) for name, calls in groups.items()]
    classes.append(client_class(api, list(groups), imports))
    docstring = (
        f'"""The client of {api.title}\'s API. Made from its definitions: `python -m tests.api.generate`."""\n\n'
    )
    return docstring + imports.text() + "\n\n" + "\n\n".join(classes)


def modules() -> dict[Path, str]:
    """Every generated file with its text."""
    made = {BASE / f"{name}_sync.py": sync_module(name) for name in ("sending", "recording")}
    for name, api in discover_apis().items():
        folder = PROVIDERS / name / "api"
        made[folder / "client.py"] = client_module(api)
        made[folder / "client_sync.py"] = to_sync(made[folder / "client.py"])
    return made


def main() -> None:
    """Write the files, in the project's style."""
    made = modules()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--fix", "--select", "I", *made], check=True)
    subprocess.run([*ruff, "format", "--quiet", *made], check=True)
    generate_docs.write()


if __name__ == "__main__":
    main()
