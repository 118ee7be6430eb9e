"""What the receiver says of a question that no handler answers."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from receiver import Handlers
from receiver.cli import app
from receiver.components import make_providers
from receiver.intake.suggestion import is_no_handler, suggested_code
from receiver.providers.base.contract import Kind, Mode, Provider
from receiver.providers.voicenter import Hangup, IvrRequest
from receiver.settings import Settings
from receiver.testing import answer
from tests.support import running

QUESTIONS = [
    (provider, kind) for provider in make_providers(Settings()).values() for kind in provider.kinds if kind.replies
]
LAYER = {"METHOD": "IVR_LAYER_INPUT", "DATA": {"LAYER_ID": 8, "DTMF": "1", "IVR_UNIQUE_ID": "x", "DID": "0722776772"}}


@pytest.mark.parametrize(("provider", "kind"), QUESTIONS, ids=[kind.name for _, kind in QUESTIONS])
def test_the_suggested_code_answers_the_question(provider: Provider[Any], kind: Kind) -> None:
    """It can be pasted into a handler module as it stands."""
    handlers = Handlers()
    code = suggested_code(provider, kind)
    exec(code, {"handlers": handlers, "__name__": "pasted"})
    assert kind.mode is Mode.ASK
    assert isinstance(answer(handlers, kind.event()), kind.replies)


async def test_the_log_has_the_code_once_for_each_kind_and_then_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that asks all day does not fill the log; no phone number stands in it."""
    async with running(tmp_path) as receiver:
        for _ in range(10):
            await receiver.client.post("/voicenter", json=LAYER)
    assert caplog.text.count("from receiver.providers.voicenter import GoToLayer, LayerInput") == 1
    assert caplog.text.count("@handlers.answer(LayerInput)\n") == 1
    assert caplog.text.count("no handler answers this IVR_LAYER_INPUT") == 2
    assert "no handler answers this IVR_LAYER_INPUT, 10 times by now" in caplog.text
    assert "072" not in caplog.text
    assert all(is_no_handler(one.reason) for one in receiver.callbacks())


async def test_the_log_names_handlers_whose_filters_did_not_match(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The usual cause is a filter, not a handler that is missing."""
    handlers = Handlers()
    handlers.answer(IvrRequest, name="sales", did="0730000000")(lambda step: Hangup())
    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "1", "MENU": "-1"}})
    assert "The filters of sales did not match." in caplog.text


async def test_the_commands_show_the_code_too(tmp_path: Path) -> None:
    """The suggestion is also found from the journal, without the log."""
    async with running(tmp_path) as receiver:
        await receiver.client.post("/voicenter", json=LAYER)
    journal = ["--database-url", receiver.url]
    shown = CliRunner().invoke(app, ["callbacks", "show", "1", *journal])
    assert "@handlers.answer(LayerInput)\ndef answer_layer_input(question: LayerInput) -> GoToLayer:\n" in shown.output
    printed = CliRunner().invoke(app, ["call", "x", *journal]).output
    assert "`receiver callbacks show 1` shows how to" in " ".join(printed.split())
