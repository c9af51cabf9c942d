"""Bodies that are handed on as they come, and bodies that are too large to be held."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openapi import bodies
from openapi.bodies import ClientDisconnected, StreamedBody, read_body
from openapi.problems import Problem
from openapi.request import validated


def channel(*messages: dict[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    return receive


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def taken(*messages: dict[str, Any], required: bool = True) -> tuple[bytes, Any]:
    """All that can be received after validation, and what validation left."""

    async def take() -> tuple[bytes, Any]:
        scope: dict[str, Any] = {"type": "http", "headers": []}
        validator = StreamedBody(schema={}, required=required, encoding="utf-8")
        receive, scope = await validator.wrap_receive(channel(*messages), scope=scope)
        content = b""
        while (message := await receive())["type"] == "http.request":
            content += message["body"]
        return content, validated(scope)

    return asyncio.run(take())


def test_a_body_is_handed_on_whole_and_not_kept() -> None:
    content, left = taken(part(b""), part(b"one"), part(b"two"), part(b"", more=False))

    assert content == b"onetwo"
    assert (left.raw, left.body) == (None, None)


def test_a_body_of_nothing_is_none() -> None:
    with pytest.raises(Problem, match="required"):
        taken(part(b""), part(b"", more=False))
    assert taken(part(b"", more=False), required=False)[0] == b""


def test_a_client_that_goes_away_ends_the_request() -> None:
    with pytest.raises(ClientDisconnected):
        taken(part(b""))


def test_a_body_that_is_held_has_a_limit_of_its_own() -> None:
    messages = [part(bytes(5)), part(bytes(5), more=False)]

    assert len(asyncio.run(read_body(channel(*messages), 10))) == 10
    with pytest.raises(Problem) as refused:
        asyncio.run(read_body(channel(*messages), 9))
    assert refused.value.status == 413
    assert bodies.HELD == 32 * 1024 * 1024
