"""The gateway's own operations: those of the contract that have no upstream."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.readiness import Readiness
from gateway.tokens import Tokens
from openapi.problems import Answer
from openapi.request import operation_id, principal, validated

Serve = Callable[[Scope], Awaitable[Answer]]


class OwnOperations:
    """One method an operation, by its operationId."""

    def __init__(self, readiness: Readiness, tokens: Tokens) -> None:
        self._readiness = readiness
        self._tokens = tokens

    async def get_liveness(self, _scope: Scope) -> Answer:
        """The process answers."""
        return json_answer(200, {"status": "ok"})

    async def get_readiness(self, _scope: Scope) -> Answer:
        """The services behind the gateway are ready; a problem when one is not."""
        await self._readiness.check()
        return json_answer(200, {"status": "ok"})

    async def issue_token(self, scope: Scope) -> Answer:
        """An access token for the client that authenticated."""
        token = self._tokens.issue(principal(scope), validated(scope).body)
        return json_answer(200, token, [(b"cache-control", b"no-store")])


def json_answer(
    status: int, value: Any, headers: list[tuple[bytes, bytes]] | None = None
) -> Answer:
    """An answer of type ``application/json``."""
    body = json.dumps(value).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    return Answer(status, own + (headers or []), body)


class Dispatch:
    """Hands a request to the gateway's own operation, or to the forwarder."""

    def __init__(self, own: Mapping[str, Serve], forward: Any) -> None:
        self._own = own
        self._forward = forward

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        serve = self._own.get(operation_id(scope) or "")
        if serve is None:
            await self._forward(scope, receive, send)
            return
        answer = await serve(scope)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})
