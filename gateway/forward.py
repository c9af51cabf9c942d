"""Forwards a request that passed every check to the service that serves its operation."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import aiohttp
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send

from gateway.identity import Identities
from gateway.upstreams import Upstreams
from openapi.bodies import ClientDisconnected, has_body
from openapi.document import Operation
from openapi.policy import Policy
from openapi.request import operation_id, principal, validated
from telemetry.middleware import context_of

BUFFERED = 256 * 1024  # bytes up to which an answer is sent in one piece

# Of one connection only (RFC 9110 §7.6.1), and what this gateway itself decides.
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
     b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
_NOT_FORWARDED = _HOP_BY_HOP | frozenset(
    (b"host", b"expect", b"authorization", b"x-api-key", b"cookie", b"forwarded",
     b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip",
     b"x-request-id", b"traceparent")
)  # fmt: skip
_NOT_RETURNED = _HOP_BY_HOP | frozenset(
    (b"server", b"date", b"x-request-id", b"traceparent", b"set-cookie")
)

logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]


class Forwarder:
    """The innermost ASGI application for operations that have an upstream."""

    def __init__(
        self, operations: Iterable[Operation], upstreams: Upstreams, identities: Identities
    ) -> None:
        self._policies: Mapping[str, Policy] = {op.operation_id: op.policy for op in operations}
        self._upstreams = upstreams
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = self._policies[operation_id(scope) or ""]
        headers = self._headers(scope, policy)
        body = _body(scope, receive)
        async with self._upstreams.send(
            policy, scope["method"], _target(scope), headers, body
        ) as response:
            await _answer(response, scope["method"], send)

    def _headers(self, scope: Scope, policy: Policy) -> CIMultiDict[str]:
        # First what the client sent is cleaned, then ours is added: the other way round, a client
        # could name our headers in Connection and have them dropped (CVE-2024-45410).
        headers = CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in without(scope["headers"], _NOT_FORWARDED)
        )
        headers["Authorization"] = self._identities.header(principal(scope), policy.upstream or "")
        context = context_of(scope)
        if context is not None:
            headers["X-Request-Id"] = context.request_id
            headers["traceparent"] = context.traceparent
        if scope.get("client"):
            headers["X-Forwarded-For"] = scope["client"][0]
        return headers


def without(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> Headers:
    """The headers without these names, and without those that ``Connection`` names."""
    headers = list(headers)
    listed = [v for n, v in headers if n.lower() == b"connection"]
    if listed:
        names |= {part.strip().lower() for value in listed for part in value.split(b",")}
    return [(name, value) for name, value in headers if name.lower() not in names]


def _target(scope: Scope) -> str:
    # The bytes that were routed and authorised, not a decoded and encoded form of them.
    path: str = scope["raw_path"].decode("latin-1")
    query: str = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _body(scope: Scope, receive: Receive) -> bytes | AsyncIterator[bytes] | None:
    raw = validated(scope).raw
    if raw is not None:
        return raw
    return _stream(receive) if has_body(scope) else None


async def _stream(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _answer(response: aiohttp.ClientResponse, method: str, send: Send) -> None:
    headers = without(response.raw_headers, _NOT_RETURNED)
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": response.status,
        "headers": [(name.lower(), value) for name, value in headers],
    }
    length = response.content_length
    whole = length is not None and length <= BUFFERED
    if whole or method == "HEAD" or response.status in (204, 304):
        # Read before anything is sent: an answer that breaks off can still become a 502.
        body = await response.read()
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    await send(start)
    async for chunk in response.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
