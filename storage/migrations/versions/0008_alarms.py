"""Alarms, and the activity of providers by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alarms",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False, comment="what is wrong, or was"),
        sa.Column("began_at", sa.BigInteger, nullable=True, comment="empty while nothing is wrong"),
        sa.Column("seen_at", sa.BigInteger, nullable=True, comment="when it was last found to be wrong"),
        sa.Column(
            "clear_since", sa.BigInteger, nullable=True, comment="since when nothing is wrong, before it has ended"
        ),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column(
            "said", sa.Boolean, nullable=False, comment="a message of its beginning was sent, and none of its end"
        ),
        sa.Column("silenced_until", sa.BigInteger, nullable=True),
        if_not_exists=True,
    )
    op.create_table(
        "activity",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, comment="when it began"),
        sa.Column("callbacks", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("longest_gap_us", sa.BigInteger, nullable=False, comment="between two callbacks of this hour"),
        if_not_exists=True,
    )
