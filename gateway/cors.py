"""Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol), by configuration.

What a preflight is told comes from the contract: the methods of that path, and the headers that its
operations take.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.cors_contract import PathHeaders
from gateway.edge_settings import ANY
from gateway.vary import with_vary
from openapi.problems import Headers
from openapi.request import header

ORIGIN = b"Origin"
_PREFIX = b"access-control-"


class CorsMiddleware:
    """Answers preflights, which carry no credential, and lets pages of the origins read answers.

    ``origins``: exact ones, or ``*``. The API's credentials are headers that a script sets by
    itself; those that a browser adds (a proxy's in front) are for exact origins alone.
    """

    def __init__(
        self, app: ASGIApp, *, origins: Collection[str], max_age: int, paths: PathHeaders
    ) -> None:
        self.app = app
        self._any = ANY in origins
        self._origins = frozenset(origins)
        self._paths = paths
        self._exposed = [(b"access-control-expose-headers", paths.exposed.encode())]
        self._max_age = [(b"access-control-max-age", b"%d" % max_age)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = header(scope, b"origin")
        allowed = self._allowed(origin)
        preflight = self._preflight(scope) if allowed and origin else None
        if preflight is not None:
            headers = self._varied(allowed + preflight)
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        own = allowed + self._exposed if allowed else []

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._varied(_without_theirs(message["headers"]) + own)
            await send(message)

        await self.app(scope, receive, add)

    def _allowed(self, origin: str | None) -> Headers:
        """What lets the origin read an answer; empty when it may not."""
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        if origin is None or origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
        ]

    def _preflight(self, scope: Scope) -> Headers | None:
        """What a preflight is told; None when it is none, or for a path that there is not."""
        asked = header(scope, b"access-control-request-method")
        if scope["method"] != "OPTIONS" or asked is None:
            return None
        found = self._paths.find(scope["path"])
        if found is None:
            return None
        methods, names = found
        told = [
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", names.encode()),
        ]
        return [*told, *self._max_age]

    def _varied(self, headers: Headers) -> Headers:
        # Without Origin too: a page must not get that answer of a cache (Fetch: "CORS and caches").
        return headers if self._any else with_vary(headers, ORIGIN)


def _without_theirs(headers: Headers) -> Headers:
    """A service behind the gateway has no say in who may read its answers."""
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX)]
