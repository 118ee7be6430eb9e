"""A clock that is set, conditions that say what they are told, and a sender that keeps its messages."""

from datetime import datetime, timedelta

from receiver.metrics import Metrics
from receiver.operations.alarms.book import AlarmBook
from receiver.operations.alarms.condition import Problem
from receiver.operations.alarms.evaluator import Evaluator
from storage import Database
from storage.alarms import AlarmState
from storage.alarms import load as load_states
from tests.storage.support import NOON


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)


class Told:
    """A condition that says what it is told: the problems, or an error."""

    def __init__(self, name: str = "dead_deliveries", scope: str = "", patience: float = 0, every: float = 0) -> None:
        self.name = name
        self.scope = scope
        self.patience = patience
        self.every = every
        self.problems: list[Problem] = []
        self.error: Exception | None = None
        self.readings = 0

    async def read(self, now: datetime) -> list[Problem]:
        """What it was told."""
        self.readings += 1
        if self.error is not None:
            raise self.error
        return list(self.problems)

    def judge(self, facts: list[Problem], now: datetime) -> list[Problem]:
        """The same."""
        return facts


class Outbox:
    """Keeps the titles of messages; refuses them if it is told to."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.bodies: list[str] = []
        self.refuses = False

    async def send(self, title: str, body: str) -> bool:
        """Keep it."""
        if not self.refuses:
            self.titles.append(title)
            self.bodies.append(body)
        return not self.refuses


class Process:
    """One process of a cluster with a condition that it evaluates."""

    def __init__(self, database: Database, clock: Clock, outbox: Outbox, condition: Told) -> None:
        self.condition = condition
        self.metrics = Metrics()
        self.evaluator = Evaluator(
            [condition],
            AlarmBook(database),
            outbox,
            ends_after=timedelta(minutes=5),
            clock=clock,
            here="web-1",
            metrics=self.metrics,
        )


def states(database: Database) -> dict[str, AlarmState]:
    """What is stored."""
    with database.read_only() as connection:
        return load_states(connection)
