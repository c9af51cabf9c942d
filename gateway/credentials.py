"""Connexion's security handlers: whatever credential a request has becomes one principal."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE

from gateway.api_keys import FRESH, REMEMBERED, ApiKey, ApiKeys
from gateway.signing import Signer
from openapi.problems import INSUFFICIENT_SCOPE, UNAUTHORIZED, Problem

AUDIENCE = "doorstep"  # of access tokens
CHALLENGE = 'Bearer realm="doorstep", ApiKey realm="doorstep"'
BASIC_CHALLENGE = 'Basic realm="doorstep", charset="UTF-8"'

Check = Callable[[ConnexionRequest], Any]
Principal = dict[str, Any]


class ClientRefused(Exception):
    """The token endpoint's client is unknown or its secret wrong (RFC 6749 §5.2)."""


class ApiKeyCredential:
    """``X-API-Key``."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def get_fn(self, scheme: Mapping[str, Any], required_scopes: list[str]) -> Check:
        """The check of one operation; called once, when the gateway starts."""
        name, required = scheme["name"], frozenset(required_scopes)

        def check(request: ConnexionRequest) -> Any:
            given = request.headers.get(name)
            if given is None:
                return NO_VALUE
            key = self._keys.verify(given)
            if key is None:
                raise _refused("The API key is not valid.")
            return _principal(key.id, key.scopes, required)

        return check


class BearerCredential:
    """``Authorization: Bearer``, with a token from ``/oauth/token``."""

    def __init__(self, keys: ApiKeys, signer: Signer) -> None:
        self._keys = keys
        self._signer = signer
        self._lately: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def get_fn(self, _scheme: Mapping[str, Any], required_scopes: list[str]) -> Check:
        """The check of one operation; called once, when the gateway starts."""
        required = frozenset(required_scopes)

        def check(request: ConnexionRequest) -> Any:
            given = request.headers.get("authorization")
            if given is None:
                return NO_VALUE
            claims = self._claims(given)
            return _principal(claims["sub"], frozenset(claims["scope"].split()), required)

        return check

    def _claims(self, given: str) -> Mapping[str, Any]:
        # A signature takes ten times as long to verify as all the rest of a request's checks.
        at, claims = self._lately.get(given, (-FRESH, {}))
        if time.monotonic() - at >= FRESH:
            claims = self._verify(given)
            if len(self._lately) >= REMEMBERED:
                self._lately.clear()
            self._lately[given] = (time.monotonic(), claims)
        return claims

    def _verify(self, given: str) -> Mapping[str, Any]:
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer":
            raise _refused("Authorization is not of the Bearer scheme.")
        try:
            claims = self._signer.verify(token, audience=AUDIENCE)
        except jwt.PyJWTError as exc:
            raise _refused("The access token is not valid, or it is over.") from exc
        if not self._keys.is_live(claims["sub"]):
            raise _refused("The access token's client was revoked.")
        return claims


class ClientCredential:
    """HTTP Basic with the two parts of an API key, for the token endpoint."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def get_fn(self, _scheme: Mapping[str, Any], _scopes: list[str]) -> Check:
        """The check of the token endpoint. A missing credential is refused here too."""

        def check(request: ConnexionRequest) -> Any:
            key = self._client(request.headers.get("authorization") or "")
            if key is None:
                raise ClientRefused
            return {"sub": key.id, "scopes": key.scopes}

        return check

    def _client(self, given: str) -> ApiKey | None:
        scheme, _, encoded = given.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._keys.verify_parts(user, password)


def _principal(subject: str, scopes: frozenset[str], required: frozenset[str]) -> Principal:
    if not required <= scopes:
        needed = " ".join(sorted(required))
        challenge = f'Bearer realm="doorstep", error="insufficient_scope", scope="{needed}"'
        raise Problem(
            INSUFFICIENT_SCOPE,
            f"This operation needs the scope {needed}.",
            headers={"WWW-Authenticate": challenge},
        )
    return {"sub": subject, "scopes": scopes}


def _refused(detail: str) -> Problem:
    challenge = 'Bearer realm="doorstep", error="invalid_token", ApiKey realm="doorstep"'
    return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
