"""Alembic's entry: run the migrations on the connection that storage.migrate passes, or write them as SQL."""

from typing import Any

from alembic import context

from storage.tables import metadata

given = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"], target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:

    def report(*, step: Any, **_: Any) -> None:
        """Name the revision whose migration is done."""
        given["on_step"](step.up_revision_id)

    # a callback by keywords, as documented
    context.configure(connection=given["connection"], target_metadata=metadata, on_version_apply=report)  # type: ignore[arg-type]
    context.run_migrations()
