"""The clock of this machine: a jump, or a difference from the clock of the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from receiver.operations.alarms.condition import Problem, spoken
from receiver.operations.alarms.patience import in_time
from storage import Database, StoreError
from storage.clock import now_us
from storage.tables import from_microseconds

REMEMBERED = timedelta(minutes=10)
"""How long a jump counts: it is over at once, and its effects are not."""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """Seconds that the clock jumped by within REMEMBERED, and by which it is ahead of the database's."""

    jumped: float
    ahead: float


class ClockJump:
    """An alarm after a jump of so many seconds, and while the clock is off by as many.

    A monotonic clock tells a jump. It stands still while a machine is suspended, so waking up is a jump too.
    """

    name = "clock_jump"
    patience = 0.0
    every = 0.0

    def __init__(
        self,
        machine: str,
        database: Database,
        limit: float,
        *,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.scope = machine
        self._database = database
        self._limit = limit
        self._wall = wall
        self._monotonic = monotonic
        self._before = wall(), monotonic()
        self._jump: tuple[float, float] | None = None

    async def read(self, now: datetime) -> ClockFacts:
        """The last jump, and the difference; 0 where the journal is a file, or unreachable."""
        wall, steady = self._wall(), self._monotonic()
        jumped = (wall - self._before[0]).total_seconds() - (steady - self._before[1])
        self._before = wall, steady
        if abs(jumped) >= self._limit:
            self._jump = jumped, steady
        if self._jump and steady - self._jump[1] > REMEMBERED.total_seconds():
            self._jump = None
        return ClockFacts(self._jump[0] if self._jump else 0.0, await self._ahead())

    async def _ahead(self) -> float:
        if self._database.is_sqlite:
            return 0.0
        try:
            theirs = from_microseconds(await in_time(self._database.read(now_us)))
        except StoreError:
            return 0.0
        return (self._wall() - theirs).total_seconds()

    def judge(self, facts: ClockFacts, now: datetime) -> list[Problem]:
        """One problem for both."""
        found = []
        if abs(facts.jumped) >= self._limit:
            way = "forward" if facts.jumped > 0 else "back"
            found.append(f"the clock jumped {way} by {spoken(abs(facts.jumped))}")
        if abs(facts.ahead) >= self._limit:
            way = "ahead of" if facts.ahead > 0 else "behind"
            found.append(f"the clock is {spoken(abs(facts.ahead))} {way} that of the database")
        return [Problem(" and ".join(found))] if found else []
