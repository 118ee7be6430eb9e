"""The rules that hold for every input."""

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

import httpx
from sqlalchemy import select

from receiver.errors import WireError
from receiver.providers.base.discovery import discover
from receiver.providers.base.samples import find_samples
from receiver.wire import Message, read
from storage.tables import callbacks
from tests.fuzz import echo
from tests.fuzz.inputs import Input
from tests.providers.support import provider_of
from tests.support import Running, running

SLOW_SECONDS = 3.0
"""Processor time for an input of at most 60,000 bytes: parsing that takes longer is not linear."""
SIDE_BY_SIDE = 32
PROVIDER_TESTS = Path(__file__).parent.parent / "providers"
MAX_ANSWER = 64 * 1024


def check_wire(made: Input) -> str:
    """Parse the body alone. The reason of a failure; empty if there is none."""
    began = time.process_time()
    try:
        message = read(made.body, made.content_type)
    except WireError as error:
        wrong = "" if str(error) else "the error has no text"
    except BaseException as error:
        return f"read raised {type(error).__name__}: {error}"
    else:
        wrong = "" if isinstance(message, Message) and message.method == message.method.strip() else "no message"
    return "reading takes too long" if time.process_time() - began > SLOW_SECONDS else wrong


class Watch(logging.Handler):
    """Collects logged errors, except those of handlers that cannot make a reply from the caller's input."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect one record."""
        if record.name in {"receiver.intake.ask", "receiver.intake.responder"}:
            return
        if record.exc_info and record.exc_info[0] is not None:
            self.lines.append(f"logged a traceback: {record.exc_info[0].__name__}: {record.exc_info[1]}")
        else:
            self.lines.append(f"logged an error: {record.getMessage()}")

    def taken(self) -> str:
        """The errors logged since the last call."""
        lines, self.lines = self.lines, []
        return "; ".join(lines)


class App:
    """A whole receiver that gets inputs."""

    def __init__(self, receiver: Running, watch: Watch) -> None:
        self._client = receiver.client
        self._watch = watch
        self.receiver = receiver
        self._taken: list[Input] = []
        self.lost: list[tuple[Input, str]] = []
        """Filled after the receiver has stopped."""

    def find_lost(self) -> None:
        """Find inputs that were answered and are not in the journal."""
        kept = select(callbacks.c.query, callbacks.c.body).where(callbacks.c.part == 0)
        rows = self.receiver.query(lambda connection: connection.execute(kept).all())
        stored = Counter((row.query, row.body) for row in rows)
        for made in self._taken:
            content = made.target.partition("?")[2].encode(), made.body
            if not stored[content]:
                self.lost.append((made, "answered, and not in the journal"))
            stored[content] -= 1

    async def check(self, many: Iterable[Input]) -> list[tuple[Input, str]]:
        """Send inputs concurrently; those that failed, with the reasons."""
        batch = list(many)
        found: list[tuple[Input, str]] = []
        for start in range(0, len(batch), SIDE_BY_SIDE):
            together = batch[start : start + SIDE_BY_SIDE]
            wrong = await asyncio.gather(*map(self._wrong, together))
            found += [(made, why) for made, why in zip(together, wrong, strict=True) if why]
            if logged := self._watch.taken():
                found += await self._blamed(together, logged)
        return found

    async def _blamed(self, together: list[Input], logged: str) -> list[tuple[Input, str]]:
        """An error was logged: send each input again on its own to find which one caused it."""
        found = []
        for made in together:
            await self._wrong(made)
            await asyncio.sleep(0.01)
            if why := self._watch.taken():
                found.append((made, why))
        return found or [(together[0], f"{logged} (one of {len(together)})")]

    async def _wrong(self, made: Input) -> str:
        headers = [(b"content-type", made.content_type.encode("latin-1", "replace"))] if made.content_type else []
        try:
            reply = await self._client.request(made.method, made.target, content=made.body, headers=headers)
        except Exception as error:
            return f"the app raised {type(error).__name__}: {error}"
        if reply.status_code == 200 and (made.method == "POST" or not _is_ready_line(made, reply)):
            self._taken.append(made)
        return wrong_reply(made, reply)


def wrong_reply(made: Input, reply: httpx.Response) -> str:
    """The fault of a reply; empty if there is none. The queue is never full here, so 503 is a fault too."""
    if made.method in {"PUT", "DELETE", "PATCH"} or (made.method == "OPTIONS" and reply.status_code == 405):
        return "" if reply.status_code == 405 else f"{made.method} got {reply.status_code}"
    if (
        made.method != "POST"
        and reply.status_code in {200, 204}
        and "json" not in reply.headers.get("content-type", "")
    ):
        return ""  # the readiness line
    if reply.status_code != 200:
        return f"status {reply.status_code}"
    if len(reply.content) > MAX_ANSWER:
        return "the reply is longer than what was sent explains"
    provider = _provider_at(made.path)
    try:
        wrong = check_of(provider)(reply)
    except Exception as error:
        return f"the reply is broken: {type(error).__name__}: {error}"
    return wrong and f"{provider}: {wrong}"


@cache
def _provider_paths() -> dict[str, str]:
    """The first part of each provider's path, and its name."""
    return {provider_of(name).path.split("/")[1]: name for name in discover()}


def _provider_at(path: str) -> str:
    return _provider_paths().get(path.split("/")[1], "")


@cache
def check_of(provider: str) -> Callable[[httpx.Response], str]:
    """What finds the fault of a provider's reply: `wrong_reply` of its `reply_shapes` beside its tests.

    Without such a module a reply must have a content type that one of the provider's samples gets.
    """
    if (PROVIDER_TESTS / provider / "reply_shapes.py").exists():
        check: Callable[[httpx.Response], str] = import_module(f"tests.providers.{provider}.reply_shapes").wrong_reply
        return check
    types = {sample.expect["reply"]["content_type"] for sample in find_samples(provider)}
    return lambda reply: "" if reply.headers["content-type"] in types else f"type {reply.headers['content-type']}"


def _is_ready_line(made: Input, reply: httpx.Response) -> bool:
    """Whether the reply is the readiness line, for a request that is not stored."""
    typed = reply.headers.get("content-type", "").startswith(("application/json", "text/xml"))
    return made.method != "POST" and reply.status_code in {200, 204} and not typed


@asynccontextmanager
async def started() -> AsyncIterator[App]:
    """A receiver on SQLite in a temporary folder, with handlers that echo what was sent."""
    watch = Watch()
    logging.getLogger().addHandler(watch)
    try:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            async with running(Path(folder), echo.handlers, shutdown_seconds=1) as receiver:
                app = App(receiver, watch)
                yield app
            app.find_lost()
    finally:
        logging.getLogger().removeHandler(watch)
