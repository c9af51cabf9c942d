"""Access tokens by OAuth 2.0 client credentials (RFC 6749 §4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.credentials import AUDIENCE
from gateway.signing import Signer

LIFETIME = 900  # seconds


class ScopeRefused(Exception):
    """The client asked for scopes that it does not have; the message names them."""


class Tokens:
    """Issues access tokens."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def issue(self, client: Mapping[str, Any], request: Mapping[str, str]) -> dict[str, Any]:
        """The contract's ``Token``, with the scopes asked for or all that the client has."""
        asked = frozenset(request["scope"].split()) if "scope" in request else client["scopes"]
        missing = asked - client["scopes"]
        if missing:
            raise ScopeRefused(" ".join(sorted(missing)))
        token = self._signer.sign(
            audience=AUDIENCE, subject=client["sub"], scopes=asked, lifetime=LIFETIME
        )
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "scope": " ".join(sorted(asked)),
        }
