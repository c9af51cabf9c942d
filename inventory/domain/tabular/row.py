"""What became of one row of a file, and what makes a whole file unusable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_ROW = 1024 * 1024  # bytes of CSV and of NDJSON, characters of a JSON value


@dataclass(frozen=True, slots=True)
class Parsed:
    """A row that could be read; whether its ``fields`` make a valid device is for others to say.

    ``number`` counts the file's rows of data from 1. ``fields`` has no read-only members.
    """

    number: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Faulty:
    """A row that could not be read; ``column`` names the cell at fault, when it is one."""

    number: int
    reason: str
    column: str | None = None


Row = Parsed | Faulty


class FormatFault(ValueError):
    """Nothing in the file can be read; the message tells the client why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
