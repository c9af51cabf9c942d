"""Access tokens of outside issuers: verified by the issuer's keys, and read as a principal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.api_keys import ApiKey
from gateway.issuer_keys import IssuerKey, IssuerKeys
from gateway.issuers import Issuer

_CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_REQUIRED = ["exp", "iss", "aud", "sub"]


class TokenRefused(Exception):
    """The token is not good; the message says why, to the client."""


@dataclass(frozen=True, slots=True)
class _Trusted:
    issuer: Issuer
    keys: IssuerKeys


class OutsideTokens:
    """Verifies the tokens of the issuers that are configured."""

    def __init__(self, issuers: Iterable[Issuer], known_scopes: Collection[str]) -> None:
        """``known_scopes``: the contract's; what else a token claims is passed over."""
        self._trusted = {one.iss: _Trusted(one, IssuerKeys(one.jwks_url)) for one in issuers}
        self._known_scopes = frozenset(known_scopes)

    def takes(self, issuer: object) -> bool:
        """Whether this is the ``iss`` of a configured issuer."""
        return isinstance(issuer, str) and issuer in self._trusted

    async def verify(self, token: str, iss: str) -> ApiKey:
        """Who the token speaks for; ``TokenRefused`` or ``KeysUnavailable``."""
        trusted = self._trusted[iss]
        header = jwt.get_unverified_header(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in trusted.issuer.algorithms:
            raise TokenRefused("The access token's algorithm is not one that its issuer uses.")
        if not isinstance(kid, str):
            raise TokenRefused("The access token does not say by which key it is signed.")
        key = trusted.keys.known(kid) or await trusted.keys.find(kid)
        if key is None:
            raise TokenRefused("The access token is signed by a key that its issuer does not have.")
        return self._read(_claims(token, key, trusted.issuer), trusted.issuer)

    def _read(self, claims: dict[str, Any], issuer: Issuer) -> ApiKey:
        scopes = claims.get(issuer.scope_claim, "")
        named = scopes.split() if isinstance(scopes, str) else scopes
        if not isinstance(named, list):
            raise TokenRefused(f"The access token's {issuer.scope_claim} is no list of scopes.")
        held = self._known_scopes & {scope for scope in named if isinstance(scope, str)}
        subject = subject_of(issuer.iss, claims["sub"])
        return ApiKey(subject, claims["sub"], held, _customer(claims, issuer))


def subject_of(iss: str, sub: str) -> str:
    """The principal's subject: of one length, the same each time, and never a key's id."""
    return "oidc:" + hashlib.sha256(f"{len(iss)}:{iss}{sub}".encode()).hexdigest()[:32]


def _claims(token: str, key: IssuerKey, issuer: Issuer) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            # By both, or a token could choose how its key is used.
            algorithms=[each for each in issuer.algorithms if each in key.algorithms],
            audience=issuer.audience,
            issuer=issuer.iss,
            leeway=issuer.leeway,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as exc:
        raise TokenRefused("The access token is not valid, or it is over.") from exc
    return claims


def _customer(claims: dict[str, Any], issuer: Issuer) -> str | None:
    if issuer.customer_claim is None:
        return None
    customer = claims.get(issuer.customer_claim)
    # Without one it would be good for everybody's things.
    if not isinstance(customer, str) or not _CUSTOMER.fullmatch(customer):
        raise TokenRefused(f"The access token's {issuer.customer_claim} names no customer.")
    return customer
