"""Devices: the canonical text beside the columns that are searched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEARCHED = (
    "device_type", "status", "manufacturer", "model", "customer_id", "home_id", "area_id",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("identifier", sa.String(128), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        *(sa.Column(member, sa.String(255)) for member in SEARCHED),
    )
    for member in SEARCHED:
        op.create_index(f"ix_devices_{member}", "devices", [member, "identifier"])


def downgrade() -> None:
    op.drop_table("devices")
