"""Refuses requests that two HTTP parsers could read differently, before anything else sees them.

What is refused here is what lets a request be one thing for the gateway and another for the
service behind it. What the parser itself refuses is in ``protocol``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from openapi.problems import (
    HEADERS_TOO_LARGE,
    MALFORMED_HTTP,
    URI_TOO_LONG,
    Problem,
    ProblemType,
    write_problem,
)

MAX_URL = 32 * 1024  # bytes of path and query: fifty values of each of several filters
MAX_HEADERS = 32 * 1024  # bytes of all names and values
MAX_HEADER_LINES = 100

# %2f and %5c are separators to some, %00 ends a string to some, a dot segment is resolved by some.
_AMBIGUOUS = re.compile(rb"%(2[fF]|5[cC]|00)|\\|/(\.|%2[eE]){1,2}(/|$)")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(rb"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
# What a request can have only once: two of them mean two different requests (RFC 9112 §6.3).
_SINGLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-type", b"authorization",
     b"x-api-key", b"x-request-id", b"traceparent")
)  # fmt: skip


# What Connection may name: each is of one connection only. A client that names another header would
# have it dropped on the way, and with it the condition or the credential that it is.
_CONNECTION_OPTIONS = frozenset(
    (b"close", b"keep-alive", b"upgrade", b"http2-settings", b"te", b"proxy-connection", b"")
)


class FramingMiddleware:
    """Answers a request that is not plain with a problem and closes its connection."""

    def __init__(self, app: ASGIApp, request_id: Callable[[Scope], str | None]) -> None:
        self.app = app
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            problem = _fault(scope)
            if problem is not None:
                await _refuse(problem, self._request_id(scope), send)
                return
        await self.app(scope, receive, send)


def _fault(scope: Scope) -> Problem | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if scope["http_version"] not in ("1.0", "1.1"):
        return _problem("The request is not of HTTP/1.0 or HTTP/1.1.")
    return (
        _fault_of_target(scope["raw_path"], scope["query_string"])
        or _fault_of_sizes(headers)
        or _fault_of_names([name for name, _ in headers])
        or _fault_of_values(scope, headers)
    )


def _fault_of_target(path: bytes, query: bytes) -> Problem | None:
    if len(path) + len(query) > MAX_URL:
        return _problem(f"The URL may have {MAX_URL} bytes at the most.", kind=URI_TOO_LONG)
    if _AMBIGUOUS.search(path):
        return _problem("The path has an encoded slash, backslash or NUL, or a dot segment.")
    if b"%" in path:
        try:
            unquote_to_bytes(path).decode("utf-8")
        except UnicodeDecodeError:
            return _problem("The path is not UTF-8 when its percent-escapes are decoded.")
    return None


def _fault_of_sizes(headers: list[tuple[bytes, bytes]]) -> Problem | None:
    if len(headers) > MAX_HEADER_LINES:
        return _problem(f"There are over {MAX_HEADER_LINES} headers.", kind=HEADERS_TOO_LARGE)
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
        detail = f"The headers may have {MAX_HEADERS} bytes at the most."
        return _problem(detail, kind=HEADERS_TOO_LARGE)
    return None


def _fault_of_names(names: list[bytes]) -> Problem | None:
    # X_Auth_User and X-Auth-User are one variable to a WSGI application.
    if b"_" in b"".join(names):
        return _problem("A header's name has an underscore.")
    if len(names) != len(set(names)):
        twice = sorted({name for name in _SINGLE.intersection(names) if names.count(name) > 1})
        if twice:
            return _problem(f"The header {twice[0].decode()} is given more than once.")
    return None


def _fault_of_values(scope: Scope, headers: list[tuple[bytes, bytes]]) -> Problem | None:
    if _CONTROL.search(b"\t".join([value for _, value in headers])):
        return _problem("A header's value has a control character.")
    values = dict(headers)
    if b"transfer-encoding" in values:
        if values[b"transfer-encoding"].lower() != b"chunked" or b"content-length" in values:
            return _problem("A body is framed by Content-Length, or by the chunked coding alone.")
        if scope["http_version"] == "1.0":
            return _problem("HTTP/1.0 has no chunked bodies.")
    if not all(_names_options(value) for name, value in headers if name == b"connection"):
        return _problem("Connection names a header that is not of one connection only.")
    host = values.get(b"host")
    if host is None:
        return None if scope["http_version"] == "1.0" else _problem("There is no Host header.")
    return None if _HOST.fullmatch(host) else _problem("Host is not a host name and port.")


def _names_options(value: bytes) -> bool:
    return all(part.strip().lower() in _CONNECTION_OPTIONS for part in value.split(b","))


def _problem(detail: str, kind: ProblemType = MALFORMED_HTTP) -> Problem:
    # The connection is closed: what follows on it could be the rest of an attack.
    return Problem(kind, detail, headers={"Connection": "close"})


async def _refuse(problem: Problem, request_id: str | None, send: Send) -> None:
    answer = write_problem(problem, request_id)
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
