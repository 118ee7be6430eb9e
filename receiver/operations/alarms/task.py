"""The task that evaluates alarms now and then, in one process of the cluster or of the machine."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

from receiver.operations.alarms.evaluator import Evaluator
from receiver.operations.alarms.heartbeat import Heartbeat
from receiver.operations.alarms.patience import in_time
from storage import Database, StoreError, leases
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

LEASE = "alarms"
LEASE_MARGIN_SECONDS = 120.0
"""Added to the time between two evaluations: how long one may take."""
LEAST_UNSEEN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that are evaluated together.

    `lease` is what a process must hold to evaluate them; empty where they are those of one process. Without
    `needs_journal` they are evaluated also while the journal is unreachable, by each process on its own.
    """

    evaluator: Evaluator
    lease: str = ""
    needs_journal: bool = True


class AlarmTask:
    """Evaluates groups every so many seconds, and calls the heartbeat after the group that needs the journal."""

    def __init__(
        self, database: Database, groups: Sequence[Group], *, every: float, heartbeat: Heartbeat | None
    ) -> None:
        self._database = database
        self._groups = groups
        self._every = every
        self._heartbeat = heartbeat
        self._holder = uuid4().hex
        self._outage = OutageLog(logger, "alarms could not be evaluated", "alarms are evaluated again")

    async def run(self) -> None:
        """Until cancelled; the first time after `every` seconds. What fails is logged and tried again."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.evaluate()
                self._outage.succeeded()
            except Exception as error:
                self._outage.failed(type(error).__name__, traceback=error)

    async def evaluate(self) -> None:
        """Once, what this process may evaluate."""
        for group in self._groups:
            if not await self._may(group):
                continue
            await group.evaluator.evaluate()
            if group.lease == LEASE:
                await self._finish(group)

    async def _finish(self, group: Group) -> None:
        """After an evaluation for the cluster: no heartbeat without a journal."""
        try:
            await group.evaluator.end_forgotten(max(LEAST_UNSEEN, timedelta(seconds=3 * self._every)))
        except StoreError as error:
            logger.debug("old alarms could not be deleted: %s", error)
            return
        if self._heartbeat is not None:
            await self._heartbeat.beat()

    async def _may(self, group: Group) -> bool:
        if not group.lease:
            return True
        seconds = self._every + LEASE_MARGIN_SECONDS
        acquire = partial(leases.acquire, name=group.lease, holder=self._holder, seconds=seconds)
        try:
            return await in_time(self._database.write(acquire))
        except StoreError:
            return not group.needs_journal

    async def release(self) -> None:
        """Leave the leases to other processes, if the journal can be reached."""
        for group in self._groups:
            if group.lease:
                leave = partial(leases.release, name=group.lease, holder=self._holder, pause=0)
                with suppress(StoreError):
                    await in_time(self._database.write(leave))
