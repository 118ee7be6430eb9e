"""The commands of the providers' APIs: options from the definitions, requests and results for people and programs."""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from rich.markup import escape
from rich.table import Table

from receiver.cli.main import report_errors
from receiver.cli.options import moment
from receiver.cli.output import as_text, console, print_error, print_json, print_note, printable, printable_lines
from receiver.components import api_options, make_providers, open_database
from receiver.database import file_of
from receiver.errors import ReceiverError, SettingsError
from receiver.operations.placed_calls import as_row, now
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiRequest
from receiver.providers.base.api.discovery import discover_apis, make_options
from receiver.providers.base.api.errors import ApiError, ParameterError
from receiver.providers.base.api.options import ApiOptions, Placeholder
from receiver.providers.base.api.parameters import checked
from receiver.providers.base.api.placed import CallPlaced
from receiver.providers.base.api.sending_sync import SyncSender
from receiver.providers.base.event import WireModel
from receiver.settings import Settings, load
from storage import StoreError, placed_calls


def find_api(provider: str) -> Api:
    """The API of a provider. Raises SettingsError."""
    apis = discover_apis()
    if provider not in apis:
        raise SettingsError(f"{provider!r} has no API; there are {', '.join(apis)}")
    return apis[provider]


def rows_of(apis: Sequence[Api]) -> Iterator[dict[str, str]]:
    """Every call in words."""
    for api in apis:
        for call in api.calls:
            yield {
                "provider": api.name,
                "call": call.command,
                "python": f"client.{call.title}",
                "documented": call.documented,
                "summary": call.summary,
            }


def table_of(apis: Sequence[Api]) -> Table:
    """Every call as a table."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("provider", "call", "python", "what"):
        table.add_column(heading, overflow="fold")
    for row in rows_of(apis):
        table.add_row(row["provider"], row["call"], row["python"], row["summary"])
    return table


def run(api: Api, arguments: list[str]) -> None:
    """Run the command that the arguments name; ends the process as commands do."""
    commands = typer.Typer(
        help=f"{api.title}'s API.", no_args_is_help=True, add_completion=False, rich_markup_mode="markdown"
    )
    commands.callback()(lambda: None)
    for call in api.calls:
        commands.command(call.command, help=call.summary)(_command(api, call))
    commands(args=arguments, prog_name=f"receiver api {api.name}")


def _command(api: Api, call: ApiCall[WireModel]) -> Callable[..., None]:
    """A function whose signature has the call's parameters as options."""
    hints = typing.get_type_hints(call.parameters)

    def command(**given: Any) -> None:
        how = {name: given.pop(name) for name in ("as_json", "dry_run", "base_url")}
        with report_errors():
            parameters = {name: _value(name, hints[name], value) for name, value in given.items()}
            _call(api, call, parameters, **how)

    parameters = [
        *(_parameter(name, info, hints[name]) for name, info in call.parameters.model_fields.items()),
        _option("as_json", bool, False, "--json", "One JSON object, for programs."),
        _option("dry_run", bool, False, "--dry-run", "Show the request, its secrets masked, and send nothing."),
        _option("base_url", str | None, None, "--base-url", "Call this address instead, such as a sandbox's."),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(name: str, info: FieldInfo, hint: Any) -> inspect.Parameter:
    kinds = _kinds(hint)
    dashed = name.replace("_", "-")
    default = inspect.Parameter.empty if info.is_required() else None
    if kinds == [bool]:
        return _option(name, bool | None, default, f"--{dashed}/--no-{dashed}", info.description or "")
    is_repeated = typing.get_origin(kinds[0]) in (list, dict) and not _is_objects(kinds[0])
    type_: Any = list[str] if is_repeated else str
    return _option(
        name,
        type_ | None if default is None else type_,
        default,
        f"--{dashed}",
        info.description or "",
        _metavar(kinds),
    )


def _option(
    name: str, type_: Any, default: Any, flag: str, help_: str, metavar: str | None = None
) -> inspect.Parameter:
    option = typer.Option(flag, help=help_.strip(), show_default=False, metavar=metavar)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[type_, option])


