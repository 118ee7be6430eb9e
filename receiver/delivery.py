"""Running due deliveries through their handlers.

Everything starts from the database: what is due, who has it, how it ended. Memory only holds what runs at this
moment, so a crash loses nothing but time.
"""

import asyncio
import logging
import random
import traceback
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

import httpx

from receiver.errors import HandlerError, PayloadError
from receiver.metrics import Metrics
from receiver.plugins.context import Context
from receiver.plugins.handlers import Drop, Handler, RetryLater
from receiver.plugins.loading import Registry
from receiver.plugins.running import Runner
from receiver.providers.contract import Provider
from receiver.providers.event import Event
from receiver.providers.records import CallRecord
from receiver.reading import read_again
from storage import (
    Appended,
    Claim,
    Database,
    Finish,
    GroupCommit,
    NewCallback,
    Start,
    State,
    StoredCallback,
    StoreError,
    deliveries,
)
from storage.errors import StoreRejectedError
from storage.retry import RetryPolicy
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

    timeout: float = 60.0
    concurrency: int = 16
    total: int = 64
    lease: float = 30.0
    shutdown: float = 10.0


class _LateError(Exception):
    """A handler did not end within its time limit; unlike a TimeoutError of its own."""


class Deliverer:
    """Claims deliveries, runs them and writes down how they ended, until it is stopped."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        providers: Mapping[str, Provider[Any]],
        *,
        runner: Runner,
        http: httpx.AsyncClient,
        handler_settings: Mapping[str, Mapping[str, Any]],
        policy: RetryPolicy,
        limits: Limits,
        metrics: Metrics,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._registry = registry
        self._providers = providers
        self._runner = runner
        self._http = http
        self._handler_settings = handler_settings
        self._policy = policy
        self._limits = limits
        self._metrics = metrics
        self._luck = luck
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
                    await self._renew()  # before anything is taken: our own leases may have ended meanwhile
                    await self._let_go_of_unknown()
                    self._out_of_touch = False
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
            state, result, error, trace, pause = await self._attempt(handler, claim, event)
        except asyncio.CancelledError:
            state, result, error, trace, pause = State.DUE, deliveries.RELEASED, "the receiver was stopped", "", 0.0
        finish = Finish(
            delivery_id=claim.delivery_id,
            worker=self._worker,
            attempt=claim.attempt,
            state=state,
            result=result,
            error=error,
            traceback=trace,
            retry_in=pause,
            started_at=started_at,
            took_us=(perf_counter_ns() - began) // 1000,
        )
        self._give_place_back(handler)  # the function has ended: another may begin while this is written down
        self._metrics.attempted(handler.name, result)
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

    async def _attempt(self, handler: Handler, claim: Claim, event: Event | None) -> tuple[State, str, str, str, float]:
        if claim.attempt - claim.forgiven > self._policy_of(handler).attempts:
            return State.DEAD, "lost", "its worker vanished at every attempt: the handler may be what ends it", "", 0.0
        try:
            subject = self._subject(handler, claim.callback, event)
            if handler.matches(subject):
                await self._run(handler, subject, self._context(handler, claim))
        except Drop as drop:
            return State.DROPPED, "dropped", str(drop), "", 0.0
        except PayloadError as error:
            return State.DEAD, "failed", str(error), "", 0.0
        except RetryLater as later:
            return self._again(handler, claim, "retry", str(later), "", later.after)
        except _LateError:
            reason = f"{handler.name} did not finish within {self._timeout(handler):g} s"
            return self._again(handler, claim, "late", reason, "", None)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            return self._again(handler, claim, "failed", f"{type(error).__name__}: {error}", trace, None)
        return State.DONE, "done", "", "", 0.0

    def _again(
        self, handler: Handler, claim: Claim, result: str, error: str, trace: str, after: float | None
    ) -> tuple[State, str, str, str, float]:
        """Due again after a pause, or dead after the last attempt."""
        pause = self._policy_of(handler).pause_after(claim.attempt - claim.forgiven, self._luck())
        log = logger.error if pause is None else logger.warning
        given_up = "; given up" if pause is None else ""
        log(
            "%s %s%s: `receiver deliveries show %d` has the details",
            handler.name,
            result,
            given_up,
            claim.delivery_id,
            extra={
                "call_id": claim.callback.call_id,
                "callback": claim.callback.id,
                "delivery": claim.delivery_id,
                "handler": handler.name,
                "attempt": claim.attempt,
            },
        )
        if pause is None:
            return State.DEAD, result, error, trace, 0.0
        return State.DUE, result, error, trace, pause if after is None else max(0.0, after)

    def _policy_of(self, handler: Handler) -> RetryPolicy:
        return self._policy if handler.attempts is None else replace(self._policy, attempts=handler.attempts)

    def _subject(self, handler: Handler, callback: StoredCallback, event: Event | None) -> Event | CallRecord:
        """The event as it came in, else read again from the stored bytes; or its record. Raises PayloadError."""
        provider = self._providers.get(callback.provider)
        if provider is None:
            raise PayloadError(f"there is no provider {callback.provider!r} any more")
        item = event or read_again(provider, callback)
        subject = provider.record(item) if handler.subject is CallRecord else item
        if subject is None:
            raise PayloadError(f"callback {callback.id} has no call record any more")
        return subject

    def _context(self, handler: Handler, claim: Claim) -> Context:
        return Context(
            provider=claim.callback.provider,
            callback_id=claim.callback.id,
            delivery_id=str(claim.delivery_id),
            attempt=claim.attempt,
            received_at=claim.callback.received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
        )

    def _timeout(self, handler: Handler) -> float:
        return self._limits.timeout if handler.timeout is None else handler.timeout

    async def _run(self, handler: Handler, subject: Event | CallRecord, context: Context) -> None:
        """Run the function under its time limit. Raises _LateError, and whatever it raises."""
        task = asyncio.create_task(self._runner.run(handler, subject, context))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout(handler))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            task.result()
            return
        self._hold_place_of(handler, task)
        raise _LateError

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
