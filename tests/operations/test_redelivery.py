"""Replay: deliver stored callbacks again, post them again, or compare their answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver import CallRecord, Handlers
from receiver.components import make_providers
from receiver.intake.responder import Responder
from receiver.metrics import Metrics
from receiver.operations.redelivery import Difference, compare, planned_deliveries
from receiver.plugins.call_history import CallHistory
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest, Menu
from receiver.settings import Settings
from receiver.wire.reply_values import reply_values
from storage import Database, StoredCallback
from storage import replays as replays
from storage.enqueue import enqueue
from storage.values import NewDelivery
from tests.storage.support import claim, finish
from tests.support import eventually, running, states

CDR = {"caller": "0540000000", "ivruniqueid": "call-1", "status": "ANSWER"}
IVR = {"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "072", "MENU": "-1", "PREVIOUS_MENU": "-1"}}
PROVIDERS = make_providers(Settings())


def _handlers(**names: Any) -> Handlers:
    handlers = Handlers()
    for name, subject in names.items():
        handlers.on(subject, name=name)(lambda one: None)
    return handlers


async def _stored(where: Path | str, *bodies: Any) -> list[StoredCallback]:
    async with running(where) as receiver:
        for body in bodies:
            await receiver.client.post("/voicenter", json=body)
    return receiver.callbacks()


async def test_a_replay_uses_todays_code_and_handlers(tmp_path: Path) -> None:
    """Today's listeners get the callback, not those of the past; one handler may be selected."""
    [callback] = await _stored(tmp_path, CDR)
    registry = Registry(_handlers(crm=CallRecord, csv=Cdr), PROVIDERS)
    assert planned_deliveries(PROVIDERS, registry, callback) == [
        NewDelivery(1, "csv", "voicenter:call-1"),
        NewDelivery(1, "crm", "voicenter:call-1"),
    ]
    assert planned_deliveries(PROVIDERS, registry, callback, "crm") == [NewDelivery(1, "crm", "voicenter:call-1")]


async def test_a_replayed_delivery_has_the_call_key_of_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take it from what was parsed, so that one call has one order; not from a property of the event."""
    [callback] = await _stored(tmp_path, CDR)
    monkeypatch.setattr(Cdr, "call_id", "another")
    [planned] = planned_deliveries(PROVIDERS, Registry(_handlers(csv=Cdr), PROVIDERS), callback)
    assert planned.call_key == "voicenter:call-1"


async def test_a_repeat_is_not_replayed_beside_its_original(tmp_path: Path) -> None:
    """A record that was sent three times is delivered once."""
    stored = await _stored(tmp_path, CDR, CDR, CDR)
    registry = Registry(_handlers(crm=CallRecord), PROVIDERS)
    assert [len(planned_deliveries(PROVIDERS, registry, one)) for one in stored] == [1, 0, 0]


async def test_a_repaired_parser_reads_what_could_not_be_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unparsed callback gets deliveries as soon as today's code can parse it."""
    [callback] = await _stored(tmp_path, {"test": True, "new_name_of_caller": "054"})
    registry = Registry(_handlers(crm=CallRecord), PROVIDERS)
    assert (callback.outcome, planned_deliveries(PROVIDERS, registry, callback)) == ("unparsed", [])
    monkeypatch.setattr("receiver.providers.voicenter.provider.kind_of_fields", lambda names: "CDR")
    monkeypatch.setattr("receiver.providers.voicenter.provider.phones_and_id", lambda names: ["new_name_of_caller"])
    assert planned_deliveries(PROVIDERS, registry, callback) == [NewDelivery(1, "crm", "")]


def _planned(replay_id: int) -> list[NewDelivery]:
    return [NewDelivery(1, "crm", "voicenter:call-1", replay_id=replay_id)]


async def test_a_replay_makes_new_deliveries_and_leaves_the_old_ones(database: Database, database_url: str) -> None:
    """The new deliveries name their replay, and the old ones are unchanged."""
    async with running(database_url, _handlers(crm=Cdr)) as receiver:
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    with database.begin() as connection:
        number = replays.begin(connection, who="dana", why="the CRM lost them", what="kind=CDR")
        assert enqueue(connection, _planned(number))[0] == 1
        assert "by dana" in replays.describe(connection, number)
    old, new = receiver.deliveries(1)
    assert (old.state, old.replay_id, new.state, new.replay_id) == ("done", None, "due", number)