def _kinds(hint: Any) -> list[Any]:
    """The types that a value may have, without None."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for kind in typing.get_args(hint) if kind is not type(None)]
    return [hint]


def _is_objects(kind: Any) -> bool:
    inner = typing.get_args(kind)
    return bool(inner) and isinstance(inner[0], type) and issubclass(inner[0], BaseModel)


def _metavar(kinds: list[Any]) -> str | None:
    kind = kinds[0]
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is dict:
        return "NAME=VALUE"
    if _is_objects(kind):
        return "JSON"
    kind = inner[0] if inner else kind
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(each.value) for each in kind)
    return "TIME" if kind is datetime else None


def _value(name: str, hint: Any, given: Any) -> Any:
    """What was typed as the parameter takes it. Raises ParameterError."""
    if given is None or given == []:
        return None
    kinds = _kinds(hint)
    option = f"--{name.replace('_', '-')}"
    if typing.get_origin(kinds[0]) is dict:
        pairs = [str(pair).partition("=") for pair in given]
        if any(not separator for _, separator, _ in pairs):
            raise ParameterError(f"{option}: write NAME=VALUE")
        return {key: value for key, _, value in pairs}
    if _is_objects(kinds[0]):
        return _objects(option, given)
    return moment(given) if datetime in kinds else given


def _objects(option: str, given: str) -> Any:
    """A JSON list, or the file that has it, written as @FILE."""
    try:
        return orjson.loads(Path(given[1:]).read_bytes() if given.startswith("@") else given)
    except (OSError, orjson.JSONDecodeError) as error:
        raise ParameterError(f"{option}: write a JSON list, or @FILE with one in it: {error}") from error


def _call(
    api: Api, call: ApiCall[WireModel], given: dict[str, Any], *, as_json: bool, dry_run: bool, base_url: str | None
) -> None:
    parameters = checked(call.parameters, given, call.title)
    settings = load()
    options = _options(api, settings, base_url, is_sending=not dry_run)
    if dry_run:
        _print_request(api.request(call, parameters, options, reveal=False), as_json=as_json)
        return
    placed: list[CallPlaced] = []
    sender = SyncSender(api, options, on_placed=placed.append)
    try:
        result = sender.send(call, given)
    except ApiError as error:
        print_error(printable(f"{api.name} {call.command}: {error}"))
        raise typer.Exit(1) from error
    finally:
        sender.close()
    if placed:
        _note(placed, settings)
    values = result.model_dump(mode="json", exclude={"raw"})
    if as_json:
        print_json(values)
    else:
        console.print(escape("\n".join(_lines(values))) or "done", highlight=False, soft_wrap=True)


def _note(placed: Sequence[CallPlaced], settings: Settings) -> None:
    """Note placed calls in the journal, where there is one, for `receiver gaps`."""
    try:
        file = file_of(settings.database_url.get_secret_value())
        if file is not None and not file.exists():
            return
        with open_database(settings) as database, database.begin() as connection:
            placed_calls.add(connection, [as_row(one, now()) for one in placed])
    except (ReceiverError, StoreError) as error:
        print_note(f"the call is placed, but not noted, so `receiver gaps` will not show it: {error}")


def _options(api: Api, settings: Settings, base_url: str | None, *, is_sending: bool) -> ApiOptions:
    providers = make_providers(settings)
    found = api_options(settings, providers).get(api.name)
    if found is None:
        needed = [name for name, info in api.options_type.model_fields.items() if info.is_required()]
        place = f"[{api.place()}] with {' and '.join(needed)} to receiver.toml"
        if is_sending:
            raise SettingsError(f"write {place}")
        print_note(f"The settings do not say how to call {api.title}: before you send this, write {place}.")
        return _placeholders(api, needed, base_url)
    return found if base_url is None else make_options(api, {**dict(found), "base_url": base_url}, api.place())


def _placeholders(api: Api, needed: Sequence[str], base_url: str | None) -> ApiOptions:
    """Options whose credentials are their names, such as `<code>`; they are shown and never sent."""
    given = {name: f"https://<{name}>" if name == "base_url" else f"<{name}>" for name in needed}
    made = make_options(api, given if base_url is None else {**given, "base_url": base_url}, api.place())
    return made.model_copy(
        update={name: Placeholder(f"<{name}>") for name in needed if isinstance(getattr(made, name), SecretStr)}
    )


def _print_request(request: ApiRequest, *, as_json: bool) -> None:
    if as_json:
        body = as_text(request.body)
        print_json({"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body})
        return
    console.print(f"[bold]{request.method} {escape(request.url)}[/]", highlight=False, soft_wrap=True)
    for name, value in request.headers.items():
        console.print(escape(f"{name}: {value}"), highlight=False)
    if request.body:
        console.print("\n" + escape(printable_lines(as_text(request.body))), highlight=False, soft_wrap=True)


def _lines(values: Any, indent: str = "") -> Iterator[str]:
    """Values as lines, one a name, what is empty left out."""
    for name, value in values.items() if isinstance(values, dict) else enumerate(values, 1):
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict | list):
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {printable_lines(str(value))}"
