"""Tests of the docs: everything public is documented, and their examples work."""

import importlib
import inspect
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import handlers
import receiver
import receiver.testing
from handlers import demo
from receiver.cli import app
from receiver.cli.load_again import RELOADED
from receiver.components import load_components
from receiver.providers.base.api import errors as api_errors
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.discovery import discover_apis
from receiver.providers.base.discovery import discover
from receiver.providers.base.event import Event, Reads
from receiver.providers.base.names import normalize_name
from receiver.providers.voicenter.options import Fallback
from receiver.setting_sources import PREFIX, TEST_PREFIX
from receiver.settings import AlarmSettings, Settings, load
from tests.support import running

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        ROOT / "CHANGELOG.md",
        ROOT / "deploy" / "README.md",
        *ROOT.glob("docs/**/*.md"),
    ]
)
TUTORIAL = "tutorial.md"
"""Its blocks run one after the other in tests/test_tutorial.py."""
PROVIDERS = discover()
SENDERS = [name for name, provider in PROVIDERS.items() if provider.endpoints]
"""The providers that send callbacks."""
EVENTS = [(name, kind.event) for name, provider in PROVIDERS.items() for kind in provider.kinds]
BUNDLED = sorted(
    {path.stem for path in (ROOT / "handlers").glob("*.py")}
    | {path.parent.name for path in (ROOT / "handlers").glob("*/__init__.py")}
)
REPLIES = [(name, reply) for name, provider in PROVIDERS.items() for kind in provider.kinds for reply in kind.replies]


def read(page: str) -> str:
    """The text of a file of the project."""
    return (ROOT / page).read_text(encoding="utf-8")


def page_of(provider: str) -> str:
    """The text of a provider's page."""
    return read(f"docs/providers/{provider}.md")


def cells(text: str) -> Iterator[list[str]]:
    """The rows of every table, split into cells."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line[1:-1].split("|")]


def code(text: str) -> set[str]:
    """All inline code of a page."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above, without code blocks."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"there is no section {heading!r}"
    level = len(found[1])
    below = text.split(f"\n{'#' * level} {heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, without their fences."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [str(block) for block in found]


def as_toml(value: object) -> str:
    """A default as it is written in receiver.toml."""
    match value:
        case SecretStr():
            return as_toml(value.get_secret_value())
        case BaseModel():
            return "{}"
        case list() | tuple():
            return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, default=str)


def default_of(info: FieldInfo) -> str:
    """The cell of a field's default in a table."""
    return "" if info.is_required() else f"`{as_toml(info.get_default(call_default_factory=True))}`"


def test_every_threat_names_a_test_that_exists() -> None:
    """Every row of the table has an existing test."""
    rows = [row for row in cells(section(read("docs/security.md"), "Threats")) if row[0] != "threat"]
    assert rows
    for _, _, test in rows:
        file, _, name = test.strip("`").partition("::")
        assert re.search(rf"^(async )?def {name}\(", read(file), re.MULTILINE), test


# --- what exists is documented ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_variable_and_default(name: str) -> None:
    """Operators find each setting on one page, and its default there is the code's."""
    rows = {row[0]: row[1:3] for row in cells(read("docs/settings.md")) if len(row) == 4}
    assert rows[f"`{name}`"] == [f"`{PREFIX}{name.upper()}`", default_of(Settings.model_fields[name])]


def test_the_settings_page_names_no_setting_that_is_gone() -> None:
    """Every variable in the tables is an existing setting."""
    named = {row[1] for row in cells(read("docs/settings.md")) if len(row) == 4 and row[1].startswith(f"`{PREFIX}")}
    assert named == {f"`{PREFIX}{name.upper()}`" for name in Settings.model_fields}


def test_every_option_of_the_alarms_is_documented_with_its_default() -> None:
    """The settings page has a table, whose defaults are those of the code."""
    rows = cells(section(read("docs/settings.md"), "Alarms"))
    written = {row[0]: row[1] for row in rows if row[0].startswith("`") and len(row) == 3}
    assert written == {f"`{name}`": default_of(info) for name, info in AlarmSettings.model_fields.items()}


