"""`receiver serve --reload`: load handlers and settings again as soon as their files change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.markup import escape

from receiver.cli.load_again import authored, load_again
from receiver.cli.output import print_error
from receiver.cli.watching import WatchedFiles
from receiver.components import Components
from receiver.errors import ReceiverError
from receiver.plugins.failures import shown_path
from receiver.settings import load

logger = logging.getLogger(__name__)

SETTLE_MS, QUIET_MS, LOOK_AGAIN_MS = 200, 50, 1_000
"""Files are looked at when none has changed for QUIET_MS, after SETTLE_MS at the latest; and once in LOOK_AGAIN_MS, in
case that a change was not reported."""
PAUSE_SECONDS = 0.5
"""After a folder that was to be watched has gone."""

RunScenarios = Callable[[], Awaitable[str]]
"""Runs the scenarios of the working folder; what to print of it, on one line."""


class Reloader:
    """Loads handler modules and settings again when their files change, and lets the running components hold them.

    `given` are the settings of the command line. What fails to load is printed, and the previous code stays loaded.
    """

    def __init__(
        self,
        components: Components,
        given: Mapping[str, Any],
        *,
        console: Console,
        run_scenarios: RunScenarios | None = None,
    ) -> None:
        self._components = components
        self._given = given
        self._console = console
        self._run_scenarios = run_scenarios
        self._scenarios: asyncio.Task[None] | None = None
        self._files = WatchedFiles(Path.cwd())
        self._modules = self._module_files()
        self._has_failed = False
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._files.changes(self._modules)

    def start(self) -> None:
        """Begin to watch."""
        self._say("Handler modules, receiver.toml and scenarios are loaded again when they change.")
        self._task = asyncio.create_task(self._watch(), name="reload")

    async def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        if self._scenarios is not None:
            self._scenarios.cancel()
        tasks = [task for task in (self._task, self._scenarios) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        from watchfiles import awatch  # only who asks for a reload needs it

        while not self._stop.is_set():
            folders = self._files.folders(self._modules)
            try:
                async for _ in awatch(
                    *folders,
                    watch_filter=None,
                    debounce=SETTLE_MS,
                    step=QUIET_MS,
                    rust_timeout=LOOK_AGAIN_MS,
                    yield_on_timeout=True,
                    recursive=False,
                    stop_event=self._stop,
                ):
                    await self.look()
                    if self._files.folders(self._modules) != folders:
                        break
            except FileNotFoundError:
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:
                logger.exception("watching for changes failed")
                await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        """Load again if any file has changed that the handlers or the settings come from; run the scenarios then."""
        changed = self._files.changes(self._modules)
        sources = sorted(path for path in changed if self._is_source(path))
        if sources and not await self._reload(sources):
            return
        if sources or any(self._files.is_scenario(path) for path in changed):
            self._start_scenarios()

    def _is_source(self, path: Path) -> bool:
        """Whether handlers or settings come from a file; while they do not load, any module may be what is missing."""
        is_missing = self._has_failed and path.suffix == ".py"
        return self._files.is_settings(path) or path in self._modules or is_missing

    async def _reload(self, sources: list[Path]) -> bool:
        """Load everything again; whether it did."""
        began = perf_counter()
        try:
            settings = load(**self._given)
            loaded, ignored = await load_again(self._components, settings)
        except ReceiverError as error:
            self._has_failed = True
            for line in str(error).splitlines():
                print_error(line)
            print_error("not reloaded: the previous code still answers")
            return False
        self._components.registry.replace(loaded.registry)
        self._has_failed = False
        self._modules = self._module_files()
        names = ", ".join(shown_path(str(path)) for path in sources)
        self._say(f"reloaded {names} in {(perf_counter() - began) * 1000:.0f} ms")
        if ignored:
            self._say(f"restart to apply: {', '.join(ignored)}")
        return True

    def _module_files(self) -> set[Path]:
        return {Path(str(module.__file__)) for module in authored(self._components).modules().values()}

    def _start_scenarios(self) -> None:
        """Run the scenarios, from the beginning if they are running."""
        if self._scenarios is not None:
            self._scenarios.cancel()
        if self._run_scenarios is not None and self._files.has_scenarios:
            self._scenarios = asyncio.create_task(self._show_scenarios(self._run_scenarios), name="scenarios")

    async def _show_scenarios(self, run: RunScenarios) -> None:
        try:
            self._say(f"scenarios: {await run()}")
        except Exception:
            logger.exception("the scenarios could not be run")

    def _say(self, line: str) -> None:
        self._console.print(escape(line), highlight=False, soft_wrap=True)
        self._console.file.flush()
