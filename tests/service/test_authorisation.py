"""Credentials that end, and tokens, beyond what contracts/parts/authorisation.py asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from contracts.authorisation.credentials import UNKNOWN_KEY
from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys


def test_a_revoked_key_is_401_within_moments(services: Services, a_key: Callable[..., str]) -> None:
    key = a_key("devices:read")

    def status() -> int:
        url, headers = services.gateway_url + "/v1/devices", {"X-API-Key": key}
        return requests.get(url, headers=headers, timeout=30).status_code

    assert status() == 200

    keys = ApiKeys(services.data / "gateway.db")
    keys.revoke(key.split("_")[1])
    keys.close()

    wait_for(lambda: status() == 401, "the key to be refused")


def token(services: Services, key: str, **form: str) -> requests.Response:
    _, client, secret = key.split("_", 2)
    return requests.post(
        services.gateway_url + "/oauth/token",
        auth=(client, secret),
        data={"grant_type": "client_credentials"} | form,
        timeout=30,
    )


def test_a_token_is_good_for_what_was_asked(services: Services) -> None:
    issued = token(services, services.admin_key, scope="devices:read")
    headers = {"Authorization": "Bearer " + issued.json()["access_token"]}
    url, device = services.gateway_url + "/v1/devices", {"name": "Mine", "device_type": "light"}

    listed = requests.get(url, headers=headers, timeout=30)
    created = requests.post(url, json=device, headers=headers, timeout=30)

    assert issued.headers["Cache-Control"] == "no-store"
    assert (listed.status_code, created.status_code) == (200, 403)


def test_the_token_endpoint_refuses_in_oauths_own_words(
    services: Services, a_key: Callable[..., str]
) -> None:
    unknown = token(services, UNKNOWN_KEY)
    too_much = token(services, a_key("devices:read"), scope="devices:write")

    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    assert unknown.headers["WWW-Authenticate"].startswith("Basic")
    assert (too_much.status_code, too_much.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "devices:admin"}, "invalid_scope"),
        ({"scopes": "devices:read"}, "invalid_request"),
    ],
)
def test_a_token_request_that_is_not_valid_is_told_in_oauths_words(
    services: Services, form: dict[str, str], error: str
) -> None:
    refused = token(services, services.admin_key, **form)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert refused.headers["Content-Type"] == "application/json"
