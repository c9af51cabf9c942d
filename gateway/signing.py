"""The gateway's key pair (Ed25519), and the JWTs that it signs with it (RFC 7519, RFC 8037)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ISSUER = "doorstep-gateway"
ALGORITHM = "EdDSA"


class Signer:
    """Signs and verifies the gateway's own tokens."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._x = _base64url(raw)
        self.kid = _base64url(hashlib.sha256(raw).digest()[:12])

    def sign(self, *, audience: str, subject: str, scopes: Collection[str], lifetime: int) -> str:
        """A token for the subject; ``lifetime`` in seconds."""
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
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def verify(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token that this key signed for this audience, or ``PyJWTError``."""
        claims: dict[str, Any] = jwt.decode(
            token,
            self._public,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub"]},
        )
        return claims

    def key_set(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517)."""
        key = {"kty": "OKP", "crv": "Ed25519", "x": self._x, "kid": self.kid}
        return {"keys": [key | {"use": "sig", "alg": ALGORITHM}]}


def load_signer(private: Path, public: Path) -> Signer:
    """The signer of the key in ``private`` (PEM, 0600), which is made when there is none.

    ``public`` gets the key set for the services behind the gateway. Workers that start together
    agree on one key: the first to link its file in place wins.
    """
    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not private.exists():
        _write_new(private, _generate())
    key = load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{private} holds no Ed25519 key")
    signer = Signer(key)
    _publish(public, json.dumps(signer.key_set()).encode())
    return signer


def _generate() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_new(file: Path, content: bytes) -> None:
    draft = _draft(file, content)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass  # another worker was first; its key is the one
    finally:
        draft.unlink()


def _publish(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        _draft(file, content).replace(file)


def _draft(file: Path, content: bytes) -> Path:
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    return draft


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
