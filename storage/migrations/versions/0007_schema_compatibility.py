"""Which versions of the program work with these tables."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest_program", sa.Text, nullable=False, comment="the oldest revision whose programs work with it"),
        if_not_exists=True,
    )
