"""`receiver api` as it is typed."""

import asyncio
import json
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from tests.api.examples_others import SPOKN_OK
from tests.api.examples_voicenter import ACCEPTED_XML, OK
from tests.api.serving import Scripted, providing
from tests.scenarios.serving import run

CODE: dict[str, Any] = {"RECEIVER_PROVIDERS__VOICENTER__API__CODE": "SECRETCODE"}
CALL = ("api", "voicenter", "click-to-call", "--phone", "0501234567", "--target", "0721234567")


async def typed(folder: Path, *arguments: str, **more: Any) -> CompletedProcess[str]:
    """A command that runs beside a provider of this test."""
    return await asyncio.to_thread(partial(run, folder, *arguments, **more))


def test_calls_are_listed(tmp_path: Path) -> None:
    """All of them, or those of one provider; for people and for programs."""
    assert len(run(tmp_path, "api", "--list").stdout.splitlines()) == 1 + 49
    listed = [json.loads(line) for line in run(tmp_path, "api", "spokn", "--list", "--json").stdout.splitlines()]
    assert [row["call"] for row in listed] == ["click-to-call", "download-schema"]
    assert listed[0]["python"] == "client.click_to_call.call"


def test_help_shows_the_calls_and_the_options_of_a_call(tmp_path: Path) -> None:
    """With the sentences of the definitions."""
    assert "click-to-call" in run(tmp_path, "api", "voicenter", "--help").stdout
    shown = run(tmp_path, "api", "voicenter", "click-to-call", "--help").stdout
    assert "--phone-max-dial-time" in shown
    assert "Rung second: a number or an extension." in shown


async def test_a_call_is_placed_and_its_result_is_printed(tmp_path: Path) -> None:
    """As lines, or as one JSON object; at another address too."""
    async with providing(Scripted(ACCEPTED_XML)) as provider:
        where = ("--base-url", provider.url)
        printed = await typed(tmp_path, *CALL, "--variables", "order=17", *where, **CODE)
        as_json = await typed(tmp_path, *CALL, *where, "--json", **CODE)
    assert "call_id: sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp" in printed.stdout
    assert json.loads(as_json.stdout)["call_id"] == "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp"
    assert provider.asked[0].body == (b"code=SECRETCODE&action=call&phone=0501234567&target=0721234567&var_order=17")


async def test_many_calls_are_read_from_a_file(tmp_path: Path) -> None:
    """As a JSON list of their parameters."""
    (tmp_path / "calls.json").write_text('[{"campaign": "c", "target": "0501234567", "variables": {"a": 1}}]')
    async with providing(Scripted(OK)) as provider:
        arguments = ("api", "voicenter", "add-calls", "--calls", "@calls.json", "--base-url", provider.url)
        await typed(tmp_path, *arguments, **CODE)
    assert json.loads(provider.asked[0].body) == [{"Campaign": "c", "Target": "0501234567", "CustomData": {"var_a": 1}}]


async def test_a_refusal_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    """With the provider's code and text."""
    refused = SPOKN_OK.replace(b"200", b"108").replace(b"Request Successful", b"Insufficient credits for call")
    async with providing(Scripted(refused)) as provider:
        arguments = ("api", "spokn", "click-to-call", "--aparty", "1234567", "--bparty", "1234568")
        settings = {
            "RECEIVER_PROVIDERS__SPOKN__API__USER": "1234567",
            "RECEIVER_PROVIDERS__SPOKN__API__PASSWORD": "SECRETPASSWORD",
            "RECEIVER_PROVIDERS__SPOKN__API__BASE_URL": provider.url,
        }
        done = await typed(tmp_path, *arguments, code=1, **settings)
    assert done.stderr.splitlines() == ["error: spokn click-to-call: error 108: Insufficient credits for call"]


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (CALL, {}, "write [providers.voicenter.api] with code to receiver.toml"),
        ((*CALL, "--max-duration", "0"), CODE, "click_to_call.call: max_duration: must be a whole number of seconds"),
        ((*CALL, "--variables", "x"), CODE, "--variables: write NAME=VALUE"),
        ((*CALL, "--base-url", "nowhere"), CODE, "providers.voicenter.api.base_url: is no address"),
        (("api", "telco", "call"), {}, "'telco' has no API; there are anveo, spokn, viviphone, voicenter"),
        (("api", "voicenter", "add-calls", "--calls", "[x"), CODE, "--calls: write a JSON list, or @FILE"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, Any], message: str
) -> None:
    """Nothing was sent."""
    done = run(tmp_path, *arguments, code=2, **environment)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (CALL, "code=<code>&action=call&phone=0501234567"),
        (("api", "voicenter", "search-calls", "--since", "2d", "--until", "0m"), '"code":"<code>"'),
        (("api", "voicenter", "active-queues", "--base-url", "http://127.0.0.1:1"), "GET http://127.0.0.1:1/comet/API"),
        (("api", "viviphone", "get-history", "--button", "1", "--days", "2"), "?key=<key>&method=gen.hist.get&id=1"),
        (("api", "viviphone", "create-button", "--number1", "2125551234", "--pin", "5432"), "&pin=**********"),
        (("api", "spokn", "click-to-call", "--aparty", "1234567", "--bparty", "1234568"), "authorization: **********"),
    ],
)
def test_a_dry_run_needs_no_credentials(
    arguments: tuple[str, ...], shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their names stand for them; other secrets stay masked, and a note says what to write to the settings."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, "--dry-run"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert shown in done.stdout
    assert "receiver.toml" in done.stderr
    assert "5432" not in done.output


def test_a_dry_run_masks_what_is_secret(tmp_path: Path) -> None:
    """Method, address, headers and body."""
    shown = run(tmp_path, *CALL, "--dry-run", **CODE).stdout
    assert shown.startswith("POST https://api.voicenter.co.il/ForwardDialer/click2call.aspx\n")
    assert "code=**********&action=call&phone=0501234567" in shown
    assert "SECRETCODE" not in shown
