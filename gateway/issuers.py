"""Outside issuers of access tokens, as ``OIDC_ISSUERS`` describes them."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

from gateway.signing import ISSUER as OWN_ISSUER
from openapi.environment import SettingFault

NAME = "OIDC_ISSUERS"
# Signatures by a private key alone: what verifies must never be able to sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA")  # fmt: skip
_TEXT = {"type": "string", "minLength": 1, "maxLength": 2000}
_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["iss", "audience", "jwks_url"],
        "properties": {
            "iss": _TEXT,
            "audience": _TEXT,
            "jwks_url": _TEXT,
            "algorithms": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": list(ALGORITHMS)},
            },
            "scope_claim": _TEXT,
            "customer_claim": _TEXT,
            "leeway_seconds": {"type": "integer", "minimum": 0, "maximum": 300},
        },
    },
}
_VALIDATOR = jsonschema_rs.Draft7Validator(_SCHEMA)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken, and how they are read. ``leeway`` in seconds of clock skew.

    ``customer_claim``: names the one customer of a token, which then has to have it; None: the
    issuer's tokens are good for everybody's things.
    """

    iss: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...] = ("RS256",)
    scope_claim: str = "scope"
    customer_claim: str | None = None
    leeway: int = 30


def read_issuers(environ: Mapping[str, str]) -> tuple[Issuer, ...]:
    """The issuers of ``OIDC_ISSUERS``: a JSON array, or the path of a file with one."""
    given = (environ.get(NAME) or "").strip()
    if not given:
        return ()
    value = _parse(given)
    for error in _VALIDATOR.iter_errors(value):
        place = "".join(f"/{part}" for part in error.instance_path)
        raise SettingFault(f"{NAME}{place}: {error.message}")
    issuers = tuple(_issuer(entry, f"{NAME}/{at}") for at, entry in enumerate(value))
    for at, issuer in enumerate(issuers):
        if issuer.iss in (OWN_ISSUER, *(other.iss for other in issuers[:at])):
            raise SettingFault(f"{NAME}/{at}/iss: {issuer.iss} is taken")
    return issuers


def _parse(given: str) -> Any:
    try:
        return json.loads(given if given.startswith("[") else Path(given).read_text("utf-8"))
    except OSError as exc:
        raise SettingFault(
            f"{NAME} is neither a JSON array nor a file that can be read: {exc.strerror}"
        ) from exc
    except ValueError as exc:
        raise SettingFault(f"{NAME} is no JSON: {exc}") from exc


def _issuer(entry: Mapping[str, Any], place: str) -> Issuer:
    _check_url(entry["jwks_url"], f"{place}/jwks_url")
    renamed = {"leeway" if name == "leeway_seconds" else name: entry[name] for name in entry}
    if "algorithms" in renamed:
        renamed["algorithms"] = tuple(renamed["algorithms"])
    return Issuer(**renamed)


def _check_url(url: str, place: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as exc:
        raise SettingFault(f"{place}: {exc}") from exc
    if parts.username is not None or parts.password is not None:
        raise SettingFault(f"{place}: an address with a password in it is not taken")
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        return
    raise SettingFault(f"{place}: has to be https, or http on this machine's loopback interface")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
