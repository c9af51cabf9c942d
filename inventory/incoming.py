"""Files that clients send, and what tells one request from every other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from starlette.types import Scope

from openapi.bodies import media_type
from openapi.body_limit import too_large
from openapi.request import header, validated


class IncomingFile:
    """A request's body as a file, whether validation has read it or it is still to come."""

    def __init__(self, scope: Scope, incoming: Iterable[bytes]) -> None:
        """``incoming``: the body's chunks, which are taken when validation has not."""
        raw = validated(scope).raw
        self.media_type = media_type(scope) or ""
        self._chunks = incoming if raw is None else [raw]
        length = header(scope, b"content-length") if raw is None else str(len(raw))
        self._length = int(length) if length else None
        self._digest = _digest(scope)

    def is_known_to_have(self, size: int) -> bool:
        """Whether the client said that it has so many bytes at the most."""
        return self._length is not None and self._length <= size

    def chunks(self) -> Iterator[bytes]:
        """The file, as it comes."""
        for chunk in self._chunks:
            self._digest.update(chunk)
            yield chunk

    def up_to(self, limit: int) -> Iterator[bytes]:
        """The file, as it comes; a problem when it has more bytes than that."""
        size = 0
        for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            yield chunk

    def fingerprint(self) -> str:
        """The request's ``fingerprint``, when all of the file was taken."""
        return self._digest.hexdigest()


def fingerprint(scope: Scope) -> str:
    """What no other request has, but one that asks for the same with the same body."""
    digest = _digest(scope)
    digest.update(validated(scope).raw or b"")
    return digest.hexdigest()


def _digest(scope: Scope) -> hashlib._Hash:
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["raw_path"], scope["query_string"]):
        digest.update(part + b"\0")
    return digest
