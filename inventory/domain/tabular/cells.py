"""How a device's members stand in the cells of a table.

An empty cell is a member that is not set; an empty list is ``[]``. Texts stand as they are, labels
with spaces between them, pairs as ``domain=value;domain=value`` with a backslash before each
backslash, ``;`` and ``=`` that is part of a text, attributes as JSON. So every valid device is read
as it was written; only the order of the two members of a pair is always the same.

A spreadsheet takes a cell that begins with one of ``= + - @``, TAB or CR for a formula (OWASP, CSV
Injection). Such a cell is written with an apostrophe before it, and so is one that begins with an
apostrophe before one of these or before another apostrophe: the reader takes just one away again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inventory.domain.kinds import DEVICES, OWN, STAMPS
from inventory.domain.resource import to_json
from inventory.domain.tabular.strict_json import JSONFault, StrictJSON

READ_ONLY = tuple(member for member in (*OWN, *STAMPS) if member != "identifier")
EMPTY_LIST = "[]"

_FORMULA = frozenset("=+-@\t\r")
_ESCAPED = _FORMULA | {"'"}
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_PAIR = re.compile(r"((?:[^\\;=]++|\\[\\;=])*+)=((?:[^\\;=]++|\\[\\;=])*+)(;|\Z)")
_TO_UNESCAPE = re.compile(r"\\(.)")


class CellFault(ValueError):
    """The cell is not written as its column is; the message says how that is."""


@dataclass(frozen=True, slots=True)
class Column:
    """A member's column. ``read`` takes a cell's text, never empty; ``write`` makes it."""

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]


def guard(text: str) -> str:
    """The text as a cell that no spreadsheet computes."""
    if text[:1] in _FORMULA or (text[:1] == "'" and text[1:2] in _ESCAPED):
        return "'" + text
    return text


def unguard(cell: str) -> str:
    """The text that ``guard`` made this cell of."""
    return cell[1:] if cell[0] == "'" and cell[1:2] in _ESCAPED else cell


def _text(text: str) -> str:
    return text


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise CellFault("this has to be a whole number")
    return int(text)


def _labels(text: str) -> list[str]:
    if "," in text or ";" in text:
        raise CellFault("labels are separated by spaces")
    return [] if text == EMPTY_LIST else text.split()


def _labels_text(labels: list[str]) -> str:
    return " ".join(labels) or EMPTY_LIST


def _pairs(first: str, second: str) -> Callable[[str], list[dict[str, str]]]:
    def read(text: str) -> list[dict[str, str]]:
        pairs: list[dict[str, str]] = []
        end = len(text) + 1  # one beyond, as after the last pair's ";"
        at = end if text == EMPTY_LIST else 0
        while at < end:
            pair = _PAIR.match(text, at)
            if pair is None:
                raise CellFault(
                    f"this has to be {first}={second} pairs separated by ;"
                    " with a \\ before each \\, ; and = inside of them"
                )
            pairs.append({first: _unescaped(pair[1]), second: _unescaped(pair[2])})
            at = pair.end() if pair[3] else end
        return pairs

    return read


def _pairs_text(first: str, second: str) -> Callable[[list[dict[str, str]]], str]:
    def write(pairs: list[dict[str, str]]) -> str:
        texts = (f"{_escaped(pair[first])}={_escaped(pair[second])}" for pair in pairs)
        return ";".join(texts) or EMPTY_LIST

    return write


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace("=", "\\=")


def _unescaped(text: str) -> str:
    return _TO_UNESCAPE.sub(r"\1", text) if "\\" in text else text


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = StrictJSON().only_value(text)
    except JSONFault as exc:
        raise CellFault(f"this has to be the JSON text of an object: {exc}") from exc
    if not isinstance(value, dict):
        raise CellFault("this has to be the JSON text of an object")
    return value


def _column(name: str) -> Column:
    if name in _PAIRS:
        return Column(name, _pairs(*_PAIRS[name]), _pairs_text(*_PAIRS[name]))
    read, write = _OTHERS.get(name, (_text, str))
    return Column(name, read, write)


_PAIRS = {
    "identifiers": ("domain", "value"),
    "connections": ("type", "value"),
    "external_refs": ("system", "id"),
}
_OTHERS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "matter_device_type": (_integer, str),
    "labels": (_labels, _labels_text),
    "attributes": (_json_object, to_json),
}
WRITABLE = tuple(_column(name) for name in ("identifier", *DEVICES.members))
COLUMNS = (*WRITABLE, *(_column(name) for name in READ_ONLY))
