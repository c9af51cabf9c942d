"""Strong entity tags of compressed answers: another representation has another tag.

RFC 9110 §8.8.3 gives a compressed representation a tag of its own. It is the service's tag with the
coding behind it, ``"abc+gzip"``; in a condition it means ``"abc"`` again, as a condition is on the
resource's state. Were the tag weakened instead, no ``If-Match`` of a client that takes compressed
answers would ever hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from openapi.problems import Headers

CONDITIONS = frozenset((b"if-match", b"if-none-match"))
# In quotes, as it should be, or without: many clients drop them, and mean the same.
_TAG = re.compile(rb'((?:W/)?)(?:"([^"]*)"|([^\s,"]+))')


class CodedTags:
    """Puts codings behind tags, and takes them off again."""

    def __init__(self, codings: Collection[str]) -> None:
        names = b"|".join(name.encode() for name in codings)
        self._coded = re.compile(rb"(.+)\+(?:" + names + rb")")
        self._hints = tuple(b"+" + name.encode() for name in codings)

    def code(self, tag: bytes, coding: str) -> bytes:
        """The tag of the compressed representation; a weak one is good for both."""
        if tag.startswith(b"W/") or not tag.endswith(b'"'):
            return tag
        return tag[:-1] + b"+" + coding.encode() + b'"'

    def decode(self, headers: Headers) -> tuple[Headers, dict[bytes, bytes]]:
        """Request headers with the service's tags in their conditions.

        Also which tag the client had for each of them: a 304 has to name that one (§15.4.5).
        """
        had: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in CONDITIONS and self._hinted(value):
                break
        else:
            return headers, had
        decoded = [
            (name, _TAG.sub(lambda tag: self._plain(tag, had), value))
            if name in CONDITIONS
            else (name, value)
            for name, value in headers
        ]
        return decoded, had

    def _hinted(self, value: bytes) -> bool:
        return any(hint in value for hint in self._hints)

    def _plain(self, tag: re.Match[bytes], had: dict[bytes, bytes]) -> bytes:
        weak, quoted, bare = tag.groups()
        coded = self._coded.fullmatch(quoted or bare or b"")
        if coded is None:
            return tag[0]
        plain = b'"' + coded[1] + b'"'
        had[plain] = b'"' + coded[0] + b'"'
        return bytes(weak) + (plain if quoted is not None else coded[1])
