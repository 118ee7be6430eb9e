"""Rounds: every case in turn, in reverse order in every second round, so that the order favours no case."""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench import wrk
from tests.bench.cases import Bench, Case
from tests.bench.payloads import Payload
from tests.bench.wrk import Load

WARM_UP_SECONDS = 1
"""Load before the measurement, to open connections and warm up code."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one round of one case."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of the server for each request, in microseconds."""
    server_busy: float
    generator_busy: float
    peak_mb: float
    errors: int
    """Rejections, broken connections, and acknowledgements of callbacks that are not stored."""
    beside: Mapping[str, float] = field(default_factory=dict)


class Generator(Protocol):
    """Makes load: `wrk.run`, or a stand-in for it."""

    def __call__(self, payload: Payload, url: str, folder: Path, seconds: float, connections: int) -> Load:
        """Send requests for so many seconds."""


def measure(case: Case, bench: Bench, seconds: float, generate: Generator = wrk.run) -> Figures:
    """One round of one case."""
    with case.start(bench) as round_:
        server = round_.server
        case.check(server.url)
        warm_up = generate(case.payload, server.url, bench.folder, WARM_UP_SECONDS, case.connections)
        round_.settle()
        cpu = server.cpu_seconds()
        load = generate(case.payload, server.url, bench.folder, seconds, case.connections)
        cpu = server.cpu_seconds() - cpu
        beside = round_.settle()
        peak_mb = server.peak_mb()
    acknowledged = 1 + warm_up.accepted + load.accepted
    untrue = 0 if round_.stored is None else max(0, acknowledged - round_.stored) + round_.astray
    return Figures(
        rate=load.accepted / load.seconds,
        p50_ms=load.p50_us / 1000,
        p99_ms=load.p99_us / 1000,
        cpu_us=cpu / max(1, load.requests) * 1_000_000,
        server_busy=cpu / load.seconds,
        generator_busy=load.generator_busy,
        peak_mb=peak_mb,
        errors=warm_up.errors + load.errors + untrue,
        beside=beside,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds of one case: the median of each figure, and the range of the rate."""

    case: Case
    rounds: Sequence[Figures]

    def median(self, figure: str) -> float:
        """The median of one figure."""
        return float(statistics.median(getattr(one, figure) for one in self.rounds))

    @property
    def slowest(self) -> float:
        """The lowest rate of all rounds."""
        return min(one.rate for one in self.rounds)

    @property
    def fastest(self) -> float:
        """The highest rate of all rounds."""
        return max(one.rate for one in self.rounds)

    @property
    def errors(self) -> int:
        """The errors of all rounds together."""
        return sum(one.errors for one in self.rounds)

    @property
    def beside(self) -> dict[str, float]:
        """The medians of the figures that only this case has."""
        return {name: statistics.median(one.beside[name] for one in self.rounds) for name in self.rounds[0].beside}


def rounds(
    cases: Sequence[Case],
    bench: Bench,
    count: int,
    seconds: float,
    began: Callable[[Case, int], None],
    generate: Generator = wrk.run,
) -> Iterator[dict[str, Summary]]:
    """Measure every case `count` times; yields the results so far, by case. `began` is called before each."""
    figures: dict[str, list[Figures]] = defaultdict(list)
    for number in range(count):
        for case in cases if number % 2 == 0 else reversed(cases):
            began(case, number)
            with tempfile.TemporaryDirectory(prefix="bench-", dir=bench.folder) as folder:
                own = Bench(Path(folder), bench.core, bench.postgres)
                figures[case.name].append(measure(case, own, seconds, generate))
            yield {one.name: Summary(one, figures[one.name]) for one in cases if one.name in figures}
