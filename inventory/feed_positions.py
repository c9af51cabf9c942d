"""Where a client is in the feed of changes, as a cursor says it."""

from __future__ import annotations

from inventory.cursors import Cursors
from inventory.domain.store import ChangeQuery, Reader

NOW = "now"  # the cursor that is after the last change there is
# A position says nothing of the changes before it, so a cursor is anybody's: who may see what is
# decided anew with each request.
_FEED = {"changes": True}


def read_position(cursors: Cursors, reader: Reader, cursor: str | None) -> int:
    """The sequence of the change that the cursor is after, 0 before all; or ``ForeignCursor``."""
    if cursor == NOW:
        newest = reader.changes(ChangeQuery(limit=1, newest_first=True))
        return newest[0].sequence if newest else 0
    position = cursors.read(_FEED, cursor)
    return int(position[0]) if position else 0


def write_position(cursors: Cursors, sequence: int) -> str:
    """The cursor after the change of this sequence."""
    return cursors.write(_FEED, [sequence])
