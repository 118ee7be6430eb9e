"""The cases that are measured: a server, a request, and a check that each acknowledged callback is stored."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from storage import Database
from tests.bench import journals, payloads, servers
from tests.bench.payloads import PLACE, Payload
from tests.bench.servers import Server
from tests.postgres import Cluster, make_database

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Bench:
    """The environment of a round: an empty folder, the server's core, and PostgreSQL if it is installed."""

    folder: Path
    core: int
    postgres: Cluster | None = None


@dataclass(slots=True)
class Round:
    """A server that is ready for its load, and the results of the round after it has ended."""

    server: Server
    settle: Callable[[], Mapping[str, float]] = dict
    """Waits until the backlog is empty; returns figures that are shown beside the rate."""
    stored: int | None = None
    """How many callbacks are stored with the expected outcome, after the server has stopped; None if it stores none."""
    astray: int = 0
    """How many are stored with another outcome."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    name: str
    payload: Payload
    start: Callable[[Bench], AbstractContextManager[Round]]
    reply: str = ""
    """A text that a correct reply contains."""
    connections: int = field(default=CONNECTIONS)

    def check(self, url: str) -> None:
        """Send one request and check its reply. Raises RuntimeError."""
        reply = httpx.post(
            url + self.payload.path,
            content=self.payload.body("0" * len(PLACE)),
            headers={"Content-Type": self.payload.content_type},
            timeout=10,
        )
        if not reply.is_success or self.reply not in reply.text:
            raise RuntimeError(f"{self.name} is answered with {reply.status_code} {reply.text}")


ACKNOWLEDGED = "OK"
RECEIVER = "receiver: CDR XML-RPC"
WITH_HANDLER = "receiver: CDR XML-RPC, a handler draining"
IVR_TWO_PROCESSES = "receiver: GET_IVR_ACTION XML-RPC, answered, 2 processes"
ON_POSTGRESQL = "receiver: CDR XML-RPC, PostgreSQL"
IVR = "receiver: GET_IVR_ACTION XML-RPC, answered"
ON_POSTGRESQL_WITH_HANDLER = "receiver: CDR XML-RPC, PostgreSQL, a handler"
TWO_PROCESSES = "receiver: CDR XML-RPC, PostgreSQL, a handler, 2 processes"
HANDWRITTEN = "FastAPI + SQLAlchemy by hand"
XMLRPC_SERVER = "xmlrpc.server, threads, stores nothing"
STARLETTE = "Starlette echo"
ASGI = "bare ASGI echo"
WEBHOOK = "webhook, /bin/true a call"

OPEN_DELIVERIES = "deliveries open when the load stops"
SECONDS_UNTIL_NONE = "seconds until none is open"


def all_cases() -> list[Case]:
    """Every case, in the order of the table."""
    cdr = payloads.cdr_xmlrpc()
    return [
        Case(RECEIVER, cdr, _on_sqlite("accepted"), ACKNOWLEDGED),
        Case("receiver: CDR JSON", payloads.cdr_json(), _on_sqlite("accepted"), ACKNOWLEDGED),
        Case("receiver: Spokn form", payloads.spokn_form(), _on_sqlite("accepted")),
        Case(IVR, payloads.ivr_xmlrpc(), _on_sqlite("answered", "answers"), "welcome"),
        Case(
            "receiver: IVR_LAYER_INPUT JSON, answered",
            payloads.layer_json(),
            _on_sqlite("answered", "answers"),
            "0501234567",
        ),
        Case(WITH_HANDLER, cdr, _on_sqlite("accepted", "nothing"), ACKNOWLEDGED),
        Case(IVR_TWO_PROCESSES, payloads.ivr_xmlrpc(), _on_sqlite("answered", "answers", processes=2), "welcome"),
        Case(ON_POSTGRESQL, cdr, _on_postgresql(), ACKNOWLEDGED),
        Case(ON_POSTGRESQL_WITH_HANDLER, cdr, _on_postgresql("nothing"), ACKNOWLEDGED),
        Case(TWO_PROCESSES, cdr, _on_postgresql("nothing", processes=2), ACKNOWLEDGED),
        Case(HANDWRITTEN, cdr, _handwritten, ACKNOWLEDGED),
        Case(XMLRPC_SERVER, cdr, _storing_nothing(servers.xmlrpc_peer), ACKNOWLEDGED),
        Case(STARLETTE, cdr, _storing_nothing(_echo("starlette_echo"))),
        Case(ASGI, cdr, _storing_nothing(_echo("asgi_echo"))),
        Case(WEBHOOK, cdr, _storing_nothing(servers.webhook_peer)),
    ]


def missing(case: Case, bench: Bench) -> str:
    """What has to be installed before a case can be measured; empty if nothing."""
    if "PostgreSQL" in case.name and bench.postgres is None:
        return "PostgreSQL is not installed: `apt-get install postgresql`"
    if case.name == WEBHOOK and not servers.webhook_installed():
        return servers.WEBHOOK_MISSING
    return ""


def _on_sqlite(outcome: str, *handlers: str, processes: int = 1) -> Callable[[Bench], AbstractContextManager[Round]]:
    def start(bench: Bench) -> AbstractContextManager[Round]:
        return _receiving(bench, f"sqlite:///{bench.folder}/journal.db", outcome, handlers, processes)

    return start


def _on_postgresql(*handlers: str, processes: int = 1) -> Callable[[Bench], AbstractContextManager[Round]]:
    def start(bench: Bench) -> AbstractContextManager[Round]:
        assert bench.postgres is not None
        return _receiving(bench, make_database(bench.postgres.url), "accepted", handlers, processes)

    return start


@contextmanager
def _receiving(bench: Bench, url: str, outcome: str, handlers: tuple[str, ...], processes: int = 1) -> Iterator[Round]:
    with Database(url) as database:
        with servers.receiver(bench.folder, bench.core, url, handlers, processes=processes) as server:
            round_ = Round(server)
            if "nothing" in handlers:
                round_.settle = lambda: _drain(database)
            yield round_
        found = journals.outcomes(database)
    round_.stored = found.pop(outcome, 0)
    round_.astray = found.total()


def _drain(database: Database) -> Mapping[str, float]:
    left = journals.open_deliveries(database)
    return {OPEN_DELIVERIES: left, SECONDS_UNTIL_NONE: journals.seconds_until_none(database)}


@contextmanager
def _handwritten(bench: Bench) -> Iterator[Round]:
    file = bench.folder / "cdrs.db"
    url = f"sqlite:///{file}"
    with servers.uvicorn_peer(bench.folder, bench.core, "handwritten", BENCH_DATABASE_URL=url) as server:
        round_ = Round(server)
        yield round_
    connection = sqlite3.connect(file)
    round_.stored = connection.execute("SELECT count(*) FROM cdrs").fetchone()[0]
    connection.close()


def _storing_nothing(
    start: Callable[[Path, int], AbstractContextManager[Server]],
) -> Callable[[Bench], AbstractContextManager[Round]]:
    @contextmanager
    def started(bench: Bench) -> Iterator[Round]:
        with start(bench.folder, bench.core) as server:
            yield Round(server)

    return started


def _echo(module: str) -> Callable[[Path, int], AbstractContextManager[Server]]:
    def start(folder: Path, core: int) -> AbstractContextManager[Server]:
        return servers.uvicorn_peer(folder, core, module)

    return start
