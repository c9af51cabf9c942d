"""Files that nobody else may read, put in the place of those before them in one step."""

from __future__ import annotations

import secrets
from pathlib import Path


def replace_private(file: Path, content: bytes) -> None:
    """Writes the file (0600): who reads it sees all of the old content or all of the new."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(file)
