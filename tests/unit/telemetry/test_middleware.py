"""Each request has an id and a trace, and leaves one line behind."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from telemetry.access_log import AccessLog
from telemetry.middleware import TelemetryMiddleware, context_of, request_id_of
from telemetry.trace_context import current


def a_scope(**more: Any) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/things",
        "query_string": b"token=secret",
        "headers": [(b"x-request-id", b"id-1"), (b"authorization", b"secret")],
        "client": ("192.0.2.1", 5),
    }
    return scope | more


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    assert current.get() is context_of(scope)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await send({"type": "http.response.body", "body": b"de"})


async def fail(_scope: Any, _receive: Any, _send: Any) -> None:
    raise RuntimeError("no")


def run(app: Any, scope: dict[str, Any]) -> tuple[list[Any], Any]:
    """What was sent, and the line that was logged."""
    sent: list[Any] = []
    stream = io.StringIO()

    async def send(message: Any) -> None:
        sent.append(message)

    async def request() -> None:
        log = AccessLog("inventory", stream)
        try:
            await TelemetryMiddleware(app, log)(scope, None, send)  # type: ignore[arg-type]
        except RuntimeError:
            pass
        finally:
            log.flush()

    asyncio.run(request())
    return sent, json.loads(stream.getvalue() or "null")


def test_the_client_is_told_the_id_and_the_trace() -> None:
    scope = a_scope()

    sent, _ = run(answer, scope)

    context = context_of(scope)
    assert context is not None
    assert sent[0]["headers"] == [
        (b"a", b"b"),
        (b"x-request-id", b"id-1"),
        (b"traceparent", context.traceparent.encode()),
    ]
    assert [message.get("body") for message in sent[1:]] == [b"abc", b"de"]


def test_a_request_leaves_a_line_behind() -> None:
    extensions = {
        "connexion_routing": {"operation_id": "list_things"},
        "connexion_context": {"user": "ann"},
    }

    _, line = run(answer, a_scope(extensions=extensions))

    assert line.pop("duration_ms") >= 0
    assert len(line.pop("trace_id")) == 32
    assert {name: line[name] for name in list(line)[4:]} == {
        "request_id": "id-1",
        "method": "GET",
        "path": "/things",
        "operation_id": "list_things",
        "status": 201,
        "bytes": 5,
        "upstream": None,
        "upstream_ms": None,
        "upstream_outcome": None,
        "principal": "ann",
        "client": "192.0.2.1",
    }


def test_the_line_holds_no_secret() -> None:
    _, line = run(answer, a_scope())

    assert "secret" not in json.dumps(line)


def test_what_is_not_known_is_null() -> None:
    _, line = run(answer, a_scope(client=None))

    assert [line[name] for name in ("operation_id", "principal", "client")] == [None, None, None]


@pytest.mark.parametrize(("status", "logged"), [(200, False), (503, True)])
def test_a_probe_leaves_a_line_only_when_it_fails(status: int, logged: bool) -> None:
    async def probed(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})

    _, line = run(probed, a_scope(path="/health/ready"))

    assert (line is not None) is logged


def test_a_request_that_fails_leaves_a_line_too() -> None:
    sent, line = run(fail, a_scope())

    assert sent == []
    assert (line["request_id"], line["status"], line["bytes"]) == ("id-1", 0, 0)


def test_an_error_goes_on() -> None:
    async def request() -> None:
        await TelemetryMiddleware(fail, None)(a_scope(), None, None)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError):
        asyncio.run(request())


def test_without_an_access_log_the_client_is_told_all_the_same() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(TelemetryMiddleware(answer, None)(a_scope(), None, send))  # type: ignore[arg-type]

    assert (b"x-request-id", b"id-1") in sent[0]["headers"]


def test_what_waits_is_written_when_the_service_ends() -> None:
    stream = io.StringIO()

    async def lifespan(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    async def live() -> None:
        log = AccessLog("inventory", stream)
        log.write({"status": 200})
        await TelemetryMiddleware(lifespan, log)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    asyncio.run(live())

    assert json.loads(stream.getvalue())["status"] == 200


def test_outside_of_the_middleware_there_is_no_id() -> None:
    assert request_id_of({"type": "http"}) is None
