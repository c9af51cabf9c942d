"""Spans of requests, by OpenTelemetry's SDK. Imported only where traces are exported."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_PATH, URL_SCHEME
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from starlette.types import Scope

from telemetry.metrics import METHODS
from telemetry.trace_context import RequestContext

PATIENCE = 2.0  # seconds that an end waits for the last spans to be taken
UNTRACED = frozenset(("/health/live", "/health/ready", "/metrics"))  # probes would drown the rest
_KEY = "telemetry_span"


class Tracing:
    """Exports the spans of one process in a thread of its own: no request waits for it.

    What the collector does not take is dropped when too much of it waits.
    """

    def __init__(self, service: str) -> None:
        """``service``: its name, when the variables do not say another."""
        # The SDK's own hook at exit would wait for a collector that is down.
        self._provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self._provider.get_tracer("doorstep")

    def close(self) -> None:
        """Exports what waits; after ``PATIENCE`` it is lost."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(PATIENCE)


class ServerSpans:
    """A span for each request that a service is asked."""

    def __init__(self, tracing: Tracing, routes: Mapping[str, str]) -> None:
        """``routes``: the paths of the contract by the ids of their operations."""
        self._tracing = tracing
        self._tracer = tracing.tracer
        self._routes = routes

    def begin(self, scope: Scope, context: RequestContext) -> RequestContext:
        """The context with the span's ids, for whoever is called next; the caller is its parent."""
        if scope["path"] in UNTRACED:
            return context
        method = scope["method"] if scope["method"] in METHODS else None
        address, port = _server(scope)
        span = self._tracer.start_span(
            method or "HTTP",
            caller(context),
            SpanKind.SERVER,
            {
                HTTP_REQUEST_METHOD: method or "_OTHER",
                URL_SCHEME: scope.get("scheme", "http"),
                URL_PATH: scope["path"],  # without the query, which may hold what is private
                SERVER_ADDRESS: address,
                SERVER_PORT: port,
            },
        )
        scope["extensions"][_KEY] = span
        return ids_of(span, context)

    def end(self, scope: Scope, operation_id: str | None, status: int) -> None:
        """The request is over; ``status`` 0: nothing was answered."""
        span: Span | None = scope["extensions"].pop(_KEY, None)
        if span is None:
            return
        route = self._routes.get(operation_id or "")
        if route is not None:
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute(HTTP_ROUTE, route)
        if status:
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        if status >= 500:
            span.set_attribute(ERROR_TYPE, str(status))
            span.set_status(StatusCode.ERROR)
        span.end()

    def close(self) -> None:
        """No request comes any more."""
        self._tracing.close()


def caller(context: RequestContext) -> Context:
    """The caller's span as the parent; none, when it sent none."""
    if context.parent_id is None:
        return Context()
    parent = SpanContext(
        int(context.trace_id, 16),
        int(context.parent_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(context.flags, 16)),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())


def ids_of(span: Span, context: RequestContext) -> RequestContext:
    """The context, with the span in place of ours."""
    own = span.get_span_context()
    flags = own.trace_flags | (int(context.flags, 16) & ~TraceFlags.SAMPLED)
    return replace(
        context,
        trace_id=f"{own.trace_id:032x}",
        span_id=f"{own.span_id:016x}",
        flags=f"{flags:02x}",
    )


def _resource(service: str) -> Resource:
    named = Resource.create()
    if str(named.attributes[SERVICE_NAME]).startswith("unknown_service"):
        named = named.merge(Resource({SERVICE_NAME: service}))
    return Resource({SERVICE_NAMESPACE: "doorstep"}).merge(named)


def _server(scope: Scope) -> tuple[str, int]:
    for name, value in scope["headers"]:
        if name == b"host":
            return _address(scope.get("scheme", "http"), value)
    return "", 0


@lru_cache(maxsize=64)
def _address(scheme: str, host: bytes) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{host.decode('latin-1')}")
        return parts.hostname or "", parts.port or (443 if scheme == "https" else 80)
    except ValueError:  # it is refused later
        return "", 0
