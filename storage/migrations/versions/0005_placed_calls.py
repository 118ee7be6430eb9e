"""Calls that were placed through a provider's API."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "placed_calls",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False, comment="the id that its callbacks carry"),
        sa.Column("placed_by", sa.Text, nullable=False, comment="the API call"),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_placed_calls_placed_at", "placed_calls", ["placed_at"], if_not_exists=True)
