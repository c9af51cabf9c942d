"""Gives each request its id and trace, tells both to the client, and logs what became of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.access_log import AccessLog
from telemetry.metrics import Metrics, UpstreamCall
from telemetry.trace_context import RequestContext, current, request_context

if TYPE_CHECKING:
    from telemetry.spans import ServerSpans

KEY = "telemetry"
UPSTREAM = "telemetry_upstream"
CACHE = "telemetry_cache"
HEADERS = "answer_headers"


def context_of(scope: Scope) -> RequestContext | None:
    """The request's context, as ``TelemetryMiddleware`` left it."""
    return cast("RequestContext | None", scope.get("extensions", {}).get(KEY))


def request_id_of(scope: Scope) -> str | None:
    """The request's id, or None outside of ``TelemetryMiddleware``."""
    context = context_of(scope)
    return context.request_id if context else None


def note_upstream(scope: Scope, call: UpstreamCall) -> None:
    """Leaves what a call of another service took; a later one takes its place."""
    scope["extensions"][UPSTREAM] = call


def note_cache(scope: Scope, outcome: str) -> None:
    """Leaves what a cache did with the request: ``hit``, ``miss``…, in one word."""
    scope["extensions"][CACHE] = outcome


def answer_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers that the answer gets, whoever gives it; a stage may add some to the list."""
    headers = scope.setdefault("extensions", {}).setdefault(HEADERS, [])
    return cast("list[tuple[bytes, bytes]]", headers)


class TelemetryMiddleware:
    """Stands outside of everything else, so that refusals have an id and a log line too."""

    def __init__(
        self,
        app: ASGIApp,
        access_log: AccessLog | None,
        metrics: Metrics | None = None,
        spans: ServerSpans | None = None,
    ) -> None:
        """None: access is not logged, nothing is counted, or no trace is exported."""
        self.app = app
        self._access_log = access_log
        self._metrics = metrics
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._observe(scope, receive, send)
        else:
            await self.app(scope, receive, send)
            self._close()  # the life of the application is over

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        context = request_context(scope["headers"])
        extensions = scope.setdefault("extensions", {})
        if self._spans is not None:
            context = self._spans.begin(scope, context)
        extensions[KEY] = context
        current.set(context)
        own = answer_headers(scope)
        own.append((b"x-request-id", context.request_id.encode()))
        own.append((b"traceparent", context.traceparent.encode()))
        exchange = _Exchange(receive, send, own)
        metrics = self._metrics
        if metrics is not None:
            metrics.in_flight.inc()
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            seconds = time.perf_counter() - started
            if metrics is not None:
                metrics.in_flight.dec()
                _count(metrics, scope, exchange, seconds)
            if self._spans is not None:
                self._spans.end(scope, _operation_id(scope), exchange.status)
            log = self._access_log
            if log is not None and log.wants(scope["path"], exchange.status):
                log.write(_members(scope, context, exchange, seconds))

    def _close(self) -> None:
        if self._access_log is not None:
            self._access_log.flush()
        if self._spans is not None:
            self._spans.close()


class _Exchange:
    """One request and its answer: the status, and how many bytes went each way."""

    __slots__ = ("_own", "_receive", "_send", "received", "sent", "status")

    def __init__(self, receive: Receive, send: Send, own: Sequence[tuple[bytes, bytes]]) -> None:
        """``own``: headers that the answer gets besides its own; some may still be added."""
        self._receive = receive
        self._send = send
        self._own = own
        self.status = self.received = self.sent = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._own]
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


def _operation_id(scope: Scope) -> str | None:
    routing = scope["extensions"].get("connexion_routing")
    return routing.get("operation_id") if routing else None


def _count(metrics: Metrics, scope: Scope, exchange: _Exchange, seconds: float) -> None:
    operation = metrics.count(_operation_id(scope), scope["method"], exchange.status, seconds)
    if exchange.sent:
        operation.sent.inc(exchange.sent)
    if exchange.received:
        operation.received.inc(exchange.received)
    call = scope["extensions"].get(UPSTREAM)
    if call is not None:
        metrics.count_upstream(call)
    outcome = scope["extensions"].get(CACHE)
    if outcome is not None:
        metrics.count_cache(_operation_id(scope) or "", outcome)


def _members(
    scope: Scope, context: RequestContext, exchange: _Exchange, seconds: float
) -> dict[str, Any]:
    """What the access log says: never a header, a query or a body, which may hold secrets."""
    extensions = scope["extensions"]
    client = scope.get("client")
    call: UpstreamCall | None = extensions.get(UPSTREAM)
    return {
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "method": scope["method"],
        "path": scope["path"],
        "operation_id": _operation_id(scope),
        "status": exchange.status,
        "bytes": exchange.sent,
        "duration_ms": round(seconds * 1000, 2),
        "upstream": call.upstream if call else None,
        "upstream_ms": round(call.seconds * 1000, 2) if call else None,
        "upstream_outcome": call.outcome if call else None,
        "principal": extensions.get("connexion_context", {}).get("user"),
        "client": client[0] if client else None,
    }
