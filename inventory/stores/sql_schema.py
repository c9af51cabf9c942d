"""The tables of the SQL stores. ``migrations/`` brings a database to this shape."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

from inventory.domain.store import FILTERS

metadata = MetaData()

devices = Table(
    "devices",
    metadata,
    Column("identifier", String(128), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("body", Text, nullable=False),
    *(Column(member, String(255)) for member in FILTERS),
    # A filtered list walks its index in the order in which it answers.
    *(Index(f"ix_devices_{member}", member, "identifier") for member in FILTERS),
)
