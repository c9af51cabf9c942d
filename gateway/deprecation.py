"""Tells the callers of a deprecated operation, in every answer to them, refusals included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openapi.deprecation import Headers
from openapi.document import Operation
from openapi.request import operation_id

_OWN = frozenset((b"deprecation", b"sunset"))


def deprecated(operations: Iterable[Operation]) -> dict[str, Headers]:
    """The headers of each operation that is deprecated, by its id."""
    return {
        op.operation_id: op.policy.deprecation.headers()
        for op in operations
        if op.policy.deprecation is not None
    }


class DeprecationMiddleware:
    """Adds ``Deprecation``, ``Sunset`` and ``Link`` once it is known which operation answers."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, Headers]) -> None:
        self.app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = self._headers.get(operation_id(scope) or "")
                if own is not None:
                    # The contract is right, whatever the service behind the gateway says.
                    others = [header for header in message["headers"] if header[0] not in _OWN]
                    message["headers"] = others + own
            await send(message)

        await self.app(scope, receive, tell)
