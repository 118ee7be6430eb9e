"""`ctx.call`: what a handler knows of the call it works on, and the state that handlers keep of it."""

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver import CallHistory, CallRecord, Context, Handlers
from receiver.app import open_responder
from receiver.components import Components, make_providers
from receiver.errors import HandlerError
from receiver.intake import ask
from receiver.intake.call_history import MAX_STEPS, CallHistories
from receiver.intake.uncommitted import UncommittedRows
from receiver.operations.redelivery import compare
from receiver.plugins.registry import Registry
from receiver.providers.voicenter import Hangup, HangupCall, IvrRequest, Menu
from receiver.settings import Settings
from storage import Appended, Database, StoreUnavailableError, journal
from tests.storage.support import new_callback
from tests.support import Running, eventually, running, states

PROVIDERS = make_providers(Settings())
VOICENTER = PROVIDERS["voicenter"]


def ivr(dtmf: str = "", menu: str = "main", call_id: str = "call-1") -> dict[str, Any]:
    """A GET_IVR_ACTION of a call."""
    return {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": menu, "DTMF": dtmf, "IVR_UNIQUE_ID": call_id, "DID": "073"}}


def counting(seen: list[CallHistory] | None = None, *, is_async: bool = False) -> Handlers:
    """A handler that counts the questions of a call in its state, and keeps every second one as it was."""
    handlers = Handlers()

    def count(step: IvrRequest, ctx: Context) -> Menu:
        if seen is not None:
            seen.append(CallHistory(ctx.call.steps, dict(ctx.call.state), ctx.call.is_complete))
        if step.dtmf != "same":
            ctx.call.state["asked"] = ctx.call.state.get("asked", 0) + 1
        return Menu(menu=f"asked {ctx.call.state.get('asked', 0)}", rec="hi", size=1)

    async def count_async(step: IvrRequest, ctx: Context) -> Menu:
        return count(step, ctx)

    handlers.answer(IvrRequest, history=True, name="count")(count_async if is_async else count)
    return handlers


async def press(receiver: Running, dtmf: str = "1", **fields: Any) -> str:
    """The menu that a question is answered with."""
    reply = await receiver.client.post("/voicenter", json=ivr(dtmf, **fields))
    assert reply.status_code == 200
    return str(reply.json()["DATA"].get("MENU", ""))


@pytest.mark.parametrize("is_async", [True, False])
async def test_two_receivers_answer_one_call(database_url: str, is_async: bool) -> None:
    """The state and the steps go from one to the other: each sees what the other one did before its reply went out."""
    async with AsyncExitStack() as stack:
        both = [await stack.enter_async_context(running(database_url, counting(is_async=is_async))) for _ in range(2)]
        answers = [await press(both[number % 2]) for number in range(10)]
    assert answers == [f"asked {number}" for number in range(1, 11)]


async def test_the_steps_are_what_was_asked_and_replied(database_url: str) -> None:
    """Each with its event and the values of its reply, oldest first; other calls are not among them."""
    seen: list[CallHistory] = []
    async with running(database_url, counting(seen)) as receiver:
        await press(receiver, "", menu="-1")
        await press(receiver, "5", call_id="other")
        await press(receiver, "7")
        await press(receiver, "8")
    steps = seen[-1].steps
    assert all(isinstance(step.event, IvrRequest) for step in steps)
    assert [step.event.dtmf for step in steps if isinstance(step.event, IvrRequest)] == ["", "7"]
    assert [step.reply["DATA"]["MENU"] for step in steps] == ["asked 1", "asked 2"]
    assert [step.outcome for step in steps] == ["answered", "answered"]
    assert steps[0].at < steps[1].at < datetime.now(UTC)
    assert seen[-1].is_complete


async def test_a_question_that_is_not_committed_yet_is_seen_by_the_next(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is sent before the commit: the caller may press the next key while the journal is busy."""
    write, release = Database.write, asyncio.Event()

    async def waits(database: Database, work: Any) -> Any:
        if getattr(work, "func", None) is journal.append:
            await release.wait()
        return await write(database, work)

    monkeypatch.setattr(Database, "write", waits)
    seen: list[CallHistory] = []
    async with running(database_url, counting(seen)) as receiver:
        for _ in range(3):
            await press(receiver, "same")
        assert receiver.callbacks() == []
        release.set()
        await eventually(lambda: len(receiver.callbacks()) == 3)
        await press(receiver, "same")
    assert [len(history.steps) for history in seen] == [0, 1, 2, 3]
    assert all(history.is_complete for history in seen)


async def test_a_changed_state_is_committed_before_its_reply(database_url: str) -> None:
    """After the reply it is in the journal; an unchanged state is not stored again."""
    async with running(database_url, counting()) as receiver:
        await press(receiver)
        [first] = receiver.callbacks()
        assert first.call_state == b'{"asked":1}'
        assert first.answered_by == "count"
        await press(receiver, "same")
    assert [one.call_state for one in receiver.callbacks()] == [b'{"asked":1}', None]


async def test_a_reply_does_not_wait_for_ever_for_its_state(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent after its deadline, with a warning; the state is stored when the journal is available."""
    write, release = Database.write, asyncio.Event()

    async def waits(database: Database, work: Any) -> Any:
        if getattr(work, "func", None) is journal.append:
            await release.wait()
        return await write(database, work)

    monkeypatch.setattr(Database, "write", waits)
    monkeypatch.setattr(ask, "COMMIT_SECONDS", 0.05)
    async with running(database_url, counting(), deadline=0.1) as receiver:
        assert await press(receiver) == "asked 1"
        assert "not committed yet" in caplog.text
        assert await press(receiver) == "asked 2"
        release.set()
    assert [one.call_state for one in receiver.callbacks()] == [b'{"asked":1}', b'{"asked":2}']


async def test_the_state_of_a_call_has_an_age_limit(database_url: str) -> None:
    """A call id that is met again after the limit begins anew."""
    old = datetime.now(UTC) - timedelta(hours=2)
    with Database(database_url) as database:
        database.migrate()
        with database.begin() as connection:
            stored = new_callback(
                call_id="call-1", received_at=old, outcome="answered", deduplicate=False, call_state=b'{"asked":7}'
            )
            journal.append(connection, [stored])
    async with running(database_url, counting(), call_history_hours=1) as receiver:
        assert await press(receiver) == "asked 1"
    async with running(database_url, counting(), call_history_hours=3) as receiver:
        assert await press(receiver, call_id="call-1") == "asked 2"


async def test_only_the_newest_steps_are_loaded(database_url: str) -> None:
    """A call that loops does not fill the memory."""
    seen: list[CallHistory] = []
    async with running(database_url, counting(seen)) as receiver:
        for _ in range(MAX_STEPS + 5):
            await press(receiver, "same")
        await eventually(lambda: len(receiver.callbacks()) == MAX_STEPS + 5)
        await press(receiver)
    assert len(seen[-1].steps) == MAX_STEPS


async def test_without_the_journal_a_handler_runs_all_the_same(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With what this receiver still knows, and `is_complete` says that it may not be all."""
    seen: list[CallHistory] = []
    read, is_away = Database.read, False

    async def away(database: Database, work: Any) -> Any:
        if is_away:
            raise StoreUnavailableError("the database is away")
        return await read(database, work)

    monkeypatch.setattr(Database, "read", away)
    async with running(database_url, counting(seen)) as receiver:
        await press(receiver)
        is_away = True
        assert await press(receiver) == "asked 1"
    assert [history.is_complete for history in seen] == [True, False]
    assert "the histories of calls cannot be read: the database is away" in caplog.text


async def test_a_journal_that_hangs_costs_a_caller_half_of_the_deadline_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler still has time to answer."""
    seen: list[CallHistory] = []
    release = threading.Event()

    def hangs(*_: Any) -> Any:
        release.wait(20)

    monkeypatch.setattr("receiver.intake.call_history.load", hangs)
    async with running(tmp_path, counting(seen), deadline=0.4) as receiver:
        assert await press(receiver) == "asked 1"
        release.set()
    assert [history.is_complete for history in seen] == [False]
    assert "was not read within 0.2 s" in caplog.text


async def test_while_the_database_is_away_this_receiver_still_knows_its_calls() -> None:
    """Rows in the spool are on disk, but in no journal: they are kept in memory beside it."""

    async def away(_work: Any) -> CallHistory:
        raise StoreUnavailableError("it is away")

    histories = CallHistories(away, Registry(counting(), PROVIDERS))
    now = datetime.now(UTC)
    row = new_callback(
        call_id="call-1", call_key="voicenter:call-1", received_at=now, call_state=b'{"asked":3}', outcome="answered"
    )
    histories.uncommitted.add(row)
    histories.uncommitted.settle(row, Appended(0))
    found = await histories.load(VOICENTER, "call-1", now)
    assert (found.state, found.is_complete) == ({"asked": 3}, False)


def test_rows_in_no_journal_are_kept_within_bounds() -> None:
    """The oldest go first, so that a long outage does not fill the memory; what is committed goes at once."""
    rows = [new_callback(str(number), call_key=f"voicenter:{number}", body=b"x" * 100) for number in range(5)]
    kept = UncommittedRows(max_kept_bytes=250)
    for row in rows:
        kept.add(row)
    kept.settle(rows[0], Appended(1))
    for row in rows[1:]:
        kept.settle(row, None)
    assert [len(kept.of_call(row.call_key)) for row in rows] == [0, 0, 0, 1, 1]
    assert len(kept) == 2


async def test_rows_are_only_kept_where_a_handler_asks_for_history(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other receivers do as much work as before."""
    monkeypatch.setattr(UncommittedRows, "add", lambda *_: pytest.fail("a row was kept"))
    monkeypatch.setattr("receiver.intake.call_history.load", lambda *_: pytest.fail("a history was loaded"))
    handlers = Handlers()
    handlers.answer(IvrRequest)(lambda step: Hangup())
    async with running(database_url, handlers) as receiver:
        await press(receiver)
    assert [one.outcome for one in receiver.callbacks()] == ["answered"]


async def test_a_handler_that_did_not_ask_is_told_how_to(tmp_path: Path) -> None:
    """The reason in the journal names the option to write."""
    handlers = Handlers()

    @handlers.answer(IvrRequest)
    def looks(step: IvrRequest, ctx: Context) -> Hangup:
        return Hangup(rec=str(ctx.call.state))

    async with running(tmp_path, handlers) as receiver:
        await press(receiver)
    [stored] = receiver.callbacks()
    assert "write history=True" in stored.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": datetime.now(UTC)}, "takes JSON values alone"),
        ({"many": "x" * 70_000}, "65536 are the most"),
        ({1: "a number as a key"}, "takes JSON values alone"),
    ],
)
async def test_a_state_that_cannot_be_stored_costs_no_caller_the_reply(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[Any, Any], said: str
) -> None:
    """The log names the handler and what is wrong."""
    handlers = Handlers()

    @handlers.answer(IvrRequest, history=True, name="keeps too much")
    def keeps(step: IvrRequest, ctx: Context) -> Menu:
        ctx.call.state.update(change)
        return Menu(menu="main", rec="hi", size=1)

    async with running(tmp_path, handlers) as receiver:
        assert await press(receiver) == "main"
    assert [(one.outcome, one.call_state) for one in receiver.callbacks()] == [("answered", None)]
    assert "the state that keeps too much left in ctx.call is not stored" in caplog.text
    assert said in caplog.text


async def test_the_state_of_an_answer_that_did_not_go_out_is_not_stored(tmp_path: Path) -> None:
    """The caller heard the error reply, so the next question begins where this one did."""
    handlers = Handlers()

    @handlers.answer(IvrRequest, history=True)
    def fails(step: IvrRequest, ctx: Context) -> Menu:
        ctx.call.state["reached"] = True
        raise ValueError("the CRM is down")

    async with running(tmp_path, handlers) as receiver:
        await press(receiver)
    assert [(one.outcome, one.call_state) for one in receiver.callbacks()] == [("failed", None)]


async def test_a_call_without_an_id_has_no_history(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its questions cannot be distinguished from others; a state that a handler sets is lost, with a log line."""
    seen: list[CallHistory] = []
    async with running(tmp_path, counting(seen)) as receiver:
        await press(receiver, call_id="")
        await press(receiver, call_id="")
    assert [(history.steps, history.state) for history in seen] == [((), {}), ((), {})]
    assert "kept by the id of the call, and this question has none" in caplog.text


async def test_a_listener_finds_the_whole_call_and_changes_nothing(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Steps and state as they were before its callback; what it writes into the state is not stored."""
    seen: list[CallHistory] = []
    handlers = counting()

    @handlers.on(HangupCall, history=True, name="sum up")
    async def sum_up(event: HangupCall, ctx: Context) -> None:
        seen.append(ctx.call)
        ctx.call.state["mine"] = True

    @handlers.on(CallRecord, history=True, name="record")
    def record(_: CallRecord, ctx: Context) -> None:
        seen.append(ctx.call)

    async with running(database_url, handlers) as receiver:
        await press(receiver)
        await press(receiver)
        hangup = {"METHOD": "HANGUP_CALL", "DATA": {"IVR_UNIQUE_ID": "call-1"}}
        await receiver.client.post("/voicenter", json=hangup)
        await eventually(lambda: states(receiver.deliveries(3)) == ["done", "done"])
        assert await press(receiver) == "asked 3"
    assert [len(history.steps) for history in seen] == [2, 2]
    assert [history.state["asked"] for history in seen] == [2, 2]
    assert "sum up changed ctx.call.state, which is not stored" in caplog.text
    assert "record changed" not in caplog.text


async def test_replay_diff_sees_only_what_came_before_the_question(database_url: str) -> None:
    """Answered again after the whole call, each question gets the reply that it got then; nothing is stored."""
    handlers = counting()
    async with running(database_url, handlers) as receiver:
        for _ in range(4):
            await press(receiver)
    stored = receiver.callbacks()
    components = Components(Settings(handlers=[]), PROVIDERS, Registry(handlers, PROVIDERS))
    with Database(database_url) as database:
        histories = CallHistories(database.read, components.registry)
        async with open_responder(components, histories) as responder:
            same = [await compare(components.providers, responder, callback) for callback in stored]
    assert same == [True] * 4
    assert receiver.callbacks() == stored


def test_a_handler_that_asks_for_history_takes_a_context() -> None:
    """Else there is nothing to find it in."""
    with pytest.raises(HandlerError, match="give it a second argument"):
        Handlers().answer(IvrRequest, history=True)(lambda step: Hangup())
