"""The signed identity that tells an upstream who sent a request, and what the sender may do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.signing import Signer

LIFETIME = 120  # seconds; short, as an upstream does not ask whether it was revoked
RENEWED = 60  # seconds of life left at which a new one is signed
REMEMBERED = 4096
ANONYMOUS: Mapping[str, Any] = {"sub": "anonymous", "scopes": frozenset()}


class Identities:
    """Signs identities, one for each principal, scopes and upstream, for as long as it is good.

    A key that signs no more may verify no more, so the identities of a new key are new."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._signed: dict[tuple[str, frozenset[str], str | None, str], tuple[float, str]] = {}
        self._kid = signer.kid

    def header(self, principal: Mapping[str, Any], upstream: str) -> str:
        """The ``Authorization`` header for the upstream; of nobody when there is no principal."""
        principal = principal or ANONYMOUS
        tenant: str | None = principal.get("tenant")
        key = (principal["sub"], principal["scopes"], tenant, upstream)
        if self._kid != self._signer.kid:
            self._kid = self._signer.kid
            self._signed.clear()
        until, header = self._signed.get(key, (0.0, ""))
        if time.monotonic() < until:
            return header
        token = self._signer.sign(
            audience=upstream, subject=key[0], scopes=key[1], tenant=tenant, lifetime=LIFETIME
        )
        if len(self._signed) >= REMEMBERED:
            self._signed.clear()
        self._signed[key] = (time.monotonic() + LIFETIME - RENEWED, f"Bearer {token}")
        return f"Bearer {token}"
