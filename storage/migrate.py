"""Bring the tables up to date, with Alembic and the migrations that ship with this package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_ADVISORY_LOCK = 7_236_482_991  # any number, the same for every receiver


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in one transaction; a lock serialises processes that start together."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if MigrationContext.configure(connection).get_current_revision() != newest():
            command.upgrade(config, "head")


def newest() -> str:
    """The revision that this version of the program works with."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None  # noqa: S101 - the package ships at least one migration
    return head


def is_known(revision: str) -> bool:
    """Whether this version of the program has the migrations up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return any(script.revision == revision for script in ScriptDirectory.from_config(config).walk_revisions())
