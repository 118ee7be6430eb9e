"""The phone without a screen: lines in, lines out, no cursor movement. For screen readers, pipes and bare terminals."""

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from receiver.errors import ReceiverError
from receiver.phone.clock import PhoneClock
from receiver.phone.journal_reader import JournalReader
from receiver.phone.recording import free_name, save_call
from receiver.phone.script import read_script
from receiver.phone.session import PhoneSession
from receiver.phone.transcript import Transcript
from receiver.simulator import Step

TICK_SECONDS = 0.1
HELP = """\
Type actions and press Enter; several in one line are done one after the other.
  0-9 * #      keys of the telephone: "1", or "12#"
  wait         press nothing until the provider continues
  hangup       the caller hangs up
  answer, busy, noanswer, reject, unavailable, invalidnumber: what the dialled side does
  call         a new call
  save         save this call as a scenario
  pause        stop the clock of the call, or let it run on
  quit         leave"""


class PlainPhone:
    """Plays calls by lines that are typed. `read_line` returns a line, or "" at the end of the input.

    Each call that ends is saved to `record`, if that is a file.
    """

    def __init__(
        self,
        session: PhoneSession,
        transcript: Transcript,
        journal: JournalReader,
        *,
        record: Path | None = None,
        read_line: Callable[[], str] | None = None,
    ) -> None:
        self._session = session
        self._transcript = transcript
        self._journal = journal
        self._record = record
        self._read_line = read_line or line_reader()
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Place a call, and go on until "quit" or the end of the input."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read_all, args=(loop,), name="phone-input", daemon=True).start()
        await self._call()
        while (line := await self._next_line()) is not None:
            try:
                if not await self._execute(line.strip()):
                    break
            except ReceiverError as error:
                self._transcript.note(str(error), "bad")
        await self._show(await self._session.finish())

    async def _next_line(self) -> str | None:
        """The next line that is typed; meanwhile the provider continues. None at the end of the input."""
        while True:
            try:
                line = await asyncio.wait_for(self._lines.get(), TICK_SECONDS)
            except TimeoutError:
                await self._show(await self._session.go_on_if_due())
                continue
            return line or None

    async def _execute(self, line: str) -> bool:
        """Do what a line says; False to leave."""
        match line.lower():
            case "":
                self._transcript.choices()
            case "help" | "?":
                for text in HELP.splitlines():
                    self._transcript.note(text)
            case "quit" | "exit":
                return False
            case "call":
                await self._call()
            case "save":
                await self._save(free_name(self._session))
            case "pause":
                self._pause()
            case _:
                for action in read_script(line):
                    await self._act(action)
        return True

    async def _call(self) -> None:
        if self._session.player.steps and not self._session.is_over:
            self._transcript.note("hang up first: type hangup", "waiting")
            return
        step = await self._session.dial()
        self._transcript.opening()
        await self._show(step)

    async def _act(self, action: str) -> None:
        step = await self._session.do(action)
        if step is None:
            self._transcript.note(f"{action} has no effect now", "waiting")
            self._transcript.choices()
        await self._show(step)

    async def _show(self, step: Step | None) -> None:
        """The step, and what follows when it was the last one."""
        if step is None:
            return
        self._transcript.step(step)
        if self._session.is_over:
            self._transcript.ending()
            answered = sum(exchange.reply is not None for exchange in self._session.exchanges)
            trace = await self._journal.settled(self._session.call.call_ids, answered)
            self._transcript.journal(trace, self._journal.problem)
            if self._record is not None:
                await self._save(self._record, force=True)
        self._transcript.choices()

    async def _save(self, file: Path, *, force: bool = False) -> None:
        await save_call(self._session, self._journal, file, force=force)
        self._transcript.note(f"saved: receiver test {file}", "good")

    def _pause(self) -> None:
        clock = self._session.clock
        if isinstance(clock, PhoneClock):
            clock.toggle()
            self._transcript.note("the clock is stopped" if clock.is_paused else "the clock runs", "waiting")

    def _read_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand on each line; on a thread, for reading blocks."""
        line = "-"
        while line:
            line = self._read_line()
            with suppress(RuntimeError):  # the phone was left meanwhile
                loop.call_soon_threadsafe(self._lines.put_nowait, line)


def line_reader() -> Callable[[], str]:
    """Reads lines of standard input past Python's own buffer, whose lock a thread that waits would keep at the end."""
    raw = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115 - it lives as long as the program
    return lambda: raw.readline().decode(errors="replace")
