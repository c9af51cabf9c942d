"""The public keys of an outside issuer (RFC 7517): fetched, kept, and fetched anew in time."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

logger = logging.getLogger(__name__)

COOL_DOWN = 30.0  # seconds between two fetches, however many unknown keys are named
KEPT = 600.0  # seconds after which the keys are fetched anew: one may have been withdrawn
GIVEN_UP = 24 * 3600.0  # seconds after which keys that cannot be fetched anew are forgotten
PATIENCE = 5.0  # seconds
LARGEST = 256 * 1024  # bytes of a key set

# What a key is good for by its type, and its curve (RFC 7518 §3.1, RFC 8037), unless it says more.
_BY_TYPE = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
}

_FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key, and the algorithms that a signature by it may have."""

    key: Any
    algorithms: tuple[str, ...]


class KeysUnavailable(Exception):
    """The issuer's keys were never had, or not for a long time."""


class IssuerKeys:
    """One issuer's keys by their ids. Waiters share one fetch."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, IssuerKey] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._lock = asyncio.Lock()

    def known(self, kid: str) -> IssuerKey | None:
        """The key, when it is at hand and fresh: nothing is waited for."""
        if self._fetched is None or time.monotonic() - self._fetched >= KEPT:
            return None
        return self._keys.get(kid)

    async def find(self, kid: str) -> IssuerKey | None:
        """The key, from the issuer if need be; None when it has no such key."""
        async with self._lock:
            if self.known(kid) is None and self._may_fetch():
                await self._fetch()
        if self._fetched is None or time.monotonic() - self._fetched >= GIVEN_UP:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _may_fetch(self) -> bool:
        return self._tried is None or time.monotonic() - self._tried >= COOL_DOWN

    async def _fetch(self) -> None:
        self._tried = time.monotonic()
        try:
            self._keys = _read(await _get(self._url))
            self._fetched = time.monotonic()
        except _FAULTS as exc:
            logger.warning("the keys at %s cannot be had: %s: %s", self._url, type(exc).__name__,
                           exc)  # fmt: skip


async def _get(url: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    # No redirect: it could lead to where the setting's check would not have let us.
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise ValueError(f"the answer is {response.status}")
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > LARGEST:
                raise ValueError(f"the key set has more than {LARGEST} bytes")
        return bytes(content)


def _read(content: bytes) -> dict[str, IssuerKey]:
    keys: dict[str, IssuerKey] = {}
    for entry in json.loads(content)["keys"]:
        if _verifies(entry):
            try:
                keys[entry["kid"]] = IssuerKey(jwt.PyJWK(entry).key, _algorithms(entry))
            except jwt.PyJWTError as exc:
                logger.info("a key of an issuer is passed over: %s", exc)
    return keys


def _algorithms(entry: dict[str, Any]) -> tuple[str, ...]:
    if "alg" in entry:
        return (entry["alg"],)
    return _BY_TYPE.get((entry["kty"], entry.get("crv")), ())


def _verifies(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kid"), str)
        and entry.get("use", "sig") == "sig"
        and entry.get("kty") in ("RSA", "EC", "OKP")  # never a secret that is published
    )
