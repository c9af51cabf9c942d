"""One unusual request, and what the contract says of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from contracts.wire import Request

REFUSED = frozenset((400,))
UNSUPPORTED = frozenset((415,))
TOO_LARGE = frozenset((413,))
NOT_FOUND = frozenset((404,))
NOT_ALLOWED = frozenset((405,))


@dataclass(frozen=True, slots=True)
class Probe:
    """``name``: what is odd about the request, as the rest of "a request with …".

    ``statuses``: what may answer it; nothing, when it has to be answered as the plain request is.
    ``why``: the rule, in a sentence. ``before``: what is sent first, and has to be
    accepted for the probe to mean anything.
    """

    name: str
    request: Request
    statuses: Collection[int] = ()
    why: str = ""
    before: Request | None = None
