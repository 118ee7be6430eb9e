"""The journal's tables, the same on SQLite and PostgreSQL. Changes to them are migrations."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    literal_column,
    true,
)

from storage.compression import compress, decompress

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment as microseconds since 1970 in UTC: exact, compact and alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """A moment with a zone to microseconds."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Microseconds to a moment in UTC."""
        return None if value is None else from_microseconds(value)


class Compressed(TypeDecorator[bytes]):
    """Exact bytes, stored compressed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Bytes as they are stored."""
        return None if value is None else compress(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """Bytes as they were."""
        return None if value is None else decompress(bytes(value))


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a moment with a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The moment in UTC."""
    return _EPOCH + timedelta(microseconds=value)


BLOCKED = datetime(9999, 1, 1, tzinfo=UTC)
"""The due time of a delivery that waits for an earlier one of its call; finishing that one makes it due."""

Id = BigInteger().with_variant(Integer, "sqlite")
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


def _partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> Index:
    """An index of the rows that meet a condition. SQLAlchemy's own options for it import every driver's dialect."""
    return Index(name, *columns, unique=unique, info={"where": where})


def condition_of(index: Index) -> ColumnElement[bool]:
    """The condition of a partial index."""
    where: ColumnElement[bool] = index.info["where"]
    return where


callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True, comment="in order of receipt"),
    Column("received_at", Instant, nullable=False),
    Column("provider", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("notes", Text, nullable=False, comment="one repair a line"),
    Column("duplicate_of", Id, nullable=True, comment="the first of this content, which may be pruned since"),
    Column("content_hash", LargeBinary, nullable=False),
    Column("original", Boolean, nullable=False, comment="the first of its content; repeats point to it"),
    Column("format", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("query", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False, comment="one `name: value` a line"),
    Column("peer", Text, nullable=False),
    Column("body", Compressed, nullable=False),
    Column("part", SmallInteger, nullable=False, comment="place in a request that holds several callbacks"),
    Column("part_of", Id, nullable=True, comment="the callback that holds the body"),
    Column("reply_status", SmallInteger, nullable=False),
    Column("reply_type", Text, nullable=False),
    Column("reply_body", Compressed, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("answered_by", Text, nullable=True, comment="the handler of a question, whether it answered or failed"),
    Column("call_state", Compressed, nullable=True, comment="what handlers keep of the call, as JSON"),
    sqlite_autoincrement=True,  # the number of a pruned callback is never given again
)
Index("ix_callbacks_call_id", callbacks.c.call_id, callbacks.c.id)
Index("ix_callbacks_received_at", callbacks.c.received_at)
Index("ix_callbacks_kind", callbacks.c.kind, callbacks.c.id)
_partial_index(
    "ix_callbacks_part_of",
    callbacks.c.part_of,
    where=callbacks.c.part_of.is_not(None),
)
content_index = _partial_index(
    "uq_callbacks_content",
    callbacks.c.content_hash,
    unique=True,
    where=callbacks.c.original.is_(true()),
)

replays = Table(
    "replays",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("made_at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("what", Text, nullable=False, comment="the filters it was made with"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("callback_id", Id, ForeignKey("callbacks.id"), nullable=False),
    Column("handler", Text, nullable=False),
    Column("call_key", Text, nullable=False, comment="same key: one after the other"),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=True, comment="when it may be taken, or taken over; empty once finished"),
    Column("attempts", Integer, nullable=False),
    Column(
        "forgiven",
        Integer,
        nullable=False,
        comment="attempts that no longer count, since it was revived",
    ),
    Column("worker", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("finished_at", Instant, nullable=True),
    Column("replay_id", Id, ForeignKey("replays.id"), nullable=True),
    sqlite_autoincrement=True,
)
Index("ix_deliveries_callback_id", deliveries.c.callback_id)
_partial_index(
    "ix_deliveries_running",
    deliveries.c.handler,
    deliveries.c.call_key,
    where=deliveries.c.state == literal_column("'running'"),
)
unfinished_index = _partial_index(
    "uq_deliveries_unfinished",
    deliveries.c.callback_id,
    deliveries.c.handler,
    unique=True,
    where=deliveries.c.due_at.is_not(None),
)
"""A callback waits at most once for one handler, so that a replay cannot double a delivery."""
_partial_index(
    "ix_deliveries_due",
    deliveries.c.handler,
    deliveries.c.due_at,
    where=deliveries.c.due_at.is_not(None),
)
_partial_index(
    "ix_deliveries_call",
    deliveries.c.handler,
    deliveries.c.call_key,
    deliveries.c.id,
    where=deliveries.c.due_at.is_not(None),
)
_partial_index(
    "ix_deliveries_dead",
    deliveries.c.callback_id,
    deliveries.c.finished_at,
    where=deliveries.c.state == literal_column("'dead'"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", Id, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
)
Index("ix_attempts_started_at", attempts.c.started_at)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, comment="when the last of them came"),
    Column("reason", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("path", Text, nullable=False, comment="without secrets"),
    Column("size", BigInteger, nullable=False, comment="bytes of the body, as far as they are known"),
    Column("times", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

checks = Table(
    "checks",
    metadata,
    Column("token", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("seen", Text, nullable=False, comment="what a receiver saw of the request that carried the token"),
)

fetched = Table(
    "fetched",
    metadata,
    Column("callback_id", Id, ForeignKey("callbacks.id"), primary_key=True, autoincrement=False),
    Column("record_key", LargeBinary, nullable=False, comment="the call and its leg"),
    Column("late_hash", LargeBinary, nullable=True, comment="content of the callback that came after all"),
)
"""Callbacks that were made from a provider's call log. Each stands for one callback that may still come late."""
Index("ix_fetched_record_key", fetched.c.record_key)

placed_calls = Table(
    "placed_calls",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("provider", Text, nullable=False),
    Column("call_id", Text, nullable=False, comment="the id that its callbacks carry"),
    Column("placed_by", Text, nullable=False, comment="the API call"),
    Column("placed_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""Calls that were placed through a provider's API."""
Index("ix_placed_calls_placed_at", placed_calls.c.placed_at)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Instant, nullable=False, comment="by the clock of the database"),
    Column("reached", Instant, nullable=True, comment="the time up to which its work is done"),
)
"""Tasks that one process of a cluster runs at a time."""

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    Column("oldest_program", Text, nullable=False, comment="the oldest revision whose programs work with it"),
)
"""One row, written by `storage.migrate`."""

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False, comment="a callback, a filter, or a phone number without most of its digits"),
    Column("callbacks", BigInteger, nullable=False, comment="how many it concerned"),
    sqlite_autoincrement=True,
)
"""Who looked at, exported, replayed or erased stored callbacks."""
Index("ix_audit_at", audit.c.at)

alarms = Table(
    "alarms",
    metadata,
    Column("name", Text, primary_key=True),
    Column("text", Text, nullable=False, comment="what is wrong, or was"),
    Column("began_at", Instant, nullable=True, comment="empty while nothing is wrong"),
    Column("seen_at", Instant, nullable=True, comment="when it was last found to be wrong"),
    Column("clear_since", Instant, nullable=True, comment="since when nothing is wrong, before it has ended"),
    Column("ended_at", Instant, nullable=True),
    Column("said", Boolean, nullable=False, comment="a message of its beginning was sent, and none of its end"),
    Column("silenced_until", Instant, nullable=True),
)
"""What is wrong, or was; shared, so that neither a restart nor another process says it again."""

activity = Table(
    "activity",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("hour", Instant, primary_key=True, comment="when it began"),
    Column("callbacks", BigInteger, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("longest_gap_us", BigInteger, nullable=False, comment="between two callbacks of this hour"),
)
"""When providers called, hour by hour: it is kept when callbacks are pruned."""