@pytest.mark.parametrize("provider", SENDERS)
def test_every_provider_option_is_documented_with_its_default(provider: str) -> None:
    """A table there or on the settings page has the defaults of the code; the provider's page names each option."""
    rows = cells(section(read("docs/settings.md") + page_of(provider), f"providers.{provider}"))
    options = PROVIDERS[provider].options_type.model_fields
    written = {row[0]: row[1] for row in rows if row[0].startswith("`")}
    assert written == {f"`{name}`": default_of(info) for name, info in options.items()}
    assert options.keys() <= code(page_of(provider))


@pytest.mark.parametrize("api", discover_apis().values(), ids=lambda api: api.name)
def test_every_option_of_an_api_is_documented_with_its_default(api: Api) -> None:
    """The settings page has a table for each API; the provider's page says where its credentials go."""
    place = api.place()
    rows = cells(section(read("docs/settings.md"), place))
    written = {row[0]: row[1] for row in rows if row[0].startswith("`")}
    assert written == {f"`{name}`": default_of(info) for name, info in api.options_type.model_fields.items()}
    assert f"`{place}`" in page_of(api.name)


@pytest.mark.parametrize("api", discover_apis().values(), ids=lambda api: api.name)
def test_every_api_is_on_the_page_that_shows_how_to_call(api: Api) -> None:
    """With its credentials and the number of its calls."""
    needed = [f"`{name}`" for name, info in api.options_type.model_fields.items() if info.is_required()]
    rows = [row for row in cells(read("docs/api.md")) if f"`receiver.providers.{api.name}.Client`" in row]
    assert [(set(row[2].split(", ")), row[3]) for row in rows] == [(set(needed), str(len(api.calls)))]


def test_every_error_of_an_api_is_documented() -> None:
    """Whoever calls out catches these."""
    told = code(section(read("docs/api.md"), "Errors"))
    errors = [value for value in vars(api_errors).values() if isinstance(value, type)]
    assert {error.__name__ for error in errors if issubclass(error, api_errors.ApiError)} <= told


def test_every_key_of_a_fallback_is_documented_with_its_default() -> None:
    """The settings page has the keys of a fallback."""
    rows = cells(section(read("docs/settings.md"), "Fallbacks"))
    written = {row[0]: row[1] for row in rows if row[0].startswith("`")}
    assert written == {f"`{name}`": default_of(info) for name, info in Fallback.model_fields.items()}


def test_every_setting_that_a_reload_applies_is_named() -> None:
    """All others take a restart."""
    named = code(section(read("docs/settings.md"), "While the receiver runs"))
    assert named == RELOADED | {"receiver serve --reload"}


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_module_is_documented_with_its_settings(name: str) -> None:
    """It has a section, whose table is what the code takes, with its defaults."""
    rows = cells(section(read("docs/modules.md"), name))
    model = importlib.import_module(f"handlers.{name}").handlers.settings_model
    fields = model.model_fields if model else {}
    written = {row[0]: row[1] for row in rows if row[0].startswith("`") and len(row) == 3}
    assert written == {f"`{name}`": default_of(info) for name, info in fields.items()}


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_module_is_listed_and_installed(name: str) -> None:
    """Both lists of modules name it, and the wheel has it."""
    assert {f"`handlers.{name}`"} <= {row[0] for row in cells(read("docs/handlers.md"))}
    assert {f"[`handlers.{name}`](#{name})"} <= {row[0] for row in cells(read("docs/modules.md"))}
    wheel = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    files = [ROOT / "handlers" / f"{name}.py", *(ROOT / "handlers" / name).glob("*.py")]
    assert {str(file.relative_to(ROOT)) for file in files if file.exists()} <= wheel["force-include"].keys()


def commands() -> Iterator[tuple[str, list[Any]]]:
    """Every command with its options and arguments."""

    def all_below(command: Any, path: str) -> Iterator[tuple[str, list[Any]]]:
        inner = getattr(command, "commands", {})
        if not inner:
            yield path, command.params
        for name in inner:
            yield from all_below(command.resolve_command(None, [name])[1], f"{path} {name}")

    return all_below(typer.main.get_command(app), "receiver")


