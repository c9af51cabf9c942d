"""What is counted, by which labels, and that clients cannot make series."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from telemetry import sharing
from telemetry.exposition import MetricsEndpoint, exposition
from telemetry.metrics import Metrics, UpstreamCall
from telemetry.middleware import TelemetryMiddleware, note_cache, note_upstream

GET = {"service": "gateway", "operation_id": "list_things", "method": "GET"}
HEAD = GET | {"method": "HEAD"}
UNMATCHED = GET | {"operation_id": "unmatched"}
TOTAL = "doorstep_http_requests_total"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("gateway", [("list_things", "get", (200, 404)), ("add", "post", (201,))])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def serve(app: Any, metrics: Metrics, method: str = "GET", operation: str | None = None) -> None:
    routing = {"connexion_routing": {"operation_id": operation}} if operation else {}
    scope = {"type": "http", "method": method, "path": "/", "headers": [], "extensions": routing}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"four", "more_body": False}

    async def send(_message: Any) -> None:
        pass

    asyncio.run(TelemetryMiddleware(app, None, metrics)(scope, receive, send))


async def answer(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await send({"type": "http.response.body", "body": b"de"})


def test_the_contracts_statuses_are_there_from_the_start(metrics: Metrics) -> None:
    assert value(metrics, TOTAL, **GET, status="404") == 0
    assert value(metrics, TOTAL, **GET, status="500") is None


def test_a_request_is_counted_with_its_bytes_and_time(metrics: Metrics) -> None:
    serve(answer, metrics, operation="list_things")

    assert value(metrics, TOTAL, **GET, status="200") == 1
    assert value(metrics, "doorstep_http_request_duration_seconds_count", **GET) == 1
    assert value(metrics, "doorstep_http_request_body_bytes_total", **GET) == 4
    assert value(metrics, "doorstep_http_response_body_bytes_total", **GET) == 5


def test_head_is_counted_apart(metrics: Metrics) -> None:
    serve(answer, metrics, method="HEAD", operation="list_things")

    assert value(metrics, TOTAL, **HEAD, status="200") == 1
    assert value(metrics, TOTAL, **GET, status="200") == 0


def test_a_request_is_in_flight_until_it_is_over(metrics: Metrics) -> None:
    seen = []

    async def look(_scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(value(metrics, "doorstep_http_requests_in_flight", service="gateway"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        serve(look, metrics)

    assert seen == [1]
    assert value(metrics, "doorstep_http_requests_in_flight", service="gateway") == 0
    assert value(metrics, TOTAL, **UNMATCHED, status="none") == 1


def test_methods_that_a_client_makes_up_are_one_series(metrics: Metrics) -> None:
    for method in ("PROPFIND", "MKCOL", "PURGE"):
        serve(answer, metrics, method=method)

    assert value(metrics, TOTAL, **(UNMATCHED | {"method": "other"}), status="200") == 3
    assert value(metrics, TOTAL, **(UNMATCHED | {"method": "PURGE"}), status="200") is None


def test_time_in_the_upstream_is_counted_by_outcome(metrics: Metrics) -> None:
    async def call(scope: Any, receive: Any, send: Any) -> None:
        note_upstream(scope, UpstreamCall("inventory", "5xx", 0.25))
        note_upstream(scope, UpstreamCall("inventory", "timeout", 2.0))  # the one that stands
        await answer(scope, receive, send)

    serve(call, metrics, operation="list_things")

    name = "doorstep_upstream_duration_seconds"
    labels = {"service": "gateway", "upstream": "inventory"}
    assert value(metrics, f"{name}_sum", **labels, outcome="timeout") == 2.0
    assert value(metrics, f"{name}_sum", **labels, outcome="5xx") is None


def test_one_process_tells_its_own_metrics(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(sharing.VARIABLE, raising=False)
    serve(answer, metrics, operation="list_things")

    assert 'status="200"} 1.0' in exposition(metrics).decode()


def test_other_paths_go_through(metrics: Metrics) -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["path"])

    scope = {"type": "http", "method": "GET", "path": "/metrics/"}
    asyncio.run(MetricsEndpoint(app, metrics)(scope, None, None))  # type: ignore[arg-type]

    assert seen == ["/metrics/"]


def test_a_folder_is_made_for_its_owner_and_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "metrics"

    sharing.clear(folder)
    (folder / "counter_1.db").write_bytes(b"x")
    sharing.clear(folder)

    assert list(folder.iterdir()) == []
    assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (0o700, 0o700)


def test_a_folder_that_cannot_be_made_ends_the_start_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit, match=r"file/metrics cannot be used"):
        sharing.clear(tmp_path / "file" / "metrics")


def test_what_a_cache_did_is_counted_by_operation(metrics: Metrics) -> None:
    async def cached(scope: Any, receive: Any, send: Any) -> None:
        note_cache(scope, "hit")
        await answer(scope, receive, send)

    for _ in range(2):
        serve(cached, metrics, operation="list_things")
    serve(answer, metrics, operation="list_things")

    labels = {"service": "gateway", "operation_id": "list_things", "outcome": "hit"}
    assert value(metrics, "doorstep_cache_requests_total", **labels) == 2
