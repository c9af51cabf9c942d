"""Cursors: a position in a list as clients carry it, opaque to them."""

from __future__ import annotations

import base64


def write_cursor(identifier: str) -> str:
    """The cursor of the page after this identifier."""
    return base64.urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The identifier to go on after. Any text of the contract's pattern is a position."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return base64.urlsafe_b64decode(padded).decode("latin-1")
    except ValueError:
        # One character more than whole bytes is no base64: take the bytes that are whole.
        return base64.urlsafe_b64decode(cursor[:-1]).decode("latin-1")
