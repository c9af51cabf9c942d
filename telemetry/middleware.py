"""Gives each request its id and trace, tells both to the client, and logs what became of it."""

from __future__ import annotations

import logging
import time
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry.logs import FIELDS
from telemetry.trace_context import RequestContext, current, request_context

KEY = "telemetry"
logger = logging.getLogger("doorstep.access")


def context_of(scope: Scope) -> RequestContext | None:
    """The request's context, as ``TelemetryMiddleware`` left it."""
    return cast("RequestContext | None", scope.get("extensions", {}).get(KEY))


def request_id_of(scope: Scope) -> str | None:
    """The request's id, or None outside of ``TelemetryMiddleware``."""
    context = context_of(scope)
    return context.request_id if context else None


class TelemetryMiddleware:
    """Stands outside of everything else, so that refusals have an id and a log line too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        context = request_context(dict(scope["headers"]))
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
            if logger.isEnabledFor(logging.INFO):
                fields = _fields(scope, status, sent, time.perf_counter() - started)
                logger.info("request", extra={FIELDS: fields})


def _fields(scope: Scope, status: int, sent: int, seconds: float) -> dict[str, Any]:
    """What the access log says: never a header, a query or a body, which may hold secrets."""
    extensions = scope["extensions"]
    principal = extensions.get("connexion_context", {}).get("user")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "operation_id": extensions.get("connexion_routing", {}).get("operation_id"),
        "status": status,
        "bytes": sent,
        "duration_ms": round(seconds * 1000, 2),
        "principal": principal,
        "client": scope["client"][0] if scope.get("client") else None,
    }
