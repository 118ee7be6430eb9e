"""Flows that are attached: as handlers of a module, of a running receiver, and of several at once."""

import json
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver import Context, Handlers
from receiver.errors import HandlerError
from receiver.flow import BACK, Caller, Flow
from receiver.flow.flow import flow_of
from receiver.plugins.loading import load
from receiver.providers.base.contract import Reply
from receiver.providers.base.discovery import discover
from receiver.providers.voicenter import Call, Hangup, IvrRequest, Menu
from receiver.testing import answer, call
from tests.scenarios.serving import run, serving
from tests.support import Running, eventually, running

MODULE = '''
"""A bank: languages, a PIN with two tries, and a menu behind it."""

from receiver import Handlers
from receiver.flow import BACK, Flow

handlers = Handlers()
bank = Flow("bank", start="language", languages=["he", "en"], otherwise="goodbye")
bank.language("language", "choose", {"1": "he", "2": "en"}, then="main")
bank.menu("main", "welcome", {"1": "pin", "2": "desk", "3": "broken"})
bank.pin("pin", "enter_pin", 4, lambda caller: caller.digits == "1234", "account", tries=2, keys={"*": BACK})
bank.menu("account", "account", {"*": BACK})
bank.dial("desk", "0540000000", otherwise="main")
bank.function("broken", lambda caller: 1 / 0)
bank.end("goodbye", "goodbye")
bank.attach(handlers, did="0730000000")
'''


def bank() -> Handlers:
    """The handlers of a new copy of the module."""
    space: dict[str, Any] = {"__name__": "bank"}
    exec(MODULE, space)
    handlers: Handlers = space["handlers"]
    return handlers


def office(function: Any = None) -> Flow:
    """A menu, with a function behind key 1."""
    flow = Flow("office", start="main")
    flow.menu("main", "welcome", {"1": function or "main"})
    return flow


# --- a module --------------------------------------------------------------------------------------------------------


def test_a_flow_is_a_handler_of_its_authors_module() -> None:
    """It has the module's name and settings; commands find the flow."""
    handlers = Handlers()
    flow = office()
    flow.attach(handlers, did="0730000000")
    [handler] = handlers
    assert (handler.name, handler.module) == (f"{__name__}.office", __name__.rsplit(".", 1)[-1])
    assert handler.source[0] == __file__
    assert handler.history
    assert flow_of(handler) is flow
    handlers.answer(IvrRequest)(lambda step: Hangup())
    assert flow_of(list(handlers)[1]) is None


def test_only_questions_that_pass_the_filters_are_answered() -> None:
    """The others are left to the handlers after it."""
    handlers = bank()
    handlers.answer(IvrRequest)(lambda step: Hangup(rec="other"))
    assert call(handlers, did="0730000000").position == "language"
    assert call(handlers, did="0731111111").reply == Hangup(rec="other")


def test_a_handler_before_the_flow_answers_first() -> None:
    """So plain functions and a flow mix."""
    handlers = Handlers()
    handlers.answer(IvrRequest, caller_id="0549999999")(lambda step: Menu(menu="main", rec="for_you", size=1))
    office().attach(handlers)
    assert call(handlers, caller="0549999999").reply == Menu(menu="main", rec="for_you", size=1)
    assert call(handlers).reply == Menu(menu="main", rec="welcome", size=1)


def test_a_handler_can_call_the_flow() -> None:
    """It needs the history of the call; without it the error says so."""
    handlers, flow = Handlers(), office()

    @handlers.answer(IvrRequest, did="1", history=True)
    async def with_history(step: IvrRequest, ctx: Context) -> Reply:
        return await flow.answer(step, ctx, at="main")

    @handlers.answer(IvrRequest, did="2")
    async def without(step: IvrRequest, ctx: Context) -> Reply:
        return await flow.answer(step, ctx)

    assert answer(handlers, IvrRequest(did="1", menu="survey")) == Menu(menu="main", rec="welcome", size=1)
    with pytest.raises(HandlerError, match="history=True"):
        answer(handlers, IvrRequest(did="2", menu="survey"))


def test_nodes_must_be_added_before_the_flow_is_attached() -> None:
    """Whether it runs in a thread was decided then."""
    flow = office()
    flow.attach(Handlers())
    with pytest.raises(HandlerError, match="'late' was added after `attach`; add all nodes before it"):
        flow.end("late")


def test_two_numbers_can_have_one_flow() -> None:
    """Each attachment has a name of its own."""
    handlers, flow = Handlers(), office()
    flow.attach(handlers, did="1", name="one")
    flow.attach(handlers, did="2", name="two")
    assert [handler.name for handler in handlers] == ["one", "two"]


def test_a_plain_flow_runs_in_a_thread_and_an_async_one_on_the_loop() -> None:
    """A plain function may block; an async one must not."""

    def where(caller: Caller) -> Hangup:
        return Hangup(rec=threading.current_thread().name)

    async def where_async(caller: Caller) -> Hangup:
        return Hangup(rec=threading.current_thread().name)

    heard = []
    for function in (where, where_async):
        handlers = Handlers()
        office(function).attach(handlers)
        heard.append(answer(handlers, IvrRequest(menu="main", dtmf="1")).rec)
    assert "office" in heard[0]
    assert heard[1] == threading.current_thread().name


