"""The tables of the SQL stores. ``migrations/`` brings a database to this shape."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import postgresql

from inventory.domain.kinds import KINDS, Kind

# Sorted and compared by code point on every database, whatever the locale of its machine is.
Exact = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Sequence = BigInteger().with_variant(Integer(), "sqlite")

# The columns by which many are found, or sorted: each has an index that ends with the identifier,
# so that a filtered list walks it in the order in which it answers.
INDEXED: Mapping[str, tuple[str, ...]] = {
    "devices": (
        "tenant", "customer_id", "home_id", "area_id", "device_type", "status", "manufacturer",
        "model", "name", "updated_at", "last_seen_at", "via_device",
    ),
    "customers": ("name",),
    "homes": ("tenant", "customer_id", "name"),
    "areas": ("tenant", "home_id"),
    "device_types": (),
    "jobs": ("tenant", "status"),
    "origins": (),
}  # fmt: skip

metadata = MetaData()


def _table(kind: Kind) -> Table:
    return Table(
        kind.name,
        metadata,
        Column("identifier", Exact, primary_key=True),
        Column("uid", Exact, nullable=False),
        Column("tenant", Exact, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("etag", Text, nullable=False),
        *(Column(name, Exact, nullable=False) for name in kind.columns),
        Column("words", Exact, nullable=False),
        # The last: SQLite reads a row from its beginning to the columns that it needs.
        Column("body", Text, nullable=False),
        *(Index(f"ix_{kind.name}_{name}", name, "identifier") for name in INDEXED[kind.name]),
    )


resources: Mapping[str, Table] = {name: _table(kind) for name, kind in KINDS.items()}

# The summary that everybody asks for is counted here, without a look at the devices.
_devices = resources["devices"].c
Index("ix_devices_summary", _devices.device_type, _devices.status, _devices.identifier)

keys = Table(
    "keys",
    metadata,
    Column("kind", Exact, primary_key=True),
    Column("identifier", Exact, primary_key=True),
    Column("key", Exact, primary_key=True),
    Column("tenant", Exact, nullable=False),
    Index("ix_keys_key", "kind", "key", "tenant", "identifier"),
    sqlite_with_rowid=False,  # the table is the index of its primary key
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    *(
        Column(name, Exact, nullable=False)
        for name in ("kind", "identifier", "uid", "tenant", "action", "at", "principal",
                     "request_id")
    ),
    Column("revision", Integer, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index("ix_changes_resource", "kind", "identifier", "sequence"),
    Index("ix_changes_tenant", "tenant", "kind", "sequence"),
    Index("ix_changes_kind", "kind", "sequence"),
    sqlite_autoincrement=True,  # a sequence never comes twice
)  # fmt: skip

tombstones = Table(
    "tombstones",
    metadata,
    Column("kind", Exact, primary_key=True),
    Column("uid", Exact, primary_key=True),
    Column("identifier", Exact, nullable=False),
    Column("tenant", Exact, nullable=False),
    Column("deleted_at", Exact, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("etag", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Index("ix_tombstones_identifier", "kind", "identifier", "deleted_at"),
    Index("ix_tombstones_deleted_at", "deleted_at", "kind", "uid"),
)

replies = Table(
    "replies",
    metadata,
    Column("principal", Exact, primary_key=True),
    Column("key", Exact, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("at", Exact, nullable=False),
    # Bytes: what was answered is the client's, and PostgreSQL's text holds no U+0000.
    Column("content", LargeBinary, nullable=False),
    Index("ix_replies_at", "at"),
)

parts = Table(
    "parts",
    metadata,
    Column("job", Exact, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
