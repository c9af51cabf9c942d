"""How many requests of one client may be under way at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.concurrency import ConcurrencyMiddleware, concurrency_of
from gateway.problems import TOO_MANY_UNDER_WAY
from gateway.upstreams import CONNECTIONS
from openapi import CONTRACT
from openapi.document import load_document
from openapi.policy import Concurrency
from openapi.problems import Problem

WAITS, OTHERS = Concurrency("waits", 2), Concurrency("others", 1)
LIMITS = {"wait": WAITS, "wait_too": WAITS, "other": OTHERS}
KEY = {"sub": "key", "tenant": None}


class Crowd:
    """Requests that stay under way until they are let go."""

    def __init__(self) -> None:
        self._go = asyncio.Event()
        self._app = ConcurrencyMiddleware(self._stay, limits=LIMITS)

    async def _stay(self, scope: Any, _receive: Any, _send: Any) -> None:
        scope["arrived"].set()
        await self._go.wait()
        if scope.get("fails"):
            raise RuntimeError

    async def come(self, operation: str = "wait", fails: bool = False, **claims: Any) -> Any:
        """One that is under way; or ``Problem``."""
        scope = {
            "type": "http",
            "fails": fails,
            "arrived": asyncio.Event(),
            "client": ("203.0.113.7", 4000),
            "extensions": {
                "connexion_routing": {"operation_id": operation},
                "connexion_context": {"token_info": claims},
            },
        }
        request = asyncio.create_task(self._app(scope, nothing, nothing))  # type: ignore[arg-type]
        arrival = asyncio.create_task(scope["arrived"].wait())  # type: ignore[attr-defined]
        await asyncio.wait({request, arrival}, return_when=asyncio.FIRST_COMPLETED)
        if request.done():
            arrival.cancel()
            await request
        return request

    def let_go(self) -> None:
        self._go.set()


async def nothing(*_: Any) -> None:
    """Neither receives nor sends."""


def test_more_than_the_limit_are_refused_until_one_ends_however_it_does() -> None:
    async def run() -> None:
        crowd = Crowd()
        requests = [await crowd.come(**KEY), await crowd.come("wait_too", fails=True, **KEY)]

        with pytest.raises(Problem) as refused:
            await crowd.come(**KEY)
        assert refused.value.kind is TOO_MANY_UNDER_WAY
        assert refused.value.headers["Retry-After"] == "1"
        assert "2 waits" in str(refused.value.detail)

        crowd.let_go()
        await asyncio.gather(*requests, return_exceptions=True)
        await asyncio.gather(*[await crowd.come(**KEY) for _ in range(3)])

    asyncio.run(run())


def test_others_and_other_operations_have_places_of_their_own() -> None:
    async def run() -> None:
        crowd = Crowd()
        for _ in range(2):
            await crowd.come(**KEY)

        for who in ({"sub": "other"}, {"sub": "key", "tenant": "acme"}, {}):
            await crowd.come(**who)
        await crowd.come("other", **KEY)
        for _ in range(5):
            await crowd.come("not_limited", **KEY)
        crowd.let_go()

    asyncio.run(run())


def test_the_keys_of_a_customer_count_together_and_none_is_exempt() -> None:
    async def run() -> None:
        crowd = Crowd()
        for key in ("a", "b"):
            await crowd.come(sub=key, tenant="acme", unlimited=True)

        with pytest.raises(Problem):
            await crowd.come(sub="c", tenant="acme", unlimited=True)
        crowd.let_go()

    asyncio.run(run())


def test_every_operation_that_is_forwarded_leaves_room_for_others() -> None:
    document = load_document(CONTRACT)
    limits = concurrency_of(document)

    assert set(limits) == {op.operation_id for op in document.operations if op.policy.upstream}
    assert max(limit.limit for limit in limits.values()) < CONNECTIONS
    assert limits["list_changes"] == Concurrency("waits", 20)
    assert limits["import_devices"] == Concurrency("uploads", 2)
