"""Who may see, make and change which API keys, and what the contract's operations answer.

A key gives no scope that its holder lacks, by whatever way: it makes no key that may more, and
changes, rotates and revokes none (a rotation hands out a secret). One that expires gives no key a
later end than its own, nor gets the secret of one that has it. One that is bound to a customer
knows that customer's keys alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gateway import moments
from gateway.api_keys import ApiKeys, KeyRecord
from gateway.problems import ALREADY_EXPIRED, FIRST_KEY, NOT_YOURS, OUTLIVES_YOURS
from openapi.problems import INSUFFICIENT_SCOPE, INVALID_REQUEST, NOT_FOUND, Problem

MAX_PAGE = 1000  # keys
START = "start"  # the cursor of the first page

_ID = re.compile(r"[0-9a-f]{16}")

Body = Mapping[str, Any]
Principal = Mapping[str, Any]


class KeyAdmin:
    """The operations on keys. Each waits for the disk: not for the event loop."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def create(self, who: Principal, body: Body) -> dict[str, Any]:
        """The contract's ``NewApiKeySecret``: the key itself, this once."""
        scopes, customer = frozenset(body["scopes"]), body.get("customer_id") or who["tenant"]
        _check_scopes(who, scopes)
        _check_customer(who, customer)
        own_end = self._own_end(who)
        expires_at = _moment(body.get("expires_at")) or own_end
        _check_future(expires_at)
        _check_end(own_end, expires_at)
        return self._with_secret(self._keys.create(body["name"], scopes, customer, expires_at))

    def list(self, who: Principal, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page; ``next`` is None on the last one."""
        size = min(limit, MAX_PAGE)
        found = self._keys.page(_position(cursor), size + 1, who["tenant"])
        following = _cursor(found[size - 1].id) if len(found) > size else None
        return {"items": [_shown(record) for record in found[:size]], "next": following}

    def get(self, who: Principal, key_id: str) -> dict[str, Any]:
        """The contract's ``ApiKey``."""
        record = self._keys.record(key_id)
        if record is None or not _sees(who, record):
            raise _unknown(key_id)
        return _shown(record)

    def patch(self, who: Principal, key_id: str, body: Body) -> dict[str, Any]:
        """The key as changed."""
        values: dict[str, Any] = {}
        if "name" in body:
            values["name"] = body["name"]
        if "scopes" in body:
            _check_scopes(who, body["scopes"])
            values["scopes"] = " ".join(sorted(body["scopes"]))
        if "customer_id" in body:
            _check_customer(who, body["customer_id"])
            values["customer"] = body["customer_id"]
        if "expires_at" in body:
            values["expires_at"] = _moment(body["expires_at"])
            _check_end(self._own_end(who), values["expires_at"])
        if values and not self._keys.change(key_id, values, _changes(who, key_id)):
            raise _unknown(key_id)
        return self.get(who, key_id)

    def revoke(self, who: Principal, key_id: str) -> None:
        """Ends the key."""
        if not self._keys.revoke(key_id, _changes(who, key_id)):
            raise _unknown(key_id)

    def rotate(self, who: Principal, key_id: str, body: Body) -> dict[str, Any]:
        """The key with its new secret, this once."""
        own_end = self._own_end(who)

        def check(record: KeyRecord) -> None:
            _changes(who, key_id)(record)
            _check_end(own_end, record.expires_at)

        key = self._keys.rotate(key_id, body["overlap_seconds"], check)
        if key is None:
            raise _unknown(key_id)
        return self._with_secret(key)

    def _own_end(self, who: Principal) -> str | None:
        """When the sender's key expires; an outside issuer's principal has none here."""
        record = self._keys.record(who["sub"])
        return record.expires_at if record else None

    def _with_secret(self, key: str) -> dict[str, Any]:
        record = self._keys.record(key.split("_")[1])
        if record is None:
            raise _unknown(key.split("_")[1])  # revoked in this moment
        return _shown(record) | {"key": key}


def _changes(who: Principal, key_id: str) -> Callable[[KeyRecord], None]:
    def check(record: KeyRecord) -> None:
        if not _sees(who, record):
            raise _unknown(key_id)
        _check_scopes(who, record.scopes)
        if record.first:
            # Whoever got hold of it cannot lock out those who own the machine.
            detail = "This key is changed on the gateway's machine alone: python -m gateway keys."
            raise Problem(FIRST_KEY, detail)

    return check


def _sees(who: Principal, record: KeyRecord) -> bool:
    return who["tenant"] is None or record.customer == who["tenant"]


def _check_scopes(who: Principal, scopes: Collection[str]) -> None:
    missing = " ".join(sorted(frozenset(scopes) - who["scopes"]))
    if missing:
        challenge = f'Bearer realm="doorstep", error="insufficient_scope", scope="{missing}"'
        raise Problem(
            INSUFFICIENT_SCOPE,
            f"Only who has a scope can give it, or change a key that has it; missing: {missing}.",
            headers={"WWW-Authenticate": challenge},
        )


def _check_customer(who: Principal, customer: str | None) -> None:
    if who["tenant"] is not None and customer != who["tenant"]:
        detail = "A credential that is bound to a customer makes keys of that customer alone."
        place = {"in": "body", "pointer": "/customer_id", "detail": "is not your customer"}
        challenge = 'Bearer realm="doorstep", error="insufficient_scope"'
        headers = {"WWW-Authenticate": challenge}
        raise Problem(NOT_YOURS, detail, errors=[place], headers=headers)


def _check_future(expires_at: str | None) -> None:
    if expires_at is not None and expires_at <= moments.now():
        place = {"in": "body", "pointer": "/expires_at", "detail": "is in the past"}
        raise Problem(ALREADY_EXPIRED, f"The key would have ended at {expires_at}.", errors=[place])


def _check_end(own: str | None, end: str | None) -> None:
    if own is not None and (end is None or end > own):
        detail = f"Your key expires at {own}: it gives no key a later end, or none."
        headers = {"WWW-Authenticate": 'Bearer realm="doorstep", error="insufficient_scope"'}
        raise Problem(OUTLIVES_YOURS, detail, headers=headers)


def _shown(record: KeyRecord) -> dict[str, Any]:
    shown = {
        "identifier": record.id,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "customer_id": record.customer,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "last_used_at": record.last_used_at,
        "previous_secret_until": record.previous_until,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _moment(text: str | None) -> str | None:
    return None if text is None else moments.normalised(text)


def _cursor(key_id: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(key_id)).decode().rstrip("=")


def _position(cursor: str | None) -> str:
    if cursor in (None, START):
        return ""
    try:
        key_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).hex()
    except binascii.Error:
        key_id = ""
    if not _ID.fullmatch(key_id):
        place = {"in": "query", "name": "cursor", "detail": "The cursor is not of this list."}
        raise Problem(INVALID_REQUEST, place["detail"], errors=[place])
    return key_id


def _unknown(key_id: str) -> Problem:
    return Problem(NOT_FOUND, f"There is no API key {key_id}.")
