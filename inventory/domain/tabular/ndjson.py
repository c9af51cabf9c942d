"""NDJSON: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inventory.domain.tabular.item import read_item
from inventory.domain.tabular.row import MAX_ROW, Faulty, Row
from inventory.domain.tabular.strict_json import JSONFault, StrictJSON


def read(blocks: Iterable[bytes]) -> Iterator[Row]:
    """A row for each line that is not blank."""
    reader = StrictJSON()
    number = 0
    for line in _lines(blocks):
        if line is None or line.strip(b" \t\r"):
            number += 1
            yield _row(number, line, reader)


def write(documents: Iterable[str]) -> Iterator[bytes]:
    """Each text as it is, in a line of its own."""
    return (f"{document}\n".encode() for document in documents)


def _row(number: int, line: bytes | None, reader: StrictJSON) -> Row:
    if line is None:
        return Faulty(number, f"the line is longer than {MAX_ROW} bytes")
    try:
        return read_item(number, reader.only_value(line.decode()))
    except UnicodeDecodeError as exc:
        return Faulty(number, f"the line is not UTF-8 at byte {exc.start + 1}")
    except JSONFault as exc:
        return Faulty(number, f"the line is not JSON as it is taken here: {exc}")


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines without their ends; None for one that is too long, which is not kept."""
    held, skipping = b"", False
    for block in blocks:
        *lines, held = (held + block).split(b"\n")
        for line in lines:
            yield None if skipping or len(line) > MAX_ROW else line
            skipping = False
        if skipping or len(held) > MAX_ROW:
            held, skipping = b"", True
    if held or skipping:
        yield None if skipping else held
