"""CSV (RFC 4180, UTF-8) with a header that names members of a device."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from inventory.domain.tabular.cells import COLUMNS, READ_ONLY, CellFault, Column, unguard
from inventory.domain.tabular.records import Malformed, Records
from inventory.domain.tabular.row import Faulty, FormatFault, Parsed, Row

_BY_NAME = {column.name: column for column in COLUMNS}


def read(blocks: Iterable[bytes]) -> Iterator[Row]:
    """A row for each record below the header; empty lines are none."""
    records = iter(Records(blocks))
    columns = _columns(next(records, []))
    for number, record in enumerate(records, 1):
        if isinstance(record, Malformed):
            yield Faulty(number, record.reason)
        elif len(record) != len(columns):
            yield Faulty(number, f"the header has {len(columns)} cells, this row {len(record)}")
        else:
            yield _row(number, columns, record)


def _columns(header: list[str] | Malformed) -> list[Column | None]:
    """The column of each cell of the header; None for what is read-only, and passed over."""
    if isinstance(header, Malformed):
        raise FormatFault(f"the header cannot be read: {header.reason}")
    if not header:
        raise FormatFault("there is no header; its first line has to name the columns")
    for place, name in enumerate(header):
        if name not in _BY_NAME:
            raise FormatFault(
                f"there is no column {_quoted(name)}; there are {', '.join(_BY_NAME)}"
            )
        if name in header[:place]:
            raise FormatFault(f"the column {name} stands twice in the header")
    return [None if name in READ_ONLY else _BY_NAME[name] for name in header]


def _quoted(name: str) -> str:
    return json.dumps(name[:80], ensure_ascii=False)


def _row(number: int, columns: list[Column | None], record: list[str]) -> Row:
    fields: dict[str, Any] = {}
    for column, cell in zip(columns, record, strict=True):
        if cell and column is not None:
            try:
                fields[column.name] = column.read(unguard(cell))
            except CellFault as exc:
                return Faulty(number, str(exc), column.name)
    return Parsed(number, fields)
