"""Copy a journal to the other kind of database, keeping all numbers, while receivers write to it.

1. The large tables are copied in the order of their keys, so that an interrupted copy goes on after the target's last
   rows. The target has no secondary indexes meanwhile.
2. Rounds catch up: new rows of the large tables, changed deliveries with their attempts, and the small tables as a
   whole. Only deliveries that are unfinished on one of the sides can have changed.
3. Everything is compared, since retention and erasure also change old rows.
4. With the source locked, a last round and a last comparison. Then the target gets its unique indexes and its numbers.
   Until then it lacks the index that a receiver needs to store anything, so none can run on half a copy.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import URL

from storage import migrate
from storage.backup import sqlite_file
from storage.backup_values import OnStep
from storage.copying.compare import PAGE, Compared, compare
from storage.copying.layout import ALL, ATTEMPTS, CALLBACKS, DELIVERIES, LARGE, Key, Layout
from storage.copying.postgresql_side import PostgresqlSide
from storage.copying.side import Side
from storage.copying.sqlite_side import SqliteSide
from storage.database import Database
from storage.errors import CopyError, StoreUnavailableError
from storage.tables import content_index

ROUNDS = 10
"""A source that changes faster than this many rounds can follow is caught up with when it stands still."""
FEW = 500
"""So many changed rows in a round are few enough to stop catching up."""
CHANGED_AT_ONCE = 500
_HIGHEST = 2**31 - 1

Bounds = dict[Layout, Key | None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What the target has after the copy."""

    rows: int
    """Rows that this run has added to the large tables."""
    behind: int
    """Rows that the last round has changed: about as many may be missing while receivers go on."""
    last_callback: int


