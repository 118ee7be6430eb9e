"""Reconcile in the background, in one process of the cluster at a time."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from receiver.errors import ReceiverError
from receiver.metrics import Metrics
from receiver.operations.reconcile import Reconciler, Result, count
from receiver.plugins.registry import Registry
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.contract import Provider
from storage import Database, StoreError, leases
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

LEASE = "reconcile"
LEASE_SECONDS = 600.0
"""Renewed after each window; longer than a window takes with every pause."""
POLL_SECONDS = 60.0
"""How often a process looks whether it is time, at most."""
OVERLAP = timedelta(days=1)
"""How much of the time before the last run is compared again: logs and callbacks come late."""
IN_FLIGHT = timedelta(minutes=2)
"""The newest calls are left to the next run: their callbacks may be on their way."""
LONGEST_SPAN = timedelta(days=31)
"""Of one run, after the receiver was stopped for long; less where the journal keeps callbacks for less."""


NO_CALL_LOG = "write [providers.voicenter.api], or [apis.viviphone] with its `buttons`"
"""What to do where the settings name no call log."""


def _part(provider: str) -> str:
    """The name of the row that has how far one provider's log is compared."""
    return f"{LEASE} {provider}"


class LeaseLostError(ReceiverError):
    """Another process has taken the lease over."""


def call_logs(providers: Mapping[str, Provider[Any]]) -> dict[str, Provider[Any]]:
    """The providers that have a call log and whose API the settings say how to call."""
    return {
        name: provider
        for name, provider in providers.items()
        if provider.options.api is not None and provider.call_log() is not None
    }


def make_reconcilers(
    database: Database,
    providers: Mapping[str, Provider[Any]],
    apis: ApiClients,
    *,
    registry: Registry | None = None,
    on_step: Callable[[], Awaitable[None]] | None = None,
) -> list[Reconciler]:
    """One for each provider that has a call log; with a `registry` they fetch what is missing."""
    found = []
    for name, provider in call_logs(providers).items():
        source = provider.call_log()
        if source is not None:
            client = apis.get(name)
            found.append(Reconciler(database, provider, source, client, registry=registry, on_step=on_step))
    return found


class BackgroundReconcile:
    """Reconciles every so many seconds, whichever process of the cluster has the lease then.

    `make` makes the reconcilers; they call its argument after each step. `on_fetched` is called when records were
    stored.
    """

    def __init__(
        self,
        database: Database,
        make: Callable[[Callable[[], Awaitable[None]]], Sequence[Reconciler]],
        *,
        every: float,
        keep_days: int = 0,
        metrics: Metrics,
        on_fetched: Callable[[], None],
    ) -> None:
        self._database = database
        self._make = make
        self._every = every
        self._longest = min(LONGEST_SPAN, timedelta(days=keep_days)) if keep_days else LONGEST_SPAN
        self._metrics = metrics
        self._on_fetched = on_fetched
        self._holder = uuid4().hex
        self._outage = OutageLog(logger, "the call log could not be reconciled", "the call log is reconciled again")

    async def run(self) -> None:
        """Until cancelled. What fails is logged, counted and tried again."""
        while True:
            try:
                if await self._database.write(self._acquire):
                    await self.run_once()
                    self._outage.succeeded()
            except (ReceiverError, StoreError) as error:
                self._outage.failed(error)
                self._metrics.reconcile_ran("failed")
            except Exception as error:
                self._outage.failed(type(error).__name__, traceback=error)
                self._metrics.reconcile_ran("failed")
            await asyncio.sleep(min(self._every, POLL_SECONDS))

    async def run_once(self) -> None:
        """Compare from a day before where the last run ended, and note where this one did. The lease must be held.

        After an interrupted run, go on where that one stopped.
        """
        try:
            until = datetime.now(UTC) - IN_FLIGHT
            for reconciler in self._make(self._renew):
                await self._run_one(reconciler, until)
        except BaseException:
            await self._leave(leases.release)
            raise
        await self._leave(partial(leases.finish, reached=until))
        self._metrics.reconcile_ran("done")

    async def _run_one(self, reconciler: Reconciler, until: datetime) -> None:
        """One provider, span by span. After each of them it is noted from where the next run would begin."""
        total: Counter[str] = Counter()
        async for span in reconciler.spans(await self._begin(reconciler.name, until), until):
            counts = count(span.rows)
            total.update(counts)
            self._metrics.reconciled(reconciler.name, counts)
            if counts[Result.FETCHED]:
                self._on_fetched()
            # Of the last day nothing is final: a run that is interrupted there compares it again.
            await self._advance(reconciler.name, min(span.reached + OVERLAP, until))
        lacking = total[Result.MISSING] + total[Result.UNIDENTIFIED]
        self._metrics.records_missing(reconciler.name, lacking)
        if total[Result.FETCHED] or lacking:
            logger.log(
                logging.WARNING if reconciler.has_callbacks or lacking else logging.INFO,
                "the call log of %s has records that never came: %d fetched, %d not, %d without a call id",
                reconciler.name, total[Result.FETCHED], total[Result.MISSING], total[Result.UNIDENTIFIED],
            )  # fmt: skip

    async def _begin(self, provider: str, until: datetime) -> datetime:
        """From where to compare: a day before what is done."""
        done = await self._database.read(partial(leases.reached, name=_part(provider)))
        if done is None:
            done = await self._database.read(partial(leases.reached, name=LEASE)) or until
        return max(min(done, until) - OVERLAP, until - self._longest)

    async def _advance(self, provider: str, reached: datetime) -> None:
        def advance(connection: Connection) -> bool:
            if not self._acquire(connection):
                return False
            leases.advance(connection, _part(provider), reached)
            return True

        if not await self._database.write(advance):
            raise LeaseLostError("another process reconciles now")

    async def _renew(self) -> None:
        if not await self._database.write(self._acquire):
            raise LeaseLostError("another process reconciles now")

    def _acquire(self, connection: Connection) -> bool:
        return leases.acquire(connection, LEASE, self._holder, LEASE_SECONDS)

    async def _leave(self, how: Callable[..., None]) -> None:
        """Give the lease back: the next run is due `every` seconds from now, after a failure within a minute."""
        pause = min(self._every, POLL_SECONDS) if how is leases.release else self._every
        await self._database.write(partial(how, name=LEASE, holder=self._holder, pause=pause))


def background_reconcile(
    database: Database,
    providers: Mapping[str, Provider[Any]],
    registry: Registry,
    apis: ApiClients,
    *,
    every: float,
    keep_days: int,
    metrics: Metrics,
    on_fetched: Callable[[], None],
) -> BackgroundReconcile:
    """The task for the call logs of these providers; what is missing goes to the handlers of `registry`."""

    def make(on_step: Callable[[], Awaitable[None]]) -> list[Reconciler]:
        return make_reconcilers(database, providers, apis, registry=registry, on_step=on_step)

    return BackgroundReconcile(database, make, every=every, keep_days=keep_days, metrics=metrics, on_fetched=on_fetched)
