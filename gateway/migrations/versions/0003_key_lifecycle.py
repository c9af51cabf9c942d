"""Keys that expire, tell when they were used, and are rotated with an overlap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# All that there were when the first key listed them one by one.
_EVERY_SCOPE = "customers:read customers:write device-types:write devices:read devices:write"


def upgrade() -> None:
    for column in (
        sa.Column("expires_at", sa.String(32)),
        sa.Column("last_used_at", sa.String(32)),
        sa.Column("previous_hash", sa.String(64)),
        sa.Column("previous_until", sa.String(32)),
        sa.Column("first", sa.Boolean),
    ):
        op.add_column("api_keys", column)
    keys = sa.table(
        "api_keys",
        *(sa.column(name) for name in ("name", "scopes", "customer")),
        sa.column("first", sa.Boolean),
    )
    op.execute(keys.update().where(keys.c.name == "admin").values(first=True))
    of_the_admin = (keys.c.name == "admin", keys.c.customer.is_(None))
    op.execute(keys.update().where(*of_the_admin, keys.c.scopes == _EVERY_SCOPE).values(scopes="*"))
