"""Writes a report's file: whole, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """The file has all of the text when this returns, and what it had before if this raises.

    ``text`` becomes UTF-8. Folders on the way are made; ``OSError`` where that cannot be done.
    """
    content = text.encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    if _is_something_else(file):
        file.write_bytes(content)
        return
    # Beside it, as only a rename within one file system is atomic.
    draft = file.with_name(f".{secrets.token_hex(8)}.draft")
    try:
        _write(draft, content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _write(draft: Path, content: bytes) -> None:
    with draft.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _is_something_else(file: Path) -> bool:
    """Whether it is there as a link, pipe or device, as /dev/stdout: those are not replaced."""
    try:
        return not stat.S_ISREG(file.lstat().st_mode)
    except FileNotFoundError:
        return False
