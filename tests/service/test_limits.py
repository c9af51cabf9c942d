"""How much the gateway lets through, over real processes, with Redis and without."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from contracts.services import ROOT, Services, free_port, wait_for
from gateway.api_keys import ApiKeys
from openapi import CONTRACT
from openapi.document import load_document
from openapi.selection import scopes_of

UNKNOWN_KEY = "dsk_0123456789abcdef_" + "A" * 43
PROBLEM = "application/problem+json"
SCOPES = sorted(scopes_of(load_document(CONTRACT)))
# Limits that a test can reach, in the place of the contract's own.
LIMIT, FAILURES, TOKENS = 100, 20, 60
POLICY = """\
  rate-limit: { name: default, limit: 100, window: 10, by: principal }
  failed-logins: { limit: 20, window: 60 }
"""


class Limited(Services):
    """Services under a contract with these limits."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder / "data", {"UNLIMITED_NETWORKS": ""} | settings)
        self.root = folder / "code"
        for room in ("gateway", "inventory", "openapi", "telemetry"):
            shutil.copytree(ROOT / room, self.root / room)
        contract = self.root / "openapi" / "openapi.yaml"
        own = re.compile(r"^  rate-limit: .*\n  failed-logins: .*\n", re.MULTILINE)
        text, number = own.subn(POLICY, contract.read_text())
        assert number == 1
        contract.write_text(text)

    def a_key(self, **options: Any) -> str:
        keys = ApiKeys(self.data / "gateway.db")
        try:
            return keys.create("test", SCOPES, **options)
        finally:
            keys.close()


class Somewhere(HTTPAdapter):
    """A client with a loopback address of its own, which no other test has."""

    def __init__(self) -> None:
        self.address = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(254) + 1}.7"
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=(self.address, 0), **options)


def ask(
    services: Services, key: str | None, path: str = "/v1/device-types?limit=1", **options: Any
) -> requests.Response:
    headers = {"X-API-Key": key} if key else {}
    return requests.get(
        services.gateway_url + path, headers=headers | options.pop("headers", {}), timeout=30
    )


def from_elsewhere(services: Services) -> Callable[[str], requests.Response]:
    """Asks with a key, each time over a connection of its own, always from the same new address."""
    where = Somewhere()

    def ask(key: str) -> requests.Response:
        with requests.Session() as session:
            session.mount("http://", where)
            headers = {"X-API-Key": key, "Connection": "close"}
            url = services.gateway_url + "/v1/device-types?limit=1"
            return session.get(url, headers=headers, timeout=30)

    return ask


def rush(services: Services, key: str, times: int) -> list[requests.Response]:
    """Many requests at once, each over a connection of its own, so that every worker gets some."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: ask(services, key), range(times)))


def passed(answers: list[requests.Response]) -> list[requests.Response]:
    assert {answer.status_code for answer in answers} == {200, 429}
    return [answer for answer in answers if answer.status_code == 200]


def remaining(answer: requests.Response) -> int:
    match = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert match and int(match[2]) <= 10
    return int(match[1])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """Four workers, and Redis."""
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        assert not os.environ.get("CI"), "CI has to name a Redis server in TEST_REDIS_URL"
        pytest.skip("TEST_REDIS_URL names no Redis server")
    folder = tmp_path_factory.mktemp("shared")
    with Limited(folder, GATEWAY_WORKERS="4", REDIS_URL=url) as services:
        yield services


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    """One worker, and no Redis."""
    with Limited(tmp_path_factory.mktemp("alone")) as services:
        yield services


def test_four_workers_and_redis_let_through_what_one_would(shared: Limited) -> None:
    answers = rush(shared, shared.a_key(), LIMIT + 60)

    through = passed(answers)
    assert abs(len(through) - LIMIT) <= 2
    # Had the workers counted apart, most numbers would have come up several times. One or two may:
    # of a worker that could not wait longer for Redis on a busy machine, and counted for itself.
    assert len(set(map(remaining, through))) >= len(through) - 2


def test_failures_count_over_all_workers(shared: Limited) -> None:
    good, knock, neighbour = shared.a_key(), from_elsewhere(shared), from_elsewhere(shared)

    statuses = [knock(UNKNOWN_KEY).status_code for _ in range(FAILURES + 10)]

    assert statuses[:FAILURES] == [401] * FAILURES
    assert set(statuses[FAILURES:]) == {429}
    # A worker that has seen no failure lately learns of the block within a second.
    wait_for(
        lambda: {knock(good).status_code for _ in range(16)} == {429}, "every worker to refuse"
    )
    assert neighbour(good).status_code == 200


def test_one_worker_lets_through_exactly_the_limit(alone: Limited) -> None:
    answers = rush(alone, alone.a_key(), LIMIT + 20)

    assert sorted(map(remaining, passed(answers))) == list(range(LIMIT))
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert refusal.headers["Content-Type"] == PROBLEM
    assert refusal.json()["type"] == "urn:doorstep:problem:too-many-requests"
    assert refusal.headers["RateLimit-Policy"] == '"default";q=100;w=10'
    assert remaining(refusal) == 0
    assert 1 <= int(refusal.headers["Retry-After"]) <= 10


def test_a_token_counts_as_its_key_and_no_other_key_does(alone: Limited) -> None:
    key, other = alone.a_key(), alone.a_key()
    _, key_id, secret = key.split("_", 2)
    token = requests.post(
        alone.gateway_url + "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(key_id, secret),
        timeout=30,
    ).json()["access_token"]

    first = ask(alone, key)
    second = ask(alone, None, headers={"Authorization": f"Bearer {token}"})

    assert remaining(second) == remaining(first) - 1
    assert remaining(ask(alone, other)) == LIMIT - 1


def test_every_answer_that_an_operation_gives_tells_the_limit(alone: Limited) -> None:
    key = alone.a_key()

    answers = [
        ask(alone, key, "/v1/devices/nobody"),
        ask(alone, key, "/v1/devices?limit=x"),
        ask(alone, key, "/v1/devices?limit=1"),
    ]

    assert [answer.status_code for answer in answers] == [404, 400, 200]
    assert [remaining(answer) for answer in answers] == [LIMIT - 1, LIMIT - 2, LIMIT - 3]


def test_neither_the_admins_first_key_nor_health_is_limited(alone: Limited) -> None:
    answers = rush(alone, alone.admin_key, LIMIT + 20)
    answers += [ask(alone, None, "/health/live") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)


def test_tokens_are_limited_by_address_whatever_the_key(alone: Limited) -> None:
    pairs = [alone.a_key().split("_", 2)[1:] for _ in range(2)]

    with requests.Session() as session:
        session.mount("http://", Somewhere())
        answers = [
            session.post(
                alone.gateway_url + "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=tuple(pairs[number % 2]),  # type: ignore[arg-type]
                timeout=30,
            )
            for number in range(TOKENS + 1)
        ]

    assert [answer.status_code for answer in answers] == [200] * TOKENS + [429]
    assert answers[-1].headers["Content-Type"] == PROBLEM
    assert answers[0].headers["RateLimit-Policy"] == f'"tokens";q={TOKENS};w=60'


def test_while_redis_is_down_a_limit_still_holds_and_the_log_says_so_once(tmp_path: Path) -> None:
    url = f"redis://:not-for-logs@127.0.0.1:{free_port()}/0"
    with Limited(tmp_path, REDIS_URL=url) as services:
        answers = rush(services, services.a_key(), LIMIT + 20)

        assert len(passed(answers)) == LIMIT
    log = services.log("gateway").read_text()
    assert log.count("Redis does not answer") == 1
    assert "not-for-logs" not in log
