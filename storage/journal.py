"""Store callbacks, and query them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from storage.bulk_insert import insert_rows
from storage.compression import compress
from storage.enqueue import enqueue
from storage.late_originals import late_originals
from storage.numbering import next_callback_ids
from storage.tables import callbacks, condition_of, content_index, to_microseconds
from storage.text import clean, one_line
from storage.values import Appended, Filter, NewCallback, NewDelivery, StoredCallback


def append(connection: Connection, batch: Sequence[NewCallback], *, check_late: bool = True) -> list[Appended]:
    """Store a batch and its deliveries; one result for each, in order.

    Of callbacks to deduplicate with equal content, the first is the original and gets deliveries. A unique index
    decides which one that is, so that several processes may append at the same moment. With `check_late`, a record that
    was fetched from a call log before is a repeat of the fetched one.
    """
    if not batch:
        return []
    ids = next_callback_ids(connection, len(batch))
    rows = [_row(id_, new, part_of) for id_, new, part_of in zip(ids, batch, _part_heads(ids, batch), strict=True)]
    late = late_originals(connection, ids, batch) if check_late else {}
    originals = _insert_originals(connection, [row for row in rows if row["id"] not in late] if late else rows)
    repeats: dict[int, int] = dict(late)
    for row in rows:
        if row["id"] in late:
            continue
        original = originals.get(row["content_hash"], row["id"]) if row["original"] else row["id"]
        if original != row["id"]:
            repeats[row["id"]] = original
    if repeats:
        again = [_as_repeat(row, repeats[row["id"]]) for row in rows if row["id"] in repeats]
        insert_rows(connection, callbacks, again)
    deliveries = [
        NewDelivery(id_, handler, new.call_key, lease=new.lease)
        for id_, new in zip(ids, batch, strict=True)
        if id_ not in repeats
        for handler in new.deliveries
    ]
    _, leased = enqueue(connection, deliveries)
    return [Appended(id_, repeats.get(id_), tuple(leased.get(id_, ()))) for id_ in ids]


def _part_heads(ids: Sequence[int], batch: Sequence[NewCallback]) -> Iterator[int | None]:
    """For each callback, the id of the one that holds its body: the last part 0 before it; None for itself."""
    head = ids[0]
    for id_, new in zip(ids, batch, strict=True):
        if new.part == 0:
            head = id_
        yield None if new.part == 0 else head


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
        "notes": "\n".join(map(one_line, new.notes)),
        "duplicate_of": None,
        "content_hash": new.content_hash,
        "original": new.deduplicate,
        "format": new.format,
        "method": new.method,
        "path": clean(new.path),
        "query": new.query,
        "headers": _headers(new.headers),
        "peer": clean(new.peer),
        "body": compress(new.body),
        "part": new.part,
        "part_of": part_of,
        "reply_status": new.reply_status,
        "reply_type": new.reply_type,
        "reply_body": _compress_reply(new.reply_body),
        "took_us": new.took_us,
        "answered_by": new.answered_by,
        "call_state": None if new.call_state is None else compress(new.call_state),
    }


@lru_cache(maxsize=128)
def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    """Cached, because a provider sends the same headers each time."""
    return "\n".join([f"{one_line(name)}: {one_line(value)}" for name, value in headers])


_compress_reply = lru_cache(maxsize=128)(compress)
"""Cached, because most records get the same reply."""


def _insert_originals(connection: Connection, rows: list[dict[str, Any]]) -> dict[bytes, int]:
    """Insert what is not in the journal yet; the number of the original for each content that already had one."""
    left = rows
    if connection.dialect.name != "sqlite":
        # Sorted by hash, so that two processes with the same repeats never deadlock.
        left = sorted(rows, key=lambda row: (row["content_hash"], row["id"]))
    found: dict[bytes, int] = {}
    while left and insert_rows(connection, callbacks, left, unless_in=content_index) < len(left):
        found |= _originals(connection, [row["content_hash"] for row in left if row["original"]])
        # If another process deletes the original between these two statements, its repeat is still inserted.
        left = [row for row in left if row["original"] and row["content_hash"] not in found]
    return found


def _originals(connection: Connection, hashes: list[bytes]) -> dict[bytes, int]:
    found = select(callbacks.c.content_hash, callbacks.c.id).where(
        callbacks.c.content_hash.in_(hashes), condition_of(content_index)
    )
    return {bytes(row.content_hash): row.id for row in connection.execute(found)} if hashes else {}


def _as_repeat(row: dict[str, Any], original: int) -> dict[str, Any]:
    """A repeat of an accepted callback is a duplicate; one of an unreadable callback stays unparsed."""
    outcome = "duplicate" if row["outcome"] == "accepted" else row["outcome"]
    return {**row, "original": False, "duplicate_of": original, "outcome": outcome}


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
    """The oldest `limit` callbacks that match and come after number `after`, oldest first: for paging."""
    statement = SELECT_CALLBACK.where(matching(wanted), callbacks.c.id > after).order_by(callbacks.c.id).limit(limit)
    return [stored(row) for row in connection.execute(statement)]


def page_by_time(
    connection: Connection, provider: str, kind: str, after: tuple[datetime, int], until: datetime, limit: int
) -> list[StoredCallback]:
    """The first `limit` callbacks of a kind in order of receipt, after the time and the number of another one.

    For paging through a part of a long journal.
    """
    since, last = after
    statement = SELECT_CALLBACK.where(
        callbacks.c.received_at >= since,
        callbacks.c.received_at < until,
        ~and_(callbacks.c.received_at == since, callbacks.c.id <= last),
        # Without an index of its own, so that SQLite takes that of the times and neither reads nor sorts the rest.
        callbacks.c.kind.concat("") == kind,
        callbacks.c.provider == provider,
    )
    ordered = statement.order_by(callbacks.c.received_at, callbacks.c.id).limit(limit)
    return [stored(row) for row in connection.execute(ordered)]


def count(connection: Connection, wanted: Filter) -> int:
    """How many callbacks match."""
    return int(connection.execute(select(func.count()).select_from(callbacks).where(matching(wanted))).scalar_one())


def last_id(connection: Connection) -> int:
    """The number of the newest callback; 0 in an empty journal."""
    return int(connection.execute(select(func.coalesce(func.max(callbacks.c.id), 0))).scalar_one())


def missing(connection: Connection, news: Sequence[NewCallback]) -> list[NewCallback]:
    """Those that are not in the journal yet, identified by content and by the microsecond of receipt."""
    there = select(callbacks.c.content_hash, callbacks.c.received_at, callbacks.c.part).where(
        callbacks.c.received_at.in_([new.received_at for new in news])
    )
    known = {(bytes(row.content_hash), row.received_at, row.part) for row in connection.execute(there)}
    return [new for new in news if (new.content_hash, new.received_at, new.part) not in known]


def find(connection: Connection, wanted: Filter, limit: int) -> list[StoredCallback]:
    """The newest `limit` callbacks that match, newest first."""
    # For a span of time the index on the time is already in order, so the span need not be collected and sorted.
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
