"""Asks every instance whether it is ready, again and again while the gateway runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterable

import aiohttp

from gateway.instances import Cause, Instance

PATH = "/health/ready"
INTERVAL = 1.0  # seconds between two checks of an instance, more or less
PATIENCE = 2.0  # seconds


class HealthChecks:
    """One task for each instance. Made, run and closed on one event loop."""

    def __init__(self, plugged: Collection[str] = ()) -> None:
        """``plugged``: services of which any answer is a good one, as ``PATH`` is not theirs."""
        self._plugged = frozenset(plugged)
        # A session of its own, and a new connection for each check: it waits for none of the pool,
        # and it notices when an instance has stopped to listen while it finishes what it has.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
            trust_env=False,
        )
        self._tasks: dict[Instance, asyncio.Task[None]] = {}

    def watch(self, instances: Iterable[Instance]) -> None:
        """These are checked from now on, and no others."""
        wanted = set(instances)
        for gone in self._tasks.keys() - wanted:
            self._tasks.pop(gone).cancel()
        for instance in wanted - self._tasks.keys():
            self._tasks[instance] = asyncio.create_task(self._watch(instance))

    async def close(self) -> None:
        """Ends all checks."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._session.close()

    async def _watch(self, instance: Instance) -> None:
        if instance.left_out is not Cause.NEW:  # which waits for it
            await asyncio.sleep(random.uniform(0, INTERVAL))
        while True:
            await self._check(instance)
            await asyncio.sleep(INTERVAL * random.uniform(0.8, 1.2))

    async def _check(self, instance: Instance) -> None:
        try:
            async with self._session.get(
                instance.url + PATH,
                headers={"Host": instance.host},
                server_hostname=instance.server_name,
                allow_redirects=False,
            ) as response:
                status = response.status
        except aiohttp.ClientConnectorError as exc:
            instance.refused(str(exc))
        except Exception as exc:  # whatever it was, the next check shall come
            instance.checked_badly(repr(exc))
        else:
            if status == 200 or instance.service in self._plugged:
                instance.checked_well()
            else:
                instance.checked_badly(f"it answered {status}")
