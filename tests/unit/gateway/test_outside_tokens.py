"""Which signatures of an outside issuer's key are taken."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway import issuer_keys
from gateway.issuers import Issuer
from gateway.outside_tokens import TokenRefused, _claims

ISS = "https://login.example.org/"


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def read(private: rsa.RSAPrivateKey, **more: str) -> issuer_keys.IssuerKey:
    jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    content = json.dumps({"keys": [jwk | {"kid": "a"} | more]}).encode()
    return issuer_keys._read(content)["a"]


def a_token(private: rsa.RSAPrivateKey, algorithm: str) -> str:
    claims = {"iss": ISS, "aud": "api", "sub": "s", "exp": int(time.time()) + 60}
    return jwt.encode(claims, private, algorithm)


def an_issuer(*algorithms: str) -> Issuer:
    return Issuer(ISS, "api", "https://login.example.org/keys", algorithms)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256"])
def test_a_key_without_an_algorithm_is_good_for_those_of_its_type_and_issuer(
    private: rsa.RSAPrivateKey, algorithm: str
) -> None:
    issuer = an_issuer("RS256", "RS512", "PS256", "ES256")

    claims = _claims(a_token(private, algorithm), read(private), issuer)

    assert claims["sub"] == "s"


@pytest.mark.parametrize(
    ("own", "taken"),
    [
        ({"alg": "RS256"}, ["RS256", "PS256"]),  # it is held to its own
        ({}, ["RS256", "ES256"]),  # the issuer does not use it
        ({}, ["ES256"]),  # nothing fits the type
    ],
)
def test_other_algorithms_are_refused(
    private: rsa.RSAPrivateKey, own: dict[str, str], taken: list[str]
) -> None:
    with pytest.raises(TokenRefused):
        _claims(a_token(private, "PS256"), read(private, **own), an_issuer(*taken))
