"""Open the database and run work on it: on threads, each piece of work in its own transaction."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage import migrate
from storage.errors import DatabaseFailedError, DatabaseUrlError, StoreRejectedError

Result = TypeVar("Result")

CLOSE_SECONDS = 5
"""How long closing waits for work in progress."""
BUSY_SECONDS = 10
"""How long a transaction waits for SQLite's lock, which another process may hold."""
BUSY_STEP_MS = 1
"""How long it waits between two attempts. SQLite's own steps grow to 100 ms, while a busy process takes the lock again
within one: the other would nearly always find it taken."""
PGBOUNCER = "pgbouncer"
"""The parameter of a database URL, with the value true, that names the server a pgBouncer in transaction mode."""
CONNECT_SECONDS = 2
"""How long connecting to PostgreSQL may take."""
STATEMENT_SECONDS = 30
"""Statement timeout on PostgreSQL; no statement of ours needs so long."""
WRITERS = 3
"""Concurrent write transactions on PostgreSQL; SQLite has one writer."""
WRITER_CACHE_KIB = 64 * 1024
"""Hashes of content without a time of its own are spread over the whole index, whose pages each write must read."""
READERS = 4
"""Concurrent read transactions; on SQLite they never wait for the writer (WAL)."""


_REJECTED = (
    *(DataError, IntegrityError, NotSupportedError, ProgrammingError, OverflowError, UnicodeError),
    *(sqlite3.DataError, sqlite3.IntegrityError, sqlite3.NotSupportedError, sqlite3.ProgrammingError),
    sqlite3.InterfaceError,
)
"""Exceptions of SQLAlchemy and of the driver for a statement or a value that the database never accepts."""


