"""Forwards a request that passed every check to the service that serves its operation."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import aiohttp
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send

from gateway.identity import Identities
from gateway.outgoing import Outgoing, Upload
from gateway.upstreams import UpstreamError, Upstreams, is_short
from openapi.bodies import has_body
from openapi.document import Operation
from openapi.policy import Policy
from openapi.request import operation_id, principal, validated
from telemetry.metrics import UpstreamCall
from telemetry.middleware import context_of, note_upstream

# Of one connection only (RFC 9110 §7.6.1), what this gateway itself decides, and what some service
# could take for another client, path or method than those that were checked here.
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
     b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
_NOT_FORWARDED = _HOP_BY_HOP | frozenset(
    (b"host", b"expect", b"authorization", b"x-api-key", b"cookie", b"forwarded",
     b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix",
     b"x-forwarded-proto", b"x-forwarded-scheme", b"x-forwarded-server", b"x-forwarded-ssl",
     b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip", b"x-real-ip",
     b"x-original-host", b"x-original-url", b"x-rewrite-url",
     b"x-http-method", b"x-http-method-override", b"x-method-override",
     b"x-request-id", b"traceparent")
)  # fmt: skip
_NOT_RETURNED = _HOP_BY_HOP | frozenset(
    (b"server", b"date", b"x-request-id", b"traceparent", b"set-cookie")
)


# For an operation whose answers are kept: a cache has to know, and to tell, how old one is.
_NOT_RETURNED_DATED = _NOT_RETURNED - {b"date"}

Headers = list[tuple[bytes, bytes]]


class Forwarder:
    """The innermost ASGI application for operations that have an upstream.

    ``keyed``: the operations that take an ``Idempotency-Key``. ``dated``: those whose answers keep
    the service's ``Date``. ``credentials``: the ``Authorization`` of services that want one of
    their own instead of the signed identity.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        upstreams: Upstreams,
        identities: Identities,
        keyed: Collection[str] = frozenset(),
        dated: Collection[str] = frozenset(),
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self._policies: Mapping[str, Policy] = {op.operation_id: op.policy for op in operations}
        self._keyed = frozenset(keyed)
        self._dated = frozenset(dated)
        self._upstreams = upstreams
        self._identities = identities
        self._credentials = credentials or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = operation_id(scope) or ""
        policy = self._policies[operation]
        request = Outgoing(
            policy,
            scope["method"],
            _target(scope, policy),
            self._headers(scope, policy),
            _body(scope, receive),
            operation in self._keyed,
        )
        started = time.perf_counter()
        try:
            async with self._upstreams.send(request) as response:
                _note(scope, policy, _CLASSES[response.status // 100], started)
                headers = self._returned(operation, response.raw_headers)
                await _answer(response, request.method, send, headers)
        except UpstreamError as exc:
            if request.client_failure is not None:
                _note(scope, policy, "aborted", started)
                raise request.client_failure from exc  # the client, or a limit, ended it
            _note(scope, policy, _failure(exc), started)
            raise

    def _returned(self, operation: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        left_out = _NOT_RETURNED_DATED if operation in self._dated else _NOT_RETURNED
        returned = without(headers, left_out)
        policy = self._policies[operation]
        if policy.prefix or policy.base_path:
            return [_located(name, value, policy) for name, value in returned]
        return returned

    def _headers(self, scope: Scope, policy: Policy) -> CIMultiDict[str]:
        # First what the client sent is cleaned, then ours is added: the other way round, a client
        # could name our headers in Connection and have them dropped (CVE-2024-45410).
        headers = CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in without(scope["headers"], _NOT_FORWARDED)
        )
        headers["Authorization"] = self._authorization(scope, policy.upstream or "")
        context = context_of(scope)
        if context is not None:
            headers["X-Request-Id"] = context.request_id
            headers["traceparent"] = context.traceparent
        if scope.get("client"):
            headers["X-Forwarded-For"] = scope["client"][0]
        headers["X-Forwarded-Proto"] = scope["scheme"]
        return headers

    def _authorization(self, scope: Scope, upstream: str) -> str:
        own = self._credentials.get(upstream)
        return own or self._identities.header(principal(scope), upstream)


_CLASSES = tuple(f"{first}xx" for first in range(10))


def _failure(error: UpstreamError) -> str:
    """``unreachable``, ``timeout``, ``broken``: what the error is called, as a label."""
    return type(error).__name__.removeprefix("Upstream").lower()


def _note(scope: Scope, policy: Policy, outcome: str, started: float) -> None:
    seconds = time.perf_counter() - started
    note_upstream(scope, UpstreamCall(policy.upstream or "", outcome, seconds))


def without(headers: Iterable[tuple[bytes, bytes]], names: frozenset[bytes]) -> Headers:
    """The headers without these names, and without those that ``Connection`` names."""
    headers = list(headers)
    listed = [v for n, v in headers if n.lower() == b"connection"]
    if listed:
        names |= {part.strip().lower() for value in listed for part in value.split(b",")}
    return [(name, value) for name, value in headers if name.lower() not in names]


def _target(scope: Scope, policy: Policy) -> str:
    # The bytes that were routed and authorised, not a decoded and encoded form of them.
    path: str = scope["raw_path"].decode("latin-1")
    if policy.prefix or policy.base_path:
        path = upstream_path(path, policy)
    query: str = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def upstream_path(path: str, policy: Policy) -> str:
    """The path at the service, of one that routing found to begin with the policy's prefix."""
    # By its segments: each may be written with percent-escapes.
    segments = path.split("/", policy.prefix.count("/") + 1)
    return f"{policy.base_path}/{segments[-1]}"


def _located(name: bytes, value: bytes, policy: Policy) -> tuple[bytes, bytes]:
    is_place = name.lower() in (b"location", b"content-location")
    return name, gateway_location(value, policy) if is_place else value


def gateway_location(location: bytes, policy: Policy) -> bytes:
    """A ``Location`` of the service as its client can follow it; one elsewhere stays."""
    base = policy.base_path.encode() + b"/"
    if not location.startswith(base) or location.startswith(b"//"):
        return location
    return policy.prefix.encode() + b"/" + location.removeprefix(base)


def _body(scope: Scope, receive: Receive) -> bytes | Upload | None:
    raw = validated(scope).raw
    if raw is not None:
        return raw
    return Upload(receive) if has_body(scope) else None


async def _answer(
    response: aiohttp.ClientResponse, method: str, send: Send, headers: Headers
) -> None:
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": response.status,
        "headers": [(name.lower(), value) for name, value in headers],
    }
    if is_short(method, response):
        body = await response.read()  # it is here already
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    await send(start)
    async for chunk in response.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
