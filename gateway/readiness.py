"""Whether requests can be served: the services behind the gateway are asked, never in a crowd."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from multidict import CIMultiDict

from gateway.outgoing import Outgoing
from gateway.upstreams import UpstreamError, Upstreams
from openapi.policy import Policy
from openapi.problems import SERVICE_UNAVAILABLE, Problem

logger = logging.getLogger(__name__)

PATH = "/health/ready"
FRESH = 0.5  # seconds for which an answer stands, so that many probes are one question
PATIENCE = 2.0  # seconds


class Readiness:
    """Asks every upstream at most once in ``FRESH`` seconds."""

    def __init__(self, upstreams: Upstreams, services: Collection[str]) -> None:
        self._upstreams = upstreams
        self._services = sorted(services)
        self._lock = asyncio.Lock()
        self._asked = -FRESH
        self._waiting_for: list[str] = []

    async def check(self) -> None:
        """Returns when all are ready; else the problem that names those that are not."""
        async with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                ready = await asyncio.gather(*map(self._is_ready, self._services))
                answers = zip(self._services, ready, strict=True)
                self._waiting_for = [service for service, ok in answers if not ok]
                self._asked = time.monotonic()
        if self._waiting_for:
            names = ", ".join(self._waiting_for)
            raise Problem(
                SERVICE_UNAVAILABLE, f"Not ready yet: {names}.", headers={"Retry-After": "1"}
            )

    async def _is_ready(self, service: str) -> bool:
        # Two attempts: one instance that is down does not make a service of several unready.
        policy = Policy(service, PATIENCE, PATIENCE, 0, attempts=2)
        request = Outgoing(policy, "GET", PATH, CIMultiDict())
        try:
            async with self._upstreams.probe(request) as response:
                return response.status == 200
        except UpstreamError:
            return False


@asynccontextmanager
async def announcing(readiness: Readiness, line: str) -> AsyncIterator[None]:
    """Logs the line once, when requests can be served for the first time."""
    task = asyncio.create_task(_announce(readiness, line))
    try:
        yield
    finally:
        task.cancel()


async def _announce(readiness: Readiness, line: str) -> None:
    while True:
        try:
            await readiness.check()
        except Problem:
            await asyncio.sleep(FRESH)
        else:
            logger.info(line)
            return
