"""Tokens of an outside issuer, which publishes its keys over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.services import Services

ISS = "https://login.example.org/"
BOUND_ISS = "https://tenants.example.org/"
AUDIENCE = "doorstep-api"


class Issuer:
    """An issuer's keys and the server that publishes them."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {"rsa": rsa.generate_private_key(65537, 2048)}
        self.fetches = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                content = json.dumps({"keys": issuer.jwks()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def jwks(self) -> list[dict[str, Any]]:
        """The key set, with things in it that are passed over."""
        keys: list[dict[str, Any]] = [
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
            {"kty": "RSA"},
            {"kty": "EC", "kid": "broken"},
        ]
        for kid, key in self.private.items():
            algorithm: Any = jwt.algorithms.RSAAlgorithm if kid == "rsa" else (
                jwt.algorithms.ECAlgorithm
            )  # fmt: skip
            keys.append(algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid})
        return keys

    def pem(self) -> bytes:
        """The public key, as the classic confusion of algorithms takes it for a secret."""
        public: bytes = (
            self.private["rsa"]
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        return public


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Services]:
    common = {"audience": AUDIENCE, "jwks_url": issuer.url, "algorithms": ["RS256", "ES256"]}
    settings = [
        common | {"iss": ISS, "leeway_seconds": 5},
        common | {"iss": BOUND_ISS, "scope_claim": "permissions", "customer_claim": "org"},
        common | {"iss": "https://down.example.org/", "jwks_url": "http://127.0.0.1:9/keys"},
    ]
    data = tmp_path_factory.mktemp("services")
    with Services(data, {"OIDC_ISSUERS": json.dumps(settings)}) as services:
        yield services


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": ISS, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300}
    merged = claims | {"scope": "devices:read openid"} | changed
    return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture
def ask(services: Services) -> Callable[..., requests.Response]:
    def ask(token: str, method: str = "GET", **options: Any) -> requests.Response:
        url, headers = services.gateway_url + "/v1/devices", {"Authorization": f"Bearer {token}"}
        return requests.request(method, url, headers=headers, timeout=30, **options)

    return ask


def rs256(issuer: Issuer, kid: str | None = "rsa", **changed: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changed), issuer.private["rsa"], "RS256", headers=headers)


def test_a_token_of_the_issuer_is_good_for_its_scopes(
    issuer: Issuer, ask: Callable[..., requests.Response]
) -> None:
    token = rs256(issuer)

    assert ask(token).status_code == 200
    body = {"name": "x", "device_type": "light"}
    assert ask(token, "POST", json=body).status_code == 403


def test_what_is_almost_right_is_401(issuer: Issuer, ask: Callable[..., requests.Response]) -> None:
    now = int(time.time())
    stranger = rsa.generate_private_key(65537, 2048)
    header = {"kid": "rsa"}
    almost = {
        "expired": rs256(issuer, exp=now - 60),
        "not yet": rs256(issuer, nbf=now + 60),
        "without an end": rs256(issuer, exp=None),
        "without a subject": rs256(issuer, sub=None),
        "wrong audience": rs256(issuer, aud="somebody-else"),
        "without an audience": rs256(issuer, aud=None),
        "wrong issuer": rs256(issuer, iss="https://evil.example.org/"),
        "the gateway's name": rs256(issuer, iss="doorstep-gateway", aud="doorstep"),
        "no kid": rs256(issuer, kid=None),
        "another's kid": rs256(issuer, kid="nobody's"),
        "a secret's kid": jwt.encode(claims(), b"secret" * 8, "HS256", headers={"kid": "secret"}),
        "alg none": jwt.encode(claims(), None, "none", headers=header),
        "another key": jwt.encode(claims(), stranger, "RS256", headers=header),
        "an algorithm that is not allowed": jwt.encode(
            claims(), issuer.private["rsa"], "RS512", headers=header
        ),
        "signed with the public key": confused(issuer),
        "scopes that are none": rs256(issuer, scope={"devices:read": True}),
        "without a customer": rs256(issuer, iss=BOUND_ISS, permissions=["devices:read"]),
        "a customer that cannot be": rs256(issuer, iss=BOUND_ISS, org="a b"),
    }

    answers = {name: ask(token) for name, token in almost.items()}

    assert {name: a.status_code for name, a in answers.items() if a.status_code != 401} == {}
    assert all("invalid_token" in a.headers["WWW-Authenticate"] for a in answers.values())


def confused(issuer: Issuer) -> str:
    """HS256 by the public key, which PyJWT itself refuses to make."""

    def encoded(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = encoded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).encode())
    signed = head + b"." + encoded(json.dumps(claims()).encode())
    return (signed + b"." + encoded(hmac.digest(issuer.pem(), signed, hashlib.sha256))).decode()


def test_clocks_may_differ_by_the_leeway(
    issuer: Issuer, ask: Callable[..., requests.Response]
) -> None:
    now = int(time.time())

    assert ask(rs256(issuer, nbf=now + 3, iat=now + 3)).status_code == 200


def test_a_token_of_a_customer_sees_that_customers_things(
    services: Services, issuer: Issuer, ask: Callable[..., requests.Response]
) -> None:
    with requests.Session() as session:
        session.headers["X-API-Key"] = services.admin_key
        for customer in ("a", "b"):
            url = f"{services.gateway_url}/v1/customers/oidc-{customer}"
            session.put(url, json={"name": customer}, timeout=30).raise_for_status()
            device = {"name": "x", "device_type": "light", "customer_id": f"oidc-{customer}"}
            url = f"{services.gateway_url}/v1/devices/oidc-{customer}-device"
            session.put(url, json=device, timeout=30).raise_for_status()

    answer = ask(rs256(issuer, iss=BOUND_ISS, org="oidc-a", permissions=["devices:read"]))

    assert [item["identifier"] for item in answer.json()["items"]] == ["oidc-a-device"]


def test_an_issuer_whose_keys_cannot_be_had_is_503(
    issuer: Issuer, ask: Callable[..., requests.Response]
) -> None:
    answer = ask(rs256(issuer, iss="https://down.example.org/"))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"


def test_unknown_keys_do_not_make_the_gateway_ask_again_and_again(
    issuer: Issuer, ask: Callable[..., requests.Response]
) -> None:
    ask(rs256(issuer))
    before = issuer.fetches

    for number in range(20):
        assert ask(rs256(issuer, kid=f"unknown-{number}")).status_code == 401

    assert issuer.fetches - before <= 1
    assert ask(rs256(issuer)).status_code == 200


def test_keys_of_elliptic_curves_are_taken(tmp_path: Any, issuer: Issuer) -> None:
    issuer.private["ec"] = ec.generate_private_key(ec.SECP256R1())
    entry = {"iss": ISS, "audience": AUDIENCE, "jwks_url": issuer.url, "algorithms": ["ES256"]}
    file = tmp_path / "issuers.json"
    file.write_text(json.dumps([entry]))
    with Services(tmp_path / "data", {"OIDC_ISSUERS": str(file)}) as services:
        token = jwt.encode(claims(), issuer.private["ec"], "ES256", headers={"kid": "ec"})
        headers = {"Authorization": f"Bearer {token}"}
        url = services.gateway_url + "/v1/devices"

        assert requests.get(url, headers=headers, timeout=30).status_code == 200
        headers = {"Authorization": f"Bearer {rs256(issuer)}"}
        assert requests.get(url, headers=headers, timeout=30).status_code == 401
