"""Who looked at, exported, replayed or erased callbacks; and an index of dead deliveries, for counting what is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column(
            "about",
            sa.Text,
            nullable=False,
            comment="a callback, a filter, or a phone number without most of its digits",
        ),
        sa.Column("callbacks", sa.BigInteger, nullable=False, comment="how many it concerned"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"], if_not_exists=True)
    dead = sa.column("state", sa.Text) == sa.literal_column("'dead'")
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["callback_id", "finished_at"],
        sqlite_where=dead,
        postgresql_where=dead,
        if_not_exists=True,
    )
