"""Deliveries while the handlers are replaced: none is lost, none is run by a function that is gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver import Handlers
from receiver.app import build_app
from receiver.components import Components, handler_defaults, make_providers
from receiver.plugins.registry import Registry
from receiver.providers.voicenter import Cdr
from receiver.settings import Settings
from storage import Database, NewCallback, journal, queue
from tests.storage.support import new_callback
from tests.support import Running, eventually, states

SETTINGS = Settings(handlers=[], shutdown_seconds=5, handler_concurrency=1)


def registry(**functions: Callable[[Cdr], Any]) -> Registry:
    """Handlers of CDRs by their names."""
    handlers = Handlers()
    for name, function in functions.items():
        handlers.on(Cdr, name=name)(function)
    return Registry(handlers, make_providers(SETTINGS), defaults=handler_defaults(SETTINGS))


@asynccontextmanager
async def receiving(database_url: str, loaded: Registry) -> AsyncIterator[Running]:
    """A receiver whose handlers can be replaced."""
    database = Database(database_url)
    database.migrate()
    app = build_app(Components(SETTINGS, dict(loaded.providers), loaded), database)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver")
    async with client, app.site.router.lifespan_context(app.site):
        yield Running(client, database_url)


async def send(receiver: Running, *call_ids: str) -> None:
    """One CDR of each call."""
    for call_id in call_ids:
        reply = await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": call_id})
        assert reply.json()["err"] == "0"


async def test_a_new_function_runs_what_comes_after_it(database_url: str) -> None:
    """Under the same name, without a restart."""
    seen: list[str] = []
    loaded = registry(f=lambda cdr: seen.append(f"old {cdr.call_id}"))
    async with receiving(database_url, loaded) as receiver:
        await send(receiver, "a")
        await eventually(lambda: seen == ["old a"])
        loaded.replace(registry(f=lambda cdr: seen.append(f"new {cdr.call_id}")))
        await send(receiver, "b")
        await eventually(lambda: seen == ["old a", "new b"])


async def test_deliveries_of_a_handler_that_is_gone_wait_until_it_is_back(database_url: str) -> None:
    """Those that run finish, those that waited in memory are released, and the others go on."""
    release, seen = asyncio.Event(), list[str]()

    async def waits(cdr: Cdr) -> None:
        await release.wait()
        seen.append(f"old {cdr.call_id}")

    loaded = registry(f=waits, other=lambda cdr: seen.append(f"other {cdr.call_id}"))
    async with receiving(database_url, loaded) as receiver:
        await send(receiver, "a", "b", "c")
        await eventually(lambda: len(seen) == 3)
        loaded.replace(registry(other=lambda cdr: seen.append(f"other {cdr.call_id}")))
        await send(receiver, "d")
        release.set()
        await eventually(lambda: "old a" in seen)
        await eventually(lambda: [_state(receiver, number) for number in (1, 2, 3)] == ["done", "due", "due"])
        await eventually(lambda: sorted(seen) == ["old a", "other a", "other b", "other c", "other d"])
        loaded.replace(registry(f=lambda cdr: seen.append(f"new {cdr.call_id}")))
        await eventually(lambda: {"new b", "new c"} <= set(seen))
        await eventually(lambda: states(receiver.deliveries(3)) == ["done", "done"])


async def test_what_waits_in_memory_for_a_handler_that_is_gone_is_released(tmp_path: Path) -> None:
    """At once, not when its lease ends: a handler that has the name again gets it soon."""
    release, seen = asyncio.Event(), list[str]()

    async def waits(cdr: Cdr) -> None:
        await release.wait()

    loaded = registry(f=waits)
    async with receiving(f"sqlite:///{tmp_path}/journal.db", loaded) as receiver:
        await _settled()  # from now on deliveries start at once
        await send(receiver, "a", "b", "c")
        assert [_state(receiver, number) for number in (1, 2, 3)] == ["running"] * 3
        loaded.replace(registry())
        await eventually(lambda: [_state(receiver, number) for number in (2, 3)] == ["due", "due"])
        loaded.replace(registry(f=lambda cdr: seen.append(cdr.call_id)))
        release.set()
        await eventually(lambda: seen == ["b", "c"])


async def test_a_handler_that_comes_back_gets_its_deliveries_at_once(database_url: str) -> None:
    """Not only when the worker looks for deliveries of other processes."""
    loaded = registry(f=lambda cdr: 1 / 0)
    seen: list[str] = []
    async with receiving(database_url, loaded) as receiver:
        loaded.replace(registry())
        with receiver.database() as database, database.begin() as connection:
            stored = journal.append(connection, [_cdr()])
            assert stored[0].id == 1
        await _settled()
        async with asyncio.timeout(2):
            loaded.replace(registry(f=lambda cdr: seen.append(cdr.call_id)))
            await eventually(lambda: seen == ["late"])


async def _settled() -> None:
    """Wait until the worker has looked for deliveries, found none and sleeps."""
    await asyncio.sleep(0.2)


def _state(receiver: Running, callback_id: int) -> str:
    """The state of the first delivery of a callback."""
    return receiver.deliveries(callback_id)[0].state


def _cdr() -> NewCallback:
    body = b'{"caller": "1", "ivruniqueid": "late"}'
    return new_callback("late", call_id="late", path="/voicenter", body=body, deliveries=("f",))


async def test_a_delivery_that_is_claimed_while_its_handler_goes_is_released(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim asked for a handler that is gone when its answer is there; the worker goes on."""
    write = Database.write
    loaded = registry(f=lambda cdr: None)
    seen: list[str] = []

    async def goes_meanwhile(database: Database, work: Any) -> Any:
        answer = await write(database, work)
        if getattr(work, "func", None) is queue.claim and answer and loaded.named("f"):
            loaded.replace(registry(other=lambda cdr: seen.append(cdr.call_id)))
        return answer

    async with receiving(database_url, loaded) as receiver:
        with receiver.database() as database, database.begin() as connection:
            journal.append(connection, [_cdr()])
        monkeypatch.setattr(Database, "write", goes_meanwhile)
        loaded.replace(registry(f=lambda cdr: pytest.fail("it is gone")))
        await eventually(lambda: [one.result for one in receiver.deliveries(1)[0].failures] == ["released"])
        assert states(receiver.deliveries(1)) == ["due"]
        await send(receiver, "next")
        await eventually(lambda: seen == ["next"])
    [delivery] = receiver.deliveries(1)
    assert delivery.failures[0].error == "no handler is named f any more"


async def test_a_delivery_that_is_stored_while_its_handler_goes_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was leased for an immediate start; it is due again at once, not when its lease ends."""
    write = Database.write
    loaded = registry(f=lambda cdr: None, g=lambda cdr: None)

    async def goes_meanwhile(database: Database, work: Any) -> Any:
        if getattr(work, "func", None) is journal.append and loaded.named("f"):
            loaded.replace(registry())
        return await write(database, work)

    async with receiving(f"sqlite:///{tmp_path}/journal.db", loaded) as receiver:
        await send(receiver, "first")
        await eventually(lambda: states(receiver.deliveries(1)) == ["done", "done"])
        monkeypatch.setattr(Database, "write", goes_meanwhile)
        await send(receiver, "second")
        await eventually(lambda: states(receiver.deliveries(2)) == ["due", "due"])
    assert [one.failures[0].result for one in receiver.deliveries(2)] == ["released", "released"]