@pytest.mark.parametrize(("path", "params"), list(commands()), ids=[path for path, _ in commands()])
def test_every_command_and_option_is_documented(path: str, params: list[Any]) -> None:
    """A command has a section of its own, with exactly the options that it takes."""
    rows = cells(section(read("docs/commands.md"), path))
    written = {
        row[0].strip("`") for row in rows if row[0].startswith(("`-", "`CALL", "`ID", "`NAME", "`NUMBER", "`FILE"))
    }
    taken = {
        param.opts[0] if param.param_type_name == "option" else (param.metavar or param.name).upper()
        for param in params
        if not getattr(param, "hidden", False)
    }
    assert written == taken


def test_the_options_of_all_commands_are_documented() -> None:
    """The options before a command are documented as well."""
    params: list[Any] = typer.main.get_command(app).params
    assert {param.opts[0] for param in params} <= code(read("docs/commands.md"))


@pytest.mark.parametrize(
    ("page", "module"),
    [("docs/handlers.md", "receiver")]
    + [(f"docs/providers/{name}.md", f"receiver.providers.{name}") for name in PROVIDERS],
)
def test_every_public_name_is_documented(page: str, module: str) -> None:
    """Every public name is on the page of its module."""
    names = importlib.import_module(module).__all__
    assert [name for name in names if not re.search(rf"\b{name}\b", read(page))] == []


def test_the_functions_for_testing_are_documented() -> None:
    """The handlers page names them."""
    own = {
        name for name, value in vars(receiver.testing).items() if getattr(value, "__module__", "") == "receiver.testing"
    }
    documented = code(read("docs/handlers.md"))
    assert {name for name in own if not name.startswith("_")} <= {name.split("(")[0] for name in documented}


@pytest.mark.parametrize(("heading", "model"), [("CallRecord", receiver.CallRecord), ("Context", receiver.Context)])
def test_every_field_of_what_handlers_get_is_documented(heading: str, model: Any) -> None:
    """The tables of CallRecord and Context have each field, and no other."""
    rows = cells(section(read("docs/handlers.md"), heading))
    written = [row[0].strip("`") for row in rows if len(row) == 3 and row[0].startswith("`")]
    assert written == names_of(model)


def names_of(model: Any) -> list[str]:
    """The fields of a model; of a dataclass also its properties."""
    properties = [name for name, value in vars(model).items() if isinstance(value, property)]
    return list(getattr(model, "model_fields", None) or [*model.__dataclass_fields__, *properties])


def test_every_field_of_a_calls_history_is_documented() -> None:
    """That of the call, and that of each of its steps."""
    rows = cells(section(read("docs/handlers.md"), "The history of a call"))
    written = [row[0].strip("`") for row in rows if row[0].startswith("`")]
    assert written == [*names_of(receiver.CallHistory), *names_of(receiver.CallStep)]


def test_every_outcome_and_direction_is_documented() -> None:
    """Handlers filter by these values."""
    documented = code(section(read("docs/handlers.md"), "CallRecord"))
    assert {*receiver.Outcome, *receiver.Direction} <= documented


@pytest.mark.parametrize(("provider", "event"), EVENTS, ids=[event.kind for _, event in EVENTS])
def test_every_field_of_an_event_is_documented_with_its_name_on_the_wire(provider: str, event: type[Event]) -> None:
    """A callback's section has every field, and its wire name is read into that field."""
    part = section(page_of(provider), event.kind)
    rows = [row for row in cells(part) if len(row) == 4 and row[0].startswith("`")]
    pairs = {(row[0].split("`")[1], row[1].strip("`")) for row in rows}
    read_from_the_wire = {
        name for name, info in event.model_fields.items() if any(isinstance(mark, Reads) for mark in info.metadata)
    }
    assert {python for _, python in pairs} - {"do_not_call_me"} == read_from_the_wire
    for wire, python in pairs:
        if python != "do_not_call_me":
            assert event._names[normalize_name(wire)][0] == python
    derived = {name for name, value in vars(event).items() if isinstance(value, property)}
    others = event.model_fields.keys() - Event.model_fields.keys()
    assert derived | others <= code(part)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_kind_is_documented_with_its_url_and_event(provider: str) -> None:
    """The page begins with a table of kinds, URLs and events."""
    rows = {row[0].strip("`"): row for row in cells(page_of(provider)) if len(row) == 5}
    made = PROVIDERS[provider](PROVIDERS[provider].options_type())
    paths = {one.kind: f"{made.path}/{one.path}".rstrip("/") for one in made.endpoints}
    for kind in made.kinds:
        _, does, url, event, replies = rows[kind.name]
        assert does.startswith(f"{kind.mode}: ")
        assert event == f"`{kind.event.__name__}`"
        assert url.startswith(f"`{paths.get(kind.name, made.path)}`" if paths else "none: ")
        assert {reply.__name__ for reply in kind.replies} <= code(replies)


