"""Connexion's security handlers: whatever credential a request has becomes one principal."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jwt
from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE

from gateway.api_keys import FRESH, REMEMBERED, ApiKey, ApiKeys
from gateway.issuer_keys import COOL_DOWN, KeysUnavailable
from gateway.outside_tokens import OutsideTokens, TokenRefused
from gateway.signing import Signer
from openapi.problems import SERVICE_UNAVAILABLE, UNAUTHORIZED, InsufficientScope, Problem

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
            return _principal(key, key.scopes, required)

        return check


class BearerCredential:
    """``Authorization: Bearer``, with a token from ``/oauth/token`` or of an outside issuer."""

    def __init__(self, keys: ApiKeys, signer: Signer, outside: OutsideTokens) -> None:
        self._keys = keys
        self._signer = signer
        self._outside = outside
        self._lately: dict[str, tuple[float, ApiKey]] = {}

    def get_fn(self, _scheme: Mapping[str, Any], required_scopes: list[str]) -> Check:
        """The check of one operation; called once, when the gateway starts."""
        required = frozenset(required_scopes)

        def check(request: ConnexionRequest) -> Any:
            given = request.headers.get("authorization")
            if given is None:
                return NO_VALUE
            # A signature takes ten times as long to verify as all the rest of a request's checks.
            lately = self._lately.get(given)
            if lately is not None and time.monotonic() - lately[0] < FRESH:
                return _principal(lately[1], lately[1].scopes, required)
            token = _token(given)
            iss = _issuer(token)
            if self._outside.takes(iss):
                return self._check_outside(given, token, iss, required)  # Connexion awaits it
            key = self._remember(given, self._verify(token))
            return _principal(key, key.scopes, required)

        return check

    def _remember(self, given: str, key: ApiKey) -> ApiKey:
        if len(self._lately) >= REMEMBERED:
            self._lately.clear()
        self._lately[given] = (time.monotonic(), key)
        return key

    async def _check_outside(
        self, given: str, token: str, iss: str, required: frozenset[str]
    ) -> Principal:
        try:
            key = await self._outside.verify(token, iss)
        except TokenRefused as exc:
            raise _refused(str(exc)) from exc
        except KeysUnavailable as exc:
            raise Problem(
                SERVICE_UNAVAILABLE,
                "The keys of the access token's issuer cannot be had just now.",
                headers={"Retry-After": f"{COOL_DOWN:.0f}"},
            ) from exc
        self._remember(given, key)
        return _principal(key, key.scopes, required)

    def _verify(self, token: str) -> ApiKey:
        """The token's client, with the scopes of the token alone."""
        try:
            claims = self._signer.verify(token, audience=AUDIENCE)
        except jwt.PyJWTError as exc:
            raise _refused("The access token is not valid, or it is over.") from exc
        key = self._keys.find(claims["sub"])
        if key is None:
            raise _refused("The access token's client is revoked or expired.")
        # A key that has lost a scope takes it from the tokens that were issued before.
        return replace(key, scopes=key.scopes & frozenset(claims["scope"].split()))


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
            return {"sub": key.id, "scopes": key.scopes, "unlimited": key.unlimited}

        return check

    def _client(self, given: str) -> ApiKey | None:
        scheme, _, encoded = given.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # not base64, or not UTF-8
            return None
        return self._keys.verify_parts(user, password)


def _token(given: str) -> str:
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise _refused("Authorization is not of the Bearer scheme.")
    return token


def _issuer(token: str) -> Any:
    """Who the token says that it is of; nothing is verified yet."""
    try:
        return jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError) as exc:
        raise _refused("The access token is not valid, or it is over.") from exc


def _principal(key: ApiKey, scopes: frozenset[str], required: frozenset[str]) -> Principal:
    if not required <= scopes:
        needed = " ".join(sorted(required))
        challenge = f'Bearer realm="doorstep", error="insufficient_scope", scope="{needed}"'
        raise InsufficientScope(key.id, f"This operation needs the scope {needed}.", challenge)
    return {
        "sub": key.id,
        "scopes": scopes,
        "tenant": key.customer,
        "unlimited": key.unlimited,
    }


def _refused(detail: str) -> Problem:
    challenge = 'Bearer realm="doorstep", error="invalid_token", ApiKey realm="doorstep"'
    return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
