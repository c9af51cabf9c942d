"""Takes every credential that the contract's security describes, and believes what it says.

There is nobody to ask whether it is good, unless the mock is told which are. What a token says of
itself (a JWT's ``exp`` and ``scope``) is heeded, so that a consumer can test how it is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jwt
from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE

from contracts.contract import Contract
from openapi.problems import UNAUTHORIZED, InsufficientScope, Problem

_PLACES = {"query": "query_params", "header": "headers", "cookie": "cookies"}


class AnyCredential:
    """Connexion's handler for each kind of scheme. ``challenge``: of a 401.

    ``good``: the only keys and tokens that are taken; any, when there is none.
    """

    def __init__(self, challenge: str, good: Collection[str] = ()) -> None:
        self._challenge = challenge
        self._good = frozenset(good)

    def get_fn(
        self, scheme: Mapping[str, Any], scopes: list[str]
    ) -> Callable[[ConnexionRequest], Any]:
        """The check of one operation; called once, when the mock starts."""
        required = frozenset(scopes)

        def check(request: ConnexionRequest) -> Any:
            given = self._given(scheme, request)
            if given is None:
                return NO_VALUE
            if self._good and given not in self._good:
                raise self._refused("The credential is none of those that the mock was given.")
            claims = self._claims(given)
            if "scopes" in claims and not required <= claims["scopes"]:
                raise self._insufficient(required)
            return {"sub": given, "scopes": required} | claims

        return check

    def _given(self, scheme: Mapping[str, Any], request: ConnexionRequest) -> str | None:
        if scheme["type"] == "apiKey":
            found: str | None = getattr(request, _PLACES[scheme["in"]]).get(scheme["name"])
            return found
        header = request.headers.get("authorization")
        if header is None:
            return None
        kind, _, value = header.partition(" ")
        wanted = str(scheme["scheme"]) if scheme["type"] == "http" else "bearer"
        if kind.lower() != wanted.lower() or not value.strip():
            raise self._refused(f"Authorization has to be of the scheme {wanted}.")
        return str(value.strip())

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            said = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        except jwt.PyJWTError:
            return {}
        if isinstance(said.get("exp"), int | float) and said["exp"] <= time.time():
            raise self._refused("The token has expired.")
        scope = said.get("scope")
        return {"scopes": frozenset(scope.split())} if isinstance(scope, str) else {}

    def _refused(self, detail: str) -> Problem:
        return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": self._challenge})

    def _insufficient(self, required: frozenset[str]) -> InsufficientScope:
        scopes = " ".join(sorted(required))
        told = f'Bearer error="insufficient_scope", scope="{scopes}"'
        return InsufficientScope(None, f"This operation needs the scope {scopes}.", told)


def kinds_of(contract: Contract) -> frozenset[str]:
    """The kinds of the contract's schemes, as Connexion calls them."""
    schemes = contract.document.content.get("components", {}).get("securitySchemes", {}).values()
    return frozenset(
        str(each["scheme"]).lower() if each["type"] == "http" else str(each["type"])
        for each in schemes
    )
