"""Conditions of requests: a client's, which are answered here, and those that a check sends."""

from __future__ import annotations

from werkzeug.http import parse_etags

from gateway.caching.dates import read_date
from gateway.caching.entries import Entry, first
from openapi.problems import Headers

CLIENTS = frozenset((b"if-none-match", b"if-modified-since"))
# Of a part or of a state that a read does not concern: such requests are left to the service.
LEFT_ALONE = frozenset((b"range", b"if-range", b"if-match", b"if-unmodified-since"))
# What a 304 has of the 200 that it stands for (RFC 9110 §15.4.5).
_OF_NOT_MODIFIED = frozenset(
    (b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"vary")
)


def check_headers(headers: Headers, entry: Entry) -> Headers:
    """A request's headers that ask whether the entry is still good (RFC 9111 §4.3.1)."""
    asking = [(n, v) for n, v in headers if n not in CLIENTS]
    for name, validator in ((b"if-none-match", b"etag"), (b"if-modified-since", b"last-modified")):
        value = entry.header(validator)
        if value is not None:
            asking.append((name, value))
    return asking


def is_of(entry: Entry, not_modified: Headers) -> bool:
    """Whether a 304 is about the entry (RFC 9111 §4.3.4)."""
    told, kept = first(not_modified, b"etag"), entry.header(b"etag")
    return told is None or kept is None or _opaque(told) == _opaque(kept)


def has_it_already(request: Headers, answer: Headers, now: float) -> bool:
    """Whether the client's conditions say that it has this answer (RFC 9110 §13.2.2)."""
    given = b", ".join(value for n, value in request if n == b"if-none-match")
    if given:
        etag = first(answer, b"etag")
        return etag is not None and _matches(given.decode("latin-1"), etag)
    since = first(request, b"if-modified-since")
    modified = first(answer, b"last-modified")
    if since is None or modified is None:
        return False
    had, last = (read_date(date.decode("latin-1"), now) for date in (since, modified))
    return had is not None and last is not None and last <= had


def not_modified_headers(headers: Headers) -> Headers:
    """Of a 200's headers those of its 304."""
    return [(name, value) for name, value in headers if name in _OF_NOT_MODIFIED]


def is_another(entry: Entry, headers: Headers) -> bool:
    """Whether an answer to HEAD tells of another state than the entry's (RFC 9111 §4.3.5)."""
    for name in (b"etag", b"last-modified", b"content-length"):
        told, kept = first(headers, name), entry.header(name)
        if told is not None and kept is not None and told != kept:
            return True
    return False


def _matches(given: str, etag: bytes) -> bool:
    tags = parse_etags(given)
    return bool(tags.star_tag or tags.contains_weak(_opaque(etag).decode("latin-1")))


def _opaque(etag: bytes) -> bytes:
    return etag.strip().removeprefix(b"W/").strip(b'"')
