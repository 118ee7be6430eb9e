"""What handlers keep of a call, which handler answered, and failed attempts by their time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "callbacks",
        sa.Column(
            "answered_by", sa.Text, nullable=True, comment="the handler of a question, whether it answered or failed"
        ),
    )
    op.add_column(
        "callbacks",
        sa.Column("call_state", sa.LargeBinary, nullable=True, comment="what handlers keep of the call, as JSON"),
    )
    op.create_index("ix_attempts_started_at", "attempts", ["started_at"])
