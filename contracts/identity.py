"""Stands in for the gateway where a test has to talk to the inventory directly."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

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
    claims = identity_claims(audience, scopes, lifetime, client)
    return sign(private, claims if tenant is None else claims | {"tenant": tenant})


def identity_claims(
    audience: str, scopes: Collection[str], lifetime: int = 3600, subject: str = "contracts"
) -> dict[str, Any]:
    """What such a token says."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "sub": subject, "scope": " ".join(sorted(scopes))}
    return claims | {"iat": now, "exp": now + lifetime}


def sign(private: Path, claims: Mapping[str, Any], *, names_key: bool = True) -> str:
    """The claims as a token; ``names_key``: its header says by which key it was signed."""
    key = load_pem_private_key(private.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    header = {"kid": _kid(key)} if names_key else {}
    return jwt.encode(dict(claims), key, algorithm="EdDSA", headers=header)


def _kid(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()[:12]).decode().rstrip("=")
