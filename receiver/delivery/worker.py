"""The worker: claims due deliveries, runs them and records their results, until it is stopped.

What must survive a crash is in the database: what is due, which worker has leased it, how it ended. Memory holds only
what runs at this moment.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

from receiver.delivery.attempt import AttemptResult, AttemptRunner
from receiver.delivery.fast_start import FastStart
from receiver.metrics import Metrics
from receiver.plugins.handlers import Handler
from receiver.plugins.registry import Registry
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects
from storage import (
    Claim,
    Database,
    Finish,
    GroupCommit,
    State,
    StoreError,
    queue,
)
from storage.errors import StoreRejectedError
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""Between two claims without a notification: how long a delivery of another process may go unnoticed."""
SOON_SECONDS = 0.02
"""Added to the time until the next delivery is due, so that competing workers do not poll in a loop."""
PAUSE_AFTER_STORE_ERROR = 1.0


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How many deliveries may run, and for how long; see the settings of similar names. Times are in seconds."""

    concurrency: int = 16
    total: int = 64
    lease: float = 30.0
    shutdown: float = 10.0


class DeliveryWorker:
    """Claims deliveries, runs them and records their results, until it is stopped."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        attempts: AttemptRunner,
        *,
        limits: WorkerLimits,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._registry = registry
        self._attempts = attempts
        self._limits = limits
        self._metrics = metrics
        self._worker = uuid4().hex
        self._finishes: GroupCommit[Finish, bool] = GroupCommit(self._store_finishes)
        self._wake = asyncio.Event()
        self._stopping = False
        self._database_unreachable = False
        self._outage = OutageLog(logger, "deliveries cannot be claimed or recorded", "deliveries are claimed again")
        self._recording = OutageLog(logger, "results of deliveries cannot be stored", "results are stored again")
        self._running: dict[int, asyncio.Task[None]] = {}
        self._prefetched: dict[str, deque[tuple[Claim, Subjects | None]]] = {}
        self._busy: Counter[str] = Counter()
        self._turn = 0
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.fast_start = FastStart(
            self._worker,
            limits.lease,
            is_possible=database.is_sqlite,
            prefetched=self._count_prefetched,
            subject_of=self._subject_of,
            start=self._start,
            wake=self.wake,
        )
        registry.on_replace(self._follow_registry)

    def start(self) -> None:
        """Start to claim deliveries."""
        self._finishes.start()
        self._tasks = [
            asyncio.create_task(self._claim_forever(), name="claim-deliveries"),
            asyncio.create_task(self._renew_forever(), name="renew-leases"),
            asyncio.create_task(self._recover_forever(), name="recover-deliveries"),
        ]

    def wake(self) -> None:
        """Claim soon: something may be due."""
        self._wake.set()

    def _count_prefetched(self, name: str) -> int | None:
        return len(self._prefetched.get(name, ())) if self._registry.listener(name) is not None else None

    def _subject_of(self, name: str) -> type[Event] | type[CallRecord]:
        handler = self._registry.listener(name)
        return Event if handler is None else handler.subject

    def _follow_registry(self) -> None:
        """Handlers were replaced: release deliveries in memory for removed ones, and claim for added ones."""
        for name in [name for name in self._prefetched if self._registry.listener(name) is None]:
            for claim, _ in self._prefetched.pop(name):
                self._release(claim)
        self.fast_start.is_behind = True  # older deliveries may wait for a handler that was added again
        self.wake()

    async def stop(self) -> None:
        """Stop claiming, wait for running deliveries within `shutdown`, release the rest, and record all results."""
        self._stopping = True
        self.fast_start.stop()
        self._wake.set()
        running = [*self._tasks[:1], *self._running.values()]
        if running:
            await asyncio.wait(running, timeout=self._limits.shutdown)
        await self._release_prefetched()
        rest = [*self._running.values(), *self._tasks, *self._abandoned]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=self._limits.shutdown)
        await self._finishes.close()

    async def _release_prefetched(self) -> None:
        """Make due again at once what has not started; the attempt does not count."""
        waiting = [claim for queued in self._prefetched.values() for claim, _ in queued]
        self._prefetched.clear()
        await asyncio.gather(*(self._record(self._released(claim, "the receiver was stopped")) for claim in waiting))

    def _release(self, claim: Claim) -> None:
        """Make a delivery due again whose handler is not loaded any more; it waits until one has that name."""
        finish = self._released(claim, f"no handler is named {claim.handler} any more")
        self._track(claim, asyncio.create_task(self._record(finish)))

    def _released(self, claim: Claim, why: str) -> Finish:
        return Finish(
            delivery_id=claim.delivery_id,
            worker=self._worker,
            attempt=claim.attempt,
            state=State.DUE,
            result=queue.RELEASED,
            error=why,
        )

    async def _store_finishes(self, batch: Sequence[Finish]) -> list[bool]:
        made_due: list[int] = []
        held = await self._database.write(partial(queue.finish, finishes=batch, made_due=made_due.append))
        if made_due:
            self._wake.set()
        return held

    # --- claiming ---

    async def _claim_forever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                if self._database_unreachable:
                    self._database_unreachable = False
                    await self._renew()  # before the next claim: our own leases may have ended meanwhile
                    await self._release_unknown_leases()
                claims = await self._claim()
                pause = POLL_SECONDS if claims else await self._seconds_to_next()
                self._outage.succeeded()
            except StoreError as error:
                self._outage.failed(error)
                claims, pause = [], PAUSE_AFTER_STORE_ERROR
                self._database_unreachable = True
            except Exception as error:  # a fault of ours must not end all deliveries
                self._outage.failed(type(error).__name__, traceback=error)
                claims, pause = [], PAUSE_AFTER_STORE_ERROR
            for claim in claims:
                self._start(claim)
            if not claims:
                await (asyncio.sleep(pause) if self._database_unreachable else self._sleep(pause))

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _claim(self) -> list[Claim]:
        total = self._limits.total - self._busy.total()
        names = self._registry.listener_names
        free = self._free_places()
        if total <= 0 or not free:
            self.fast_start.is_behind = True
            return []
        claim = partial(
            queue.claim,
            worker=self._worker,
            free=free,
            lease_seconds=self._limits.lease,
            total=total,
            holding=self._held(),
        )
        mark = self.fast_start.before_claim()
        claims = await self._database.write(claim)
        saw_all = len(free) == len(names) and names is self._registry.listener_names
        self.fast_start.after_claim(mark, found=bool(claims), saw_all_handlers=saw_all)
        return claims

    async def _seconds_to_next(self) -> float:
        names = [name for name, places in self._free_places().items() if places]
        if not names:
            return POLL_SECONDS
        seconds = await self._database.read(partial(queue.seconds_to_next, handlers=names))
        return POLL_SECONDS if seconds is None else min(POLL_SECONDS, seconds + SOON_SECONDS)

    def _held(self) -> list[int]:
        """Numbers of the deliveries that are leased to this worker."""
        return [*self._running, *(claim.delivery_id for queued in self._prefetched.values() for claim, _ in queued)]

    def _free_places(self) -> dict[str, int]:
        """Free places by handler name; another handler is first each time, so that none is always last."""
        names = self._registry.listener_names
        self._turn = (self._turn + 1) % max(1, len(names))
        free: dict[str, int] = {}
        for name in (*names[self._turn :], *names[: self._turn]):
            handler = self._registry.listener(name)
            places = 0 if handler is None else self._places(handler)
            if places > 0:
                free[name] = places
        return free

    def _places(self, handler: Handler) -> int:
        return (handler.concurrency or self._limits.concurrency) - self._busy[handler.name]

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._limits.lease / 3)
            try:
                await self._renew()
            except StoreError as error:
                self._outage.failed(error)
                self._database_unreachable = True

    async def _recover_forever(self) -> None:
        while True:
            await asyncio.sleep(queue.RECOVER_SECONDS)
            recover = partial(queue.recover_stuck, handlers=self._registry.listener_names)
            try:
                if await self._database.write(recover):
                    self._wake.set()
            except StoreError as error:
                self._outage.failed(error)

    async def _renew(self) -> None:
        """Renew the leases of this worker, and cancel what another worker has taken over."""
        ids = self._held()
        if not ids:
            return
        renew = partial(queue.renew, worker=self._worker, ids=ids, lease_seconds=self._limits.lease)
        for lost in set(ids).difference(await self._database.write(renew)):
            if (task := self._running.get(lost)) is not None:
                task.cancel()
            for name, queued in self._prefetched.items():
                self._prefetched[name] = deque(one for one in queued if one[0].delivery_id != lost)

    async def _release_unknown_leases(self) -> None:
        """Release what a claim leased if its result was lost with the connection; else its lease would have to end.

        On SQLite no result is lost, and the transactions that create deliveries lease some as well.
        """
        if not self._database.is_sqlite:
            await self._database.write(partial(queue.release_unknown, worker=self._worker, holding=self._held()))

    # --- running ---

    def _start(self, claim: Claim, subjects: Subjects | None = None) -> None:
        """Run a delivery, or keep it in memory until there is a place."""
        handler = self._registry.listener(claim.handler)
        if handler is None:  # replaced since the delivery was claimed
            self._release(claim)
            return
        if self._places(handler) <= 0 or self._busy.total() >= self._limits.total:
            self._prefetched.setdefault(claim.handler, deque()).append((claim, subjects))
            return
        self._busy[handler.name] += 1
        self._track(claim, asyncio.create_task(self._deliver(handler, claim, subjects)))

    def _track(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._running[claim.delivery_id] = task
        task.add_done_callback(lambda _: self._running.pop(claim.delivery_id, None))

    def _free_place(self, handler: Handler) -> None:
        self._busy[handler.name] -= 1
        for name in [handler.name, *self._prefetched] if not self._stopping else ():  # its own first
            queued = self._prefetched.get(name)
            waiting_for = self._registry.listener(name)
            if queued and waiting_for is not None and self._places(waiting_for) > 0:
                self._start(*queued.popleft())
                break
        if self.fast_start.is_behind:
            self._wake.set()

    async def _deliver(self, handler: Handler, claim: Claim, subjects: Subjects | None) -> None:
        started_at, began = datetime.now(UTC), perf_counter_ns()
        try:
            result = await self._attempts.attempt(handler, claim, subjects, self._hold_place)
        except asyncio.CancelledError:
            result = AttemptResult(State.DUE, queue.RELEASED, "the receiver was stopped")
        finish = Finish(
            delivery_id=claim.delivery_id,
            worker=self._worker,
            attempt=claim.attempt,
            state=result.state,
            result=result.result,
            error=result.error,
            traceback=result.traceback,
            retry_in=result.retry_in,
            started_at=started_at,
            took_us=(perf_counter_ns() - began) // 1000,
        )
        self._free_place(handler)  # the function has ended: another may begin while this is recorded
        self._metrics.attempted(handler.name, result.result)
        await self._record(finish)

    async def _record(self, finish: Finish) -> None:
        """Store a result; retry while the database is unreachable.

        Until it is stored, another worker may run the handler once more.
        """
        while True:
            try:
                await self._finishes.write([finish])
            except StoreRejectedError as error:
                logger.error("the result of delivery %d was rejected: %s", finish.delivery_id, error)
                if not finish.error and not finish.traceback:
                    return
                finish = replace(finish, error="its error could not be stored", traceback="")
                continue
            except StoreError as error:
                self._recording.failed(f"delivery {finish.delivery_id}: {error}")
            else:
                self._recording.succeeded()
                return
            if self._stopping:
                return
            await asyncio.sleep(PAUSE_AFTER_STORE_ERROR)

    def _hold_place(self, handler: Handler, task: asyncio.Task[Any]) -> None:
        """Keep a place occupied until a function that exceeded its time limit ends, so that they cannot pile up.

        A thread cannot be stopped: the worker waits for it and does not cancel it.
        """
        self._busy[handler.name] += 1
        self._abandoned.add(task)

        def ended(ended_task: asyncio.Task[Any]) -> None:
            self._abandoned.discard(ended_task)
            if not ended_task.cancelled():
                ended_task.exception()  # retrieved and ignored: the attempt counts as late already
            self._free_place(handler)

        task.add_done_callback(ended)
        if handler.is_async:
            task.cancel()
