"""When a request may be sent again: what is safe, and how much of it an upstream has to bear."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

SHARE = 0.2  # of an upstream's requests that may be sent again
SAVED = 300.0  # tries that can be saved up: a burst of this size is allowed after quiet times
FLOOR = 5.0  # tries a second that are allowed however few requests there are

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_IDEMPOTENT = frozenset(("PUT", "DELETE"))
_CONDITIONS = ("If-Match", "If-None-Match", "If-Unmodified-Since")


def may_happen_twice(method: str, headers: Mapping[str, str], takes_key: bool) -> bool:
    """Whether a request may be sent again when nobody knows what became of it.

    By its method (RFC 9110 §9.2.2), or by an ``Idempotency-Key`` where the operation takes one. A
    write under a condition is left alone: the first try may have made its condition false, and the
    client would be told that its write was refused when it was done.
    """
    if method in _SAFE:
        return True
    if method in _IDEMPOTENT:
        return not any(name in headers for name in _CONDITIONS)
    return takes_key and "Idempotency-Key" in headers


class RetryBudget:
    """How many more tries an upstream gets, so that an outage is not multiplied by them.

    Every request saves up a share of a try, and so does the time. It begins full.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._saved = SAVED
        self._at = clock()

    def earn(self) -> None:
        """A request came."""
        if self._saved < SAVED:
            self._saved += SHARE

    def spend(self) -> bool:
        """Takes one try, or is false when there is none left."""
        now = self._clock()
        self._saved = min(SAVED, self._saved + (now - self._at) * FLOOR)
        self._at = now
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
