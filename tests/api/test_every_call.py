"""All calls of the documents: each has a client method, a command, a documented example and tests of its errors."""

import inspect
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.providers.base.api.definition import ApiRequest
from receiver.providers.base.api.discovery import client_of, make_options
from receiver.providers.base.api.errors import ErrorTable, ProviderError
from receiver.providers.base.api.parameters import checked
from receiver.providers.spokn.api.calls import ERRORS as SPOKN_ERRORS
from receiver.providers.viviphone.api.calls import ERRORS as VIVIPHONE_ERRORS
from receiver.providers.voicenter.api import call_log, click_to_call, dialer, monitor, values
from tests.api import examples_others, examples_voicenter
from tests.api.support import APIS, OPTIONS, SECRETS, Example, at, call_of, read, values_of
from tests.api.table import TABLE, Row

EXAMPLES = (*examples_voicenter.EXAMPLES, *examples_others.EXAMPLES)
ROWS = [pytest.param(row, id=f"{row.provider}-{row.title}") for row in TABLE]
SHOWN = [pytest.param(example, id=example.name) for example in EXAMPLES]


def test_there_are_49_calls_and_each_is_defined_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The table is the documents'; the definitions have exactly these calls, under these names."""
    defined = [Row(name, call.documented, call.title, call.command) for name, api in APIS.items() for call in api.calls]
    assert Counter(defined) == Counter(TABLE)
    counts = Counter(row.provider for row in TABLE)
    assert counts == {"voicenter": 24, "viviphone": 22, "spokn": 2, "anveo": 1}
    with capsys.disabled():
        print(f"\n{len(TABLE)} calls, {len(EXAMPLES)} documented examples, {len(ERRORS)} documented errors")
    assert len(TABLE) == 49


@pytest.mark.parametrize("row", ROWS)
def test_each_call_is_a_method_of_both_clients(row: Row) -> None:
    """With the same parameters, which are those of its definition, and a sentence about each of them."""
    client = client_of(row.provider)
    # checked when it runs
    twin = inspect.importlib.import_module(f"receiver.providers.{row.provider}").SyncClient  # type: ignore[attr-defined]
    call = call_of(row.provider, row.title)
    options = make_options(APIS[row.provider], OPTIONS[row.provider])
    methods = [at(made.from_options(options), row.title) for made in (client, twin)]
    assert [inspect.iscoroutinefunction(method) for method in methods] == [True, False]
    assert inspect.signature(methods[0]) == inspect.signature(methods[1])
    fields = call.parameters.model_fields
    assert set(inspect.signature(methods[0]).parameters) == set(fields)
    for name, info in fields.items():
        assert info.description, name
        assert f"{name}: " in (methods[0].__doc__ or "")


def _request(example: Example) -> ApiRequest:
    call = call_of(example.provider, example.title)
    options = make_options(APIS[example.provider], {**OPTIONS[example.provider], **example.options})
    parameters = checked(call.parameters, example.given, example.title)
    return APIS[example.provider].request(call, parameters, options, encoding=example.encoding)


def test_each_call_has_a_documented_example() -> None:
    """No call is without one."""
    assert {(example.provider, example.title) for example in EXAMPLES} == {(row.provider, row.title) for row in TABLE}


@pytest.mark.parametrize("example", SHOWN)
def test_the_client_sends_what_the_document_shows(example: Example) -> None:
    """Method, address and every value; spacing, and the order of values, are free."""
    request = _request(example)
    method, url, content = example.sent
    assert (request.method, request.url.partition("?")[0]) == (method, url)
    shown = ApiRequest("POST", url, {}, content.encode()) if content else ApiRequest("GET", url)
    assert values_of(request) == values_of(shown)
    assert parse_qsl(urlsplit(request.url).query) == [] or method == "GET"


@pytest.mark.parametrize("example", SHOWN)
def test_the_client_reads_what_the_document_shows(example: Example) -> None:
    """The document's reply, as printed."""
    result = read(example.provider, example.title, example.reply)
    assert {path: at(result, path) for path in example.read} == dict(example.read)
    assert result.unread == ()


