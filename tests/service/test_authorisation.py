"""Every operation of the contract, with every credential that is not the right one."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jwt
import pytest
import requests

from contracts.identity import sign_identity
from contracts.services import Services, wait_for
from gateway import moments
from gateway.api_keys import ApiKeys
from openapi import CONTRACT
from openapi.document import Operation, load_document
from openapi.selection import operations_of, scopes_of

DOCUMENT = load_document(CONTRACT)
SECURED = [op for op in DOCUMENT.operations if op.spec["security"]]
SCOPED = [op for op in SECURED if op.operation_id != "issue_token"]
SERVED = operations_of(DOCUMENT, "inventory")
Headers = dict[str, str]
UNKNOWN_KEY = "dsk_0123456789abcdef_" + "A" * 43


def named(operation: Operation) -> str:
    return operation.operation_id


def ask(base: str, operation: Operation, **headers: str) -> requests.Response:
    """The operation with the contract's own example as its body."""
    name = "0123456789abcdef" if "/api-keys" in operation.path else "hall-light-1"
    path = operation.path.replace("{identifier}", name)
    data: Any = None
    content = operation.spec.get("requestBody", {}).get("content", {})
    for media_type, body in content.items():
        example = next(iter(body["examples"].values()))["$ref"].rpartition("/")[2]
        value = DOCUMENT.content["components"]["examples"][example]["value"]
        data = value if "form" in media_type else json.dumps(value)
        headers["Content-Type"] = media_type
        break
    url = base + path
    with requests.request(
        operation.method, url, data=data, headers=headers, timeout=30, stream=True
    ) as answer:
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            _ = answer.content  # read now; a stream of events has no end
    return answer


def refused(answer: requests.Response, status: int = 401) -> bool:
    return answer.status_code == status and "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("operation", SECURED, ids=named)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "garbage"},
        {"X-API-Key": UNKNOWN_KEY},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()},
        {"Authorization": "Digest x"},
    ],
    ids=["none", "empty", "garbage", "unknown", "bearer", "jwt", "basic", "digest"],
)
def test_a_credential_that_is_not_good_is_401(
    services: Services, operation: Operation, headers: dict[str, str]
) -> None:
    assert refused(ask(services.gateway_url, operation, **headers))


def tokens(services: Services) -> dict[str, str]:
    """Access tokens that are almost right."""
    key = services.data / "gateway.key"
    scopes = ["devices:read", "devices:write"]
    claims = {"iss": "doorstep-gateway", "aud": "doorstep", "sub": "x", "exp": 9999999999}
    claims |= {"iat": 0, "scope": " ".join(scopes)}
    public = json.loads((services.data / "gateway.jwks.json").read_bytes())["keys"][0]["x"]
    return {
        "expired": sign_identity(key, audience="doorstep", scopes=scopes, lifetime=-1),
        "of a client that does not exist": sign_identity(key, audience="doorstep", scopes=scopes),
        "for the inventory": sign_identity(key, audience="inventory", scopes=scopes),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "signed with the public key": jwt.encode(
            claims, base64.urlsafe_b64decode(public + "=="), algorithm="HS256"
        ),
    }


