"""``Cache-Status`` (RFC 9211): what the cache did with a request."""

from __future__ import annotations

from typing import NamedTuple

NAME = "doorstep"


class CacheStatus(NamedTuple):
    """``outcome`` is the word that metrics have; ``parameters`` those of the header."""

    outcome: str
    parameters: str

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header of the answer."""
        return b"cache-status", f"{NAME}; {self.parameters}".encode()


def hit(left: int, is_collapsed: bool = False) -> CacheStatus:
    """An answer that was kept; ``left``: seconds for which it is fresh, negative when it is not."""
    if is_collapsed:
        return CacheStatus("collapsed", f"fwd=miss; collapsed; ttl={left}")
    return CacheStatus("hit" if left > 0 else "stale", f"hit; ttl={left}")


def forwarded(why: str, status: int, is_stored: bool = False) -> CacheStatus:
    """An answer of the service. ``why``: ``bypass``, ``miss``, ``stale`` or ``request``."""
    stored = "; stored" if is_stored else ""
    outcome = "bypass" if why == "bypass" else "miss"
    return CacheStatus(outcome, f"fwd={why}; fwd-status={status}{stored}")


def revalidated(why: str) -> CacheStatus:
    """An answer that was kept, of which the service says that it is still good."""
    return CacheStatus("revalidated", f"fwd={why}; fwd-status=304; stored")


def saved(why: str, status: int | None, left: int) -> CacheStatus:
    """An answer that was kept, in the place of an error; None: the service did not answer."""
    answered = "" if status is None else f"; fwd-status={status}"
    return CacheStatus("saved", f'fwd={why}{answered}; ttl={left}; detail="stale-if-error"')
