"""Alembic's entry: runs the versions on the connection that `upgrade` opened."""

from alembic import context

from c2b.migrations import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
