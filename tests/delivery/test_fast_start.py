"""The fast start (SQLite): deliveries start as soon as they are stored, with the event in memory."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from receiver import CallRecord, Handlers
from receiver.delivery.fast_start import MAX_PREFETCHED, FastStart
from receiver.providers.base.event import Event
from receiver.providers.spokn import Spokn
from receiver.providers.voicenter import Cdr, Voicenter
from storage import Appended, LeaseRequest
from tests.storage.support import new_callback
from tests.support import eventually, running, states

CDR = {"caller": "054", "target": "072", "status": "ANSWER", "ivruniqueid": "call-1", "duration": 3}
POST = {"userid": "1", "aparty": "1", "bparty": "2", "leg": "1", "status": "0", "token": "t"}


@pytest.mark.parametrize(
    ("filters", "url", "body", "provider"),
    [
        ({}, "/voicenter", CDR, Voicenter),
        ({"outcome": "answered"}, "/voicenter", CDR, Voicenter),
        ({}, "/spokn", POST, Spokn),
    ],
)
async def test_a_call_record_is_built_once_and_starts_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any], url: str, body: object, provider: Any
) -> None:
    """A CallRecord listener, with or without filters, keeps the fast start on; nothing is parsed again."""
    built: list[Event] = []
    record = provider.record

    def count(self: Any, event: Event) -> CallRecord | None:
        built.append(event)
        made: CallRecord | None = record(self, event)
        return made

    def fails(*_: object) -> None:
        raise AssertionError("nothing needs to be parsed again")

    monkeypatch.setattr(provider, "record", count)
    monkeypatch.setattr("receiver.app.reread", fails)
    handlers, seen = Handlers(), list[CallRecord]()
    for name in ("one", "two", "three"):
        handlers.on(CallRecord, name=name, **filters)(seen.append)
    async with running(tmp_path, handlers) as receiver:
        await _until_not_behind(receiver)
        built.clear()
        await receiver.client.post(url, json=body)
        number = len(receiver.callbacks())
        await eventually(lambda: states(receiver.deliveries(number)) == ["done"] * 3)
    assert len(built) == 1
    assert len({id(one) for one in seen[-3:]}) == 3
    assert seen[-1] == seen[-2] == seen[-3]


async def _until_not_behind(receiver: Any) -> None:
    """Wait for the first claim of a new receiver, which finds nothing: then deliveries start at once."""
    await asyncio.sleep(0.3)


def _fast_start(started: list[Any], waiting: int | None = 0, **changes: Any) -> FastStart:
    made = FastStart(
        "me",
        30.0,
        is_possible=changes.pop("is_possible", True),
        prefetched=lambda _: waiting,
        subject_of=lambda _: Cdr,
        start=lambda claim, subjects: started.append((claim, subjects)),
        wake=lambda: started.append("wake"),
    )
    made.is_behind = False
    return made


def test_places_are_reserved_until_they_are_full() -> None:
    """Reserved places and deliveries in memory count together; beyond the limit, older deliveries go first."""
    fast = _fast_start([], waiting=MAX_PREFETCHED - 1)
    assert fast.reserve(["crm"], 1) == LeaseRequest("me", 30.0, ("crm",))
    assert fast.reserve(["crm"], 1) is None
    assert fast.is_behind


@pytest.mark.parametrize("changes", [{"is_possible": False}, {"waiting": None}])
def test_nothing_is_reserved_where_it_cannot_start(changes: dict[str, Any]) -> None:
    """Nothing is reserved on PostgreSQL, or for a handler that is not loaded."""
    assert _fast_start([], **changes).reserve(["crm"], 1) is None


def test_what_was_not_leased_wakes_the_worker() -> None:
    """The journal leaves a delivery to the next claim if an earlier one of its call is unfinished."""
    started: list[Any] = []
    fast = _fast_start(started)
    new = new_callback(deliveries=("crm",), lease=fast.reserve(["crm"], 1))
    fast.begin(new, Appended(1), None)
    assert started == ["wake"]


def test_places_are_released_when_nothing_was_stored() -> None:
    """Every reservation is released."""
    fast = _fast_start([], waiting=MAX_PREFETCHED - 1)
    for _ in range(5):
        lease = fast.reserve(["crm"], 1)
        assert lease is not None
        fast.begin(new_callback(deliveries=("crm",), lease=lease), None, None)


def test_what_was_missed_during_a_claim_keeps_the_worker_behind() -> None:
    """A claim may miss a callback that is stored while it runs."""
    fast = _fast_start([])
    fast.is_behind = True
    mark = fast.before_claim()
    assert fast.reserve(["crm"], 1) is None
    fast.after_claim(mark, found=False, saw_all_handlers=True)
    assert fast.is_behind
    fast.begin(new_callback(deliveries=("crm",)), Appended(1), None)
    fast.after_claim(fast.before_claim(), found=False, saw_all_handlers=True)
    assert not fast.is_behind


async def test_an_event_that_cannot_be_made_fails_visibly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours does not lose the delivery: it is retried, and its attempt has the reason."""
    handlers = Handlers()
    handlers.on(Cdr, name="crm")(lambda cdr: None)
    handlers.on(Cdr, name="csv")(lambda cdr: None)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Cdr, "from_wire", fails)
    async with running(tmp_path, handlers) as receiver:
        await _until_not_behind(receiver)
        reply = await receiver.client.post("/voicenter", json=CDR)
        assert reply.json()["err"] == "0"
        await eventually(lambda: all(one.failures for one in receiver.deliveries(1)))
    assert ["a fault of ours" in one.failures[0].error for one in receiver.deliveries(1)] == [True] * 2
