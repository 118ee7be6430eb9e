"""Storing callbacks and finding them again."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage import wake
from storage.clock import now_us
from storage.database import driver_connection
from storage.packing import pack
from storage.tables import callbacks, deliveries, once_index, to_microseconds
from storage.values import Appended, Filter, NewCallback, State, StoredCallback

UPSERT: dict[str, Any] = {"sqlite": sqlite_insert, "postgresql": postgresql_insert}
MOST_ROWS = 32
"""In one statement."""
_DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": psycopg.dialect}


def append(connection: Connection, batch: Sequence[NewCallback]) -> list[Appended]:
    """Store a batch and its deliveries; one result for each, in order.

    Of equal content that counts once, the first is the original and gets deliveries; a unique index decides, so that
    several processes may append at the same moment.
    """
    if not batch:
        return []
    ids = _next_ids(connection, len(batch))
    rows = [_row(id_, new, part_of) for id_, new, part_of in zip(ids, batch, _part_heads(ids, batch), strict=True)]
    originals = _insert_originals(connection, rows)
    repeats: dict[int, int] = {}
    for row in rows:
        original = originals.get(row["content_hash"], row["id"]) if row["original"] else row["id"]
        if original != row["id"]:
            repeats[row["id"]] = original
    if repeats:
        again = [_as_repeat(row, repeats[row["id"]]) for row in rows if row["id"] in repeats]
        _insert(connection, callbacks, again)
    firsts = [(id_, new) for id_, new in zip(ids, batch, strict=True) if id_ not in repeats and new.deliveries]
    started = _insert_deliveries(connection, firsts) if firsts else {}
    return [Appended(id_, repeats.get(id_), tuple(started.get(id_, ()))) for id_ in ids]


def _next_ids(connection: Connection, count: int) -> Sequence[int]:
    """Numbers in order of receipt, taken before the rows are sorted for the insert."""
    if connection.dialect.name == "sqlite":
        return _next_numbers(connection, "callbacks", count)
    taken = text("SELECT nextval(pg_get_serial_sequence('callbacks', 'id')) FROM generate_series(1, :count)")
    return sorted(connection.execute(taken, {"count": count}).scalars())


def _next_numbers(connection: Connection, table: str, count: int) -> range:
    """On SQLite, where the transaction holds the only write lock."""
    found = driver_connection(connection).execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    last = found[0] if found else 0
    return range(last + 1, last + 1 + count)


def _part_heads(ids: Sequence[int], batch: Sequence[NewCallback]) -> Iterator[int | None]:
    """For each callback the one that holds its body: the last before it that is a part 0; None for itself."""
    head = ids[0]
    for id_, new in zip(ids, batch, strict=True):
        if new.part == 0:
            head = id_
        yield None if new.part == 0 else head


def clean(value: str, longest: int = 100_000) -> str:
    """Text as every database takes it: no zero character, no lone surrogate, and no endless length."""
    if len(value) <= longest and value.isascii() and "\0" not in value:
        return value
    return value[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _line(value: str) -> str:
    """Text without line breaks of any kind, for columns that hold one entry a line."""
    if value.isprintable():
        return clean(value)
    return " ".join(clean(value).splitlines())


def _row(id_: int, new: NewCallback, part_of: int | None) -> dict[str, Any]:
    """The values of a row as the database driver takes them."""
    return {
        "id": id_,
        "received_at": to_microseconds(new.received_at),
        "provider": new.provider,
        "kind": new.kind,
        "call_id": clean(new.call_id),
        "outcome": new.outcome,
        "reason": clean(new.reason),
        "notes": "\n".join(map(_line, new.notes)),
        "duplicate_of": None,
        "content_hash": new.content_hash,
        "original": new.once,
        "format": new.format,
        "method": new.method,
        "path": clean(new.path),
        "query": new.query,
        "headers": _headers(new.headers),
        "peer": clean(new.peer),
        "body": pack(new.body),
        "part": new.part,
        "part_of": part_of,
        "reply_status": new.reply_status,
        "reply_type": new.reply_type,
        "reply_body": _pack_reply(new.reply_body),
        "took_us": new.took_us,
    }


@lru_cache(maxsize=128)
def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    """Remembered, for a provider sends the same ones each time."""
    return "\n".join([f"{_line(name)}: {_line(value)}" for name, value in headers])


_pack_reply = lru_cache(maxsize=128)(pack)
"""Remembered, for most records are answered alike."""


def _insert_originals(connection: Connection, rows: list[dict[str, Any]]) -> dict[bytes, int]:
    """Insert what is not there yet; the number of the original of each content that had one."""
    left = rows
    if connection.dialect.name != "sqlite":
        # Sorted by hash, so that two processes with the same repeats never wait for each other in a circle.
        left = sorted(rows, key=lambda row: (row["content_hash"], row["id"]))
    found: dict[bytes, int] = {}
    while left and _insert(connection, callbacks, left, or_skip=True) < len(left):
        found |= _originals(connection, [row["content_hash"] for row in left if row["original"]])
        # An original that another process prunes between these two statements leaves its repeat to be inserted.
        left = [row for row in left if row["original"] and row["content_hash"] not in found]
    return found


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]], *, or_skip: bool = False) -> int:
    """Insert rows whose values are the driver's already; how many were not skipped as repeats.

    Each callback passes here: what SQLAlchemy does for each row and column would take longer than the database.
    """
    dialect, names = connection.dialect.name, tuple(rows[0])
    if dialect != "sqlite":
        return connection.exec_driver_sql(_statement(dialect, table, names, or_skip, 0), rows).rowcount
    driver = driver_connection(connection)
    inserted = at = 0
    while at < len(rows):
        # Several rows in one statement, for the interpreter is let go of once for each: by powers of two, so that
        # few different statements are kept prepared.
        count = min(MOST_ROWS, 1 << (len(rows) - at).bit_length() - 1)
        values = tuple(chain.from_iterable(row.values() for row in rows[at : at + count]))
        inserted += driver.execute(_statement(dialect, table, names, or_skip, count), values).rowcount
        at += count
    return inserted


@cache
def _statement(dialect: str, table: Table, names: tuple[str, ...], or_skip: bool, count: int) -> str:
    """The SQL text of an insert of so many rows with the values of these columns, in this order; 0 leaves it open."""
    statement = UPSERT[dialect](table)
    if count:
        statement = statement.values([dict.fromkeys(names)] * count)
    if or_skip:
        statement = statement.on_conflict_do_nothing(
            index_elements=[callbacks.c.content_hash], index_where=once_index.dialect_options[dialect]["where"]
        )
    return str(statement.compile(dialect=_DIALECTS[dialect](), column_keys=None if count else list(names)))


def _originals(connection: Connection, hashes: list[bytes]) -> dict[bytes, int]:
    found = select(callbacks.c.content_hash, callbacks.c.id).where(
        callbacks.c.content_hash.in_(hashes), once_index.dialect_options["sqlite"]["where"]
    )
    return {bytes(row.content_hash): row.id for row in connection.execute(found)} if hashes else {}


def _as_repeat(row: dict[str, Any], original: int) -> dict[str, Any]:
    """A repeat of an accepted callback is a duplicate; one of an unreadable callback stays unparsed."""
    outcome = "duplicate" if row["outcome"] == "accepted" else row["outcome"]
    return {**row, "original": False, "duplicate_of": original, "outcome": outcome}


def _insert_deliveries(
    connection: Connection, firsts: Sequence[tuple[int, NewCallback]]
) -> dict[int, list[tuple[str, int]]]:
    """Make the deliveries of callbacks, given with their numbers; those that were taken at once, by callback."""
    now = now_us(connection)
    wanted = [(callback_id, new, handler) for callback_id, new in firsts for handler in new.deliveries]
    numbers: Sequence[int | None] = [None] * len(wanted)
    busy: set[tuple[str, str]] = set()
    if connection.dialect.name == "sqlite":
        numbers = _next_numbers(connection, "deliveries", len(wanted))
        if any(new.start for _, new in firsts):
            busy = _unfinished(connection, firsts)
    started: dict[int, list[tuple[str, int]]] = {}
    rows = []
    for (callback_id, new, handler), number in zip(wanted, numbers, strict=True):
        call_key = clean(new.call_key) or f"#{callback_id}"
        row: dict[str, Any] = {"id": number} if number else {}
        row |= {
            "callback_id": callback_id,
            "handler": handler,
            "call_key": call_key,
            "state": State.DUE.value,
            "due_at": now,
            "attempts": 0,
            "forgiven": 0,
            "worker": "",
            "reason": "",
        }
        if number and new.start and handler in new.start.handlers and (handler, call_key) not in busy:
            row["state"], row["worker"], row["attempts"] = State.RUNNING.value, new.start.worker, 1
            row["due_at"] = now + int(new.start.lease_seconds * 1_000_000)
            started.setdefault(callback_id, []).append((handler, number))
        busy.add((handler, call_key))
        rows.append(row)
    _insert(connection, deliveries, rows)
    wake.notify(connection)
    return started


def _unfinished(connection: Connection, firsts: Sequence[tuple[int, NewCallback]]) -> set[tuple[str, str]]:
    """Handlers and calls, among those of these callbacks, that have an unfinished delivery."""
    found = select(deliveries.c.handler, deliveries.c.call_key).where(
        deliveries.c.handler.in_({handler for _, new in firsts for handler in new.deliveries}),
        deliveries.c.call_key.in_({clean(new.call_key) for _, new in firsts}),
        deliveries.c.due_at.is_not(None),
    )
    return {(row.handler, row.call_key) for row in connection.execute(found)}


_head = callbacks.alias("head")
SELECT_CALLBACK: Select[Any] = select(
    *(column for column in callbacks.c if column.name not in {"body", "part_of", "original"}),
    func.coalesce(_head.c.body, callbacks.c.body).label("body"),
).select_from(callbacks.outerjoin(_head, callbacks.c.part_of == _head.c.id))
"""Callbacks with the body of their request, wherever it is stored."""


def stored(row: Row[Any]) -> StoredCallback:
    """The value of a row of SELECT_CALLBACK."""
    fields = dict(row._mapping)
    fields["notes"] = tuple(note for note in fields["notes"].split("\n") if note)
    pairs = (line.partition(": ") for line in fields["headers"].split("\n") if line)
    fields["headers"] = tuple((name, value) for name, _, value in pairs)
    return StoredCallback(**{name: fields[name] for name in StoredCallback.__dataclass_fields__})


def get(connection: Connection, callback_id: int) -> StoredCallback | None:
    """The callback of that number."""
    row = connection.execute(SELECT_CALLBACK.where(callbacks.c.id == callback_id)).one_or_none()
    return None if row is None else stored(row)


def page(connection: Connection, wanted: Filter, after: int, limit: int) -> list[StoredCallback]:
    """The oldest `limit` callbacks that match and come after number `after`, oldest first: for walking through all."""
    statement = SELECT_CALLBACK.where(matching(wanted), callbacks.c.id > after).order_by(callbacks.c.id).limit(limit)
    return [stored(row) for row in connection.execute(statement)]


def count(connection: Connection, wanted: Filter) -> int:
    """How many callbacks match."""
    return int(connection.execute(select(func.count()).select_from(callbacks).where(matching(wanted))).scalar_one())


def last_id(connection: Connection) -> int:
    """The number of the newest callback; 0 in an empty journal."""
    return int(connection.execute(select(func.coalesce(func.max(callbacks.c.id), 0))).scalar_one())


def missing(connection: Connection, news: Sequence[NewCallback]) -> list[NewCallback]:
    """Those that are not in the journal yet: told by content and by the microsecond they arrived in."""
    there = select(callbacks.c.content_hash, callbacks.c.received_at, callbacks.c.part).where(
        callbacks.c.received_at.in_([new.received_at for new in news])
    )
    known = {(bytes(row.content_hash), row.received_at, row.part) for row in connection.execute(there)}
    return [new for new in news if (new.content_hash, new.received_at, new.part) not in known]


def find(connection: Connection, wanted: Filter, limit: int) -> list[StoredCallback]:
    """The newest `limit` callbacks that match, newest first."""
    # Within a span of time, the index on the time is already in order: no need to collect the span first.
    by_time = [callbacks.c.received_at.desc()] if wanted.since or wanted.until else []
    statement = SELECT_CALLBACK.where(matching(wanted)).order_by(*by_time, callbacks.c.id.desc()).limit(limit)
    return [stored(row) for row in connection.execute(statement)]


def matching(wanted: Filter) -> Any:
    """The filter as a condition; kinds and outcomes in any case."""
    conditions = [
        callbacks.c.provider == wanted.provider.lower() if wanted.provider else None,
        callbacks.c.kind == wanted.kind.upper() if wanted.kind else None,
        callbacks.c.call_id == wanted.call_id if wanted.call_id else None,
        callbacks.c.outcome == wanted.outcome.lower() if wanted.outcome else None,
        callbacks.c.received_at >= wanted.since if wanted.since else None,
        callbacks.c.received_at < wanted.until if wanted.until else None,
    ]
    return and_(callbacks.c.id > 0, *(condition for condition in conditions if condition is not None))
