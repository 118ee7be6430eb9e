"""A whole receiver in process, with a journal in a real file and HTTP in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import Connection

from receiver.app import build_app
from receiver.components import Components, handler_defaults, make_providers
from receiver.plugins import Handlers
from receiver.plugins.registry import Registry
from receiver.settings import Settings
from storage import Database, Delivery, StoredCallback, journal, queue
from storage.values import Filter
from tests.journals import sqlite_journal

T = TypeVar("T")


@dataclass
class Running:
    """A started receiver: its HTTP client, and the URL of its journal."""

    client: httpx.AsyncClient
    url: str

    def callbacks(self, **wanted: Any) -> list[StoredCallback]:
        """The callbacks in the journal, oldest first."""
        return self.query(lambda connection: journal.find(connection, Filter(**wanted), 1000)[::-1])

    def deliveries(self, callback_id: int) -> list[Delivery]:
        """The deliveries of a callback."""
        return self.query(lambda connection: queue.of_callback(connection, callback_id))

    def query(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the journal, also after the receiver was stopped."""
        with self.database() as database, database.read_only() as connection:
            return work(connection)

    def database(self) -> Database:
        """The journal's database."""
        return Database(self.url)


@asynccontextmanager
async def running(where: Path | str, *modules: Handlers, tracer: Any = None, **settings: Any) -> AsyncIterator[Running]:
    """A receiver with these handlers, its journal in that folder or at that database URL.

    `tracer`, a `Tracing`, makes its spans. It is stopped at the end of the block; then its journal can be queried.
    """
    made = Settings(**{"handlers": [], "shutdown_seconds": 5, **settings})
    providers = make_providers(made)
    registry = Registry(
        (handler for module in modules for handler in module),
        providers,
        handler_settings=made.handler_settings,
        defaults=handler_defaults(made),
    )
    url = where if isinstance(where, str) else sqlite_journal(where / "journal.db")
    app = build_app(Components(made, providers, registry), _migrated(url), tracing=tracer)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    client = httpx.AsyncClient(transport=transport, base_url="http://receiver")
    async with client, app.site.router.lifespan_context(app.site):
        yield Running(client, url)


def _migrated(url: str) -> Database:
    database = Database(url)
    database.migrate()
    return database


def states(found: Sequence[Delivery]) -> list[str]:
    """The deliveries' states, in order."""
    return [delivery.state.value for delivery in found]


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds, at most ten seconds."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)