async def test_a_running_replay_is_not_doubled(database: Database, database_url: str) -> None:
    """A callback that waits for a handler is not queued again until its delivery has finished."""
    await _stored(database_url, CDR)
    with database.begin() as connection:
        number = replays.begin(connection, who="dana", why="", what="")
        assert enqueue(connection, _planned(number))[0] == 1
        assert enqueue(connection, _planned(number))[0] == 0
    finish(database, claim(database, {"crm": 1}))
    with database.begin() as connection:
        assert enqueue(connection, _planned(number))[0] == 1


async def test_a_rate_spreads_deliveries_over_time(database: Database, database_url: str) -> None:
    """A delivery that is due later is not claimed earlier."""
    await _stored(database_url, CDR, {**CDR, "ivruniqueid": "call-2"})
    later = [NewDelivery(1, "crm", "a", 0.0), NewDelivery(2, "crm", "b", 60.0)]
    with database.begin() as connection:
        enqueue(connection, later)
    assert [one.callback.id for one in claim(database, {"crm": 9})] == [1]


async def _no_history(*_call: object, **_options: object) -> CallHistory:
    return CallHistory()


@pytest.fixture
def answering() -> Iterator[Any]:
    """Makes a Responder with one handler."""
    runners = []

    def make(reply: Any) -> Responder:
        handlers = Handlers()
        handlers.answer(IvrRequest)(lambda step: reply)
        runners.append(Runner(1))
        return Responder(Registry(handlers, PROVIDERS), runners[0], http=httpx.AsyncClient(), load_history=_no_history)

    yield make
    for runner in runners:
        runner.close()


async def test_a_question_answered_as_before_has_no_difference(tmp_path: Path, answering: Any) -> None:
    """Values are compared, not bytes; a callback that is not a question is skipped."""
    handlers = Handlers()
    handlers.answer(IvrRequest)(lambda step: Menu(menu="main", rec="hi", size=1))
    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json=IVR)
        await receiver.client.post("/voicenter", json=CDR)
    question, cdr = receiver.callbacks()
    if question.kind == "CDR":
        question, cdr = cdr, question
    same = answering(Menu(menu="main", rec="hi", size=1))
    assert await compare(PROVIDERS, same, question) is True
    assert await compare(PROVIDERS, same, cdr) is False


async def test_a_question_answered_differently_shows_what_differs(tmp_path: Path, answering: Any) -> None:
    """The difference is a readable diff; nothing is stored."""
    handlers = Handlers()
    handlers.answer(IvrRequest)(lambda step: Menu(menu="main", rec="hi", size=1))
    async with running(tmp_path, handlers) as receiver:
        await receiver.client.post("/voicenter", json=IVR)
    [question] = receiver.callbacks()
    found = await compare(PROVIDERS, answering(Hangup(cause=16)), question)
    assert isinstance(found, Difference)
    assert '-  "ACTION": "MENU",' in found.lines
    assert '+  "ACTION": "HANGUP",' in found.lines


def test_replies_are_compared_by_value_whatever_their_format() -> None:
    """Also text that is neither XML nor JSON."""
    assert reply_values(b'{"a": 1}') == {"a": 1}
    assert reply_values(b"OK") == "OK"
    assert reply_values(b"<broken") == "<broken"


async def test_metrics_contain_no_personal_data(tmp_path: Path) -> None:
    """Labels are providers, kinds, outcomes and handlers; no number and no call id. They are off by default."""
    async with running(tmp_path, _handlers(crm=Cdr), metrics=True) as receiver:
        for _ in range(2):
            await receiver.client.post("/voicenter", json=CDR)
        await receiver.client.post("/voicenter", json=IVR)
        text = (await receiver.client.get("/metrics")).text
    assert 'receiver_callbacks_total{kind="CDR",outcome="accepted",provider="voicenter"} 1.0' in text
    assert 'receiver_callbacks_total{kind="CDR",outcome="duplicate",provider="voicenter"} 1.0' in text
    assert 'receiver_answer_seconds_count{kind="GET_IVR_ACTION",provider="voicenter"} 1.0' in text
    assert "receiver_spooled 0.0" in text
    assert CDR["caller"] not in text
    assert "call-1" not in text
    async with running(tmp_path) as receiver:
        assert (await receiver.client.get("/metrics")).status_code == 404
    assert Metrics().text()
