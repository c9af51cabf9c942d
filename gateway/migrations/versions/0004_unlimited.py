"""Keys that no rate limit holds for, as the admin's of the first start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "api_keys", sa.Column("unlimited", sa.Boolean, nullable=False, server_default=sa.false())
    )
    # The first of this name is the one that the first start made.
    op.execute(
        "UPDATE api_keys SET unlimited = 1 WHERE rowid ="
        " (SELECT rowid FROM api_keys WHERE name = 'admin' ORDER BY created_at, rowid LIMIT 1)"
    )
