"""Running due deliveries through their handlers.

Everything starts from the database: what is due, who has it, how it ended. Memory only holds what runs at this
moment, so a crash loses nothing but time.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

from receiver.attempting import Attempting, Outcome
from receiver.errors import HandlerError
from receiver.metrics import Metrics
from receiver.plugins.handlers import Handler
from receiver.plugins.loading import Registry
from receiver.providers.event import Event
from storage import (
    Appended,
    Claim,
    Database,
    Finish,
    GroupCommit,
    NewCallback,
    Start,
    State,
    StoreError,
    deliveries,
)
from storage.errors import StoreRejectedError
from storage.values import as_stored

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How long deliveries of other processes may go unnoticed."""
SOON_SECONDS = 0.02
"""Added to the time of what is due next, so that a queue that others are at is not asked for without a pause."""
PAUSE_AFTER_STORE_ERROR = 1.0
MOST_AHEAD = 256
"""Deliveries to one handler that wait in memory for a place; with more, they wait in the journal alone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run, and for how long; see the settings of the same names."""

    concurrency: int = 16
    total: int = 64
    lease: float = 30.0
    shutdown: float = 10.0


class Deliverer:
    """Claims deliveries, runs them and writes down how they ended, until it is stopped."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        attempting: Attempting,
        *,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._registry = registry
        self._attempting = attempting
        self._limits = limits
        self._metrics = metrics
        self._worker = uuid4().hex
        self._finishes: GroupCommit[Finish, bool] = GroupCommit(self._store_finishes)
        self._wake = asyncio.Event()
        self._stopping = False
        self._out_of_touch = False
        self._running: dict[int, asyncio.Task[None]] = {}
        self._ahead: dict[str, deque[tuple[Claim, Event | None]]] = {}
        self._reserved: Counter[str] = Counter()
        self._is_behind = True
        """Whether deliveries may wait in the journal that this worker could take: they go before new ones."""
        self._missed = self._unsettled = 0
        """Callbacks that found no place reserved: all of them, and those that are not stored yet."""
        self._busy: Counter[str] = Counter()
        self._names = deque(registry.listener_names)
        self._left_behind: set[asyncio.Task[Any]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to take deliveries."""
        self._finishes.start()
        self._tasks = [
            asyncio.create_task(self._claim_forever(), name="claim-deliveries"),
            asyncio.create_task(self._renew_forever(), name="renew-leases"),
            asyncio.create_task(self._heal_forever(), name="heal-deliveries"),
        ]

    def wake(self) -> None:
        """There may be something new to take."""
        self._wake.set()

    # --- deliveries that begin with the transaction that makes them ---

    def reserve(self, names: Sequence[str], total: int) -> Start | None:
        """Places for deliveries that are about to be made: they need not be looked for then, nor read again.

        `names` are the handlers that may begin at once, of `total` that a delivery is made for.

        None while older ones wait, which go first, and where several machines share the journal.
        """
        free: tuple[str, ...] = ()
        if not self._stopping and not self._is_behind and self._database.is_sqlite:
            free = tuple(name for name in names if name in self._registry and self._has_room_ahead(name))
        if len(free) < total:
            self._is_behind = True
            self._missed += 1
        if not free:
            self._unsettled += 1
            return None
        self._reserved.update(free)
        return Start(self._worker, self._limits.lease, free)

    def _has_room_ahead(self, name: str) -> bool:
        return self._reserved[name] + len(self._ahead.get(name, ())) < MOST_AHEAD

    def begin(self, new: NewCallback, stored: Appended | None, event: Event | None) -> None:
        """Begin what was reserved for a callback that is stored now, or give the places back: stored is None.

        What did not begin is looked for.
        """
        if new.start is None:
            self._unsettled -= 1
        else:
            self._reserved.subtract(new.start.handlers)
        started = stored.started if stored else ()
        if len(started) < len(new.deliveries):
            self.wake()
        if stored is None or not started:
            return
        callback = as_stored(new, stored.id)
        for number, (name, delivery_id) in enumerate(started):
            own = event if number == 0 else deepcopy(event)  # what one handler does to it must not reach the next
            self._start(Claim(delivery_id=delivery_id, handler=name, attempt=1, callback=callback), own)

    async def stop(self) -> None:
        """Take no more, let what runs finish for a while, release the rest, and write all of it down."""
        self._stopping = True
        self._wake.set()
        running = [*self._tasks[:1], *self._running.values()]
        if running:
            await asyncio.wait(running, timeout=self._limits.shutdown)
        await self._release_ahead()
        rest = [*self._running.values(), *self._tasks, *self._left_behind]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=self._limits.shutdown)
        await self._finishes.close()

    async def _release_ahead(self) -> None:
        """What has not begun is due again at once, and the attempt does not count."""
        waiting = [claim for ahead in self._ahead.values() for claim, _ in ahead]
        self._ahead.clear()
        await asyncio.gather(*(self._write_down(self._released(claim)) for claim in waiting))

    def _released(self, claim: Claim) -> Finish:
        return Finish(
            delivery_id=claim.delivery_id,
            worker=self._worker,
            attempt=claim.attempt,
            state=State.DUE,
            result=deliveries.RELEASED,
            error="the receiver was stopped",
        )

    async def _store_finishes(self, batch: Sequence[Finish]) -> list[bool]:
        made_due: list[int] = []
        held = await self._database.write(partial(deliveries.finish, finishes=batch, made_due=made_due.append))
        if made_due:
            self._wake.set()
        return held

    # --- taking ---

    async def _claim_forever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                if self._out_of_touch:
                    self._out_of_touch = False
                    await self._renew()  # before anything is taken: our own leases may have ended meanwhile
                    await self._let_go_of_unknown()
                claims = await self._claim()
                pause = POLL_SECONDS if claims else await self._seconds_to_next()
            except StoreError as error:
                logger.error("deliveries cannot be taken: %s", error)
                claims, pause = [], PAUSE_AFTER_STORE_ERROR
                self._out_of_touch = True
            except Exception:
                logger.exception("taking deliveries failed")  # a fault of ours must not end all deliveries
                claims, pause = [], PAUSE_AFTER_STORE_ERROR
            for claim in claims:
                self._start(claim)
            if not claims:
                await (asyncio.sleep(pause) if self._out_of_touch else self._sleep(pause))

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _claim(self) -> list[Claim]:
        total = self._limits.total - self._busy.total()
        free = self._free_places()
        if total <= 0 or not free:
            self._is_behind = True
            return []
        claim = partial(
            deliveries.claim,
            worker=self._worker,
            free=free,
            lease_seconds=self._limits.lease,
            total=total,
            holding=self._held(),
        )
        unsettled, missed = self._unsettled, self._missed
        claims = await self._database.write(claim)
        saw_all = not unsettled and missed == self._missed and len(free) == len(self._names)
        self._is_behind = bool(claims) or not saw_all
        return claims

    async def _seconds_to_next(self) -> float:
        names = [name for name, places in self._free_places().items() if places]
        if not names:
            return POLL_SECONDS
        seconds = await self._database.read(partial(deliveries.seconds_to_next, handlers=names))
        return POLL_SECONDS if seconds is None else min(POLL_SECONDS, seconds + SOON_SECONDS)

    def _held(self) -> list[int]:
        """Numbers of the deliveries that are leased to this worker."""
        return [*self._running, *(claim.delivery_id for ahead in self._ahead.values() for claim, _ in ahead)]

    def _free_places(self) -> dict[str, int]:
        """Places for each name; another handler comes first each time, so that none is always last."""
        self._names.rotate()
        free: dict[str, int] = {}
        for name in self._names:
            handler = self._handler(name)
            places = self._places(handler)
            if places > 0:
                free[name] = places
        return free

    def _places(self, handler: Handler) -> int:
        return (handler.concurrency or self._limits.concurrency) - self._busy[handler.name]

    def _handler(self, name: str) -> Handler:
        handler = self._registry.named(name)
        if handler is None:
            raise HandlerError(f"no handler is named {name}")
        return handler

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._limits.lease / 3)
            try:
                await self._renew()
            except StoreError as error:
                logger.error("leases could not be renewed: %s", error)
                self._out_of_touch = True

    async def _heal_forever(self) -> None:
        names = list(self._registry.listener_names)
        while True:
            await asyncio.sleep(deliveries.HEAL_SECONDS)
            try:
                if await self._database.write(partial(deliveries.heal, handlers=names)):
                    self._wake.set()
            except StoreError as error:
                logger.error("waiting deliveries could not be looked over: %s", error)

    async def _renew(self) -> None:
        """Keep what runs here; what another worker has taken over meanwhile is cut short here."""
        ids = self._held()
        if not ids:
            return
        renew = partial(deliveries.renew, worker=self._worker, ids=ids, lease_seconds=self._limits.lease)
        for lost in set(ids).difference(await self._database.write(renew)):
            if (task := self._running.get(lost)) is not None:
                task.cancel()
            for name, ahead in self._ahead.items():
                self._ahead[name] = deque(one for one in ahead if one[0].delivery_id != lost)

    async def _let_go_of_unknown(self) -> None:
        """What a claim took whose answer was lost with the connection would else wait for the end of its lease.

        On SQLite no answer is lost, and deliveries are taken by the transactions that make them as well.
        """
        if not self._database.is_sqlite:
            await self._database.write(partial(deliveries.release_others, worker=self._worker, holding=self._held()))

    # --- running ---

    def _start(self, claim: Claim, event: Event | None = None) -> None:
        """Run a delivery, or let it wait here until there is a place."""
        handler = self._handler(claim.handler)
        if self._places(handler) <= 0 or self._busy.total() >= self._limits.total:
            self._ahead.setdefault(claim.handler, deque()).append((claim, event))
            return
        self._busy[handler.name] += 1
        task = asyncio.create_task(self._deliver(handler, claim, event))
        self._running[claim.delivery_id] = task
        task.add_done_callback(lambda _: self._running.pop(claim.delivery_id, None))

    def _give_place_back(self, handler: Handler) -> None:
        self._busy[handler.name] -= 1
        for name in [handler.name, *self._ahead] if not self._stopping else ():  # its own first
            ahead = self._ahead.get(name)
            if ahead and self._places(self._handler(name)) > 0:
                self._start(*ahead.popleft())
                break
        if self._is_behind:
            self._wake.set()

    async def _deliver(self, handler: Handler, claim: Claim, event: Event | None) -> None:
        started_at, began = datetime.now(UTC), perf_counter_ns()
        try:
            outcome = await self._attempting.attempt(handler, claim, event, self._hold_place_of)
        except asyncio.CancelledError:
            outcome = Outcome(State.DUE, deliveries.RELEASED, "the receiver was stopped")
        finish = Finish(
            delivery_id=claim.delivery_id,
            worker=self._worker,
            attempt=claim.attempt,
            state=outcome.state,
            result=outcome.result,
            error=outcome.error,
            traceback=outcome.traceback,
            retry_in=outcome.retry_in,
            started_at=started_at,
            took_us=(perf_counter_ns() - began) // 1000,
        )
        self._give_place_back(handler)  # the function has ended: another may begin while this is written down
        self._metrics.attempted(handler.name, outcome.result)
        await self._write_down(finish)

    async def _write_down(self, finish: Finish) -> None:
        """Keep trying while the database is away: until it is written, the handler may be called once more."""
        while True:
            try:
                await self._finishes.write([finish])
            except StoreRejectedError as error:
                logger.error("how delivery %d ended was refused: %s", finish.delivery_id, error)
                if not finish.error and not finish.traceback:
                    return
                finish = replace(finish, error="its error could not be written down", traceback="")
                continue
            except StoreError as error:
                logger.error("how delivery %d ended could not be written: %s", finish.delivery_id, error)
            else:
                return
            if self._stopping:
                return
            await asyncio.sleep(PAUSE_AFTER_STORE_ERROR)

    def _hold_place_of(self, handler: Handler, task: asyncio.Task[Any]) -> None:
        """A function that does not end keeps its place until it does, so that it cannot pile up.

        A thread cannot be stopped: it is waited for, not cancelled.
        """
        self._busy[handler.name] += 1
        self._left_behind.add(task)

        def ended(ended_task: asyncio.Task[Any]) -> None:
            self._left_behind.discard(ended_task)
            if not ended_task.cancelled():
                ended_task.exception()  # whatever it is: its attempt counts as late already
            self._give_place_back(handler)

        task.add_done_callback(ended)
        if handler.is_async:
            task.cancel()
