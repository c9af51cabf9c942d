"""Changes of customers, homes and areas are for those who may read them, by whatever way."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from contracts.services import Services

KINDS = ("customers", "homes", "areas")


@pytest.fixture
def reader(services: Services, a_key: Callable[..., str]) -> Iterator[requests.Session]:
    """Somebody who may read devices and nothing else."""
    with requests.Session() as session:
        session.headers["X-API-Key"] = a_key("devices:read")
        yield session


@pytest.fixture
def change_everything(admin: Any) -> Callable[[], str]:
    """Makes a customer with a home and an area, then a device, whose identifier it returns."""

    def make() -> str:
        name = f"s-{secrets.token_hex(4)}"
        for path, body in (
            ("customers", {"email": "ann@example.org"}),
            ("homes", {"customer_id": name}),
            ("areas", {"home_id": name}),
            ("devices", {"area_id": name, "device_type": "light"}),
        ):
            answer = admin.put(f"/v1/{path}/{name}", json={"name": name} | body)
            assert answer.status_code == 201, answer.text
        return name

    return make


def now(admin: Any) -> str:
    cursor: str = admin.get("/v1/changes", params={"after": "now"}).json()["next"]
    return cursor


def events(answer: requests.Response) -> list[dict[str, Any]]:
    return [json.loads(line[5:]) for line in answer.text.splitlines() if line[:5] == "data:"]


@pytest.mark.parametrize("wait", [0, 5])
def test_the_feed_leaves_out_what_the_key_may_not_read(
    services: Services, admin: Any, reader: Any, change_everything: Any, wait: int
) -> None:
    after = now(admin)
    change_everything()
    asked: dict[str, Any] = {"after": after, "wait": wait}

    seen = reader.get(f"{services.gateway_url}/v1/changes", params=asked).json()["items"]
    everything = admin.get("/v1/changes", params=asked).json()["items"]

    assert [item["data"]["kind"] for item in seen] == ["devices"]
    assert [item["data"]["kind"] for item in everything] == [*KINDS, "devices"]


def test_a_stream_leaves_out_what_was_missed_and_what_comes(
    services: Services, admin: Any, reader: Any, change_everything: Any
) -> None:
    after = now(admin)
    missed = change_everything()
    asked = {"after": after, "duration": "2"}
    url = f"{services.gateway_url}/v1/changes/stream"
    with reader.get(url, params=asked, stream=True, timeout=30) as answer:
        come = change_everything()

        seen = [(event["data"]["kind"], event["subject"]) for event in events(answer)]

    assert seen == [("devices", missed), ("devices", come)]


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/changes/stream"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_the_key_may_not_read_is_refused_by_name(
    services: Services, reader: Any, path: str, kind: str
) -> None:
    asked = {"kind": ["devices", kind]}
    answer = reader.get(services.gateway_url + path, params=asked, timeout=30)

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:doorstep:problem:insufficient-scope"
    assert answer.json()["errors"][0]["name"] == "kind"
    assert 'scope="customers:read"' in answer.headers["WWW-Authenticate"]
