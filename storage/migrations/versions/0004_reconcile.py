"""Callbacks that were fetched from a call log, and leases of tasks that one process of a cluster runs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fetched",
        sa.Column("callback_id", ID, sa.ForeignKey("callbacks.id"), primary_key=True, autoincrement=False),
        sa.Column("record_key", sa.LargeBinary, nullable=False, comment="the call and its leg"),
        sa.Column("late_hash", sa.LargeBinary, nullable=True, comment="content of the callback that came after all"),
    )
    op.create_index("ix_fetched_record_key", "fetched", ["record_key"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False, comment="by the clock of the database"),
        sa.Column("reached", sa.BigInteger, nullable=True, comment="the time up to which its work is done"),
    )
