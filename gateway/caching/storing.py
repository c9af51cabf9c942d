"""Which answers may be kept, and what of them (RFC 9111 §3)."""

from __future__ import annotations

from dataclasses import replace

from gateway.caching.directives import Directives, read_directives
from gateway.caching.entries import (
    CACHEABLE,
    Entry,
    Exchange,
    Variant,
    explicit_lifetime,
    freshness_of,
)
from openapi.policy import Caching
from openapi.problems import Headers

# Of one connection (§3.1), or of one client; the age is reckoned anew.
_NOT_KEPT = frozenset(
    (b"age", b"cache-status", b"connection", b"keep-alive", b"proxy-authenticate",
     b"proxy-authentication-info", b"proxy-authorization", b"proxy-connection", b"set-cookie",
     b"te", b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
# What describes the body that is kept, which a 304 does not bring (§3.2).
_OF_THE_BODY = frozenset(
    (b"content-encoding", b"content-length", b"content-range", b"content-type")
)
_INCOMPLETE = frozenset((206, 304))


def may_keep(status: int, headers: Headers, when: Exchange) -> bool:
    """Whether a cache that serves many may keep this answer to a GET."""
    directives = read_directives(headers)
    if status < 200 or status in _INCOMPLETE:
        return False
    if "no-store" in directives or directives.is_bare("private") or _varies_by_all(headers):
        return False
    says_how_long = explicit_lifetime(headers, directives, when) is not None
    return status in CACHEABLE or says_how_long or "public" in directives


def entry_of(
    status: int, headers: Headers, body: bytes, variant: Variant, when: Exchange, rule: Caching
) -> Entry | None:
    """The entry for an answer; None when it would be of no use, now or later."""
    directives = read_directives(headers)
    freshness = freshness_of(status, headers, directives, when, rule)
    entry = Entry(status, kept_headers(headers, directives), body, variant, freshness)
    is_of_use = freshness.lifetime or freshness.if_error or freshness.while_revalidate
    return entry if is_of_use or entry.has_validator else None


def freshened(entry: Entry, headers: Headers, when: Exchange, rule: Caching) -> Entry:
    """The entry with what a 304 says of it (§3.2, §4.3.4)."""
    new = [(n, v) for n, v in headers if n not in _OF_THE_BODY]
    names = {name for name, _ in new}
    merged = [(n, v) for n, v in entry.headers if n not in names] + new
    directives = read_directives(merged)
    return replace(
        entry,
        headers=kept_headers(merged, directives),
        freshness=freshness_of(entry.status, merged, directives, when, rule),
    )


def kept_headers(headers: Headers, directives: Directives) -> Headers:
    """The headers without those that are not for everybody who is given the answer."""
    listed = b",".join(value for n, value in headers if n == b"connection").lower().split(b",")
    left_out = _NOT_KEPT | {part.strip() for part in listed}
    left_out |= directives.fields("no-cache", "private")
    return [(name, value) for name, value in headers if name not in left_out]


def _varies_by_all(headers: Headers) -> bool:
    return any(n == b"vary" and b"*" in value for n, value in headers)
