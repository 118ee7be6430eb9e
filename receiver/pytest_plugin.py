"""The pytest plugin: it collects scenario files as tests, and has fixtures for a receiver and a phone.

It is active wherever the receiver is installed. Files `*.toml` in a folder named `scenarios` are collected; the
fixtures `receiver_app` and `phone` run your handlers in the test's process. The fixture `sandbox` plays the providers'
APIs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # tests that do not use the receiver load nothing of it
    from receiver.sandbox.server import RunningSandbox
    from receiver.scenarios import LoadedScenario
    from receiver.scenarios.in_process import InProcessReceiver, PhoneCall

FOLDER = "scenarios"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Handler modules can be named in the configuration."""
    parser.addini("receiver_handlers", "Modules of `receiver_app`; by default those of receiver.toml.", type="args")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect each scenario file as one test."""
    if file_path.suffix == ".toml" and FOLDER in file_path.parent.parts:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    """A file with a scenario."""

    def collect(self) -> Iterable[pytest.Item]:
        """The one test."""
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class ScenarioFailure(Exception):  # noqa: N818 - what pytest shows is a failure, not an error
    """A scenario has problems."""


class ScenarioItem(pytest.Item):
    """A scenario as a test."""

    def runtest(self) -> None:
        """Play it. Raises ScenarioFailure with the problems."""
        import asyncio

        from receiver.scenarios import load_scenario
        from receiver.scenarios.report import problem_lines

        loaded = load_scenario(self.path)
        result = asyncio.run(_result(loaded))
        if not result.has_passed:
            raise ScenarioFailure("\n".join(line for one in result.problems for line in problem_lines(loaded, one)))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The problems alone: a traceback through the receiver does not help."""
        from receiver.errors import ReceiverError

        if isinstance(excinfo.value, ScenarioFailure | ReceiverError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file."""
        return self.path, None, f"scenario {self.name}"


async def _result(loaded: LoadedScenario) -> Any:
    from receiver.scenarios import ScenarioRunner
    from receiver.settings import load

    async with ScenarioRunner(load()) as runner:
        return await runner.run(loaded)


@pytest.fixture
def receiver_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcessReceiver]:
    """A receiver with your handlers and an empty journal; see `receiver.scenarios.in_process`.

    The handlers are those of the marker `@pytest.mark.receiver(handlers=["handlers.office"])`, else those of the
    option `receiver_handlers`, else those of receiver.toml. The marker takes other settings as well.
    """
    from receiver.scenarios.in_process import in_process_receiver
    from receiver.settings import load

    marker = request.node.get_closest_marker("receiver")
    given = dict(marker.kwargs) if marker else {}
    given.setdefault("handlers", request.config.getini("receiver_handlers"))
    with in_process_receiver(tmp_path, load(**given)) as receiver:
        yield receiver


@pytest.fixture
def phone(receiver_app: InProcessReceiver) -> Callable[..., PhoneCall]:
    """Calls `receiver_app`: `phone(did="0730000000").press("1")`."""
    return receiver_app.call


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """A sandbox that listens on a port of its own; see `receiver.sandbox.server`.

    Calls run 1,000 times as fast, and callbacks are kept: `@pytest.mark.sandbox(receiver="http://127.0.0.1:8000")`
    sends them. The marker takes every setting of the sandbox, and `drop`, `repeat`, `late` and `reorder`.
    """
    from receiver.sandbox import load_settings
    from receiver.sandbox.server import RunningSandbox

    marker = request.node.get_closest_marker("sandbox")
    given = {"speed": 1000, "receiver": "", **(marker.kwargs if marker else {})}
    with RunningSandbox(load_settings(**given)) as running:
        yield running


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and let tests in any folder import the handlers of the working folder."""
    folder = str(config.invocation_params.dir)
    if folder not in sys.path:
        sys.path.append(folder)  # last, as `receiver serve` does: it must not hide what is installed
    config.addinivalue_line("markers", "receiver(handlers, **settings): settings of the fixture receiver_app")
    config.addinivalue_line("markers", "sandbox(**settings): settings of the fixture sandbox")
