"""Whoever calls a deprecated operation is told from when, until when, and where to read on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.deprecation import DeprecationMiddleware
from gateway.settings import read_settings
from openapi import CONTRACT
from openapi.document import DocumentFault, load_document

LINE = "deprecation: {at: 2027-01-01, sunset: '2027-07-01T12:00:00Z', link: 'https://a.example/b'}"
TOLD = [
    (b"deprecation", b"@1798761600"),
    (b"sunset", b"Thu, 01 Jul 2027 12:00:00 GMT"),
    (b"link", b'<https://a.example/b>; rel="deprecation"'),
]


def contract(folder: Path, operation_id: str, *lines: str) -> Path:
    """The contract, with these lines at one of its operations."""
    head = f"\n      operationId: {operation_id}\n"  # that of the operation, not a link's
    text = CONTRACT.read_text()
    assert text.count(head) == 1
    file = folder / "contract.yaml"
    file.write_text(text.replace(head, head + "".join(f"      {line}\n" for line in lines)))
    return file


async def ask(app: Any, path: str) -> tuple[int, list[tuple[bytes, bytes]]]:
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
        "headers": [(b"host", b"a")],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"]


@pytest.mark.parametrize(
    ("operation_id", "path", "status"),
    [("get_liveness", "/health/live", 200), ("list_changes", "/v1/changes", 401)],
)
def test_every_answer_tells_it_refusals_included(
    tmp_path: Path, operation_id: str, path: str, status: int
) -> None:
    file = contract(tmp_path, operation_id, "deprecated: true", f"x-gateway: {{{LINE}}}")
    app = create_app(
        read_settings({"DOORSTEP_DATA": str(tmp_path / "data")}), document=load_document(file)
    )

    answered, headers = asyncio.run(ask(app, path))
    _, others = asyncio.run(ask(app, "/v1/customers"))

    assert answered == status
    assert [header for header in headers if header in TOLD] == TOLD
    assert not {b"deprecation", b"sunset"} & {name for name, _ in others}


def test_the_contract_is_right_whatever_the_service_says() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"sunset", b"never"), (b"link", b"<b>; rel=next")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "extensions": {"connexion_routing": {"operation_id": "a"}}}
    asyncio.run(DeprecationMiddleware(app, {"a": TOLD[:2]})(scope, None, send))  # type: ignore[arg-type]

    assert sent[0]["headers"] == [(b"link", b"<b>; rel=next"), *TOLD[:2]]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["deprecated: true"], r"deprecated: it is deprecated; x-gateway.deprecation has to say"),
        ([f"x-gateway: {{{LINE}}}"], r"x-gateway/deprecation: .*`deprecated: true` has to say so"),
        (
            ["x-gateway: {deprecation: {at: 2027-02-30}}"],
            r"x-gateway/deprecation/at: .*2027-02-30 is no day",
        ),
        (["x-gateway: {deprecation: {at: soon}}"], r"x-gateway/deprecation/at: .*soon"),
        (["x-gateway: {deprecation: {sunset: 2027-01-01}}"], r"x-gateway/deprecation: .*\"at\""),
        (
            ["x-gateway: {deprecation: {at: 2027-01-02, sunset: 2027-01-01}}"],
            r"x-gateway/deprecation/sunset: .*2027-01-01 is before the deprecation, 2027-01-02",
        ),
        (
            ['x-gateway: {deprecation: {at: 2027-01-02, link: "https://a/\\r\\nX-Own: 1"}}'],
            r"x-gateway/deprecation/link: ",
        ),
    ],
)
def test_what_does_not_fit_together_stops_the_start_with_its_line(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    file = contract(tmp_path, "get_liveness", *lines)
    text = file.read_text().splitlines()
    line = text.index("      operationId: get_liveness") + 2

    with pytest.raises(
        DocumentFault, match=rf"contract.yaml:{line}: paths//health/live/get/{said}"
    ):
        load_document(file)
