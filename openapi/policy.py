"""The gateway's policy for an operation: the one extension object, ``x-gateway``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

KEY = "x-gateway"
_SCHEMA = json.loads(Path(__file__).with_name("x-gateway.schema.json").read_text())
_VALIDATOR = jsonschema_rs.Draft7Validator(_SCHEMA)

DEFAULT_BODY_LIMIT = 1024 * 1024
DEFAULT_TIMEOUT: Mapping[str, float] = {"connect": 2.0, "total": 15.0}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the contract says of an operation beyond OpenAPI. Times in seconds, sizes in bytes.

    ``upstream`` names the service that serves it; None means the gateway itself.
    """

    upstream: str | None
    connect_timeout: float
    total_timeout: float
    body_limit: int


def resolve_policy(*levels: Mapping[str, Any]) -> Policy:
    """The policy of document, path and operation together: the nearest wins, key by key."""
    merged: dict[str, Any] = {}
    for level in levels:
        merged.update(level.get(KEY, {}))
    timeout = merged.get("timeout", DEFAULT_TIMEOUT)
    return Policy(
        upstream=merged.get("upstream"),
        connect_timeout=float(timeout["connect"]),
        total_timeout=float(timeout["total"]),
        body_limit=merged.get("limits", {}).get("body", DEFAULT_BODY_LIMIT),
    )


def policy_faults(value: Any) -> Iterator[tuple[list[str | int], str]]:
    """Each fault of an ``x-gateway`` object as (path inside it, message)."""
    for error in _VALIDATOR.iter_errors(value):
        yield list(error.instance_path), error.message
