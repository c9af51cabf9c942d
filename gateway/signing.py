"""The JWTs that the gateway signs (RFC 7519, RFC 8037), by the newest of its keys."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt

from gateway.signing_keys import ALGORITHM, Jwk, KeyFiles, SigningKeyFault, to_jwk

__all__ = ["ISSUER", "Signer", "SigningKeyFault", "keeping_up", "load_signer"]

ISSUER = "doorstep-gateway"
LOOKED_AT = 1.0  # seconds between two looks at the files of the keys

logger = logging.getLogger(__name__)


class Signer:
    """Signs and verifies the gateway's own tokens. ``kid``: the key that signs."""

    def __init__(self, files: KeyFiles) -> None:
        self._files = files
        self._state = files.state()
        self._load()

    def refresh(self) -> None:
        """Takes up what has changed in the files of the keys."""
        state = self._files.state()
        if state == self._state:
            return
        self._state = state
        try:
            self._load()
        except SigningKeyFault as exc:
            logger.error("the signing key stays what it was: %s", exc)

    def _load(self) -> None:
        key = self._files.read()
        current = to_jwk(key)
        self.kid = str(current["kid"])
        self._key = key
        earlier = [jwk for jwk in self._files.published() if jwk.get("kid") != self.kid]
        self._jwks: list[Jwk] = [current, *earlier]
        self._public = {str(jwk["kid"]): jwt.PyJWK(jwk) for jwk in self._jwks if "kid" in jwk}
        self._until = {str(jwk["kid"]): jwk["exp"] for jwk in earlier if "exp" in jwk}

    def sign(
        self,
        *,
        audience: str,
        subject: str,
        scopes: Collection[str],
        lifetime: int,
        tenant: str | None = None,
    ) -> str:
        """A token for the subject; ``lifetime`` in seconds. ``tenant``: its one customer."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": subject,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(8),
        }
        if tenant is not None:
            claims["tenant"] = tenant
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def verify(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token that one of the keys signed for this audience; ``PyJWTError``."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise jwt.InvalidAlgorithmError("The algorithm is not ours")
        claims: dict[str, Any] = jwt.decode(
            token,
            self._verifier(str(header.get("kid"))),
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub"]},
        )
        return claims

    def _verifier(self, kid: str) -> jwt.PyJWK:
        if kid not in self._public:
            self.refresh()  # another worker may have seen a new key a moment before this one
        if kid not in self._public or self._until.get(kid, float("inf")) <= time.time():
            raise jwt.InvalidKeyError("There is no such key, or no longer")
        return self._public[kid]

    def key_set(self) -> dict[str, Any]:
        """The public keys that verify now as a JWK set (RFC 7517), the one that signs first."""
        return {"keys": [jwk for jwk in self._jwks if jwk.get("exp", float("inf")) > time.time()]}


def load_signer(private: Path, public: Path) -> Signer:
    """The signer of the key in ``private`` (PEM, 0600), which is made when there is none.

    ``public`` gets the key set for the services behind the gateway. Workers that start together
    agree on one key.
    """
    files = KeyFiles(private, public)
    files.prepare()
    return Signer(files)


@asynccontextmanager
async def keeping_up(signer: Signer) -> AsyncIterator[None]:
    """Has the signer take up new keys, so that no request has to look for them."""

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOKED_AT)
            signer.refresh()

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
