"""A whole receiver in process, with a journal in a real file and HTTP in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from receiver.app import Parts, build_app, make_providers
from receiver.plugins import Handlers
from receiver.plugins.loading import Registry
from receiver.settings import Settings
from storage import Database, Delivery, StoredCallback, deliveries, journal
from storage.values import Filter


@dataclass
class Running:
    """A started receiver: a client to call it with, and its journal."""

    client: httpx.AsyncClient
    database: Database

    def callbacks(self, **wanted: Any) -> list[StoredCallback]:
        """What is in the journal, oldest first."""
        with self.database.look() as connection:
            return journal.find(connection, Filter(**wanted), 1000)[::-1]

    def deliveries(self, callback_id: int) -> list[Delivery]:
        """The deliveries of a callback."""
        with self.database.look() as connection:
            return deliveries.of_callback(connection, callback_id)


@asynccontextmanager
async def running(tmp_path: Path, *modules: Handlers, **settings: Any) -> AsyncIterator[Running]:
    """A receiver with these handlers. When the block ends it is stopped, and the journal can still be looked at."""
    made = Settings(**{"handlers": [], "shutdown_seconds": 5, **settings})
    providers = make_providers(made)
    registry = Registry((handler for module in modules for handler in module), providers)
    url = settings.get("database_url") or f"sqlite:///{tmp_path}/journal.db"
    app = build_app(Parts(made, providers, registry), _migrated(url))
    looking = Database(url)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    client = httpx.AsyncClient(transport=transport, base_url="http://receiver")
    async with client, app.router.lifespan_context(app):
        yield Running(client, looking)
    looking.close()


def _migrated(url: str) -> Database:
    database = Database(url)
    database.migrate()
    return database


def states(found: Sequence[Delivery]) -> list[str]:
    """The deliveries' states, in order."""
    return [delivery.state.value for delivery in found]
