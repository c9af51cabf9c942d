"""Holds each client to so many requests under way at once (``x-gateway.concurrency``).

A rate limit does not: a few requests that take long hold a service's connections, which everybody
shares, for as long as they like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.addresses import client_address
from gateway.problems import TOO_MANY_UNDER_WAY
from openapi.document import Document, DocumentFault
from openapi.policy import Concurrency
from openapi.problems import Problem
from openapi.request import operation_id, principal

RETRY_AFTER = 1  # seconds: a place may be free at any moment


class ConcurrencyMiddleware:
    """Stands behind the rate limits. Counts in one worker, as its connections are its own.

    Nobody is exempt, as no key without a rate limit should keep the others waiting. The keys of a
    customer count together: it may make itself as many as it likes.
    """

    def __init__(self, app: ASGIApp, *, limits: Mapping[str, Concurrency]) -> None:
        """``limits``: operationId to its limit; operations that have none are not in it."""
        self.app = app
        self._limits = limits
        self._under_way: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limits.get(operation_id(scope) or "") if scope["type"] == "http" else None
        if limit is None:
            await self.app(scope, receive, send)
            return
        key = (limit.name, _who(scope))
        if self._under_way[key] >= limit.limit:
            raise _too_many(limit)
        self._under_way[key] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]


def _who(scope: Scope) -> str:
    who = principal(scope)
    if who.get("tenant") is not None:
        return f"customer:{who['tenant']}"
    return f"principal:{who['sub']}" if who.get("sub") else f"address:{client_address(scope)}"


def _too_many(limit: Concurrency) -> Problem:
    return Problem(
        TOO_MANY_UNDER_WAY,
        f"There may be {limit.limit} {limit.name} under way at once: wait for one of yours to end.",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def concurrency_of(document: Document) -> dict[str, Concurrency]:
    """The limits of the operations that a service serves; ``DocumentFault`` on contradictions."""
    found: dict[str, Concurrency] = {}
    named: dict[str, Concurrency] = {}
    for operation in document.operations:
        limit = operation.policy.concurrency
        if limit is None or operation.policy.upstream is None:
            continue
        where = f"{document.file}:{operation.line}: {operation.operation_id}"
        if "429" not in operation.spec["responses"]:
            raise DocumentFault(f"{where}: has a concurrency and no answer 429")
        if named.setdefault(limit.name, limit) != limit:
            raise DocumentFault(f"{where}: the concurrency {limit.name} is another one too")
        found[operation.operation_id] = limit
    return found
