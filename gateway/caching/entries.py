"""What is kept of an answer, and for how long it is good (RFC 9111 §4.2, RFC 5861)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.caching.dates import read_date
from gateway.caching.directives import Directives, read_seconds
from openapi.policy import Caching
from openapi.problems import Headers

# What a cache may keep without a word of how long (RFC 9110 §15.1).
CACHEABLE = frozenset((200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))
# Of these, those that the contract speaks for: that there is nothing may be over at once.
_LASTING = frozenset((200, 203, 204, 300, 301, 308))
# Each of these forbids to use an answer once it is stale (RFC 9111 §4.2.4).
_NEVER_STALE = frozenset(("must-revalidate", "proxy-revalidate", "s-maxage"))

_SAYS_NOTHING = Caching()

Variant = Mapping[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Exchange:
    """When a request was sent and when its answer came, in seconds since the epoch."""

    sent: float
    received: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """How an answer ages. All in seconds; ``born``: when its age would have been nought.

    ``is_checked``: it is never used without asking the service.
    """

    born: float
    lifetime: int
    while_revalidate: int = 0
    if_error: int = 0
    is_checked: bool = False

    def age(self, now: float) -> int:
        """Its age (RFC 9111 §4.2.3)."""
        return max(0, int(now - self.born))

    def left(self, now: float) -> int:
        """For how long it is still fresh; less than nought when it is stale."""
        return self.lifetime - self.age(now)

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used without asking."""
        return not self.is_checked and self.left(now) > 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer that is kept. ``variant``: the request headers that it was chosen by."""

    status: int
    headers: Headers
    body: bytes
    variant: Variant
    freshness: Freshness

    def header(self, name: bytes) -> bytes | None:
        """The header's first value."""
        return first(self.headers, name)

    @property
    def has_validator(self) -> bool:
        """Whether the service can be asked if it is still what it was."""
        return self.header(b"etag") is not None or self.header(b"last-modified") is not None


def first(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header, by its lower-case name."""
    return next((value for n, value in headers if n == name), None)


def freshness_of(
    status: int, headers: Headers, directives: Directives, when: Exchange, rule: Caching
) -> Freshness:
    """How an answer ages by what it says itself, and by the contract where it says nothing."""
    rule = rule if status in _LASTING else _SAYS_NOTHING
    explicit = explicit_lifetime(headers, directives, when)
    aging = Freshness(
        born=when.received - _initial_age(headers, when),
        lifetime=rule.max_age if explicit is None else explicit,
        is_checked=directives.is_bare("no-cache"),
    )
    if aging.is_checked or not _NEVER_STALE.isdisjoint(directives):
        return aging
    return replace(
        aging,
        while_revalidate=_grace(directives, "stale-while-revalidate", rule.stale_while_revalidate),
        if_error=_grace(directives, "stale-if-error", rule.stale_if_error),
    )


def explicit_lifetime(headers: Headers, directives: Directives, when: Exchange) -> int | None:
    """The seconds that the answer itself says (§4.2.1); None when it says nothing.

    There is no guess by ``Last-Modified``: the contract says it where it is known.
    """
    for name in ("s-maxage", "max-age"):
        if (seconds := directives.seconds(name)) is not None:
            return seconds
    lines = [value for n, value in headers if n == b"expires"]
    if not lines:
        return None
    expires = _date(lines[0], when) if len(lines) == 1 else None
    if expires is None:
        return 0  # "0", which is no date, is the field's usual way to say so (§5.3)
    date = _date(first(headers, b"date"), when)
    return max(0, expires - (int(when.received) if date is None else date))


def _initial_age(headers: Headers, when: Exchange) -> float:
    # Of several ages the first one counts (§5.1).
    given = (first(headers, b"age") or b"").decode("latin-1").partition(",")[0].strip()
    date = _date(first(headers, b"date"), when)
    apparent = 0.0 if date is None else max(0.0, int(when.received) - date)
    return max(apparent, (read_seconds(given) or 0) + when.received - when.sent)


def _date(value: bytes | None, when: Exchange) -> int | None:
    return None if value is None else read_date(value.decode("latin-1"), when.received)


def _grace(directives: Directives, name: str, otherwise: int) -> int:
    given = directives.seconds(name)
    return otherwise if given is None else given
