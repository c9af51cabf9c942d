"""The inventory's own health, for the gateway and for supervisors; not in the public contract."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from inventory.domain.store import Store

LIVE = "/health/live"
READY = "/health/ready"


class HealthMiddleware:
    """Answers the two health paths without a credential; a store that fails raises its error."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (LIVE, READY):
            await self.app(scope, receive, send)
            return
        if scope["path"] == READY:
            await asyncio.get_running_loop().run_in_executor(None, self._store.ping)
        body = b'{"status":"ok"}'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
