"""The journal: callbacks, deliveries and the attempts that failed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "callbacks",
        sa.Column("id", ID, primary_key=True, autoincrement=True, comment="in order of receipt"),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False, comment="one repair a line"),
        sa.Column("duplicate_of", ID, nullable=True, comment="the first of this content, which may be pruned since"),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        sa.Column("original", sa.Boolean, nullable=False, comment="the first of its content; repeats point to it"),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("query", sa.LargeBinary, nullable=False),
        sa.Column("headers", sa.Text, nullable=False, comment="one `name: value` a line"),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("part", sa.SmallInteger, nullable=False, comment="place in a request that holds several callbacks"),
        sa.Column("part_of", ID, nullable=True, comment="the callback that holds the body"),
        sa.Column("reply_status", sa.SmallInteger, nullable=False),
        sa.Column("reply_type", sa.Text, nullable=False),
        sa.Column("reply_body", sa.LargeBinary, nullable=False),
        sa.Column("took_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_callbacks_call_id", "callbacks", ["call_id", "id"])
    op.create_index("ix_callbacks_received_at", "callbacks", ["received_at"])
    op.create_index("ix_callbacks_kind", "callbacks", ["provider", "kind", "id"])
    in_part = sa.column("part_of", sa.BigInteger).is_not(None)
    op.create_index("ix_callbacks_part_of", "callbacks", ["part_of"], sqlite_where=in_part, postgresql_where=in_part)
    original = sa.column("original", sa.Boolean).is_(sa.true())
    op.create_index(
        "uq_callbacks_content",
        "callbacks",
        ["content_hash"],
        unique=True,
        sqlite_where=original,
        postgresql_where=original,
    )
    op.create_table(
        "replays",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False, comment="the filters it was made with"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("callback_id", ID, sa.ForeignKey("callbacks.id", name="fk_deliveries_callback_id"), nullable=False),
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("call_key", sa.Text, nullable=False, comment="same key: one after the other"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column(
            "due_at",
            sa.BigInteger,
            nullable=True,
            comment="when it may be taken, or taken over; empty once finished",
        ),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column(
            "forgiven", sa.Integer, nullable=False, comment="attempts that no longer count, since it was revived"
        ),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=True),
        sa.Column("replay_id", ID, sa.ForeignKey("replays.id", name="fk_deliveries_replay_id"), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_callback_id", "deliveries", ["callback_id"])
    unfinished = sa.column("due_at", sa.BigInteger).is_not(None)
    for name, columns in (
        ("ix_deliveries_due", ["handler", "due_at"]),
        ("ix_deliveries_call", ["handler", "call_key", "id"]),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=unfinished, postgresql_where=unfinished)
    running = sa.column("state", sa.Text) == sa.literal_column("'running'")
    op.create_index(
        "ix_deliveries_running",
        "deliveries",
        ["handler", "call_key"],
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index(
        "uq_deliveries_unfinished",
        "deliveries",
        ["callback_id", "handler"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "attempts",
        sa.Column(
            "delivery_id",
            ID,
            sa.ForeignKey("deliveries.id", name="fk_attempts_delivery_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("took_us", sa.BigInteger, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("traceback", sa.Text, nullable=False),
    )
