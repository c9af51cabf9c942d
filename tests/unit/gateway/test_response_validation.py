"""What becomes of an answer that is not as declared: reported or held back, and nothing leaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import gateway.app
from gateway import response_validation
from gateway.problems import INVALID_RESPONSE
from gateway.response_validation import (
    HELD,
    Checked,
    ResponseValidationMiddleware,
    checked_operations,
)
from gateway.settings import read_settings
from openapi import CONTRACT
from openapi.document import load_document
from openapi.problems import Problem
from openapi.responses import PARTS, ResponseCompiler
from telemetry.metrics import Metrics

SPEC = {
    "responses": {
        "200": {
            "content": {
                "application/json": {"schema": {"type": "object", "required": ["name"]}},
                "text/csv": {"schema": {"type": "string"}},
            }
        }
    }
}
GOOD = b'{"name": "a"}'
BAD = b'{"password": "5ECRET"}'
LABELS = {"service": "gateway", "operation_id": "get_thing"}


class Exchange:
    """One answer of a service, given in parts, and what the client got of it."""

    def __init__(self, *, blocks: bool, sample: float = 1.0) -> None:
        self.metrics = Metrics("gateway", [])
        checked = Checked(
            "get_thing",
            ResponseCompiler({}).compile(SPEC),
            blocks,
            sample,
            self.metrics.answer_checks("get_thing", PARTS),
        )
        self._app = ResponseValidationMiddleware(self._service, {"get_thing": checked})
        self.sent: list[Any] = []
        self.asked: list[tuple[bytes, bytes]] = []
        self.sent_at: list[int] = []  # how much the client had when each part was given

    def run(self, *parts: bytes, status: int = 200, kind: bytes = b"application/json") -> Exchange:
        self._head = {"status": status, "headers": [(b"content-type", kind)]}
        self._parts: Sequence[bytes] = parts
        routing = {"connexion_routing": {"operation_id": "get_thing"}}
        headers = [(b"accept-encoding", b"gzip"), (b"x", b"1")]
        scope = {"type": "http", "method": "GET", "headers": headers, "extensions": routing}
        asyncio.run(self._app(scope, self._receive, self._keep))
        return self

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, LABELS | labels)

    def invalid(self, part: str) -> float | None:
        return self.count("doorstep_invalid_responses_total", part=part)

    async def _service(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked = scope["headers"]
        await send({"type": "http.response.start", **self._head})
        for number, part in enumerate(self._parts, 1):
            more = number < len(self._parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})
            self.sent_at.append(len(self.body))

    async def _receive(self) -> Any:
        raise AssertionError("nobody reads the request here")

    async def _keep(self, message: Any) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("blocks", [True, False])
def test_an_answer_as_declared_goes_on_as_it_is(blocks: bool) -> None:
    exchange = Exchange(blocks=blocks).run(GOOD[:4], GOOD[4:])

    assert (exchange.sent[0]["status"], exchange.body) == (200, GOOD)
    assert exchange.count("doorstep_checked_responses_total") == 1
    assert [exchange.invalid(part) for part in PARTS] == [0] * len(PARTS)


def test_a_reported_answer_is_sent_as_it_comes_and_told_without_its_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        exchange = Exchange(blocks=False).run(BAD[:4], BAD[4:])

    assert exchange.body == BAD
    assert exchange.sent_at == [4, len(BAD)]
    assert exchange.invalid("body") == 1
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "the answer to get_thing is not as declared: body /: does not hold to required"


def test_a_blocked_answer_is_502_and_tells_the_client_nothing_of_it() -> None:
    exchange = Exchange(blocks=True)

    with pytest.raises(Problem) as caught:
        exchange.run(BAD[:4], BAD[4:])

    assert caught.value.kind is INVALID_RESPONSE
    assert exchange.sent == []
    assert exchange.invalid("body") == 1


def test_a_blocked_answer_is_refused_by_its_head_before_its_body() -> None:
    exchange = Exchange(blocks=True)

    with pytest.raises(Problem):
        exchange.run(GOOD, status=302)

    assert exchange.sent_at == []
    assert exchange.invalid("status") == 1


@pytest.mark.parametrize("blocks", [True, False])
def test_a_stream_is_not_held_back(blocks: bool) -> None:
    exchange = Exchange(blocks=blocks).run(b"a,b\n", b"1,2\n", kind=b"text/csv")

    assert exchange.sent_at == [4, 8]


def test_what_is_too_large_to_be_kept_is_reported_by_nobody_and_blocked() -> None:
    large = b'{"a": "' + b"x" * HELD + b'"}'

    assert Exchange(blocks=False).run(large[:HELD], large[HELD:]).body == large
    blocking = Exchange(blocks=True)
    with pytest.raises(Problem):
        blocking.run(large[:HELD], large[HELD:])
    assert (blocking.sent, blocking.invalid("body")) == ([], 1)


@pytest.mark.parametrize("blocks", [True, False])
def test_a_large_body_is_looked_at_too(blocks: bool) -> None:
    large = b'{"a": "' + b"x" * response_validation.IN_PLACE + b'"}'
    exchange = Exchange(blocks=blocks)
    if blocks:
        with pytest.raises(Problem):
            exchange.run(large)
    else:
        exchange.run(large)

    assert exchange.invalid("body") == 1


def test_a_body_without_a_coding_is_asked_for() -> None:
    headers = Exchange(blocks=False).run(GOOD).asked

    assert headers == [(b"x", b"1"), (b"accept-encoding", b"identity")]


def test_only_the_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(blocks=True, sample=0.25)

    monkeypatch.setattr("random.random", lambda: 0.25)
    assert exchange.run(BAD).body == BAD
    assert exchange.count("doorstep_checked_responses_total") == 0
    monkeypatch.setattr("random.random", lambda: 0.2499)
    with pytest.raises(Problem):
        exchange.run(BAD)


def test_the_contract_has_every_service_checked_and_its_own_operations_not() -> None:
    document = load_document(CONTRACT)

    checked = checked_operations(document, Metrics("gateway", []))

    assert checked.keys() == {op.operation_id for op in document.operations if op.policy.upstream}
    assert not any(each.blocks for each in checked.values())


async def lie(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"etag", b'"a"')]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BAD})


def test_a_gateway_that_blocks_answers_502_for_a_service_that_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = "validation: { response: report, sample: 0.01 }"
    assert CONTRACT.read_text().count(here) == 1
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT.read_text().replace(here, "validation: { response: block }"))
    monkeypatch.setattr(gateway.app, "Forwarder", lambda *_, **__: lie)
    settings = read_settings({"DOORSTEP_DATA": str(tmp_path)})
    app = gateway.app.create_app(settings, document=load_document(contract))
    key = (tmp_path / "admin.key").read_text().strip()

    status, body = asyncio.run(get(app, "/v1/devices/lamp", key))

    assert status == 502
    assert b"urn:doorstep:problem:invalid-response" in body
    assert b"5ECRET" not in body and b"password" not in body


async def get(app: Any, path: str, key: str) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"a"), (b"x-api-key", key.encode())],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
