"""Load the history of a call: from the journal, and from questions that are not committed yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.intake.uncommitted import UncommittedRows
from receiver.plugins.call_history import LOAD_SECONDS, CallHistory, CallStep, decode_state
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Provider
from receiver.wire.reply_values import reply_values
from storage import NewCallback, StoredCallback, StoreError, StoreUnavailableError
from storage.call_history import CallFilter, StoredCall, load, moment_of, newest_state
from storage.outage_log import OutageLog
from storage.values import as_stored, call_key

logger = logging.getLogger(__name__)

MAX_STEPS = 100
"""Steps of a call that a handler gets, the newest; a call with more is probably a loop."""
NOT_NUMBERED = 2**62
"""The number of a callback that is not in the journal yet: it is newer than all others."""

Read = Callable[[Callable[[Connection], CallHistory]], Awaitable[CallHistory]]
"""Runs a function of a connection on a thread, as `Database.read` does."""


class CallHistories:
    """Loads the histories of calls; see `receiver.plugins.call_history.LoadHistory`."""

    def __init__(self, read: Read, registry: Registry) -> None:
        self._read = read
        self._registry = registry
        self.uncommitted = UncommittedRows()
        """Questions that were answered here and are not committed yet."""
        self._outage = OutageLog(
            logger,
            "the histories of calls cannot be read",
            "the histories of calls are read again",
            level=logging.WARNING,
            quiet=5.0,
        )

    async def load(
        self,
        provider: Provider[Any],
        call_id: str,
        at: datetime,
        *,
        before: int | None = None,
        seconds: float = LOAD_SECONDS,
    ) -> CallHistory:
        """See `LoadHistory`; never raises."""
        if not call_id:
            return CallHistory()
        since = at - timedelta(hours=self._registry.defaults.call_history_hours)
        wanted = CallFilter(provider=provider.name, call_id=call_id, since=since, before=before)
        # Taken before the journal is read: a row that is committed meanwhile is then in both, never in neither.
        waiting = self._waiting(provider, call_id, since) if before is None else []
        try:
            history = await asyncio.wait_for(self._read_journal(partial(_read, provider, wanted, waiting)), seconds)
        except TimeoutError:
            logger.warning("the history of a call was not read within %g s", seconds, extra={"call_id": call_id})
        except StoreError as error:
            self._outage.failed(error)
        except Exception:
            logger.exception("reading the history of a call failed", extra={"call_id": call_id})
        else:
            self._outage.succeeded()
            return history
        return _history(provider, StoredCall(waiting, newest_state(waiting)), is_complete=False)

    async def _read_journal(self, work: Callable[[Connection], CallHistory]) -> CallHistory:
        """Read, and retry once: after a restart of the database each pooled connection fails once."""
        try:
            return await self._read(work)
        except StoreUnavailableError:
            return await self._read(work)

    def _waiting(self, provider: Provider[Any], call_id: str, since: datetime) -> list[StoredCallback]:
        rows = self.uncommitted.of_call(call_key(provider.name, call_id))
        return [as_stored(row, NOT_NUMBERED) for row in rows if row.received_at >= since]


def _read(
    provider: Provider[Any], wanted: CallFilter, waiting: Sequence[StoredCallback], connection: Connection
) -> CallHistory:
    stored = load(connection, wanted, MAX_STEPS)
    known = {_identity(callback) for callback in stored.callbacks}
    new = [callback for callback in waiting if _identity(callback) not in known]
    found = sorted([*stored.callbacks, *new], key=moment_of)[-MAX_STEPS:]
    state = newest_state(found)
    return _history(provider, StoredCall(found, stored.state if state is None else state), is_complete=True)


def _identity(callback: StoredCallback | NewCallback) -> tuple[bytes, datetime, int]:
    """Identifies a callback that has no number yet."""
    return callback.content_hash, callback.received_at, callback.part


def _history(provider: Provider[Any], call: StoredCall, *, is_complete: bool) -> CallHistory:
    steps = (_step(provider, callback) for callback in call.callbacks)
    known = tuple(step for step in steps if step is not None)
    return CallHistory(known, decode_state(call.state), is_complete)


def _step(provider: Provider[Any], callback: StoredCallback) -> CallStep | None:
    """A callback as a step of its call; None if its bytes cannot be parsed any more."""
    try:
        event = reread(provider, callback)
    except PayloadError:
        return None
    values = reply_values(callback.reply_body)
    return CallStep(callback.received_at, event, callback.outcome, values if isinstance(values, dict) else {})
