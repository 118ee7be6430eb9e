"""What the journal of this machine has of a call: outcomes, deliveries, and why they failed. Nothing is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Self

from sqlalchemy import Connection

from receiver.components import is_sqlite, make_database
from receiver.providers.base.contract import Provider
from receiver.scenarios.tracebacks import author_frames
from receiver.settings import Settings
from storage import Database, Delivery, State, StoredCallback, StoreError, journal, queue
from storage.database import parse_url
from storage.values import Filter

POLL_SECONDS = 0.02
MAX_CALLBACKS = 1_000
FOREIGN_SECONDS = 1.0
SETTLE_SECONDS = 3.0
"""How long handlers are waited for after a call, before it is shown or saved."""


@dataclass(frozen=True, slots=True)
class CallTrace:
    """The stored callbacks of a call, each with its deliveries, oldest first."""

    callbacks: tuple[tuple[StoredCallback, tuple[Delivery, ...]], ...] = ()

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries."""
        return [delivery for _, deliveries in self.callbacks for delivery in deliveries]

    def stored(self, kind: str, number: int) -> StoredCallback | None:
        """The callback of a kind by its number, from 0; None if it is not stored yet."""
        found = [callback for callback, _ in self.callbacks if callback.kind == kind]
        return found[number] if number < len(found) else None

    @property
    def is_settled(self) -> bool:
        """Whether each delivery has ended, or has failed and waits for its next attempt, or waits behind such a one."""
        return all(delivery.finished_at or delivery.failures or _is_blocked(delivery) for delivery in self.deliveries)


class JournalReader:
    """Reads the journal that the settings name. `problem` says why nothing can be read; it is empty if it can."""

    def __init__(self, database: Database | None, provider: Provider[Any], problem: str = "") -> None:
        self._database = database
        self._provider = provider
        self.problem = problem

    @classmethod
    def open(cls, settings: Settings, provider: Provider[Any]) -> Self:
        """A reader that makes no file and changes no table. Raises SettingsError for a URL that is none."""
        if is_sqlite(settings):
            file = Path(parse_url(settings.database_url.get_secret_value()).database or "")
            if not file.exists():
                return cls(None, provider, f"there is no journal {file} here, so nothing is shown of it")
        return cls(make_database(settings), provider)

    async def read(self, call_ids: Sequence[str]) -> CallTrace:
        """What there is of these calls; empty if the journal cannot be read."""
        if self._database is None:
            return CallTrace()
        wanted = [Filter(provider=self._provider.name, call_id=call_id) for call_id in call_ids]
        try:
            return await self._database.read(partial(_trace, wanted=wanted))
        except StoreError as error:
            self.close()
            self.problem = f"the journal cannot be read: {error}"
            return CallTrace()

    async def settled(self, call_ids: Sequence[str], count: int, wait: float = SETTLE_SECONDS) -> CallTrace:
        """The same when `count` callbacks are stored and each handler has run once, or after so many seconds.

        A journal that has nothing of the call after FOREIGN_SECONDS is another receiver's.
        """
        began = monotonic()
        while True:
            trace, passed = await self.read(call_ids), monotonic() - began
            done = len(trace.callbacks) >= count and trace.is_settled
            if done or self._database is None or passed > (wait if trace.callbacks else FOREIGN_SECONDS):
                return trace
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Read no more."""
        database, self._database = self._database, None
        if database is not None:
            database.close()


def _trace(connection: Connection, wanted: Sequence[Filter]) -> CallTrace:
    callbacks = [callback for one in wanted for callback in journal.page(connection, one, 0, MAX_CALLBACKS)]
    return CallTrace(tuple((callback, tuple(queue.of_callback(connection, callback.id))) for callback in callbacks))


def trace_lines(trace: CallTrace, *, whole: bool = True) -> list[tuple[str, str]]:
    """The trace in words: each line with what it is: good, bad, waiting, or detail.

    Without `whole` there is only the last place of a traceback, and no name of the handler that answered.
    """
    lines: list[tuple[str, str]] = []
    for callback, deliveries in trace.callbacks:
        text, kind = outcome_line(callback, named=whole)
        lines.append((f"{callback.kind or '?'} {text}", kind))
        for delivery in deliveries:
            lines += _delivery_lines(delivery, whole=whole)
    return lines


def outcome_line(callback: StoredCallback, *, named: bool = True) -> tuple[str, str]:
    """The outcome of a callback with its reason, and whether it is good or bad; `named`: with the answering handler."""
    is_good = callback.outcome in {"accepted", "answered"}
    handler = callback.answered_by if named and callback.answered_by not in (None, *callback.reason.split()) else ""
    by = (f" by {handler}" if is_good else f" ({handler})") if handler else ""
    reason = f": {callback.reason}" if callback.reason else ""
    return f"{callback.outcome}{by}{reason}", "good" if is_good else "bad"


def _is_blocked(delivery: Delivery) -> bool:
    """Whether it waits for an earlier one of its call."""
    return delivery.state is State.DUE and delivery.due_at is None


def _delivery_lines(delivery: Delivery, *, whole: bool) -> list[tuple[str, str]]:
    kind = {State.DONE: "good", State.DEAD: "bad", State.DROPPED: "waiting"}.get(delivery.state, "waiting")
    again = f", attempt {delivery.attempts} failed" if delivery.failures and delivery.finished_at is None else ""
    reason = f": {delivery.reason}" if delivery.reason else ""
    state = "waits" if delivery.state is State.DUE else delivery.state.value
    lines = [(f"  {delivery.handler} {state}{again}{reason}", "bad" if again else kind)]
    if delivery.failures:
        lines += [(f"    {line}", "detail") for line in _part(delivery.failures[-1].traceback, whole=whole)]
    return lines


def _part(traceback: str, *, whole: bool) -> list[str]:
    """The author's frames of a traceback without underlining, or the last of them with its line of code."""
    lines = [line for line in author_frames(traceback) if line.strip(" ^~")]
    places = [number for number, line in enumerate(lines) if line.lstrip().startswith('File "')]
    return lines if whole or not places else [line.strip() for line in lines[places[-1] : places[-1] + 2]]
