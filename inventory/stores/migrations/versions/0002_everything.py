"""Every kind of resource, what they are found by, their history, and what keeps requests safe."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

# What a device is found by is made by today's code: when that changes, a later revision has to
# make the entries of all devices anew in any case. Only the columns below are taken from it.
from inventory.domain.entries import entry_of
from inventory.domain.kinds import DEVICES

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PORTION = 1000
OLD_INDEXES = (
    "device_type", "status", "manufacturer", "model", "customer_id", "home_id", "area_id",
)  # fmt: skip

# Each kind's columns, and those that have an index, as they are from this revision on.
KINDS = {
    "devices": (
        ("name", "device_type", "manufacturer", "model", "model_id", "hw_version", "sw_version",
         "serial_number", "controller_gateway", "via_device", "parent_device", "entry_type",
         "customer_id", "home_id", "area_id", "status", "purchased_on", "warranty_expires_on",
         "last_seen_at", "created_at", "updated_at"),
        ("tenant", "customer_id", "home_id", "area_id", "device_type", "status", "manufacturer",
         "model", "name", "updated_at", "last_seen_at", "via_device"),
    ),
    "customers": (
        ("name", "email", "external_id", "status", "created_at", "updated_at"), ("name",),
    ),
    "homes": (
        ("customer_id", "name", "country_code", "time_zone", "created_at", "updated_at"),
        ("tenant", "customer_id", "name"),
    ),
    "areas": (("home_id", "name", "floor", "created_at", "updated_at"), ("tenant", "home_id")),
    "device_types": (("title", "created_at", "updated_at"), ()),
    "jobs": (("type", "status", "lease_until", "created_at", "updated_at"), ("tenant", "status")),
    "origins": ((), ()),
}  # fmt: skip

# How many of so many resources have the same text, about.
MANY = 100_000
SAME = {
    "tenant": 40, "customer_id": 40, "home_id": 20, "area_id": 5, "device_type": 5000,
    "status": 50_000, "manufacturer": 2000, "model": 200, "name": 5, "updated_at": 2,
    "last_seen_at": 2, "via_device": 20,
}  # fmt: skip

Exact = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Sequential = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Keeps the devices: their bodies say all that the new columns hold."""
    for name in OLD_INDEXES:
        op.drop_index(f"ix_devices_{name}", "devices")
    op.rename_table("devices", "devices_0001")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX devices_pkey RENAME TO devices_0001_pkey")
    devices, *_ = [_create_kind(kind, *of) for kind, of in KINDS.items()]
    op.create_index("ix_devices_summary", "devices", ["device_type", "status", "identifier"])
    keys = _create_keys()
    _create_changes()
    _create_tombstones()
    _create_replies()
    _create_parts()
    _copy_devices(devices, keys)
    op.drop_table("devices_0001")
    if op.get_bind().dialect.name == "sqlite":
        _tell_the_planner()


def _create_kind(kind: str, columns: Sequence[str], indexed: Sequence[str]) -> sa.Table:
    table = op.create_table(
        kind,
        sa.Column("identifier", Exact, primary_key=True),
        *_exact("uid", "tenant"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        *_exact(*columns, "words"),
        sa.Column("body", sa.Text, nullable=False),
    )
    for name in indexed:
        op.create_index(f"ix_{kind}_{name}", kind, [name, "identifier"])
    return table


def _create_keys() -> sa.Table:
    names = ("kind", "identifier", "key")
    table = op.create_table(
        "keys",
        *(sa.Column(name, Exact, primary_key=True) for name in names),
        *_exact("tenant"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_keys_key", "keys", ["kind", "key", "tenant", "identifier"])
    return table


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", Sequential, primary_key=True, autoincrement=True),
        *_exact("kind", "identifier", "uid", "tenant", "action", "at", "principal", "request_id"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_resource", "changes", ["kind", "identifier", "sequence"])
    op.create_index("ix_changes_tenant", "changes", ["tenant", "sequence"])


def _create_tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("kind", Exact, primary_key=True),
        sa.Column("uid", Exact, primary_key=True),
        *_exact("identifier", "tenant", "deleted_at"),
        sa.Column("revision", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("etag", "body", "words", "columns", "keys")
        ),
    )
    op.create_index("ix_tombstones_identifier", "tombstones", ["kind", "identifier", "deleted_at"])
    op.create_index("ix_tombstones_deleted_at", "tombstones", ["deleted_at", "kind", "uid"])


def _create_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("principal", Exact, primary_key=True),
        sa.Column("key", Exact, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        *_exact("at"),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_replies_at", "replies", ["at"])


def _create_parts() -> None:
    op.create_table(
        "parts",
        sa.Column("job", Exact, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def _tell_the_planner() -> None:
    """As ANALYZE would on many devices: SQLite takes all indexes for equally good otherwise."""
    op.execute("ANALYZE sqlite_schema")  # makes the table of the statistics
    statistics = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    rows = [("devices", "ix_devices_summary", f"{MANY} 5000 2500 1")]
    rows += [("keys", "ix_keys_key", f"{8 * MANY} {8 * MANY} 5 2 1")]
    rows += [("keys", "keys", f"{8 * MANY} {8 * MANY} 8 1")]
    for kind, (_, indexed) in KINDS.items():
        rows += [(kind, f"ix_{kind}_{name}", f"{MANY} {SAME[name]} 1") for name in indexed]
        rows += [(kind, f"sqlite_autoindex_{kind}_1", f"{MANY} 1")]
    named = [dict(zip(("tbl", "idx", "stat"), row, strict=True)) for row in rows]
    op.get_bind().execute(sa.insert(statistics), named)


def _exact(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, Exact, nullable=False) for name in names]


def _copy_devices(devices: sa.Table, keys: sa.Table) -> None:
    old = sa.table("devices_0001", sa.column("identifier"), sa.column("body"))
    # By code point, as Python compares: no other order is the same on every database.
    name = old.c.identifier.collate("C" if _is_postgresql() else "BINARY")
    after = ""
    while (
        bodies := op.get_bind()
        .scalars(sa.select(old.c.body).where(name > after).order_by(name).limit(PORTION))
        .all()
    ):
        documents = [json.loads(body) for body in bodies]
        _insert(documents, devices, keys)
        after = documents[-1]["identifier"]


def _insert(documents: Sequence[dict[str, object]], devices: sa.Table, keys: sa.Table) -> None:
    rows, held = [], []
    for document in documents:
        entry = entry_of(DEVICES, document)
        own = {"kind": "devices", "identifier": entry.stored.identifier, "tenant": entry.tenant}
        held += [own | {"key": key} for key in entry.keys]
        rows.append({
            **{name: entry.columns.get(name, "") for name in KINDS["devices"][0]},
            "identifier": entry.stored.identifier, "uid": entry.uid, "tenant": entry.tenant,
            "revision": entry.stored.revision, "etag": entry.stored.etag, "words": entry.words,
            "body": entry.stored.body,
        })  # fmt: skip
    op.get_bind().execute(sa.insert(devices), rows)
    if held:
        op.get_bind().execute(sa.insert(keys), held)


def _is_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")