@pytest.mark.parametrize(("provider", "reply"), REPLIES, ids=[reply.__name__ for _, reply in REPLIES])
def test_every_field_of_a_reply_is_documented_with_its_wire_name_and_default(
    provider: str, reply: type[BaseModel]
) -> None:
    """A reply's table is right below its name."""
    text = page_of(provider)
    if not reply.model_fields:
        assert f"`{reply.__name__}()`" in text
        return
    below = re.search(rf"^`{reply.__name__}`[^\n]*\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert below, f"no table below `{reply.__name__}`"
    rows = {row[0].strip("`"): row for row in cells(below[1]) if row[0].startswith("`")}
    assert rows.keys() - reply.model_fields.keys() == set()
    for name, info in reply.model_fields.items():
        if name == "language" and name not in rows:
            continue  # documented once for all actions
        row = rows[name]
        assert (info.serialization_alias or normalize_name(name)).lower() == spelling_of(row[1], info)
        assert (row[3] == "") == info.is_required()
        if info.default not in (None, "") and not info.is_required() and info.default_factory is None:
            assert row[3].strip("`").strip('"') == str(info.default)


def spelling_of(cell: str, info: FieldInfo) -> str:
    """A wire name for comparison: exact if the code has it as an alias, else normalised."""
    wire = cell.strip("`")
    return wire.lower() if info.serialization_alias else normalize_name(wire)


def test_every_number_in_the_code_is_explained() -> None:
    """A number such as B-19 in a comment is in the table of doubtful points."""
    sources = [*ROOT.glob("receiver/**/*.py"), *ROOT.glob("storage/**/*.py")]
    cited = {number for path in sources for number in re.findall(r"\b[A-I]-\d\d\b", path.read_text(encoding="utf-8"))}
    for span in re.findall(r"\b([A-I])-(\d\d) to \1-(\d\d)\b", "".join(path.read_text("utf-8") for path in sources)):
        cited |= {f"{span[0]}-{number:02}" for number in range(int(span[1]), int(span[2]) + 1)}
    explained = {
        number
        for page in (ROOT / "docs/providers").glob("*.md")
        for row in cells(section(page.read_text(encoding="utf-8"), "Doubtful points"))
        for number in row[0].split(", ")
    }
    assert cited - explained == set()


@pytest.mark.parametrize("path", ["CDR", "question", "replay"])
def test_the_hops_of_a_path_exist(path: str) -> None:
    """At most 15, numbered as written; each names a file, and what it names beside it is in there."""
    items = re.findall(r"^\d.*$", section(read("docs/architecture.md"), f"The path of one {path}"), re.MULTILINE)
    assert [item.split(". ")[0] for item in items] == [str(number) for number in range(1, len(items) + 1)]
    assert len(items) <= 15
    for item in items:
        spans = re.findall(r"`([^`]+)`", item)
        files = [
            ROOT / span if span.startswith("storage/") else ROOT / "receiver" / span for span in spans if "/" in span
        ]
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        names = [part for span in spans if "/" not in span for part in span.split(".")]
        assert files, item
        assert [name for name in names if not re.search(rf"\b{name}\b", text)] == [], item


def test_every_dependency_has_its_reason() -> None:
    """The architecture page lists exactly the packages that are installed, for any purpose."""
    project = tomllib.loads(read("pyproject.toml"))
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["test"], *groups["bench"], *groups["lint"]]
    names = {re.split(r"[^A-Za-z0-9-]", one)[0] for one in wanted if isinstance(one, str)}
    rows = cells(section(read("docs/architecture.md"), "Dependencies"))
    assert {row[0].strip("`") for row in rows if row[0].startswith("`")} == names


