"""Gives each request its id and trace, tells both to the client, and logs what became of it."""

from __future__ import annotations

import time
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.access_log import AccessLog
from telemetry.trace_context import RequestContext, current, request_context

KEY = "telemetry"


def context_of(scope: Scope) -> RequestContext | None:
    """The request's context, as ``TelemetryMiddleware`` left it."""
    return cast("RequestContext | None", scope.get("extensions", {}).get(KEY))


def request_id_of(scope: Scope) -> str | None:
    """The request's id, or None outside of ``TelemetryMiddleware``."""
    context = context_of(scope)
    return context.request_id if context else None


class TelemetryMiddleware:
    """Stands outside of everything else, so that refusals have an id and a log line too."""

    def __init__(self, app: ASGIApp, access_log: AccessLog | None) -> None:
        """``access_log``: None when access is not logged."""
        self.app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._observe(scope, receive, send)
        else:
            await self.app(scope, receive, send)
            self._flush()  # the life of the application is over

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        context = request_context(scope["headers"])
        scope.setdefault("extensions", {})[KEY] = context
        current.set(context)
        own = [
            (b"x-request-id", context.request_id.encode()),
            (b"traceparent", context.traceparent.encode()),
        ]
        status, sent = 0, 0

        async def tell(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *own]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, tell)
        finally:
            if self._access_log is not None:
                seconds = time.perf_counter() - started
                self._access_log.write(_members(scope, context, status, sent, seconds))

    def _flush(self) -> None:
        if self._access_log is not None:
            self._access_log.flush()


def _members(
    scope: Scope, context: RequestContext, status: int, sent: int, seconds: float
) -> dict[str, Any]:
    """What the access log says: never a header, a query or a body, which may hold secrets."""
    extensions = scope["extensions"]
    client = scope.get("client")
    return {
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "method": scope["method"],
        "path": scope["path"],
        "operation_id": extensions.get("connexion_routing", {}).get("operation_id"),
        "status": status,
        "bytes": sent,
        "duration_ms": round(seconds * 1000, 2),
        "principal": extensions.get("connexion_context", {}).get("user"),
        "client": client[0] if client else None,
    }
