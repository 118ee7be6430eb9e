"""Format a scenario's problems, for the terminal, for pytest and for JUnit."""

from collections.abc import Iterator

from receiver.scenarios.checks import Problem
from receiver.scenarios.model import LoadedScenario


def problem_lines(loaded: LoadedScenario, problem: Problem) -> Iterator[str]:
    """The place in the file, the problem, and its diff or traceback."""
    yield f"{place_of(loaded, problem)}: {problem.text}"
    for line in problem.lines:
        yield f"    {line}"


def place_of(loaded: LoadedScenario, problem: Problem) -> str:
    """The file, and the line and the action of the step."""
    if problem.step is None:
        return str(loaded.path)
    line = loaded.step_lines[problem.step] if problem.step < len(loaded.step_lines) else 1
    return f"{loaded.path}:{line}: step {problem.step + 1}, {loaded.scenario.steps[problem.step]}"
