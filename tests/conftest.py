"""What tests of several rooms share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Database


@pytest.fixture
def anyio_backend() -> str:
    """The receiver runs on asyncio."""
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty journal in a real file."""
    with Database(f"sqlite:///{tmp_path}/journal.db") as database:
        database.migrate()
        yield database
