"""The result of a run: the ratios of its figures, each with a target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench import cases, reader
from tests.bench.measuring import Summary
from tests.bench.reader import Reader

Summaries = Mapping[str, Summary]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One ratio, and its minimum or maximum."""

    name: str
    value: float
    target: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the ratio meets its target."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def wanted(self) -> str:
        """The target in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.target:g}"


def of_rates(found: Summaries) -> list[Ratio]:
    """The ratios for which both cases were measured."""
    made = [
        _rates(found, "receiver / FastAPI + SQLAlchemy by hand", cases.RECEIVER, cases.HANDWRITTEN, 12),
        _rates(found, "receiver / xmlrpc.server", cases.RECEIVER, cases.XMLRPC_SERVER, 1.2),
        _rates(found, "receiver / Starlette echo", cases.RECEIVER, cases.STARLETTE, 0.35),
        _latencies(found, "receiver's p99 / Starlette echo's", cases.RECEIVER, cases.STARLETTE, 5),
        _rates(found, "GET_IVR_ACTION, answered / Starlette echo", cases.IVR, cases.STARLETTE, 0.4),
        _rates(found, "receiver on PostgreSQL / on SQLite", cases.ON_POSTGRESQL, cases.RECEIVER, 0.6),
        _rates(found, "2 processes on 2 cores / 1 on 1, questions", cases.IVR_TWO_PROCESSES, cases.IVR, 1.7),
        _rates(found, "2 processes / 1, PostgreSQL", cases.TWO_PROCESSES, cases.ON_POSTGRESQL_WITH_HANDLER, 1.7),
        _backlog(found),
    ]
    return [ratio for ratio in made if ratio is not None]


def of_readers(readers: Sequence[Reader]) -> list[Ratio]:
    """How much faster our parser is."""
    micros = {one.name: one.micros for one in readers}
    return [Ratio("time of xmlrpc.client's reader / of ours", micros[reader.STANDARD] / micros[reader.OURS], 2)]


def _rates(found: Summaries, name: str, ours: str, other: str, target: float) -> Ratio | None:
    value = _quotient(found, ours, other, lambda summary: summary.median("rate"))
    return None if value is None else Ratio(name, value, target)


def _latencies(found: Summaries, name: str, ours: str, other: str, target: float) -> Ratio | None:
    value = _quotient(found, ours, other, lambda summary: summary.median("p99_ms"))
    return None if value is None else Ratio(name, value, target, at_least=False)


def _quotient(found: Summaries, ours: str, other: str, figure: Callable[[Summary], float]) -> float | None:
    if ours not in found or other not in found or not figure(found[other]):
        return None
    return figure(found[ours]) / figure(found[other])


def _backlog(found: Summaries) -> Ratio | None:
    if cases.WITH_HANDLER not in found:
        return None
    seconds = found[cases.WITH_HANDLER].beside[cases.SECONDS_UNTIL_NONE]
    return Ratio("seconds from the end of the load until every delivery is done", seconds, 5, at_least=False)
