"""Examine a journal and what surrounds it, and repair what is safe to repair."""

import asyncio
import platform
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import text

from receiver.operations.contents import check_contents
from receiver.operations.contradictions import contradictions
from receiver.providers.base.contract import Provider
from receiver.settings import Settings
from storage import Database, StoreError, integrity, migrate
from storage.backup import sqlite_file
from storage.errors import SchemaError
from storage.failover import FailoverStore
from storage.postgresql_backup import find_program
from storage.spool_files import count_in_all, left_behind

OLDEST_SQLITE = (3, 35)
"""The first version with RETURNING, by which deliveries are claimed."""
OLDEST_POSTGRESQL = 12
LEAST_FREE_BYTES = 500_000_000
LEAST_FREE_SHARE = 0.03
NEWEST_CONTENTS = 10_000
"""How many of the newest callbacks are read again, unless all are."""

OnStep = Callable[[str, int, int | None], None]


class Level(StrEnum):
    """How a finding must be taken."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is wrong with the journal."""
    FIXED = "fixed"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: what it is about, and a sentence that says what to do if something is wrong."""

    topic: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines one receiver's data. With `fix` it repairs what cannot make anything worse."""

    settings: Settings
    database: Database
    providers: Mapping[str, Provider[Any]]
    on_loopback: bool
    on_step: OnStep
    fix: bool = False
    all_contents: bool = False

    def examine(self) -> Iterator[Finding]:
        """All findings, one after the other; a database that cannot be read is one."""
        yield from self._settings()
        yield from self._space()
        yield _version("Python", platform.python_version(), True)
        try:
            yield from self._versions()
            if (yield from self._revision()):
                yield from self._journal()
        except StoreError as error:
            yield Finding("journal", Level.WRONG, f"the journal cannot be read: {error}; {self._advice()}")

    def _advice(self) -> str:
        if self.database.is_sqlite:
            return "if the file is damaged, restore a backup, or save what is left with `sqlite3 FILE .recover`"
        return "see that PostgreSQL runs, and that database_url names an existing database"

    def _settings(self) -> Iterator[Finding]:
        found = contradictions(self.settings, on_loopback=self.on_loopback)
        yield from (Finding("settings", Level.WRONG, problem) for problem in found)
        if not found:
            yield Finding("settings", Level.OK, "no two settings contradict each other")

    def _space(self) -> Iterator[Finding]:
        spool = Path(self.settings.spool).resolve().parent
        folders = {sqlite_file(self.database).parent if self.database.is_sqlite else spool}
        for folder in sorted(folders):
            if not folder.is_dir():
                yield Finding("disk", Level.WRONG, f"there is no folder {folder}")
                continue
            usage = shutil.disk_usage(folder)
            free = f"{folder} has {usage.free / 1e9:.1f} GB free ({usage.free / usage.total:.0%})"
            if usage.free < LEAST_FREE_BYTES or usage.free < usage.total * LEAST_FREE_SHARE:
                yield Finding("disk", Level.WRONG, f"{free}: make room, or set keep_days or keep_bodies_days")
            else:
                yield Finding("disk", Level.OK, free)

    def _versions(self) -> Iterator[Finding]:
        if self.database.is_sqlite:
            yield _version("SQLite", sqlite3.sqlite_version, sqlite3.sqlite_version_info >= OLDEST_SQLITE)
            return
        with self.database.read_only() as connection:
            number = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        yield _version("PostgreSQL", str(number), number >= OLDEST_POSTGRESQL)
        try:
            yield Finding("backup", Level.OK, f"{find_program('pg_dump', number)} can back the journal up")
        except StoreError as error:
            yield Finding("backup", Level.NOTE, str(error))

    def _revision(self) -> Generator[Finding, None, bool]:
        """Whether the tables are those of this version: only then can they be checked."""
        if self.database.is_sqlite and not sqlite_file(self.database).exists():
            yield Finding("journal", Level.NOTE, "there is no journal yet: `receiver serve` creates it")
            return False
        with self.database.read_only() as connection:
            revision, newest = migrate.current(connection), migrate.newest()
            try:
                missing = migrate.missing(connection)
            except SchemaError as error:
                yield Finding("revision", Level.WRONG, str(error))
                return False
        if missing:
            what = f"of revision {revision}" if revision else "missing"
            yield Finding("revision", Level.NOTE, f"the tables are {what}: the next receiver makes them {newest}")
            return False
        suits = "" if revision == newest else f", newer than this version's {newest}, and work with it"
        yield Finding("revision", Level.OK, f"the tables are of revision {revision}{suits}")
        return True

    def _journal(self) -> Iterator[Finding]:
        yield from self._file()
        yield from self._indexes()
        yield from self._references()
        yield from self._contents()
        yield from self._spool()
        with self.database.read_only() as connection:
            dead = integrity.dead_deliveries(connection)
        if dead:
            yield Finding("deliveries", Level.NOTE, f"{dead} are dead: `receiver deliveries list --state dead`")

    def _file(self) -> Iterator[Finding]:
        if self.database.is_sqlite:
            self.on_step("checking the file", 0, None)
            with self.database.read_only() as connection:
                found = integrity.quick_check(connection)
            if found:
                yield Finding("file", Level.WRONG, f"SQLite finds damage: {found}; {self._advice()}")
            else:
                yield Finding("file", Level.OK, "SQLite finds no damage in the file")

    def _indexes(self) -> Iterator[Finding]:
        with self.database.read_only() as connection:
            missing = integrity.missing_indexes(connection)
        plain = [name for name in missing if name not in integrity.UNIQUE]
        if unique := sorted(set(missing) - set(plain)):
            advice = "this is an unfinished copy: run `receiver copy` with --final"
            yield Finding("indexes", Level.WRONG, f"without {', '.join(unique)} nothing can be stored; {advice}")
        elif plain and self.fix:
            with self.database.begin() as connection:
                integrity.create_indexes(connection, plain)
            yield Finding("indexes", Level.FIXED, f"created {', '.join(plain)}")
        elif plain:
            yield Finding("indexes", Level.WRONG, f"{', '.join(plain)} missing: --fix creates them")
        else:
            yield Finding("indexes", Level.OK, "all indexes are there")

    def _references(self) -> Iterator[Finding]:
        for name in integrity.REFERENCES:
            with self.database.read_only() as connection:
                broken = integrity.orphans(connection, name, self._rows(name))
            if broken.count and self.fix:
                with self.database.begin() as connection:
                    deleted = integrity.delete_orphans(connection, name)
                yield Finding("references", Level.FIXED, f"{name}: {deleted} deleted")
            elif broken.count:
                advice = "no worker can use them; --fix deletes them"
                yield Finding("references", Level.WRONG, f"{name}: {broken.count}, first {_listed(broken)}; {advice}")
            else:
                yield Finding("references", Level.OK, f"no {name}")

    def _contents(self) -> Iterator[Finding]:
        searches = {"parts without their body": integrity.parts_without_body, "contents": integrity.without_content}
        for name, search in searches.items():
            with self.database.read_only() as connection:
                broken = search(connection, self._rows(name))
            if broken.count:
                lost = f"{broken.count} callbacks have lost their content, first {_listed(broken)}"
                yield Finding("contents", Level.WRONG, f"{lost}: compare them with a backup")
        limit = None if self.all_contents else NEWEST_CONTENTS
        checked = check_contents(self.database, self.providers, limit, self._rows("reading contents"))
        read = f"{checked.read} of the {'' if limit is None else 'newest '}callbacks read again"
        if checked.damaged:
            yield Finding("contents", Level.WRONG, f"{read}: {_numbers(checked.damaged)} cannot be decompressed")
        if checked.changed:
            yield Finding(
                "contents",
                Level.NOTE,
                f"{read}: {_numbers(checked.changed)} have another hash than their bytes: the bytes were changed, or "
                "an earlier version stored them",
            )
        if not checked.damaged and not checked.changed:
            yield Finding("contents", Level.OK, f"{read}: each hash is that of its bytes")

    def _spool(self) -> Iterator[Finding]:
        spool = Path(self.settings.spool)
        waiting, rejected = count_in_all(spool)
        if waiting and self.fix:
            moved = asyncio.run(_move(self.database, spool))
            waiting, rejected = count_in_all(spool)
            yield Finding("spool", Level.FIXED, f"{moved} callbacks moved from {spool} to the journal")
        elif waiting:
            who = "a receiver on SQLite does not move them" if self.database.is_sqlite else "a receiver moves them"
            level = Level.WRONG if self.database.is_sqlite else Level.NOTE
            yield Finding("spool", level, f"{spool} holds {waiting} callbacks: {who}, or --fix while none runs")
        if rejected:
            yield Finding("spool", Level.WRONG, f"{spool} keeps {rejected} callbacks that the journal rejected")
        if not waiting and not rejected:
            yield Finding("spool", Level.OK, f"nothing waits in {spool}")

    def _rows(self, step: str) -> Callable[[int, int], None]:
        return lambda done, total: self.on_step(step, done, total)


async def _move(database: Database, path: Path) -> int:
    """Move the callbacks of spools that no receiver uses to the journal, each once; how many."""
    moved = 0
    for spool in left_behind(path):
        waiting = spool.count
        await FailoverStore(database, spool).move_all()
        moved += waiting - spool.count
    return moved


def _version(what: str, version: str, suffices: bool) -> Finding:
    return Finding(
        "versions", Level.OK if suffices else Level.WRONG, f"{what} {version}" + ("" if suffices else " is too old")
    )


def _listed(broken: integrity.Broken) -> str:
    return ", ".join(map(str, broken.first))


def _numbers(found: list[int]) -> str:
    more = f" and {len(found) - integrity.LISTED} more" if len(found) > integrity.LISTED else ""
    return ", ".join(map(str, found[: integrity.LISTED])) + more
