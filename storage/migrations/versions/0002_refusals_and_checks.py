"""Rejected requests, the results of probes, and an index of kinds across providers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_callbacks_kind", "callbacks")
    op.create_index("ix_callbacks_kind", "callbacks", ["kind", "id"])
    op.create_table(
        "refusals",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False, comment="when the last of them came"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False, comment="without secrets"),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes of the body, as far as they are known"),
        sa.Column("times", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "checks",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False, comment="what a receiver saw of the request that carried the token"),
    )
