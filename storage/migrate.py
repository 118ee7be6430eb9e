"""Bring the tables up to date, with Alembic and the migrations that ship with this package.

Migrations first expand: what they add does not disturb programs of the revisions since `OLDEST_PROGRAM`, which may go
on running, and may start again, beside newer ones. What such programs need is removed by a later release, which raises
`OLDEST_PROGRAM`. The tables carry it, so that an older program knows whether it may use them.

Programs from before revision 0007 do not look at it, and refuse tables that have any other revision than their own. For
a rollback to one of them `step_back` notes its revision. What was added stays, so a migration that runs again must
leave alone what exists (`if_not_exists`).
"""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from storage.errors import SchemaError

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST_PROGRAM = "0004"
"""The oldest revision whose programs work with the tables of the newest one."""
LOCK_SECONDS = 10
"""How long a migration waits for a table on PostgreSQL: while it waits, writers wait behind it."""
_ADVISORY_LOCK = 7_236_482_991  # any number, the same for every receiver

_NOTE_OLDEST_PROGRAM = (
    "DELETE FROM schema_compatibility",
    f"INSERT INTO schema_compatibility (oldest_program) VALUES ('{OLDEST_PROGRAM}')",  # noqa: S608 - a constant
)

OnStep = Callable[[str], None]
"""Called with each revision whose migration is done."""


def upgrade(connection: Connection, on_step: OnStep | None = None) -> None:
    """Run the migrations that are missing, in one transaction; a lock serialises processes that start together.

    Raises SchemaError if a newer version of the program has changed the tables so that this one cannot use them.
    """
    with connection.begin():
        _lock(connection)
        if missing(connection):
            _run_migrations(connection, on_step or (lambda _: None))
            for statement in _NOTE_OLDEST_PROGRAM:
                connection.execute(text(statement))


def require_current(connection: Connection) -> None:
    """Change nothing. Raises SchemaError if migrations are missing, or as `upgrade` does."""
    if revisions := missing(connection):
        raise SchemaError(
            f"the tables lack {len(revisions)} migrations, up to revision {revisions[-1]}: run `receiver migrate`"
        )


def step_back(connection: Connection, revision: str) -> None:
    """Note an older revision as that of the tables, so that its program starts; nothing is removed.

    The next program of this version runs the later migrations again. Raises SchemaError if the program of `revision`
    cannot use the tables, or if they do not have a later one.
    """
    with connection.begin():
        _lock(connection)
        at = current(connection)
        if revision not in revisions() or at is None or revision >= at:
            known = ", ".join(one for one in revisions() if at is not None and OLDEST_PROGRAM <= one < at)
            raise SchemaError(
                f"the tables have revision {at}, and {revision} is not an earlier one: write one of {known or 'none'}"
            )
        oldest = OLDEST_PROGRAM
        if inspect(connection).has_table("schema_compatibility"):
            oldest = connection.execute(text("SELECT oldest_program FROM schema_compatibility")).scalar_one()
        if revision < oldest:
            raise SchemaError(
                f"programs of revision {revision} cannot use the tables of {at}, those from {oldest} on can: restore a "
                "back-up from before the upgrade into another database"
            )
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def missing(connection: Connection) -> list[str]:
    """The revisions whose migrations have not run, oldest first. Raises SchemaError as `upgrade` does."""
    at = current(connection)
    if at is not None and at > newest():
        _require_usable(connection, at)
        return []
    return [revision for revision in revisions() if at is None or revision > at]


def sql(connection: Connection) -> str:
    """The migrations that are missing, as statements for a database administrator; they are not run."""
    if not (left := missing(connection)):
        return ""
    out = io.StringIO()
    config = _config(output_buffer=out)
    config.attributes["dialect"] = connection.dialect.name
    from alembic import command

    command.upgrade(config, f"{current(connection) or 'base'}:{left[-1]}", sql=True)
    return out.getvalue() + "".join(f"{statement};\n\n" for statement in _NOTE_OLDEST_PROGRAM)


def current(connection: Connection) -> str | None:
    """The revision of the tables; None before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def revisions() -> list[str]:
    """The numbers of all migrations, in order."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def newest() -> str:
    """The revision that this version of the program works with: the highest number of a migration."""
    return revisions()[-1]


def _require_usable(connection: Connection, at: str) -> None:
    """Check that this program may use tables that a newer one has migrated."""
    oldest = connection.execute(text("SELECT oldest_program FROM schema_compatibility")).scalar_one()
    if oldest > newest():
        raise SchemaError(
            f"the tables have revision {at}, and this version works with {newest()} at most: install the version that "
            "migrated them, or restore a back-up from before"
        )
    logger.warning("the tables have revision %s, newer than this version's %s, and work with it", at, newest())


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))  # others may migrate for long
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def _run_migrations(connection: Connection, on_step: OnStep) -> None:
    from alembic import command  # takes longer to import than most commands take to run, and is seldom needed

    config = _config()
    config.attributes["connection"] = connection
    config.attributes["on_step"] = on_step
    command.upgrade(config, "head")


def _config(**options: Any) -> Any:
    from alembic.config import Config

    config = Config(**options)
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def is_known(revision: str) -> bool:
    """Whether this version of the program has the migrations up to a revision."""
    return revision in revisions()
