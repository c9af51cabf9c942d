"""Indexes by which the changes of a kind are walked in order: everybody's, and a tenant's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# How many of so many changes are alike by the indexes' columns, about.
STATISTICS = {
    "ix_changes_kind": "100000 20000 1",
    "ix_changes_resource": "100000 20000 5 1",
    "ix_changes_tenant": "100000 40 30 1",
}


def upgrade() -> None:
    op.drop_index("ix_changes_tenant", "changes")
    op.create_index("ix_changes_tenant", "changes", ["tenant", "kind", "sequence"])
    op.create_index("ix_changes_kind", "changes", ["kind", "sequence"])
    if op.get_bind().dialect.name == "sqlite":
        _tell_the_planner()


def _tell_the_planner() -> None:
    """As ANALYZE would: SQLite takes all indexes for equally good otherwise."""
    columns = (sa.column(name) for name in ("tbl", "idx", "stat"))
    statistics = sa.table("sqlite_stat1", *columns)
    rows = [{"tbl": "changes", "idx": idx, "stat": stat} for idx, stat in STATISTICS.items()]
    op.get_bind().execute(sa.insert(statistics), rows)
