"""The gateway's own operations: those of the contract that have no upstream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.key_admin import KeyAdmin
from gateway.readiness import Readiness
from gateway.signing import Signer
from gateway.tokens import Tokens
from openapi.problems import Answer, Headers
from openapi.request import operation_id, principal, validated

Serve = Callable[[Scope], Awaitable[Answer]]
KEY_SET_AGE = 300  # seconds for which a client may keep the key set
NO_STORE: Headers = [(b"cache-control", b"no-store")]


class OwnOperations:
    """One method an operation, by its operationId."""

    def __init__(
        self, readiness: Readiness, tokens: Tokens, keys: KeyAdmin, signer: Signer
    ) -> None:
        self._readiness = readiness
        self._tokens = tokens
        self._keys = keys
        self._signer = signer

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
        return json_answer(200, token, NO_STORE)

    async def get_key_set(self, _scope: Scope) -> Answer:
        """The public keys that verify access tokens."""
        cache = (b"cache-control", b"public, max-age=%d" % KEY_SET_AGE)
        return json_answer(200, self._signer.key_set(), [cache])

    async def create_api_key(self, scope: Scope) -> Answer:
        """A new key, with its secret this once."""
        body = validated(scope).body
        made = await asyncio.to_thread(self._keys.create, principal(scope), body)
        location = (b"location", f"/v1/api-keys/{made['identifier']}".encode())
        return json_answer(201, made, [location, *NO_STORE])

    async def list_api_keys(self, scope: Scope) -> Answer:
        """A page of the keys that the sender may see."""
        given = validated(scope).parameters
        page = await asyncio.to_thread(
            self._keys.list, principal(scope), given["limit"], given["cursor"]
        )
        return json_answer(200, page, _next_page(given["limit"], page["next"]))

    async def get_api_key(self, scope: Scope) -> Answer:
        """One key, without its secret."""
        key_id = validated(scope).parameters["identifier"]
        return json_answer(200, await asyncio.to_thread(self._keys.get, principal(scope), key_id))

    async def patch_api_key(self, scope: Scope) -> Answer:
        """The key as changed."""
        key_id, body = validated(scope).parameters["identifier"], validated(scope).body
        changed = await asyncio.to_thread(self._keys.patch, principal(scope), key_id, body)
        return json_answer(200, changed)

    async def revoke_api_key(self, scope: Scope) -> Answer:
        """Nothing: the key is no longer good."""
        key_id = validated(scope).parameters["identifier"]
        await asyncio.to_thread(self._keys.revoke, principal(scope), key_id)
        return Answer(204)

    async def rotate_api_key(self, scope: Scope) -> Answer:
        """The key with a new secret, this once."""
        key_id, body = validated(scope).parameters["identifier"], validated(scope).body
        rotated = await asyncio.to_thread(self._keys.rotate, principal(scope), key_id, body)
        return json_answer(200, rotated, NO_STORE)


def _next_page(limit: int, cursor: str | None) -> Headers:
    if cursor is None:
        return []
    return [(b"link", f'</v1/api-keys?limit={limit}&cursor={cursor}>; rel="next"'.encode())]


def json_answer(status: int, value: Any, headers: Headers | None = None) -> Answer:
    """An answer of type ``application/json``."""
    body = json.dumps(value).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    return Answer(status, own + (headers or []), body)


class Dispatch:
    """Hands a request to the gateway's own operation, or to the forwarder."""

    def __init__(
        self, own: Mapping[str, Serve], streams: Mapping[str, ASGIApp], forward: ASGIApp
    ) -> None:
        """``streams``: own operations whose answers have no end of their own."""
        self._own = own
        self._streams = streams
        self._forward = forward

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        serve = self._own.get(operation_id(scope) or "")
        if serve is None:
            stream = self._streams.get(operation_id(scope) or "", self._forward)
            await stream(scope, receive, send)
            return
        answer = await serve(scope)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})
