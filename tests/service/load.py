"""Clients that write and read at the same time, and notice whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import requests

from contracts.services import PATIENCE, Services

CLIENTS = int(os.environ.get("CLIENTS", "24"))  # connections, at the same time
REQUESTS = int(os.environ.get("REQUESTS", "150"))  # answered between two events at the least
DEVICE = {"name": "Hall light", "device_type": "light"}
ENDED = "it ended the connection"


class Load:
    """Clients that write, read what they wrote, and keep account of every answer."""

    def __init__(self, services: Services) -> None:
        self._url = services.gateway_url
        self._headers = {"X-API-Key": services.admin_key}
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.created: dict[str, str] = {}  # what was acknowledged: key to identifier
        self.replaced: dict[str, str] = {}  # identifier to name
        self._over = False
        self._name = secrets.token_hex(4)  # tells what this load writes from what another did
        self.before = len(everything(services))

    async def during(self, events: Callable[[Load], Awaitable[None]]) -> None:
        """Runs until the events have happened, and all that was begun is answered."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=self._headers) as session:
            session._retry_connection = False  # or a client would mend what it shall notice
            clients = [asyncio.create_task(self._live(session, n)) for n in range(CLIENTS)]
            try:
                await events(self)
            finally:
                self._over = True
                await asyncio.gather(*clients)

    async def more_answers(self) -> None:
        """Waits for ``REQUESTS`` of them."""
        enough = self.answers.total() + REQUESTS
        async with asyncio.timeout(PATIENCE + REQUESTS / 20):
            while self.answers.total() < enough:
                await asyncio.sleep(0.02)  # between looks at the condition

    async def _live(self, session: aiohttp.ClientSession, client: int) -> None:
        turn = 0
        while not self._over:
            turn += 1
            await self._create(session, f"{self._name}-{client}-{turn}")
            await self._replace(session, f"{self._name}-{client}", f"turn {turn}")
            await self._read(session, f"{self._name}-{client}", f"turn {turn}")

    async def _create(self, session: aiohttp.ClientSession, key: str) -> None:
        answer = await self._ask(session, "POST", "/v1/devices", DEVICE, {"Idempotency-Key": key})
        if self._expect(answer, 201):
            self.created[key] = answer["identifier"]

    async def _replace(self, session: aiohttp.ClientSession, identifier: str, name: str) -> None:
        answer = await self._ask(
            session, "PUT", f"/v1/devices/{identifier}", DEVICE | {"name": name}
        )
        if self._expect(answer, 200, 201):
            self.replaced[identifier] = name

    async def _read(self, session: aiohttp.ClientSession, identifier: str, name: str) -> None:
        answer = await self._ask(session, "GET", f"/v1/devices/{identifier}")
        if self._expect(answer, 200) and answer["name"] != name:
            self.wrong.append(f"{identifier} is {answer['name']}, not {name}")

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, str]:
        try:
            async with session.request(
                method, self._url + path, json=body, headers=headers
            ) as response:
                answer: dict[str, str] = json.loads(await response.read())
                answer["_status"] = str(response.status)
        except aiohttp.ClientConnectorError:
            answer = {"_status": "refused"}
        except aiohttp.ClientError as exc:
            answer = {"_status": ENDED, "detail": repr(exc)}
        self.answers[f"{method} {answer['_status']}"] += 1
        return answer

    def _expect(self, answer: dict[str, str], *statuses: int) -> bool:
        return answer["_status"] in map(str, statuses)


def everything(services: Services) -> dict[str, str]:
    """The names of all devices by their identifiers."""
    url, found = "/v1/devices?limit=1000&fields=identifier,name", {}
    with requests.Session() as session:
        session.headers["X-API-Key"] = services.admin_key
        while url:
            answer = session.get(services.gateway_url + url, timeout=30)
            answer.raise_for_status()
            found.update((item["identifier"], item["name"]) for item in answer.json()["items"])
            cursor = answer.json()["next"]
            url = f"/v1/devices?limit=1000&fields=identifier,name&cursor={cursor}" if cursor else ""
    return found


def check(load: Load, services: Services) -> None:
    found = everything(services)
    assert load.wrong == []
    assert {key for key, each in load.created.items() if each not in found} == set()
    assert len(set(load.created.values())) == len(load.created)
    written = len(load.created) + len(load.replaced)
    assert len(found) - load.before == written  # nothing happened twice
    assert {each: found[each] for each in load.replaced} == load.replaced
