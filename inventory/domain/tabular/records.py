"""The records of CSV text, read by the csv module with bounded memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from inventory.domain.tabular.row import MAX_ROW

# From an edge on: what stands in quotes, and plain cells up to where a quoted one could follow.
_CELLS = re.compile(rb'(?:"[^"]*+"|(?!")(?:[^,]++|,(?!"|\Z))*+,)*+')
_NEXT_CELL = re.compile(rb',(?="|\Z)')  # of those that a quoted cell could follow


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that could not be read."""

    reason: str


class Records:
    """The cells of each record that is not an empty line, or what is wrong with the record.

    A record at fault is passed over to its end, quoted line ends included: the next one is read.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._feed = _Feed(_lines(blocks))

    def __iter__(self) -> Iterator[list[str] | Malformed]:
        # No cell is longer than a record may be, but the module's own limit, which is the
        # process's, is less than that.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))
        reader = csv.reader(self._feed, strict=True)
        while (record := self._next(reader)) is not None:
            if isinstance(record, Malformed) or record:
                yield record

    def _next(self, reader: Iterator[list[str]]) -> list[str] | Malformed | None:
        feed = self._feed
        feed.start_record()
        try:
            cells = next(reader, None)
        except csv.Error:
            feed.skip_record()
            return Malformed(
                "a quoted cell does not end"
                if feed.ended
                else 'text follows the quote that ends a cell; a quote in a cell is written ""'
            )
        except _TooLong:
            feed.skip_record()
            return Malformed(f"the row is longer than {MAX_ROW} bytes")
        return Malformed("the row is not UTF-8") if feed.undecodable else cells


class _TooLong(Exception):
    """The record does not fit."""


class _State(Enum):
    EDGE = auto()  # a quote here opens a cell, or is the second one of two in a quoted cell
    PLAIN = auto()
    QUOTED = auto()


class _Feed:
    """The lines that the csv module asks for, and what is known of the record they are of."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.ended = False
        self.undecodable = False
        self._lines = lines
        self._line = b""
        self._size = 0
        self._state = _State.EDGE

    def start_record(self) -> None:
        self.undecodable = False
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, b"")
        if not line:
            self.ended = True
            raise StopIteration
        # The module asks for a second line of a record only within quotes.
        self._state = _State.QUOTED if self._size else _State.EDGE
        self._line = line
        self._size += len(line)
        if self._size > MAX_ROW:
            raise _TooLong
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.undecodable = True
            return line.decode(errors="replace")

    def skip_record(self) -> None:
        """Goes on to the record's end, of which the last line read is a part."""
        line, state = self._line, self._state
        while line:
            state = _after(line, state)
            if state is not _State.QUOTED and line.endswith((b"\r", b"\n")):
                break
            line = next(self._lines, b"")


def _after(line: bytes, state: _State) -> _State:
    """The state at the end of the line, found in a few steps whatever stands in it."""
    at = 0
    if state is _State.QUOTED:
        at = line.find(b'"') + 1
        if not at:
            return state
    elif state is _State.PLAIN:
        cell = _NEXT_CELL.search(line)
        if cell is None:
            return state
        at = cell.end()
    at = _CELLS.match(line, at).end()  # type: ignore[union-attr]  # it matches, if only nothing
    if at == len(line):
        return _State.EDGE
    return _State.QUOTED if line.startswith(b'"', at) else _State.PLAIN


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines with their ends, be these LF, CR LF or CR; one that is too long, in parts.

    A CR LF that two blocks share makes an empty line more, which is no record.
    """
    held = b""
    for block in blocks:
        lines = (held + block).splitlines(keepends=True)
        held = b"" if not lines or lines[-1].endswith((b"\r", b"\n")) else lines.pop()
        yield from lines
        if len(held) > MAX_ROW:
            yield held
            held = b""
    if held:
        yield held
