"""What must hold for every input, whatever is in it."""

import asyncio
import logging
import re
import tempfile
import time
import xmlrpc.client
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import select

from receiver.errors import WireError
from receiver.wire import Message, read
from receiver.wire.xmlrpc import FAULT_UNKNOWN_METHOD
from storage.tables import callbacks
from tests.fuzz import echo
from tests.fuzz.inputs import Input
from tests.support import Running, running

SLOW_SECONDS = 3.0
"""Of processor time, for an input of at most sixty thousand bytes: what takes longer grows faster than its input."""
SIDE_BY_SIDE = 32
MAX_ANSWER = 64 * 1024
_XML_START = b'<?xml version="1.0" encoding="utf-8"?>\n<methodResponse>'
_XML_TAGS = frozenset(
    b"methodResponse params param fault value struct member name array data int string".split()  # the document's types
)
_TAG = re.compile(rb"</?([^>/?\s]+)[^>]*>")


def check_wire(made: Input) -> str:
    """Read the body alone. Why that went wrong, or nothing."""
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
    """Collects what is logged as an error, except a handler's refusal to make a reply of what the caller sent."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        if record.name in {"receiver.intake.ask", "receiver.intake.responder"}:
            return
        if record.exc_info and record.exc_info[0] is not None:
            self.lines.append(f"logged a traceback: {record.exc_info[0].__name__}: {record.exc_info[1]}")
        else:
            self.lines.append(f"logged an error: {record.getMessage()}")

    def taken(self) -> str:
        """What was logged since the last time."""
        lines, self.lines = self.lines, []
        return "; ".join(lines)


class App:
    """A whole receiver that takes inputs."""

    def __init__(self, receiver: Running, watch: Watch) -> None:
        self._client = receiver.client
        self._watch = watch
        self.receiver = receiver
        self._taken: list[Input] = []
        self.lost: list[tuple[Input, str]] = []
        """Filled when the receiver has been stopped."""

    def look_for_lost(self) -> None:
        """Find what was answered and is not in the journal."""
        kept = select(callbacks.c.query, callbacks.c.body).where(callbacks.c.part == 0)
        stored = Counter((row.query, row.body) for row in self.receiver.look(lambda look: look.execute(kept).all()))
        for made in self._taken:
            content = made.target.partition("?")[2].encode(), made.body
            if not stored[content]:
                self.lost.append((made, "answered, and not in the journal"))
            stored[content] -= 1

    async def check(self, many: Iterable[Input]) -> list[tuple[Input, str]]:
        """Send inputs side by side; what went wrong, and why."""
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
        """Something was logged: send each again alone to learn which one did it."""
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
        if reply.status_code == 200 and (made.method == "POST" or not _is_look(made, reply)):
            self._taken.append(made)
        return wrong_reply(made, reply)


def wrong_reply(made: Input, reply: httpx.Response) -> str:
    """What is wrong with a reply, or nothing. Nothing here waits in a queue, so 503 would be a fault too."""
    if made.method in {"PUT", "DELETE", "PATCH"} or (made.method == "OPTIONS" and reply.status_code == 405):
        return "" if reply.status_code == 405 else f"{made.method} got {reply.status_code}"
    if (
        made.method != "POST"
        and reply.status_code in {200, 204}
        and "json" not in reply.headers.get("content-type", "")
    ):
        return ""  # a look at the URL
    if reply.status_code != 200:
        return f"status {reply.status_code}"
    if len(reply.content) > MAX_ANSWER:
        return "the reply is longer than what was sent explains"
    content_type = reply.headers["content-type"]
    try:
        if made.path.startswith("/spokn"):
            return "" if _is_spokns(reply, content_type) else f"Spokn got {reply.content[:60]!r}"
        if content_type == "text/xml; charset=utf-8":
            return _wrong_values(_from_xml(reply.content), int)
        if content_type == "application/json":
            return _wrong_values(orjson.loads(reply.content), str)
    except Exception as error:
        return f"the reply is broken: {type(error).__name__}: {error}"
    return f"the reply's type is {content_type}"


def _is_look(made: Input, reply: httpx.Response) -> bool:
    """A look at the URL, which is answered in one line and not kept."""
    typed = reply.headers.get("content-type", "").startswith(("application/json", "text/xml"))
    return made.method != "POST" and reply.status_code in {200, 204} and not typed


def _is_spokns(reply: httpx.Response, content_type: str) -> bool:
    text = reply.content.decode("utf-8")
    return content_type == "text/plain; charset=utf-8" and (text == "OK" or text.startswith("ERROR: "))


def _from_xml(body: bytes) -> Any:
    """The value of a response: strict, with no type that the provider's document does not have."""
    if not body.startswith(_XML_START):
        raise ValueError("no declaration, or no response")
    if unknown := set(_TAG.findall(body.partition(b"\n")[2])) - _XML_TAGS:
        raise ValueError(f"tags {unknown}")
    try:
        (value,), _ = xmlrpc.client.loads(body.decode("utf-8"))
    except xmlrpc.client.Fault as fault:
        return {"fault": fault.faultCode}
    return value


def _wrong_values(values: Any, err_type: type) -> str:
    match values:
        case {"fault": code} if code == FAULT_UNKNOWN_METHOD:
            return ""
        case {"err": err, "errdesc": str()} if len(values) == 2:
            return "" if type(err) is err_type and str(err) in {"0", "1"} else f"err is {err!r}"
        case {"STATUS": 0 | 1} if len(values) == 1:
            return ""
        case {"STATUS": 0 | 1, "ACTION": str(), **_more}:
            return ""
        case {"STATUS": "OK" | "1", "URL": str(), "CLIENTNAME": str(), "TOTAL": str(), "COMPANY": str()}:
            return "" if len(values) == 5 else "the pop-up has more than its five fields"
    return f"no documented shape: {str(values)[:100]}"


@asynccontextmanager
async def started() -> AsyncIterator[App]:
    """A receiver of its own on SQLite in a folder of its own, with handlers that give back what was sent."""
    watch = Watch()
    logging.getLogger().addHandler(watch)
    try:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            async with running(Path(folder), echo.handlers, shutdown_seconds=1) as receiver:
                app = App(receiver, watch)
                yield app
            app.look_for_lost()
    finally:
        logging.getLogger().removeHandler(watch)
