"""The report of `make bench`: figures, ratios and the machine."""

from collections.abc import Mapping, Sequence

from tests.bench import reader
from tests.bench.cases import Case
from tests.bench.measuring import Summary
from tests.bench.ratios import Ratio
from tests.bench.reader import Reader
from tests.bench.tables import Grid, facts, number


def rates(found: Mapping[str, Summary], left_out: Mapping[str, str]) -> Grid:
    """Every case with the medians of its figures, then those that could not be measured, with the reason."""
    grid = Grid(
        "Requests a second on one core",
        (
            "case",
            "requests/s",
            "lowest to highest",
            "p50 ms",
            "p99 ms",
            "CPU µs/request",
            "server busy",
            "wrk busy",
            "peak MB",
            "errors",
        ),
    )
    for name, summary in found.items():
        grid.rows.append(
            (
                name,
                number(summary.median("rate")),
                f"{number(summary.slowest)} to {number(summary.fastest)}",
                number(summary.median("p50_ms")),
                number(summary.median("p99_ms")),
                number(summary.median("cpu_us")),
                f"{summary.median('server_busy'):.0%}",
                f"{summary.median('generator_busy'):.0%}",
                number(summary.median("peak_mb")),
                str(summary.errors),
            )
        )
    grid.rows += [(f"{name}: left out, {why}", *[""] * 9) for name, why in left_out.items()]
    return grid


def backlogs(found: Mapping[str, Summary]) -> Grid:
    """The figures that single cases have beside their rate."""
    rows = [(name, what, number(value)) for name, one in found.items() for what, value in one.beside.items()]
    return Grid("Deliveries", ("case", "what", "median"), list(rows), texts=2)


def readers(found: Sequence[Reader]) -> Grid:
    """The XML-RPC parsers."""
    ours = next(one.micros for one in found if one.name == reader.OURS)
    rows = [(one.name, number(one.micros), number(one.micros / ours)) for one in found]
    return Grid("Reading a CDR of 21 fields", ("reader", "µs", "of the receiver's"), list(rows))


def ratios(found: Sequence[Ratio]) -> Grid:
    """The ratios with their targets."""
    rows = [(one.name, number(one.value), one.wanted, "yes" if one.met else "NO") for one in found]
    return Grid("Ratios of this run", ("ratio", "value", "target", "met"), list(rows))


def payloads(cases: Sequence[Case]) -> Grid:
    """The requests and their sizes."""
    sizes = {case.payload.name: case.payload.size for case in cases}
    return Grid("What is sent", ("request", "bytes of its body"), [(name, str(size)) for name, size in sizes.items()])


def machine(described: Mapping[str, str], how: str) -> Grid:
    """The machine that the figures were measured on."""
    return facts("The machine of this run", {**described, "run": how})
