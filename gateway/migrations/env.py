"""Alembic's entry: runs the migrations on the connection that the key store hands over."""

from __future__ import annotations

from alembic import context

from gateway.key_database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