def test_the_clock_of_a_flow_is_that_of_the_question() -> None:
    """A test says when the call comes, and time passes while the caller hears something."""
    handlers = Handlers()
    flow = Flow("shop", start="hours")
    flow.hours("hours", "Su 12:00-12:01", zone="Asia/Jerusalem", open="open", closed="closed")
    flow.say("open", "open", then="hours")
    flow.end("closed", "closed")
    flow.attach(handlers)
    noon = datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert answer(handlers, IvrRequest(menu="-1"), received_at=noon) == Menu(menu="open", rec="open", size=1)
    played = call(handlers, starts_at=noon)
    for _ in range(7):
        played.wait().expect(Menu(menu="open", rec="open", size=1))
    played.wait().expect(Hangup(rec="closed"))


# --- whole calls -----------------------------------------------------------------------------------------------------


def test_a_call_keeps_its_language_and_its_tries() -> None:
    """With the simulated provider: keys, silence, and a call that is not answered."""
    played = call(bank()).press("2").expect(Menu(menu="main", rec="welcome", size=1, language="en"))
    played.press("2").callee("no_answer")
    assert (played.state, played.position) == ("menu", "main")
    played.press("1").press("0000").expect(Menu(menu="pin", rec="enter_pin", size=4, language="en"))
    played.press("*").wait()
    played.expect(Menu(menu="main", rec="welcome", size=1, language="en"))
    played.press("1").press("9999").expect(Hangup(rec="goodbye", language="en"))
    assert played.state == "ended"


async def ask(receiver: Running, menu: str, dtmf: str = "") -> dict[str, Any]:
    """The DATA of a reply, once its row is in the journal."""
    stored = len(receiver.callbacks())
    values = {"DID": "0730000000", "MENU": menu, "PREVIOUS_MENU": "-1", "DTMF": dtmf, "IVR_UNIQUE_ID": "call"}
    sent = await receiver.client.post("/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": values})
    await eventually(lambda: len(receiver.callbacks()) > stored)
    reply: dict[str, Any] = sent.json()
    return {**reply["DATA"], "LANGUAGE": reply["LANGUAGE"]}


async def test_two_receivers_answer_one_call(database_url: str) -> None:
    """The state is in the journal alone: language, the way back, and the tries of a PIN."""
    async with running(database_url, bank()) as one, running(database_url, bank()) as other:
        assert (await ask(one, "-1"))["MENU"] == "language"
        assert (await ask(other, "language", "2"))["LANGUAGE"] == "EN"
        assert (await ask(one, "main", "1"))["MENU"] == "pin"
        assert (await ask(other, "pin", "0000"))["MENU"] == "pin"
        assert (await ask(one, "pin", "*"))["MENU"] == "main"
        assert (await ask(other, "main", "1"))["LANGUAGE"] == "EN"
        assert await ask(one, "pin", "0000") == {"HANGUP_REC": "goodbye", "LANGUAGE": "EN"}
        assert [row.outcome for row in one.callbacks()] == ["answered"] * 7


async def test_a_function_that_fails_brings_the_fallback_and_the_call_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The fallback's menu is a node; the language that was chosen is still there."""
    fallback = {"kind": "GET_IVR_ACTION", "action": "MENU", "fields": {"menu": "main", "rec": "sorry", "size": 1}}
    async with running(tmp_path, bank(), providers={"voicenter": {"fallbacks": [fallback]}}) as receiver:
        await ask(receiver, "-1")
        await ask(receiver, "language", "2")
        assert (await ask(receiver, "main", "3"))["REC"] == "sorry"
        assert await ask(receiver, "main", "1") == {
            "REC": "enter_pin", "LOOP": 1, "DELAY": 0, "SIZE": 4, "MENU": "pin", "VALIDATION": 0, "LANGUAGE": "EN",
        }  # fmt: skip
    [failed] = [record for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    assert "failed to answer" in failed.message


def test_a_flow_of_a_served_module_answers_the_phone(tmp_path: Path) -> None:
    """As an author tries it: `receiver serve`, `receiver phone`, and the line of a function that fails in the log."""
    (tmp_path / "bank.py").write_text(MODULE, encoding="utf-8")
    with serving(tmp_path, "--handlers", "bank") as receiver:
        done = run(tmp_path, "phone", "--url", receiver.url, "--script", "2 1 1 2 3 4 * hangup", "--json")
        run(tmp_path, "phone", "--url", receiver.url, "--script", "2 3", "--json", code=1)
    places = [step["position"] for step in map(json.loads, done.stdout.splitlines()) if step["reply"]]
    assert places[:5] == ["language", "main", "pin", "account", "main"]
    assert f"ZeroDivisionError at {tmp_path}/bank.py:14" in "".join(receiver.output)


def test_a_loaded_module_lists_its_flow_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`receiver handlers` says where it comes from."""
    (tmp_path / "bank_module.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    [handler] = load(["bank_module"], {name: made(made.options_type()) for name, made in discover().items()})
    assert handler.source[0] == str(tmp_path / "bank_module.py")
    assert handler.describe() == "IvrRequest, did='0730000000'"


def test_back_and_calls_work_in_a_played_call() -> None:
    """A menu after a call that is not answered is asked by the provider itself."""
    handlers = Handlers()
    flow = Flow("office", start="main")
    flow.menu("main", "welcome", {"1": "desk"})
    flow.dial("desk", "0540000000", otherwise="later")
    flow.menu("later", "later", {"1": "desk", "*": BACK})
    flow.attach(handlers)
    played = call(handlers).press("1")
    assert isinstance(played.reply, Call)
    assert played.callee("busy").position == "later"
    played.press("*").expect(Menu(menu="main", rec="welcome", size=1))
