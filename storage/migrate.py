"""Bring the tables up to date, with Alembic and the migrations that ship with this package."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 7_236_482_991  # any number, the same for every receiver


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in one transaction; a lock serialises processes that start together."""
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if current(connection) != newest():
            _run_migrations(connection)


def current(connection: Connection) -> str | None:
    """The revision of the tables; None before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def newest() -> str:
    """The revision that this version of the program works with: the highest number of a migration."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # takes longer to import than most commands take to run, and is seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
