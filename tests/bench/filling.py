"""Fill journals of any size with rows as the receiver writes them, but faster."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import Engine, Table, create_engine, event, insert

from receiver.components import make_providers
from receiver.intake.receive import Intake
from receiver.intake.responder import Responder
from receiver.metrics import Metrics
from receiver.plugins.call_history import CallHistory
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.contract import CallbackRequest
from receiver.providers.base.fingerprint import fingerprint
from receiver.settings import Settings
from storage import Appended, GroupCommit, NewCallback, State, journal
from tests.bench import payloads
from tests.bench.handlers.nothing import handlers
from tests.bench.payloads import Payload

Rows = Callable[[int, int], list[dict[str, Any]]]
"""Makes rows, from the first number and the count."""

CHUNK = 10_000
YEAR = timedelta(days=365)
RARE = 5
"""How many of the oldest callbacks are of a kind that does not occur again."""
RARE_KIND = "HANGUP_CALL"


async def received_callback(payload: Payload) -> NewCallback:
    """The callback that the receiver stores for this request, with one handler."""
    kept: list[NewCallback] = []

    async def keep(batch: Sequence[NewCallback]) -> list[Appended]:
        kept.extend(batch)
        return [Appended(1)] * len(batch)

    providers = make_providers(Settings(handlers=[]))
    registry = Registry(handlers, providers)
    voicenter = providers["voicenter"]
    headers = (("Content-Type", payload.content_type), ("User-Agent", "provider"), ("Host", "calls.example.com"))
    endpoint = voicenter.endpoint_of(payload.path)
    body = payload.body(number(0))
    request = CallbackRequest(endpoint, "POST", payload.path, b"", headers, body, peer="192.0.2.17")
    store: GroupCommit[NewCallback, Appended] = GroupCommit(keep)
    store.start()
    runner = Runner(1, "answer")
    async with httpx.AsyncClient() as http:
        answering = Responder(registry, runner, http=http, load_history=_no_history)
        await Intake(registry, store, answering, metrics=Metrics()).receive(voicenter, request)
    runner.close()
    await store.close()
    return kept[0]


async def _no_history(*_call: object, **_options: object) -> CallHistory:
    return CallHistory()


def number(value: int) -> str:
    """A callback's number in the form of its body, where it is the call id."""
    return f"{value:018}"


class Maker:
    """Makes callbacks that differ from a received one only in their number and their time."""

    def __init__(self, first: NewCallback, size: int) -> None:
        self._first = first
        self._payload = payloads.cdr_xmlrpc()
        self.handler = first.deliveries[0]
        self._step = YEAR / size
        self.oldest = datetime.now(UTC) - YEAR

    def new(self, value: int) -> NewCallback:
        """The callback with that number, as it is passed to the journal."""
        return replace(
            self._first,
            received_at=self.received_at(value),
            call_id=number(value),
            call_key=f"voicenter:{number(value)}",
            content_hash=self._hash(value),
            body=self._payload.body(number(value)),
        )

    def _hash(self, value: int) -> bytes:
        """The hash as the receiver makes it: a record is received soon after the time that it states."""
        return fingerprint("voicenter", "CDR", number(value), self.received_at(value))

    def received_at(self, value: int) -> datetime:
        """When the callback was received: evenly spread over a year that ends now."""
        return self.oldest + value * self._step

    def callback_rows(self, first: int, count: int) -> list[dict[str, Any]]:
        """Rows for the journal; values that are the same in all rows are encoded once."""
        same = journal._row(0, self._first, None)
        return [
            {
                **same,
                "id": value,
                "received_at": self.received_at(value),
                "kind": RARE_KIND if value <= RARE else same["kind"],
                "call_id": number(value),
                "content_hash": self._hash(value),
                "body": self._payload.body(number(value)),
                "reply_body": self._first.reply_body,
            }
            for value in range(first, first + count)
        ]

    def delivery_rows(self, first: int, count: int) -> list[dict[str, Any]]:
        """Finished deliveries of these callbacks."""
        same = {"handler": self.handler, "state": State.DONE, "due_at": None, "attempts": 1, "forgiven": 0}
        return [
            {
                **same,
                "callback_id": value,
                "call_key": f"voicenter:{number(value)}",
                "worker": "",
                "reason": "",
                "finished_at": self.received_at(value),
            }
            for value in range(first, first + count)
        ]


def fill(url: str, size: int, rows: Rows, into: Table) -> Iterator[int]:
    """Insert rows for the numbers 1 to `size`; yields the count after each transaction."""
    engine = _careless(url)
    try:
        for first in range(1, size + 1, CHUNK):
            count = min(CHUNK, size + 1 - first)
            with engine.begin() as connection:
                connection.execute(insert(into), rows(first, count))
            yield first + count - 1
    finally:
        engine.dispose()


def _careless(url: str) -> Engine:
    """An engine that never syncs: if the run is interrupted, the file is not needed."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
