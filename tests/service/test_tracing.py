"""Traces of both services at a collector, and requests when it is gone."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contracts.services import Services, wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Span(NamedTuple):
    service: str
    name: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]


class Collector(http.server.ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps the spans by their trace."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: dict[str, list[Span]] = {}
        self.content = b""

    def take(self, content: bytes) -> None:
        self.content += content
        for of in ExportTraceServiceRequest.FromString(content).resource_spans:
            service = next(
                each.value.string_value
                for each in of.resource.attributes
                if each.key == "service.name"
            )
            for span in (each for scope in of.scope_spans for each in scope.spans):
                attributes = {
                    each.key: each.value.string_value or str(each.value.int_value)
                    for each in span.attributes
                }
                self.spans.setdefault(span.trace_id.hex(), []).append(
                    Span(service, span.name, span.span_id.hex(), span.parent_span_id.hex(),
                         attributes)
                )  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture
def services(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with Services(tmp_path_factory.mktemp("traced"), settings) as services:
        yield services


def test_both_services_tell_of_one_trace_and_nobody_waits_for_the_collector(
    services: Services, collector: Collector
) -> None:
    def ask(trace: str) -> requests.Response:
        return requests.get(
            services.gateway_url + "/v1/devices/none?at=2026-01-01T00:00:00Z",
            headers={"X-API-Key": services.admin_key, "traceparent": f"00-{trace}-{PARENT}-01"},
            timeout=10,
        )

    answer = ask(TRACE)
    wait_for(lambda: len(collector.spans.get(TRACE, ())) == 3, "the spans", services._said)

    by_id = {span.span_id: span for span in collector.spans[TRACE]}
    (served,) = (span for span in by_id.values() if span.service == "inventory")
    called = by_id[served.parent_id]
    asked = by_id[called.parent_id]
    assert asked.parent_id == PARENT
    assert answer.headers["traceparent"] == f"00-{TRACE}-{asked.span_id}-01"
    assert [(span.service, span.name) for span in (asked, called, served)] == [
        ("gateway", "GET /v1/devices/{identifier}"),
        ("gateway", "GET"),
        ("inventory", "GET /v1/devices/{identifier}"),
    ]
    assert called.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": "404",
        "error.type": "404",
        "url.full": f"{services.inventory_url}/v1/devices/none",
        "server.address": "127.0.0.1",
        "server.port": str(services.inventory_port),
        "network.peer.address": "127.0.0.1",
        "network.peer.port": str(services.inventory_port),
    }
    assert services.admin_key.encode() not in collector.content
    assert b"2026-01-01" not in collector.content
    assert {span.name for spans in collector.spans.values() for span in spans} == {
        "GET /v1/devices/{identifier}", "GET"
    }  # no probe  # fmt: skip

    collector.shutdown()
    collector.server_close()
    for _ in range(20):
        assert ask(TRACE).status_code == 404
    wait_for(lambda: "while exporting" in services.log("gateway").read_text(), "the log to tell it")
    assert ask(TRACE).status_code == 404
