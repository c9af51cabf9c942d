"""What a request's span says, and whose child it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from telemetry.spans import ServerSpans, _resource
from telemetry.trace_context import RequestContext, request_context

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Kept:
    """Tracing whose spans stay here."""

    def __init__(self, sampler: Sampler) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler, Resource({}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("test")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def close(self) -> None:
        """Nothing waits."""


def a_request(
    kept: Kept, status: int = 200, operation: str | None = "get_device", **more: Any
) -> RequestContext:
    scope = {
        "method": "GET",
        "path": "/v1/devices/a",
        "query_string": b"q=secret",
        "scheme": "http",
        "headers": [(b"host", b"api.example:8080"), (b"x-api-key", b"secret")],
        "extensions": {},
    } | more
    spans = ServerSpans(kept, {"get_device": "/v1/devices/{identifier}"})  # type: ignore[arg-type]
    context = spans.begin(scope, request_context(scope["headers"]))
    spans.end(scope, operation, status)
    return context


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


@pytest.fixture
def kept() -> Kept:
    return Kept(ParentBased(ALWAYS_ON))


def test_a_span_is_named_by_its_route_and_says_nothing_private(kept: Kept) -> None:
    a_request(kept)

    (span,) = kept.spans
    assert (span.name, span.kind) == ("GET /v1/devices/{identifier}", SpanKind.SERVER)
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/v1/devices/{identifier}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/v1/devices/a",
        "server.address": "api.example",
        "server.port": 8080,
    }


def test_the_caller_is_the_parent(kept: Kept) -> None:
    sent = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())

    context = a_request(kept, headers=[sent])

    (span,) = kept.spans
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT
    assert context.traceparent == f"00-{TRACE}-{span.context.span_id:016x}-01"  # type: ignore[union-attr]


def test_without_a_caller_a_trace_begins(kept: Kept) -> None:
    context = a_request(kept)

    (span,) = kept.spans
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" == context.trace_id  # type: ignore[union-attr]


def test_what_is_not_sampled_is_told_to_whoever_is_called_next() -> None:
    kept = Kept(ALWAYS_OFF)

    context = a_request(kept)

    assert kept.spans == ()
    assert int(context.flags, 16) & 1 == 0


def test_an_error_of_ours_is_one_and_a_clients_is_not(kept: Kept) -> None:
    a_request(kept, 404)
    a_request(kept, 502)

    clients, ours = kept.spans
    assert (clients.status.status_code, ours.status.status_code) == (
        StatusCode.UNSET,
        StatusCode.ERROR,
    )
    assert attributes(ours)["error.type"] == "502"
    assert "error.type" not in attributes(clients)


def test_what_no_operation_takes_has_no_route(kept: Kept) -> None:
    a_request(kept, 404, operation=None, method="BREW", headers=[(b"host", b"a:b:c")])

    (span,) = kept.spans
    assert span.name == "HTTP"
    assert attributes(span)["http.request.method"] == "_OTHER"
    assert "http.route" not in attributes(span)


def test_probes_are_not_traced(kept: Kept) -> None:
    context = a_request(kept, path="/health/ready")

    assert kept.spans == ()
    assert context.span_id


def test_a_service_has_its_own_name_unless_another_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    assert _resource("gateway").attributes["service.name"] == "gateway"
    assert _resource("gateway").attributes["deployment.environment.name"] == "test"

    monkeypatch.setenv("OTEL_SERVICE_NAME", "door")
    assert _resource("gateway").attributes["service.name"] == "door"
