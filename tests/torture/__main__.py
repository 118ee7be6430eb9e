"""`make torture`: run every scenario for minutes, and print a table of the results."""

import random
import sys
import tempfile
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tests.postgres import MISSING, cluster, make_database
from tests.torture import data, restarts, scenarios
from tests.torture.scenarios import Result

console = Console()
RESTARTS = 20
ON_SERVER = (
    scenarios.killed_on_postgresql,
    scenarios.postgresql_killed,
    scenarios.frozen_on_postgresql,
    data.copied_under_load,
)


def main(seconds: float = 60.0, seed: int = 0, rounds: int = 1) -> None:
    """Run every scenario with SECONDS of load; the same seed repeats a run."""
    seed = seed or random.randrange(1, 10**6)
    console.print(f"seed {seed}; {seconds:g} s of load a scenario, {rounds} round(s)")
    results: list[Result] = []
    with cluster() as server:
        if server is None:
            console.print(f"[bold red]{MISSING}[/]")
        for number in range(seed, seed + rounds):
            for scenario in (scenarios.killed_on_sqlite, scenarios.disk_full, data.backed_up_under_load):
                with tempfile.TemporaryDirectory(prefix="torture-") as folder:
                    results.append(_reported(scenario(Path(folder), number, seconds)))
            for restarted in (restarts.restarted_on_a_held_socket, restarts.replaced_by_sighup):
                for url in ("sqlite:///journal.db", make_database(server.url) if server else ""):
                    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
                        here = url.replace("///", f"///{folder}/")
                        results += [_reported(restarted(Path(folder), here, RESTARTS))] if url else []
            for on_server in ON_SERVER:
                if server is None:
                    continue
                with tempfile.TemporaryDirectory(prefix="torture-") as folder:
                    results.append(_reported(on_server(Path(folder), number, seconds, server)))
    _print(results)
    sys.exit(any(result.wrong for result in results))


def _reported(result: Result) -> Result:
    console.print(f"{result.name}: {'; '.join(result.wrong) or 'fine'} ({result.seconds:.0f} s)")
    return result


def _print(results: list[Result]) -> None:
    table = Table(title="What was acknowledged is stored and delivered")
    for heading in (
        "scenario",
        "seed",
        "crashes",
        "acknowledged",
        "stored",
        "repeats",
        "delivered",
        "delivered again",
        "lost",
    ):
        table.add_column(heading, justify="left" if heading == "scenario" else "right")
    for one in results:
        lost = "none" if not one.wrong else "; ".join(one.wrong)
        figures = (one.seed, one.crashes, one.acknowledged, one.stored, one.repeats, one.delivered, one.doubled)
        table.add_row(one.name, *map(str, figures), lost)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
