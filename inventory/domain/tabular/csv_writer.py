"""Devices as CSV (RFC 4180), all their members in columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator

from inventory.domain.tabular.cells import COLUMNS, guard


class _Echo:
    """Stands for a file and gives back what is written: so ``writerow`` returns the line."""

    def write(self, line: str) -> bytes:
        return line.encode()


def write(documents: Iterable[str]) -> Iterator[bytes]:
    """A header, and a record for each text."""
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield writer.writerow([column.name for column in COLUMNS])
    for document in documents:
        yield writer.writerow(_cells(document))


def _cells(text: str) -> list[str]:
    document = json.loads(text)
    return [
        guard(column.write(document[column.name])) if column.name in document else ""
        for column in COLUMNS
    ]