class Database:
    """One database, with one writer on SQLite and a few on PostgreSQL.

    Work is a plain function of a connection. Raises StoreUnavailableError when the database cannot do it.
    """

    def __init__(self, url: str, *, auto_migrate: bool = True) -> None:
        self.url = parse_url(url)
        self.behind_pgbouncer = self.url.query.get(PGBOUNCER) == "true"
        """Whether a connection belongs to this process only as long as a transaction."""
        self.url = self.url.difference_update_query([PGBOUNCER])
        self._auto_migrate = auto_migrate
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writing, self._reading = (
                _sqlite_engine(self.url, "BEGIN IMMEDIATE", WRITER_CACHE_KIB),
                _sqlite_engine(self.url, "BEGIN"),
            )
        else:
            self._writing = self._reading = _postgresql_engine(self.url, pooled=self.behind_pgbouncer)
        self._migration_pending = False
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else WRITERS, thread_name_prefix="journal-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._running: set[Future[Any]] = set()
        self._writer_connection: Connection | None = None

    @property
    def place(self) -> str:
        """The location of the data, for people; without the password."""
        if self.is_sqlite and self.url.database:
            return str(Path(self.url.database).resolve())
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    def migrate(self, on_step: migrate.OnStep | None = None) -> None:
        """Bring the tables up to date; several processes may do so at once. Without `auto_migrate`, only check them.

        `on_step` is called with each revision whose migration is done. If the database is unreachable, the next
        transaction first tries again. Raises SchemaError if the tables are not those of this version of the program.
        """
        self._migration_pending = True
        with self._translated(), self._writing.connect() as connection:
            if self._auto_migrate:
                migrate.upgrade(connection, on_step)
            else:
                migrate.require_current(connection)
        self._migration_pending = False

    def step_back(self, revision: str) -> None:
        """Note an older revision as that of the tables, for a rollback, as `storage.migrate.step_back` does."""
        with self._translated(), self._writing.connect() as connection:
            migrate.step_back(connection, revision)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection in a transaction that may write."""
        if self._migration_pending:
            self.migrate()
        with self._translated(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read_only(self) -> Iterator[Connection]:
        """A connection in a transaction that only reads."""
        with self._translated(), self._reading.begin() as connection:
            yield connection

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, once its transaction is committed and on disk."""
        return await self._on_thread(self._writers, self._begin_on_writer if self.is_sqlite else self.begin, work)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns."""
        return await self._on_thread(self._readers, self.read_only, work)

    def checkpoint(self) -> None:
        """Move SQLite's log, which has old versions of rows, into the file, as far as no reader uses it."""
        if self.is_sqlite:
            with self._translated(), self._writing.connect() as connection:
                driver_connection(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Wait up to CLOSE_SECONDS for running work, then close every connection.

        A thread that waits for a server that hangs cannot be stopped.
        """
        self._writers.shutdown(wait=False)
        self._readers.shutdown(wait=False)
        left = wait(set(self._running), timeout=CLOSE_SECONDS).not_done  # a connection in use would stay open
        if self._writer_connection is not None and not left:
            self._writer_connection.close()
        for engine in {self._writing, self._reading}:
            engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _begin_on_writer(self) -> Iterator[Connection]:
        """As `begin`, on the connection that SQLite's writer thread keeps open: opening costs more than writing a row.

        After any failure the next transaction opens a new connection.
        """
        if self._migration_pending:
            self.migrate()
        with self._translated():
            connection, self._writer_connection = self._writer_connection or self._writing.connect(), None
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._writer_connection = connection

    async def _on_thread(self, pool: ThreadPoolExecutor, opening: Any, work: Callable[[Connection], Result]) -> Result:
        running = pool.submit(self._run, opening, work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(running)

    @staticmethod
    def _run(opening: Any, work: Callable[[Connection], Result]) -> Result:
        with opening() as connection:
            return work(connection)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _REJECTED as error:
            raise StoreRejectedError(f"the database rejected it: {_first_line(error)}") from error
        except (DBAPIError, sqlite3.Error, OSError, PoolTimeoutError) as error:
            raise DatabaseFailedError(f"the database {self.place} failed: {_first_line(error)}") from error


def driver_connection(connection: Connection) -> Any:
    """The driver's own connection, for what every transaction does: through SQLAlchemy it takes ten times as long."""
    return connection.connection.driver_connection


def parse_url(text: str) -> URL:
    """A database URL as users write it, with our driver added. Raises DatabaseUrlError."""
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise DatabaseUrlError(f"{_hint(text)} is not a database URL; write one like sqlite:///receiver.db") from error
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise DatabaseUrlError("the journal must survive a restart: name a file, as in sqlite:///receiver.db")
        return url
    if backend == "postgresql":
        if url.query.get(PGBOUNCER, "true") != "true":
            raise DatabaseUrlError(f"write {PGBOUNCER}=true into the database URL, or leave it out")
        return url.set(drivername="postgresql+psycopg")
    raise DatabaseUrlError(f"{backend} is not supported as a database; write sqlite:///FILE or postgresql://…")


def _postgresql_engine(url: URL, *, pooled: bool) -> Engine:
    """An engine that soon detects that its server is unreachable."""
    limits = {"statement_timeout": f"{STATEMENT_SECONDS}s", "lock_timeout": f"{BUSY_SECONDS}s", "timezone": "UTC"}
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": BUSY_SECONDS * 1000,
        "keepalives_idle": BUSY_SECONDS,
    }
    if pooled:
        options["prepare_threshold"] = None  # a prepared statement stays with a connection that others get, too
    else:
        options["options"] = " ".join(f"-c {name}={value}" for name, value in limits.items())
    given = {name: value for name, value in options.items() if name not in url.query}
    engine = create_engine(url, hide_parameters=True, connect_args=given, pool_size=READERS + WRITERS, max_overflow=2)
    if pooled:
        _limit_each_transaction(engine, limits)
    return engine


def _limit_each_transaction(engine: Engine, limits: Mapping[str, str]) -> None:
    """Set the limits in each transaction: pgBouncer takes none at the start of a connection."""
    local = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver_connection(connection).execute(f"SELECT {local}")


def _hint(text: str) -> str:
    return repr(text) if "@" not in text else "the value"


def _first_line(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0]


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",  # else each insert of many rows makes and removes a file
    "wal_autocheckpoint=4000",  # pages; a page that many commits change is then moved once
)


def _sqlite_engine(url: URL, begin: str, cache_kib: int = 2048) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}, pool_size=READERS)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the BEGIN below decides what a transaction locks
        for pragma in (*_PRAGMAS, f"cache_size=-{cache_kib}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver = driver_connection(connection)
        if begin == "BEGIN":
            driver.execute(begin)
        else:
            _begin_in_turn(driver, begin)

    return engine


def _begin_in_turn(driver: Any, begin: str) -> None:
    """Begin a transaction that writes: try for the lock often, so that processes take turns."""
    until = monotonic() + BUSY_SECONDS
    driver.execute(f"PRAGMA busy_timeout={BUSY_STEP_MS}")
    try:
        while True:
            try:
                driver.execute(begin)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