def test_the_changelog_knows_this_version() -> None:
    """The changelog has a section for the release."""
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[?{re.escape(version)}\b", read("CHANGELOG.md"), re.MULTILINE)


# --- what they show works --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder whose modules can be imported, without settings in the environment."""
    for name in list(os.environ):
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    # A test that ran before may have loaded handlers, which makes their package's path a fixed list.
    monkeypatch.setattr(handlers, "__path__", [str(tmp_path / "handlers"), *handlers.__path__])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


def write_modules(page: Path, folder: Path) -> list[tuple[str, str]]:
    """The page's Python blocks with their module names; blocks that name a file are written to it."""
    pieces = []
    for number, block in enumerate(blocks(page, "python")):
        named = re.match(r"# (\S+)\.py\n", block)
        name = named[1].replace("/", ".") if named else f"block_{number}"
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, encoding="utf-8")
        pieces.append((name, block))
    return pieces


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python") and page.name != TUTORIAL], ids=lambda page: page.name
)
def test_the_python_in_the_docs_runs(page: Path, folder: Path) -> None:
    """Each block can be imported as the file that it names, and its tests pass."""
    for name, block in write_modules(page, folder):
        namespace = vars(importlib.import_module(name))
        assert namespace["__file__"].startswith(str(folder))
        shown = re.findall(r"^def (test_\w+)", block, re.MULTILINE)
        assert bool(shown) == name.startswith("test_")
        for test in shown:
            if not inspect.signature(namespace[test]).parameters:  # what takes a fixture is run by pytest itself
                namespace[test]()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "toml") and page.name != TUTORIAL], ids=lambda page: page.name
)
def test_the_toml_in_the_docs_is_accepted(page: Path, folder: Path) -> None:
    """A receiver.toml block starts a receiver; any other block parses."""
    write_modules(page, folder)
    for block in blocks(page, "toml"):
        assert tomllib.loads(block)
        if block.startswith("# receiver.toml\n"):
            (folder / "receiver.toml").write_text(block, encoding="utf-8")
            assert load_components(load()).registry


def test_the_variables_in_the_docs_are_accepted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shell block of the settings page is an environment that the receiver starts in."""
    shown = [block for block in blocks(ROOT / "docs/settings.md", "sh") if "export" in block]
    assert shown
    for block in shown:
        with monkeypatch.context() as patch:
            for name, value in re.findall(r"^export (\w+)=(.*)$", block, re.MULTILINE):
                patch.setenv(name, value.strip("'"))
            assert load_components(load()).providers["voicenter"].options.language == "en"


@pytest.mark.parametrize("provider", SENDERS)
async def test_the_requests_in_the_docs_get_the_replies_shown(provider: str, tmp_path: Path) -> None:
    """Every example of a provider's page is a request with the reply of the demo handlers."""
    shown = blocks(ROOT / f"docs/providers/{provider}.md", "http")
    assert len(shown) == 2 * len(PROVIDERS[provider].kinds)
    async with running(tmp_path, demo.handlers) as started:
        for request, expected in zip(shown[::2], shown[1::2], strict=True):
            head, _, body = request.partition("\n\n")
            start, *headers = head.splitlines()
            method, target = start.split(" ")
            fields = dict(header.split(": ", 1) for header in headers)
            reply = await started.client.request(method, target, headers=fields, content=body.strip())
            written = (
                f"HTTP/1.1 {reply.status_code} OK\nContent-Type: {reply.headers['content-type']}\n\n{reply.text}\n"
            )
            assert written == expected


async def test_the_requests_in_the_readme_get_the_replies_shown(tmp_path: Path) -> None:
    """The first commands that a user tries work exactly as shown."""
    page = ROOT / "README.md"
    asked = [re.findall(r"-H '([^']*)'.*?-d '([^']*)'", block, re.DOTALL) for block in blocks(page, "sh")]
    expected = [*blocks(page, "xml"), *blocks(page, "json")]
    async with running(tmp_path, demo.handlers) as started:
        for [(header, body)], shown in zip(filter(None, asked), expected, strict=True):
            name, value = header.split(": ")
            reply = await started.client.post("/voicenter", headers={name: value}, content=body)
            assert reply.text == shown.rstrip("\n")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_the_pages_work(page: Path) -> None:
    """File and heading of every link exist."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_demo_is_the_default_that_the_docs_say(folder: Path) -> None:
    """Without settings the receiver starts with the demo handlers."""
    assert {handler.module for handler in load_components(load()).registry} == {"demo"}
