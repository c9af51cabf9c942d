"""Follows a name through DNS in the background, so that no request ever waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from gateway.endpoints import Endpoint, Name

FLOOR = 1.0  # seconds between two questions; Consul says 0 for "do not keep it"
CEILING = 60.0  # seconds; nobody who moves an instance has to wait longer for us
AGAIN = 2.0  # seconds after an answer that could not be had
PATIENCE = 3.0  # seconds that a start waits for the first answer

logger = logging.getLogger(__name__)


class LookupFailed(Exception):
    """Nobody answered, or there is no address under the name."""


class Found(NamedTuple):
    """The endpoints of a name, and for how many seconds the servers say that this holds."""

    endpoints: tuple[Endpoint, ...]
    ttl: float


class Lookup(Protocol):
    """Finds where a name is."""

    async def find(self, name: Name) -> Found:
        """Where it is now; or ``LookupFailed``."""
        ...


class Discovery:
    """One name, asked for again whenever its answer is out of date.

    What was found last stands while DNS does not answer, or knows no address: a service is not
    helped by having none, and the health checks find out which addresses are really gone.
    """

    def __init__(
        self, name: Name, lookup: Lookup, found: Callable[[Sequence[Endpoint]], None]
    ) -> None:
        """``found`` is called with every answer."""
        self._name = name
        self._lookup = lookup
        self._found = found
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns after the first answer, or when one is slow in coming."""
        asked = asyncio.Event()
        self._task = asyncio.create_task(self._follow(asked))
        try:
            await asyncio.wait_for(asked.wait(), PATIENCE)
        except TimeoutError:
            logger.warning("the gateway starts without knowing where %s is", self._name.url)

    async def close(self) -> None:
        """Asks no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self, asked: asyncio.Event) -> None:
        while True:
            pause = await self._look()
            asked.set()
            await asyncio.sleep(pause)

    async def _look(self) -> float:
        """How many seconds the answer is good for."""
        try:
            found = await self._lookup.find(self._name)
            self._found(found.endpoints)
        except Exception as exc:  # whatever it was, the next question shall come
            if not self._is_failing:
                logger.warning("DNS does not say where %s is: %s", self._name.url, exc)
            self._is_failing = True
            return AGAIN
        if self._is_failing:
            logger.warning("DNS says where %s is again", self._name.url)
        self._is_failing = False
        return min(max(found.ttl, FLOOR), CEILING)