@pytest.fixture(scope="module")
def table(services: Services) -> Iterator[Callable[[Operation], dict[str, tuple[int, Headers]]]]:
    """What an operation answers to each kind of credential; 0 stands for being let through."""
    keys = ApiKeys(services.data / "gateway.db")
    everything = sorted(scopes_of(DOCUMENT))
    revoked = keys.create("revoked", everything)
    keys.revoke(revoked.split("_")[1])
    expired = keys.create("expired", everything, expires_at=moments.now(-60))
    client = keys.create("client", everything).split("_")[1]
    unscoped = keys.create("unscoped", [])
    signed = partial(a_signed_token, services, sub=client, scope=" ".join(everything))
    refused = {
        "an unknown key": {"X-API-Key": UNKNOWN_KEY},
        "an expired key": {"X-API-Key": expired},
        "a revoked key": {"X-API-Key": revoked},
        "an expired token": bearer(signed(exp=int(time.time()) - 60)),
        "a revoked key's token": bearer(signed(sub=revoked.split("_")[1])),
        "an expired key's token": bearer(signed(sub=expired.split("_")[1])),
        "the wrong audience": bearer(signed(aud="inventory")),
        "the wrong issuer": bearer(signed(iss="https://login.example.org/")),
        "no key id": bearer(signed(kid=None)),
        "a client that does not exist": bearer(signed(sub="0123456789abcdef")),
        "alg none": bearer(tokens(services)["unsigned"]),
        "HS256 with the public key": bearer(tokens(services)["signed with the public key"]),
    }

    def answers(operation: Operation) -> dict[str, tuple[int, Headers]]:
        scopes = {
            s for option in operation.spec["security"] for names in option.values() for s in names
        }
        given = {"devices:read"} if operation.operation_id == "create_api_key" else set()
        narrow = " ".join(sorted(scopes | given))
        others = [scope for scope in everything if scope not in scopes]
        return {
            "no credential": (401, {}),
            **{name: (401, headers) for name, headers in refused.items()},
            "a key without scopes": (403, {"X-API-Key": unscoped}),
            "a key with all other scopes": (403, {"X-API-Key": keys.create("others", others)}),
            "a token with all other scopes": (403, bearer(signed(scope=" ".join(others)))),
            "the right key": (0, {"X-API-Key": keys.create("right", scopes | given)}),
            "the right token": (0, bearer(signed(scope=narrow))),
        }

    yield answers
    keys.close()


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def a_signed_token(services: Services, *, kid: object = "", **changed: object) -> str:
    """A token as the gateway signs them, but for what is changed."""
    file = services.data / "gateway.key"
    token = sign_identity(file, audience="doorstep", scopes=[])
    claims = jwt.decode(token, options={"verify_signature": False}) | changed
    header = {} if kid is None else {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode(claims, file.read_bytes(), algorithm="EdDSA", headers=header)


@pytest.mark.parametrize("operation", SCOPED, ids=named)
def test_the_security_table(
    services: Services,
    table: Callable[[Operation], dict[str, tuple[int, Headers]]],
    operation: Operation,
) -> None:
    wrong = {}
    for name, (expected, headers) in table(operation).items():
        answer = ask(services.gateway_url, operation, **headers)
        right = refused(answer, expected) if expected else answer.status_code not in (401, 403, 500)
        if not right:
            wrong[name] = (answer.status_code, answer.text)

    assert wrong == {}


def test_a_revoked_key_is_401_within_moments(services: Services, a_key: Callable[..., str]) -> None:
    key = a_key("devices:read")
    operation = next(op for op in SCOPED if op.operation_id == "list_devices")
    assert ask(services.gateway_url, operation, **{"X-API-Key": key}).status_code == 200

    keys = ApiKeys(services.data / "gateway.db")
    keys.revoke(key.split("_")[1])
    keys.close()

    wait_for(
        lambda: refused(ask(services.gateway_url, operation, **{"X-API-Key": key})),
        "the key to be refused",
    )


@pytest.mark.parametrize("operation", SERVED, ids=named)
def test_the_inventory_answers_to_the_gateways_identity_alone(
    services: Services, operation: Operation, identity: Callable[..., str]
) -> None:
    almost = [
        {},
        {"X-API-Key": services.admin_key},
        {"Authorization": "Bearer garbage"},
        {"Authorization": "Bearer " + identity(audience="doorstep")},
        {"Authorization": "Bearer " + identity(lifetime=-1)},
        *({"Authorization": f"Bearer {token}"} for n, token in tokens(services).items()
          if n != "for the inventory"),
    ]  # fmt: skip

    assert all(refused(ask(services.inventory_url, operation, **headers)) for headers in almost)
    unscoped = ask(services.inventory_url, operation, Authorization=f"Bearer {identity(scopes=[])}")
    assert refused(unscoped, 403)
    right = ask(services.inventory_url, operation, Authorization=f"Bearer {identity()}")
    assert right.status_code not in (401, 403)


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
    operations = {op.operation_id: op for op in SCOPED}

    listed = ask(services.gateway_url, operations["list_devices"], **headers)
    created = ask(services.gateway_url, operations["create_device"], **headers)

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
