"""The gateway's policy for an operation: the one extension object, ``x-gateway``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from openapi.deprecation import Deprecation, deprecation_faults, read_deprecation

KEY = "x-gateway"
_SCHEMA = json.loads(Path(__file__).with_name("x-gateway.schema.json").read_text())
_VALIDATOR = jsonschema_rs.Draft7Validator(_SCHEMA)

DEFAULT_BODY_LIMIT = 1024 * 1024
FAILED_LOGINS = "failed-logins"
DEFAULT_TIMEOUT: Mapping[str, float] = {"connect": 2.0, "total": 15.0}
KEYS: Sequence[str] = tuple(_SCHEMA["properties"])
SERVICE_KEYS = frozenset(("prefix", "base-path", "public", "scopes"))  # of plugged-in services
# What holds where the document says nothing; a key that is not here is off.
DEFAULTS: Mapping[str, Any] = {"timeout": DEFAULT_TIMEOUT, "limits": {"body": DEFAULT_BODY_LIMIT}}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``limit`` requests in ``window`` seconds, of each ``principal`` or ``address``."""

    name: str
    limit: int
    window: int
    by: str


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most ``limit`` requests under way at once, of each client in each worker."""

    name: str
    limit: int


@dataclass(frozen=True, slots=True)
class ResponseCheck:
    """Whether answers are held to the contract: the share ``sample`` of them is looked at.

    One that does not fit is held back when ``blocks``, and only told of otherwise.
    """

    blocks: bool
    sample: float = 1.0


@dataclass(frozen=True, slots=True)
class Caching:
    """What the gateway keeps of an operation's answers where they do not say it. In seconds.

    ``by``: who is given the same answer: all with that ``tenant`` and scopes, or one ``principal``.
    """

    max_age: int = 0
    stale_while_revalidate: int = 0
    stale_if_error: int = 0
    by: str = "tenant"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the contract says of an operation beyond OpenAPI. Times in seconds, sizes in bytes.

    ``upstream`` names the service that serves it; None means the gateway itself.
    ``failed_logins``: how many credentials that are not good an address may send.
    ``prefix`` and ``base_path``: what the path begins with here, and at the upstream instead.
    """

    upstream: str | None
    connect_timeout: float
    total_timeout: float
    body_limit: int
    attempts: int = 1  # how often a request is sent at the most, where that is safe
    deprecation: Deprecation | None = None
    rate_limits: tuple[RateLimit, ...] = ()
    failed_logins: RateLimit | None = None
    response_check: ResponseCheck | None = None
    cache: Caching | None = None  # None: no answer is kept
    prefix: str = ""
    base_path: str = ""
    concurrency: Concurrency | None = None


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
        attempts=merged.get("retry", {}).get("attempts", 1),
        deprecation=read_deprecation(merged.get("deprecation")),
        rate_limits=_rate_limits(merged.get("rate-limit", [])),
        failed_logins=_failed_logins(merged.get("failed-logins")),
        response_check=_response_check(merged.get("validation")),
        cache=_caching(merged.get("cache", False)),
        prefix=merged.get("prefix", ""),
        base_path=merged.get("base-path", ""),
        concurrency=Concurrency(**at_once) if (at_once := merged.get("concurrency")) else None,
    )


def _rate_limits(value: Any) -> tuple[RateLimit, ...]:
    return tuple(RateLimit(**one) for one in (value if isinstance(value, list) else [value]))


def _failed_logins(value: Any) -> RateLimit | None:
    return RateLimit(FAILED_LOGINS, **value, by="address") if value else None


def _response_check(value: Any) -> ResponseCheck | None:
    if value is None or value["response"] == "off":
        return None
    return ResponseCheck(value["response"] == "block", float(value.get("sample", 1)))


def _caching(value: Mapping[str, Any] | bool) -> Caching | None:
    if isinstance(value, bool):
        return None
    return Caching(**{name.replace("-", "_"): setting for name, setting in value.items()})


def policy_faults(value: Any) -> Iterator[tuple[list[str | int], str]]:
    """Each fault of an ``x-gateway`` object as (path inside it, message)."""
    faults = [(list(error.instance_path), error.message) for error in _VALIDATOR.iter_errors(value)]
    yield from faults
    if not faults and "deprecation" in value:
        for path, message in deprecation_faults(value["deprecation"]):
            yield ["deprecation", *path], message
