"""API keys over the API: made, seen, changed, rotated and revoked, by those who may."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys
from tests.service.conftest import SCOPES, Client

WRITER = ("keys:read", "keys:write", "devices:read")


@pytest.fixture
def as_key(services: Services) -> Iterator[Callable[[str], Client]]:
    clients: list[Client] = []

    def client(key: str) -> Client:
        clients.append(Client(services.gateway_url, **{"X-API-Key": key}))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def bound(services: Services) -> Callable[[str], str]:
    """Makes keys that are bound to a customer."""

    def make(customer: str) -> str:
        keys = ApiKeys(services.data / "gateway.db")
        try:
            return keys.create("bound", WRITER, customer)
        finally:
            keys.close()

    return make


def made(client: Client, **body: object) -> dict[str, str]:
    answer = client.post("/v1/api-keys", json={"name": "made", "scopes": ["devices:read"]} | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Location"] == f"/v1/api-keys/{answer.json()['identifier']}"
    result: dict[str, str] = answer.json()
    return result


def identifiers(client: Client, limit: int) -> list[str]:
    found: list[str] = []
    url = f"/v1/api-keys?limit={limit}"
    while url:
        answer = client.get(url)
        page = answer.json()
        assert len(page["items"]) <= limit
        assert not any("key" in item for item in page["items"])
        found += [item["identifier"] for item in page["items"]]
        url = answer.links["next"]["url"] if page["next"] else ""
    return found


def test_a_key_that_is_made_is_good_and_its_secret_is_seen_once(
    admin: Client, as_key: Callable[[str], Client]
) -> None:
    key = made(admin, expires_at="2999-01-01T01:00:00+01:00")

    shown = admin.get(f"/v1/api-keys/{key['identifier']}").json()

    assert as_key(key["key"]).get("/v1/devices").status_code == 200
    assert as_key(key["key"]).get("/v1/api-keys").status_code == 403
    assert shown == {name: value for name, value in key.items() if name != "key"}
    assert shown["expires_at"] == "2999-01-01T00:00:00Z"


def test_pages_have_every_key_once(admin: Client) -> None:
    keys = {made(admin)["identifier"] for _ in range(5)}

    found = identifiers(admin, 2)

    assert found == sorted(set(found))
    assert keys < set(found)


@pytest.mark.parametrize("cursor", ["AAAA", "_____", "A" * 200])
def test_a_cursor_of_another_list_is_400(admin: Client, cursor: str) -> None:
    answer = admin.get("/v1/api-keys", params={"cursor": cursor})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["name"] == "cursor"


def test_an_expired_key_is_401_and_good_again_when_it_is_given_more_time(
    admin: Client, as_key: Callable[[str], Client]
) -> None:
    key = made(admin)
    client, path = as_key(key["key"]), f"/v1/api-keys/{key['identifier']}"
    admin.patch(path, json={"expires_at": "2020-01-01T00:00:00Z"})
    assert client.get("/v1/devices").status_code == 401

    assert admin.patch(path, json={"expires_at": None}).json().get("expires_at") is None

    wait_for(lambda: client.get("/v1/devices").status_code == 200, "the key to be good")


def test_a_key_that_would_never_be_good_is_refused(admin: Client) -> None:
    over = {"name": "x", "scopes": ["devices:read"], "expires_at": "2020-01-01T00:00:00Z"}

    ended = admin.post("/v1/api-keys", json=over)
    empty = admin.post("/v1/api-keys", json={"name": "x", "scopes": []})

    assert (ended.status_code, ended.json()["errors"][0]["pointer"]) == (409, "/expires_at")
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (400, "/scopes")


def test_nobody_gives_scopes_that_they_do_not_have(
    admin: Client, as_key: Callable[[str], Client], a_key: Callable[..., str]
) -> None:
    client = as_key(a_key(*WRITER))
    own = made(client)["identifier"]
    strong = made(admin, scopes=["devices:write"])["identifier"]
    more = {"name": "more", "scopes": ["devices:read", "devices:write"]}

    refused = [
        client.post("/v1/api-keys", json=more),
        client.patch(f"/v1/api-keys/{own}", json={"scopes": more["scopes"]}),
        # A stronger key is not taken over, nor ended.
        client.post(f"/v1/api-keys/{strong}/rotate", json={"overlap_seconds": 60}),
        client.patch(f"/v1/api-keys/{strong}", json={"scopes": ["devices:read"]}),
        client.patch(f"/v1/api-keys/{strong}", json={"expires_at": "2020-01-01T00:00:00Z"}),
        client.delete(f"/v1/api-keys/{strong}"),
    ]

    assert [answer.status_code for answer in refused] == [403] * 6
    assert all("devices:write" in answer.headers["WWW-Authenticate"] for answer in refused)
    assert admin.get(f"/v1/api-keys/{strong}").json()["scopes"] == ["devices:write"]


def test_a_customers_key_knows_that_customers_keys_alone(
    admin: Client, as_key: Callable[[str], Client], bound: Callable[[str], str]
) -> None:
    client = as_key(bound("keys-a"))
    others = [made(admin)["identifier"], made(admin, customer_id="keys-b")["identifier"]]
    own = made(client)

    assert own["customer_id"] == "keys-a"
    assert set(identifiers(client, 1000)).isdisjoint(others)
    for path in (f"/v1/api-keys/{identifier}" for identifier in others):
        answers = [
            client.get(path),
            client.patch(path, json={"name": "mine"}),
            client.patch(path, json={}),
            client.delete(path),
            client.post(path + "/rotate", json={"overlap_seconds": 0}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 5
        assert admin.get(path).json()["name"] == "made"
    for customer in (None, "keys-b"):
        answer = client.patch(f"/v1/api-keys/{own['identifier']}", json={"customer_id": customer})
        assert answer.status_code == 403
        assert answer.json()["type"].endswith(":not-yours")
    foreign = {"name": "x", "scopes": ["devices:read"], "customer_id": "keys-b"}
    assert client.post("/v1/api-keys", json=foreign).status_code == 403


def test_the_first_key_is_changed_on_its_machine_alone(services: Services, admin: Client) -> None:
    path = f"/v1/api-keys/{services.admin_key.split('_')[1]}"

    answers = [
        admin.patch(path, json={"scopes": ["keys:read"]}),
        admin.delete(path),
        admin.post(path + "/rotate", json={"overlap_seconds": 0}),
    ]

    assert [answer.status_code for answer in answers] == [409] * 3
    assert {answer.json()["type"] for answer in answers} == {"urn:doorstep:problem:first-key"}
    assert admin.get(path).json()["scopes"] == SCOPES


def test_a_rotated_key_has_two_secrets_for_a_time(
    admin: Client, as_key: Callable[[str], Client]
) -> None:
    old = made(admin)
    path = f"/v1/api-keys/{old['identifier']}"

    new = admin.post(path + "/rotate", json={"overlap_seconds": 3600})
    assert new.headers["Cache-Control"] == "no-store"
    assert new.json()["identifier"] == old["identifier"]
    both = [as_key(old["key"]), as_key(new.json()["key"])]
    assert [client.get("/v1/devices").status_code for client in both] == [200, 200]

    last = admin.post(path + "/rotate", json={"overlap_seconds": 0}).json()["key"]
    for client in both:
        wait_for(
            lambda client=client: client.get("/v1/devices").status_code == 401,  # type: ignore[misc]
            "the old secrets to be refused",
        )
    assert as_key(last).get("/v1/devices").status_code == 200


def test_a_revoked_key_is_gone_with_its_tokens(
    services: Services, admin: Client, as_key: Callable[[str], Client]
) -> None:
    key = made(admin)
    _, client_id, secret = key["key"].split("_", 2)
    issued = admin.request(
        "POST", "/oauth/token", auth=(client_id, secret), data={"grant_type": "client_credentials"}
    )
    token = issued.json()["access_token"]
    bearer = Client(services.gateway_url, Authorization=f"Bearer {token}")
    assert bearer.get("/v1/devices").status_code == 200

    assert admin.delete(f"/v1/api-keys/{key['identifier']}").status_code == 204

    assert admin.get(f"/v1/api-keys/{key['identifier']}").status_code == 404
    assert admin.delete(f"/v1/api-keys/{key['identifier']}").status_code == 404
    for client in (as_key(key["key"]), bearer):
        wait_for(
            lambda client=client: client.get("/v1/devices").status_code == 401,  # type: ignore[misc]
            "the key to be refused",
        )
    bearer.close()


def test_a_scope_that_is_taken_away_is_gone_from_issued_tokens(
    services: Services, admin: Client
) -> None:
    key = made(admin)
    _, client_id, secret = key["key"].split("_", 2)
    issued = requests.post(
        services.gateway_url + "/oauth/token",
        auth=(client_id, secret),
        data={"grant_type": "client_credentials"},
        timeout=30,
    )
    token = issued.json()["access_token"]

    admin.patch(f"/v1/api-keys/{key['identifier']}", json={"scopes": ["keys:read"]})

    with Client(services.gateway_url, Authorization=f"Bearer {token}") as bearer:
        wait_for(lambda: bearer.get("/v1/devices").status_code == 403, "the scope to be gone")


def test_the_last_use_is_written_when_the_gateway_ends_and_by_no_request(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        path = services.data / "gateway.db"
        for _ in range(3):
            headers = {"X-API-Key": services.admin_key}
            answer = requests.get(services.gateway_url + "/v1/devices", headers=headers, timeout=30)
            assert answer.status_code == 200
        assert last_uses(path) == [None]

    (used,) = last_uses(path)
    assert used is not None


def last_uses(file: Path) -> list[str | None]:
    connection = sqlite3.connect(file)
    try:
        return [row[0] for row in connection.execute("SELECT last_used_at FROM api_keys")]
    finally:
        connection.close()