class JournalCopy:
    """One copy between two open journals. `on_step` is called with the name of a step, its rows and their total."""

    def __init__(self, source: Side, target: Side, on_step: OnStep) -> None:
        self._source = source
        self._target = target
        self._on_step = on_step
        self._added = 0

    def run(self) -> Copied:
        """Copy, catch up and compare while receivers use the source."""
        self._prepare()
        behind = self._catch_up(first=True)
        for _ in range(ROUNDS):
            if behind <= FEW:
                break
            behind = self._catch_up()
        self._compare_all({layout: self._target.last_key(layout) for layout in LARGE}, LARGE, "comparing")
        behind = self._catch_up()
        return Copied(self._added, behind, (self._target.last_key(CALLBACKS) or (0,))[0])

    def finish(self) -> list[Compared]:
        """The last pass: no process can write to the source meanwhile. Raises CopyError if the journals differ."""
        self._prepare()
        self._source.lock()
        self._catch_up(first=True)
        found = self._compare_all({}, ALL, "verifying")
        if any(one.changes for one in found):
            found = self._compare_all({}, ALL, "verifying again")
        if wrong := [one.table for one in found if one.changes or one.hashes[0] != one.hashes[1]]:
            raise CopyError(f"the copy differs in {', '.join(wrong)}: does something else write to the target?")
        self._on_step("unique indexes", 0, None)
        self._target.create_indexes(unique=True)
        for layout in ALL:
            if layout.has_sequence:
                self._target.set_sequence(layout, self._source.sequence(layout))
        self._target.settle()
        return found

    def _prepare(self) -> None:
        newest = migrate.newest()
        if (revision := self._source.revision()) != newest:
            raise CopyError(
                f"the source has tables of revision {revision} and this version works with {newest}: start a receiver "
                "of this version on it first"
            )
        if self._target.has_index(str(content_index.name)):
            if self._target.last_key(CALLBACKS):
                raise CopyError(
                    "the target has callbacks and is no unfinished copy: name an empty database, or, if it "
                    "was copied to before, start the receivers with it: a complete copy is not repeated"
                )
            self._target.drop_indexes()
        elif not self._is_begun_from_source():
            raise CopyError("the target is the unfinished copy of another journal: name an empty database")

    def _is_begun_from_source(self) -> bool:
        """Whether the target's last callback is the source's one of that number; both may be gone by retention."""
        last = self._target.last_key(CALLBACKS)
        if last is None:
            return True
        [ours], theirs = (side.with_ids(CALLBACKS, "id", [last[0]]) for side in (self._target, self._source))
        known = CALLBACKS.columns.index("received_at")
        return last[0] <= self._source.sequence(CALLBACKS) and all(row[known] == ours[known] for row in theirs)

    def _catch_up(self, *, first: bool = False) -> int:
        """One round; how many rows it has added or changed."""
        bounds = self._bounds()
        changes = 0
        for layout in ALL:
            if layout not in LARGE:
                changes += self._make_equal(layout, bounds[layout])
            elif bounds[layout] is not None:
                changes += self._add_new(layout, self._upper(layout, bounds))
        if first:
            self._on_step("indexes", 0, None)
            self._target.create_indexes(unique=False)
        if (last := self._target.last_key(DELIVERIES)) is not None:
            changes += self._refresh_deliveries(last[0])
        return changes

    def _bounds(self) -> Bounds:
        """The last keys of all tables at one moment: rows up to them refer only to rows up to them."""
        with self._source.snapshot():
            return {layout: self._source.last_key(layout) for layout in ALL}

    @staticmethod
    def _upper(layout: Layout, bounds: Bounds) -> Key | None:
        """Attempts are added to earlier deliveries too, so they are bounded by what they belong to."""
        last = bounds[DELIVERIES]
        return bounds[layout] if layout is not ATTEMPTS or last is None else (*last, _HIGHEST)

    def _add_new(self, layout: Layout, upto: Key | None) -> int:
        """Rows after the target's last one."""
        after, done = self._target.last_key(layout), 0
        total = None if after else self._source.count(layout)
        while rows := self._source.page(layout, after, upto, PAGE):
            with self._target.transaction():
                self._target.insert(layout, rows)
            after, done = layout.key_of(rows[-1]), done + len(rows)
            self._on_step(f"copying {layout.name}", done, total)
        self._added += done
        return done

    def _make_equal(self, layout: Layout, upto: Key | None) -> int:
        """A small table as a whole, also the rows that are gone."""
        found = compare(self._source, self._target, layout, upto, lambda _: None, repair=True)
        self._delete(layout, found.surplus)
        return found.changes

    def _refresh_deliveries(self, last: int) -> int:
        """Deliveries that are unfinished on one of the sides, with their attempts."""
        changes = 0
        for side in (self._target, self._source):
            after = 0
            while ids := [number for number in side.unfinished(after, CHANGED_AT_ONCE) if number <= last]:
                changes += self._refresh(ids)
                after = ids[-1]
        return changes

    def _refresh(self, ids: Sequence[int]) -> int:
        known = {row[0]: row for row in self._target.with_ids(DELIVERIES, "id", ids)}
        changed = [row for row in self._source.with_ids(DELIVERIES, "id", ids) if known.get(row[0]) != row]
        if changed:
            attempts = self._source.with_ids(ATTEMPTS, "delivery_id", [row[0] for row in changed])
            with self._target.transaction():
                self._target.upsert(DELIVERIES, changed)
                self._target.upsert(ATTEMPTS, attempts)
        return len(changed)

    def _compare_all(self, bounds: Bounds, layouts: Sequence[Layout], step: str) -> list[Compared]:
        """Compare and repair: rows first that others refer to. Surplus rows are deleted in the opposite order."""
        found = []
        for layout in layouts:
            on_rows = partial(self._report, f"{step} {layout.name}", self._source.count(layout))
            found.append(compare(self._source, self._target, layout, bounds.get(layout), on_rows, repair=True))
        for layout, one in zip(reversed(layouts), reversed(found), strict=True):
            self._delete(layout, one.surplus)
        return found

    def _report(self, step: str, total: int, done: int) -> None:
        self._on_step(step, done, total)

    def _delete(self, layout: Layout, keys: Sequence[Key]) -> None:
        for at in range(0, len(keys), PAGE):
            with self._target.transaction():
                self._target.delete(layout, keys[at : at + PAGE])


@contextmanager
def open_copy(source: Database, target: Database, on_step: OnStep) -> Iterator[JournalCopy]:
    """A copy between two journals; the target's tables are made. Raises StoreError."""
    if source.is_sqlite == target.is_sqlite:
        raise CopyError(
            "both are of one kind: `receiver copy` moves between SQLite and PostgreSQL. Use `receiver backup` and "
            "`receiver restore`"
        )
    if source.is_sqlite and not sqlite_file(source).exists():
        raise CopyError(f"--from: there is no journal {sqlite_file(source)}; name one that exists")
    target.migrate()
    with _translated(), _open(source.url, writable=False) as one, _open(target.url, writable=True) as other:
        yield JournalCopy(one, other, on_step)


def _open(url: URL, *, writable: bool) -> Side:
    if url.get_backend_name() == "sqlite":
        return SqliteSide(Path(url.database or ""), writable=writable)
    return PostgresqlSide(url)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, psycopg.Error, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        advice = "run the command again, it goes on from there; if it fails again, `receiver doctor` examines a journal"
        raise StoreUnavailableError(f"copying failed: {reason}; {advice}") from error
