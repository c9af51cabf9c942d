"""Holds operations to the rate limits that the contract gives them (``x-gateway.rate-limit``)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.addresses import Networks, client_address
from gateway.counters import Count, Counters
from gateway.problems import TOO_MANY_REQUESTS
from openapi.document import Document
from openapi.policy import RateLimit
from openapi.problems import Problem
from openapi.request import operation_id, principal
from telemetry.middleware import answer_headers

Limits = tuple[RateLimit, ...]


class RateLimitMiddleware:
    """Stands next to Connexion's security: who asks is known, and nothing of the body was read.

    What is refused counts too, but a window is not made longer by it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Mapping[str, Limits],
        counters: Counters,
        unlimited: Networks,
    ) -> None:
        """``limits``: operationId to its limits; operations that have none are not in it.

        ``unlimited``: clients whose requests are not counted.
        """
        self.app = app
        self._limits = limits
        self._counters = counters
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (limits := self._limits.get(operation_id(scope) or "")):
            await self._count(scope, limits)
        await self.app(scope, receive, send)

    async def _count(self, scope: Scope, limits: Limits) -> None:
        who = principal(scope)
        if who.get("unlimited") or self._unlimited.have(scope):
            return
        counts = [
            await self._counters.add(_key(limit, scope, who.get("sub")), limit.window)
            for limit in limits
        ]
        tell(scope, limits, counts)
        over = [pair for pair in zip(limits, counts, strict=True) if pair[1].number > pair[0].limit]
        if over:
            raise too_many_requests(*max(over, key=lambda pair: pair[1].left))


def tell(scope: Scope, limits: Collection[RateLimit], counts: Collection[Count]) -> None:
    """Gives the answer, whatever it will be, ``RateLimit-Policy`` and ``RateLimit``.

    draft-ietf-httpapi-ratelimit-headers: lists of structured fields (RFC 9651).
    """
    policies = ", ".join(f'"{limit.name}";q={limit.limit};w={limit.window}' for limit in limits)
    states = ", ".join(
        f'"{limit.name}";r={max(0, limit.limit - count.number)};t={math.ceil(count.left)}'
        for limit, count in zip(limits, counts, strict=True)
    )
    headers = answer_headers(scope)
    headers.append((b"ratelimit-policy", policies.encode()))
    headers.append((b"ratelimit", states.encode()))


def too_many_requests(limit: RateLimit, count: Count) -> Problem:
    """The refusal of what is more than the limit."""
    return Problem(
        TOO_MANY_REQUESTS,
        f"The limit {limit.name} is {limit.limit} in {limit.window} s.",
        headers={"Retry-After": str(max(1, math.ceil(count.left)))},
    )


def limits_of(document: Document) -> dict[str, Limits]:
    """The limits of the operations that have some; ``DocumentFault`` when they contradict."""
    limited = [op for op in document.operations if op.policy.rate_limits]
    named: dict[str, RateLimit] = {}
    for operation in limited:
        if "429" not in operation.spec["responses"]:
            raise document.fault(operation, "has a rate-limit and no answer 429")
        for limit in operation.policy.rate_limits:
            if named.setdefault(limit.name, limit) != limit:
                raise document.fault(operation, f"the rate-limit {limit.name} is another one too")
    return {op.operation_id: op.policy.rate_limits for op in limited}


def _key(limit: RateLimit, scope: Scope, principal: str | None) -> str:
    if limit.by == "principal" and principal is not None:
        return f"{limit.name}:principal:{principal}"
    return f"{limit.name}:address:{client_address(scope)}"
