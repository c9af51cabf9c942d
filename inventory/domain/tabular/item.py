"""A JSON value that should be a device."""

from __future__ import annotations

from typing import Any

from inventory.domain.tabular.cells import READ_ONLY
from inventory.domain.tabular.row import Faulty, Parsed, Row


def read_item(number: int, value: Any) -> Row:
    """The row of this value, which is taken over: its read-only members are dropped."""
    if not isinstance(value, dict):
        return Faulty(number, "this has to be a JSON object")
    for member in READ_ONLY:
        value.pop(member, None)
    return Parsed(number, value)
