"""The files of the gateway's key pairs (Ed25519): the one that signs, and those that still verify.

``gateway.key`` holds the private key that signs now, and no other private key is kept.
``gateway.jwks.json`` is a JWK set (RFC 7517) of its public key and of earlier ones, each of these
with ``exp``: the moment, in seconds since 1970, from which it verifies nothing more.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.private_files import replace_private

ALGORITHM = "EdDSA"
# Seconds for which the key before verifies at the least: workers that have not seen the new one yet
# still sign with it, and would be refused by each other and by the inventory.
SETTLING = 3

Jwk = dict[str, Any]


class SigningKeyFault(Exception):
    """The files of the keys are not as they have to be for this; the message says why."""


class KeyFiles:
    """The two files. Whoever changes them takes turns with all others."""

    def __init__(self, private: Path, public: Path) -> None:
        self.private = private
        self.public = public

    def prepare(self) -> None:
        """Makes a key when there is none, and the key set as it has to be."""
        self.private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._turn():
            if not self.private.exists():
                replace_private(self.private, _pem(Ed25519PrivateKey.generate()))
            self._publish(self.read(), self._earlier())

    def rotate(self, overlap: int) -> str:
        """Has a new key sign; the one before verifies for ``overlap`` seconds more. The new kid.

        For ``SETTLING`` seconds at the least.
        """
        with self._turn():
            new, old = Ed25519PrivateKey.generate(), to_jwk(self.read())
            until = int(time.time()) + max(overlap, SETTLING)
            # First the public key: what is signed with the new one can be verified at once.
            self._publish(new, [old | {"exp": until}, *self._earlier()])
            replace_private(self.private, _pem(new))
        return str(to_jwk(new)["kid"])

    def retire(self, kid: str) -> None:
        """Has an earlier key verify nothing more, or ``SigningKeyFault``."""
        with self._turn():
            current, earlier = self.read(), self._earlier()
            if kid == to_jwk(current)["kid"]:
                raise SigningKeyFault(f"{kid} signs; `signing-keys rotate` has another one sign")
            if all(key.get("kid") != kid for key in earlier):
                raise SigningKeyFault("no earlier key has this id; `signing-keys list` has the ids")
            self._publish(current, [key for key in earlier if key.get("kid") != kid])

    def read(self) -> Ed25519PrivateKey:
        """The key that signs, or ``SigningKeyFault``."""
        try:
            key = load_pem_private_key(self.private.read_bytes(), password=None)
        except OSError as exc:
            raise SigningKeyFault(f"{self.private} cannot be read: {exc.strerror}") from exc
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise SigningKeyFault(f"{self.private} holds no private key in PEM") from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyFault(f"{self.private} holds no Ed25519 key")
        return key

    def published(self) -> list[Jwk]:
        """The keys of the set, the one that signs first; none when it cannot be read."""
        try:
            keys = json.loads(self.public.read_bytes())["keys"]
            return [dict(key) for key in keys]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def state(self) -> object:
        """Something that is another when one of the files is."""
        return [_state(self.private), _state(self.public)]

    def _earlier(self) -> list[Jwk]:
        # One without an end signs no more, though nobody rotated it away: it was lost or taken.
        return [key for key in self.published() if key.get("exp", 0) > time.time()]

    def _publish(self, current: Ed25519PrivateKey, earlier: list[Jwk]) -> None:
        jwk = to_jwk(current)
        keys = [jwk, *(key for key in earlier if key.get("kid") != jwk["kid"])]
        content = json.dumps({"keys": keys}).encode()
        if not self.public.exists() or self.public.read_bytes() != content:
            replace_private(self.public, content)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        folder = os.open(self.private.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def to_jwk(key: Ed25519PrivateKey) -> Jwk:
    """The public key as a JWK (RFC 8037)."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kid = _base64url(hashlib.sha256(raw).digest()[:12])
    public = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(raw), "kid": kid}
    return public | {"use": "sig", "alg": ALGORITHM}


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _state(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
