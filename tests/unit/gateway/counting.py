"""What the tests of counting share: a clock that is driven by hand, and a storage that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from limits.errors import StorageError

from gateway.counters import MemoryStorage

T = TypeVar("T")


class Clock:
    """Seconds that go by when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Shared(MemoryStorage):
    """Stands for Redis: it can be made to fail, or to hang."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked = 0
        self.fails = self.hangs = False

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        await self._be_asked()
        return await super().incr(key, expiry, amount)

    async def get(self, key: str) -> int:
        await self._be_asked()
        return await super().get(key)

    async def get_expiry(self, key: str) -> float:
        await self._be_asked()
        return await super().get_expiry(key)

    async def _be_asked(self) -> None:
        self.asked += 1
        if self.fails:
            reason = ConnectionError("redis://:secret@host is down")
            raise StorageError(reason) from reason
        if self.hangs:
            await asyncio.Event().wait()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)
