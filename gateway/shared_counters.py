"""Counts in Redis for all processes of the gateway together, and goes on when Redis does not."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from limits.aio.storage import RedisStorage, Storage
from limits.errors import StorageError
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.counters import REMEMBERED, Clock, Count, LocalCounters

PATIENCE = 0.25  # seconds that a request waits for Redis, at the most
CONNECTIONS = 32  # of each process
PAUSE = 1.0  # seconds for which Redis is left alone after it did not answer

logger = logging.getLogger(__name__)


class SharedCounters:
    """Counts in a storage that all processes share.

    While it does not answer, each process counts for itself. To refuse everybody would make Redis
    the one thing that must never fail; to let everybody through would make it the thing to attack.
    So every limit holds for each process, and one request each ``PAUSE`` seconds asks again.
    """

    def __init__(
        self,
        storage: Storage,
        local: LocalCounters,
        close: Callable[[], Awaitable[None]],
        clock: Clock = time.time,
    ) -> None:
        """``close``: closes the storage's connections."""
        self._storage = storage
        self._local = local
        self._close = close
        self._clock = clock
        self._is_out = False
        self._again_at = -math.inf
        self._ends: dict[str, float] = {}

    async def add(self, key: str, window: int) -> Count:
        """See ``Counters``."""
        count = await self._within_patience(self._add(key, window)) if self._may_ask() else None
        return count or await self._local.add(key, window)

    async def look(self, key: str) -> Count:
        """See ``Counters``."""
        count = await self._within_patience(self._look(key)) if self._may_ask() else None
        return count or await self._local.look(key)

    async def close(self) -> None:
        """Closes the connections."""
        await self._close()

    async def _add(self, key: str, window: int) -> Count:
        number = await self._storage.incr(key, window)
        now = self._clock()
        end = self._ends.get(key, 0.0)
        if number == 1 or end <= now:
            # Asked for once a window: each question is a way to Redis and back.
            end = now + window if number == 1 else await self._storage.get_expiry(key)
            self._remember(key, end)
        # Redis' clock, which counts in whole seconds, is not quite ours.
        return Count(number, min(max(0.0, end - self._clock()), window))

    async def _look(self, key: str) -> Count:
        number = await self._storage.get(key)
        end = await self._storage.get_expiry(key) if number else 0.0
        return Count(number, max(0.0, end - self._clock()))

    def _remember(self, key: str, end: float) -> None:
        if len(self._ends) >= REMEMBERED:
            self._ends.clear()
        self._ends[key] = end

    def _may_ask(self) -> bool:
        if not self._is_out:
            return True
        now = self._clock()
        if now < self._again_at:
            return False
        self._again_at = now + PAUSE  # the others go on without
        return True

    async def _within_patience(self, counting: Awaitable[Count]) -> Count | None:
        try:
            async with asyncio.timeout(PATIENCE):
                count = await counting
        except (StorageError, OSError) as exc:  # TimeoutError is one of OSError
            self._failed(exc)
            return None
        if self._is_out:
            self._is_out = False
            logger.warning("Redis answers again: limits hold over all processes")
        return count

    def _failed(self, exc: Exception) -> None:
        self._again_at = self._clock() + PAUSE
        if not self._is_out:
            self._is_out = True
            # Not its message, which may have the address with its password.
            kind = type(exc.__cause__ or exc).__name__
            logger.warning("Redis does not answer (%s): limits hold for each process", kind)


def redis_counters(url: str) -> SharedCounters:
    """Counters in Redis at ``redis://…``, ``rediss://…`` or ``unix://…``.

    It is connected to when something is first counted.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=PATIENCE,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    storage = RedisStorage(
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="doorstep:limits",
        connection_pool=pool,  # type: ignore[arg-type]
    )
    return SharedCounters(storage, LocalCounters(), pool.aclose)
