"""JSON: a list of devices, or an object whose only member ``items`` is that list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inventory.domain.tabular.item import read_item
from inventory.domain.tabular.row import MAX_ROW, Faulty, FormatFault, Row
from inventory.domain.tabular.strict_json import SPACE, Found, JSONFault, StrictJSON
from inventory.domain.tabular.window import Window

_OPENING = re.compile(r'[ \t\n\r]*+(?:\{[ \t\n\r]*+"items"[ \t\n\r]*+:[ \t\n\r]*+)?\[')


def read(blocks: Iterable[bytes]) -> Iterator[Row]:
    """A row for each item. After text that is not JSON there is one ``Faulty`` and no row more."""
    window = Window(blocks)
    closing = _open(window)
    reader = StrictJSON()
    number = 1
    try:
        going_on = window.next_character() != "]"
        while going_on:
            yield _row(number, _next_item(window, reader))
            number += 1
            going_on = _separator(window) == ","
        _close(window, closing)
    except JSONFault as exc:
        yield Faulty(number, f"{exc}; nothing from here on was read")


def write(documents: Iterable[str]) -> Iterator[bytes]:
    """An object whose ``items`` are these texts as they are."""
    before = '{"items":['
    for document in documents:
        yield (before + document).encode()
        before = ","
    yield b"]}" if before == "," else b'{"items":[]}'


def _open(window: Window) -> str:
    """Goes to behind the list's bracket and tells what has to close the file."""
    while (opening := _OPENING.match(window.text)) is None or opening.end() > MAX_ROW:
        if window.rest >= MAX_ROW or not window.extend():
            raise FormatFault('the file has to be {"items": [...]} or a list')
    window.at = opening.end()
    return "]}" if "{" in opening[0] else "]"


def _close(window: Window, closing: str) -> None:
    for character in closing:
        if window.next_character() != character:
            raise JSONFault(f"here has to be {character}, the end of the file's JSON")
        window.at += 1
    if window.next_character():
        raise JSONFault("something follows the end of the file's JSON")


def _row(number: int, found: Found) -> Row:
    if found.fault:
        return Faulty(number, f"the item is not JSON as it is taken here: {found.fault}")
    return read_item(number, found.value)


def _next_item(window: Window, reader: StrictJSON) -> Found:
    """The item that comes next, and the window moved to the ``,`` or ``]`` behind it."""
    window.next_character()
    while True:
        try:
            return _whole_item(window, reader)
        except JSONFault as exc:
            if window.rest >= MAX_ROW:
                reason = f"the item is not JSON or longer than {MAX_ROW} characters"
                raise JSONFault(reason) from exc
            if not window.extend():
                raise JSONFault(f"the item is not JSON: {exc}") from exc


def _whole_item(window: Window, reader: StrictJSON) -> Found:
    """Takes only what has its separator within the limit: 1 may be the beginning of 1e5."""
    found = reader.value_at(window.text, window.at)
    end = SPACE.match(window.text, found.end).end()  # type: ignore[union-attr]
    if window.text[end : end + 1] not in (",", "]") or end - window.at >= MAX_ROW:
        raise JSONFault("neither , nor ] follows it")
    window.at = end
    return found


def _separator(window: Window) -> str:
    """The character at which the window stands; behind it when another item has to come."""
    character = window.next_character()
    if character == ",":
        window.at += 1
    return character
