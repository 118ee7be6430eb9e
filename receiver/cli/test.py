"""`receiver test`: run scenarios."""

import asyncio
import io
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from receiver.cli.main import app, report_errors
from receiver.cli.options import HandlerModules
from receiver.cli.output import console, print_error, print_json, printable
from receiver.scenarios import LoadedScenario, ScenarioResult, ScenarioRunner, find_scenarios, load_scenario
from receiver.scenarios.junit import write_junit
from receiver.scenarios.model import FOLDER
from receiver.scenarios.report import problem_lines
from receiver.settings import Settings, load


@app.command("test")
def run_scenarios(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Scenario files, or folders of them.", show_default=f"folder {FOLDER}"),
    ] = None,
    handlers: HandlerModules = None,
    junit: Annotated[
        Path | None, typer.Option(help="Also write the results to this file, as JUnit XML.", show_default=False)
    ] = None,
    show_output: Annotated[
        bool, typer.Option("--show-output", help="Show what handlers print and log, even if all pass.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per scenario.")] = False,
) -> None:
    """Play scenarios against your handlers, without a server and without the network, in a temporary journal.

    Exit code 1 means that a scenario failed.
    """
    with report_errors():
        settings = load(handlers=handlers)
        scenarios = [load_scenario(path) for path in find_scenarios(places or [Path(FOLDER)])]
        results, output = _run(settings, scenarios)
    if junit is not None:
        _write(results, junit)
    failed = [result for result in results if not result.has_passed]
    if as_json:
        for result in results:
            print_json(_values(result))
    else:
        for result in results:
            _print_result(result)
        if output and (failed or show_output):
            console.print("[bold]handlers printed:[/]", highlight=False)
            console.print(escape("\n".join(map(printable, output.splitlines()))), highlight=False, soft_wrap=True)
    summary = f"{len(results) - len(failed)} passed, {len(failed)} failed"
    print(summary, file=sys.stderr if as_json else sys.stdout)
    if failed:
        raise typer.Exit(1)


def _run(settings: Settings, scenarios: Sequence[LoadedScenario]) -> tuple[list[ScenarioResult], str]:
    """The results, and what handlers printed and logged meanwhile."""

    async def run_all() -> list[ScenarioResult]:
        async with ScenarioRunner(settings) as runner:
            return await runner.run_all(scenarios)

    output = io.StringIO()
    stream = logging.StreamHandler(output)
    stream.addFilter(_is_authors)
    logging.basicConfig(handlers=[stream], level=logging.WARNING, format="%(levelname)s %(message)s", force=True)
    with redirect_stdout(output):
        return asyncio.run(run_all()), output.getvalue()


def _is_authors(record: logging.LogRecord) -> bool:
    """Whether handlers logged it: what the receiver logs of them is among the problems already."""
    return record.name == "receiver.handlers" or not record.name.startswith("receiver.")


def _write(results: Sequence[ScenarioResult], junit: Path) -> None:
    try:
        write_junit(results, junit)
    except OSError as error:
        print_error(f"--junit: {junit} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error


def _print_result(result: ScenarioResult) -> None:
    mark = "[green]passed[/]" if result.has_passed else "[bold red]FAILED[/]"
    title = f"  {result.loaded.scenario.title}" if result.loaded.scenario.title else ""
    line = f"{mark}  {escape(str(result.loaded.path))}{escape(printable(title))}"
    console.print(line, highlight=False, soft_wrap=True)
    for problem in result.problems:
        for line in problem_lines(result.loaded, problem):
            style = {"+": "green", "-": "red"}.get(line.strip()[:1])
            console.print(escape(printable(f"    {line}")), style=style, highlight=False, soft_wrap=True)


def _values(result: ScenarioResult) -> dict[str, object]:
    return {
        "path": str(result.loaded.path),
        "title": result.loaded.scenario.title,
        "passed": result.has_passed,
        "seconds": round(result.seconds, 4),
        "problems": [
            {"text": problem.text, "step": problem.step, "lines": list(problem.lines)} for problem in result.problems
        ],
    }