@pytest.mark.parametrize("row", ROWS)
def test_each_call_is_a_command_that_shows_its_request_without_secrets(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`receiver api PROVIDER CALL --dry-run --json` with the parameters of the call's example."""
    monkeypatch.chdir(tmp_path)
    _write_settings(tmp_path)
    example = next(one for one in EXAMPLES if (one.provider, one.title) == (row.provider, row.title))
    arguments = ["api", row.provider, row.command, *_typed(example), "--dry-run", "--json"]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["method"] == next(one.sent[0] for one in EXAMPLES if one.title == row.title and not one.encoding)
    assert not [secret for secret in SECRETS if secret in done.output]


def _write_settings(folder: Path) -> None:
    tables = []
    for name, options in OPTIONS.items():
        place = APIS[name].place()
        tables.append(f"[{place}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))
    (folder / "receiver.toml").write_text("\n".join(tables), encoding="utf-8")


def _typed(example: Example) -> list[str]:
    """The parameters of an example as they are typed."""
    typed: list[str] = []
    for name, value in example.given.items():
        option = f"--{name.replace('_', '-')}"
        match value:
            case bool():
                typed.append(option if value else f"--no-{option[2:]}")
            case list() if value and isinstance(value[0], dict):
                typed += [option, json.dumps(value)]
            case list():
                typed += [part for item in value for part in (option, str(item))]
            case dict():
                typed += [part for key, item in value.items() for part in (option, f"{key}={item}")]
            case _:
                typed += [option, _text(value)]
    return typed


def _text(value: Any) -> str:
    if hasattr(value, "total_seconds"):
        seconds = int(value.total_seconds())
        return str(seconds // 60)
    if hasattr(value, "hour") and not hasattr(value, "year"):
        return f"{value:%H:%M}"
    return str(int(value)) if isinstance(value, int) else str(getattr(value, "isoformat", lambda: value)())


# --- errors ----------------------------------------------------------------------------------------------------------

CODES: dict[tuple[str, str], tuple[ErrorTable, str]] = {
    ("voicenter", "click_to_call"): (click_to_call.ERRORS, '{{"ERRORCODE": {0}, "ERRORMESSAGE": "{1}", "CALLID": ""}}'),
    ("voicenter", "calls"): (call_log.ERRORS, '{{"ERROR_NUMBER": {0}, "ERROR_DESCRIPTION": "{1}", "CDR_LIST": []}}'),
    ("voicenter", "dialer"): (dialer.ERRORS, '{{"ErrorCode": {0}, "Description": "{1}"}}'),
    ("voicenter", "active_calls"): (values.MONITOR_ERRORS, '{{"ERR": {0}, "DESC": "{1}"}}'),
    ("voicenter", "extensions"): (values.MONITOR_ERRORS, '{{"ERR": {0}, "DESC": "{1}"}}'),
    ("voicenter", "users"): (
        monitor.LOGIN_ERRORS,
        '{{"Status": {0}, "StatusError": "0", "StatusErrorMessage": "{1}"}}',
    ),
    ("spokn", "click_to_call"): (
        SPOKN_ERRORS,
        '<spokn xmlns="http://api.spokn.com/api/c2c.xsd"><c2c><code>{0}</code><desc>{1}</desc></c2c></spokn>',
    ),
    ("viviphone", ""): (VIVIPHONE_ERRORS, '<?xml version="1.0" ?><resp stat="fail"> <err code={0}/> </resp>'),
}
"""The documented codes of each group, and a reply with one."""


def _errors() -> list[tuple[Row, int, type[ProviderError], str, str]]:
    found = []
    for row in TABLE:
        key = (row.provider, row.title.partition(".")[0])
        table, reply = CODES.get(key) or CODES.get((row.provider, ""), ({}, ""))
        for code, (kind, text) in table.items():
            if code in (*range(2, 101), *range(102, 200)) and row.provider == "viviphone":
                continue  # one sentence for 1 to 200
            found.append((row, code, kind, text, reply.format(code, text)))
    return found


ERRORS = _errors()


@pytest.mark.parametrize(
    ("row", "code", "kind", "text", "reply"),
    [pytest.param(*error, id=f"{error[0].provider}-{error[0].title}-{error[1]}") for error in ERRORS],
)
def test_each_documented_error_raises_its_class(
    row: Row, code: int, kind: type[ProviderError], text: str, reply: str
) -> None:
    """With the provider's code, and its text or the document's."""
    with pytest.raises(ProviderError) as raised:
        read(row.provider, row.title, reply)
    assert (type(raised.value), raised.value.code, raised.value.text) == (kind, code, text)


# checked when it runs
@pytest.mark.parametrize("row", [row for row in ROWS if row.values[0].documented not in ("/api/c2c.xsd",)])  # type: ignore[union-attr]
def test_a_code_that_is_not_documented_is_a_provider_error(row: Row) -> None:
    """A provider may add codes."""
    key = (row.provider, row.title.partition(".")[0])
    _, reply = CODES.get(key) or CODES.get((row.provider, ""), ({}, "<RESPONSE><RESULT>987</RESULT></RESPONSE>"))
    with pytest.raises(ProviderError) as raised:
        read(row.provider, row.title, reply.format(987, "new"))
    assert type(raised.value) is ProviderError
    assert str(raised.value.code) == "987"
