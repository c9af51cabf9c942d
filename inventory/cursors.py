"""Cursors: a position in one list, as clients carry it. Opaque, and signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inventory.domain.errors import ForeignCursor

START = "start"  # the cursor of every list's first page
_SIGNED = 12  # bytes of a cursor that say that it is ours


class Cursors:
    """Writes and reads cursors. Those of one list are foreign to every other."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, of: Any, position: Sequence[str | int]) -> str:
        """The cursor of what comes after the position in the list ``of`` (a JSON value)."""
        content = json.dumps(list(position), ensure_ascii=False, separators=(",", ":")).encode()
        signed = self._signature(of, content) + content
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def read(self, of: Any, cursor: str | None) -> tuple[Any, ...]:
        """The position to go on after, empty for the first page; or ``ForeignCursor``."""
        if cursor in (None, START):
            return ()
        try:
            signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError as exc:
            raise ForeignCursor from exc
        signature, content = signed[:_SIGNED], signed[_SIGNED:]
        if not hmac.compare_digest(signature, self._signature(of, content)):
            raise ForeignCursor
        return tuple(json.loads(content))

    def _signature(self, of: Any, content: bytes) -> bytes:
        about = json.dumps(of, sort_keys=True, default=str).encode()
        signed = hashlib.sha256(about).digest() + content
        return hmac.new(self._secret, signed, hashlib.sha256).digest()[:_SIGNED]


def load_secret(file: Path) -> bytes:
    """The secret in ``file`` (0600), which is made when there is none.

    Workers that start together agree on one: the first to link its file in place wins.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass  # another worker was first
        finally:
            draft.unlink()
    return file.read_bytes()
