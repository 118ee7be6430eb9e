"""Phones to test with: on replies that are made up, on a receiver in process, and on servers that answer nonsense."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from receiver.components import make_providers
from receiver.phone.clock import PhoneClock
from receiver.phone.journal_reader import JournalReader
from receiver.phone.line import Line
from receiver.phone.order import CallOrder, find_play
from receiver.phone.session import PhoneSession
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest
from receiver.settings import Settings
from receiver.simulator import Send, VirtualClock
from receiver.wire import Format

ORIGIN = "http://127.0.0.1:8000"
MENU = {"REC": "welcome", "LOOP": 3, "DELAY": 2, "SIZE": 1, "MENU": "main", "VALIDATION": 0}
CALL = {"TARGET": "0541111111", "CALLERID": "", "CALLERNAME": "", "CALL_MAX_DIAL": 30, "CALL_MAX": 600, "REC_STATUS": 0}
ACKNOWLEDGED = {"STATUS": 0, "err": "0", "errdesc": "OK"}


def action(name: str, data: Mapping[str, Any], language: str = "HE") -> dict[str, Any]:
    """A reply with an action."""
    return {"STATUS": 0, "ACTION": name, "LANGUAGE": language, "DATA": data}


def as_json(values: Any) -> HttpReply:
    """A reply with these values."""
    return HttpReply(json.dumps(values).encode(), "application/json")


def by_key(replies: Mapping[str, dict[str, Any]]) -> Send:
    """A receiver that answers a question by the keys in it, and acknowledges reports."""

    async def send(request: OutgoingRequest) -> HttpReply | None:
        if not request.asks:
            return as_json(ACKNOWLEDGED)
        return as_json(replies.get(json.loads(request.body)["DATA"]["DTMF"], HANGUP))

    return send


HANGUP = action("HANGUP", {"HANGUP_REC": "bye"})
OFFICE = by_key({"": action("MENU", MENU), "1": action("CALL", CALL), "9": HANGUP})
"""A menu; key 1 rings somebody, key 9 hangs up."""


def order(name: str = "ivr", provider: str = "", **fields: Any) -> CallOrder:
    """A call as JSON, unless another format is asked for."""
    found, play = find_play(make_providers(Settings()), name, provider)
    return CallOrder(provider=found, play=play, **{"format": Format.JSON, **fields})


def session(send: Send = OFFICE, clock: PhoneClock | VirtualClock | None = None, **fields: Any) -> PhoneSession:
    """A phone on that receiver."""
    return PhoneSession(order(**fields), Line(send, ORIGIN), clock or VirtualClock())


def no_journal(folder: Path) -> JournalReader:
    """A journal that is not there."""
    settings = Settings(database_url=f"sqlite:///{folder}/none.db")
    return JournalReader.open(settings, order().provider)


class FakeTime:
    """Seconds that a test makes pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """What has passed."""
        return self.seconds


@contextmanager
def answering(make: Callable[[bytes], bytes], status: int = 200) -> Iterator[str]:
    """A server that answers each POST with what `make` makes of its body; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer."""
            body = make(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
