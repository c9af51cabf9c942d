"""Verifies the identity that the gateway signs: the inventory trusts no network."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE

from openapi.problems import UNAUTHORIZED, InsufficientScope, Problem

AUDIENCE = "inventory"
ISSUER = "doorstep-gateway"
CHALLENGE = 'Bearer realm="doorstep-inventory"'
REMEMBERED = 1024  # verified tokens; the gateway sends one for each of its clients
LONGEST = 3600  # seconds for which an identity may be good; the gateway signs them for two minutes
LOOKED_AT = 1.0  # seconds after which it is seen that a key has gone

logger = logging.getLogger(__name__)


class KeySet:
    """The gateway's public keys, from the JWK set file that it writes (RFC 7517).

    A key with ``exp`` was rotated away: it verifies nothing from that moment on.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: dict[str, tuple[Any, float]] = {}
        self._state: object = None

    def refresh(self) -> object:
        """Takes up what has changed in the file. The same as before, when nothing has."""
        state = self._look()
        if state != self._state:
            self._state = state
            self._keys = self._read()
        return state

    def until(self, kid: str) -> float:
        """The moment from which the key verifies nothing more."""
        return self._keys[kid][1]

    def key(self, kid: str) -> Any:
        """The key of this id, or None. What is new in the file, or gone from it, is seen."""
        self.refresh()
        key, until = self._keys.get(kid, (None, 0.0))
        return key if time.time() < until else None

    def _look(self) -> object:
        try:
            found = self._file.stat()
        except OSError as exc:
            return exc.errno
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> dict[str, tuple[Any, float]]:
        try:
            keys = json.loads(self._file.read_bytes())["keys"]
            return {
                str(key["kid"]): (jwt.PyJWK(key), float(key.get("exp", "inf")))
                for key in keys
                if "kid" in key
            }
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as exc:
            logger.warning("the gateway's keys cannot be read: %s", exc)
            return {}


class GatewayIdentity:
    """Connexion's handler for each of the contract's schemes: here, the gateway's token alone.

    Whatever the gateway accepted, the identity has the scopes that it was accepted for.
    """

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys
        self._verified: dict[str, Mapping[str, Any]] = {}
        self._verified_by: object = None
        self._looked_at = 0.0

    def get_fn(
        self, _scheme: Mapping[str, Any], required_scopes: list[str]
    ) -> Callable[[ConnexionRequest], Any]:
        """The check of one operation; called once, when the service starts."""
        required = frozenset(required_scopes)

        def check(request: ConnexionRequest) -> Any:
            header = request.headers.get("authorization")
            if header is None:
                return NO_VALUE
            claims = self._claims(header)
            if not required <= claims["scopes"]:
                raise _insufficient(claims["sub"], required)
            return claims

        return check

    def _claims(self, header: str) -> Mapping[str, Any]:
        self._forget_if_keys_changed()
        claims = self._verified.get(header)
        if claims is None or claims["exp"] <= time.time():
            claims = self._verify(header)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified[header] = claims
        return claims

    def _forget_if_keys_changed(self) -> None:
        """What a key signed that has gone is not good any more, though it was verified before."""
        now = time.monotonic()
        if now - self._looked_at >= LOOKED_AT:
            self._looked_at = now
            keys = self._keys.refresh()
            if keys != self._verified_by:
                self._verified_by = keys
                self._verified.clear()

    def _verify(self, header: str) -> Mapping[str, Any]:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise _refused()
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            key = self._keys.key(kid)
            if key is None:
                raise _refused()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub"]},
            )
        except jwt.PyJWTError as exc:
            raise _refused() from exc
        if claims["exp"] - claims["iat"] > LONGEST:
            raise _refused()
        scopes = frozenset(str(claims.get("scope", "")).split())
        return claims | {"scopes": scopes, "exp": min(claims["exp"], self._keys.until(kid))}


def _refused() -> Problem:
    return Problem(
        UNAUTHORIZED,
        "The inventory answers to the gateway's signed identity alone.",
        headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
    )


def _insufficient(sub: str, required: frozenset[str]) -> Problem:
    scopes = " ".join(sorted(required))
    challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{scopes}"'
    return InsufficientScope(sub, f"This operation needs the scope {scopes}.", challenge)
