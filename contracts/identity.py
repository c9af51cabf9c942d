"""Stands in for the gateway where a test has to talk to the inventory directly."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Collection
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

ISSUER = "doorstep-gateway"


def sign_identity(
    private: Path,
    *,
    audience: str,
    scopes: Collection[str],
    lifetime: int = 3600,
    tenant: str | None = None,
    client: str = "contracts",
) -> str:
    """A token as the gateway signs them, by the key in its file; ``lifetime`` in seconds."""
    key = load_pem_private_key(private.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "sub": client, "scope": " ".join(scopes)}
    times = {"iat": now, "exp": now + lifetime}
    bound = {} if tenant is None else {"tenant": tenant}
    return jwt.encode(claims | times | bound, key, algorithm="EdDSA", headers={"kid": _kid(key)})


def _kid(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()[:12]).decode().rstrip("=")
