"""Makes what is generated plausible: it names what is there, and what is free.

Only values that are valid already are changed, so what has to be refused still is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.fuzzing.spares import keys, running_jobs
from contracts.seeds.names import (
    BY_KIND,
    DELETED,
    SEEDED,
    SPARE,
    UNUSED,
    deleted_identifier,
    spare_identifier,
)

_REFERRED_TO = ("/v1/customers/", "/v1/homes/", "/v1/areas/")
MAX_DEVICES = 10_000_000  # that the contract lets a customer have at the most
MAX_DURATION = 3600  # seconds of a stream that the contract allows
_CONDITION = "If-Match"
_KEY = "Idempotency-Key"
_VALID_KEY = re.compile(r"[!-~]{1,255}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_KEY_IDENTIFIER = re.compile(r"[0-9a-f]{16}")
_NAMED = {"/v1/device-types": "title"}  # what has a name there, if it is not ``name``
_deleted = itertools.cycle(range(DELETED))
_spare = itertools.cycle(range(SPARE))
_jobs = running_jobs()
_keys = keys()


def make_plausible(case: Any, number: int) -> None:
    """Changes a request such that more of its kind is accepted; ``number``: which one it is."""
    _name_headers_plainly(case)
    _make_key_new(case, number)
    _leave_condition_out(case, number)
    if isinstance(case.body, dict):
        for body in (case.body, *_items(case.body)):
            _make_identifier_new(body, number)
            _refer_to_what_exists(body, number)
        _allow_many_devices(case.body)
        _name_devices_to_change(case.body)
    if isinstance(case.query, dict) and number % 4:
        _refer_to_what_exists(case.query, number)
        if case.query.get("atomic") in (True, "true"):
            case.query["atomic"] = "false"  # one item that cannot be would undo all others
    _ask_for_what_exists(case, number)
    _lead_to_a_key(case)
    _ask_for_now(case)
    _end_streams(case)


def make_alike_for_twins(case: Any, number: int) -> None:
    """Changes a request such that two services answer it alike that keep the contract."""
    case.headers["Accept-Encoding"] = "identity"  # the gateway compresses, the inventory not
    _name_what_is_made(case, number)
    _leave_no_work_waiting(case)


def _items(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The devices of a batch that are to be created, and the devices of an import."""
    items = body.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("action", "create") == "create":
            yield item
            if isinstance(item.get("device"), dict):
                yield item["device"]


def _end_streams(case: Any) -> None:
    """A stream ends when its time is over; its client would wait for a quarter of an hour."""
    if case.path.endswith("/stream") and isinstance(case.query, dict):
        duration = str(case.query.get("duration", 0))
        if duration.isascii() and duration.isdigit() and int(duration) <= MAX_DURATION:
            case.query["duration"] = 0


def _name_what_is_made(case: Any, number: int) -> None:
    """What the service names itself is in another place of each twin's lists."""
    if case.method == "POST" and isinstance(case.body, dict):
        for position, body in enumerate((case.body, *_items(case.body))):
            if _NAMED.get(case.path, "name") in body and "action" not in body:
                body.setdefault("identifier", f"made_{number}_{position}")


def _leave_no_work_waiting(case: Any) -> None:
    """What is done after its answer is done at another moment each time."""
    if case.path.startswith("/v1/imports/"):
        for name in [name for name in case.headers or {} if name.lower() == "prefer"]:
            del case.headers[name]


def _name_headers_plainly(case: Any) -> None:
    """Names with an underscore, which headers that nobody declared get, are refused on purpose.

    The service tests send them; here they would stand for each operation that they happen to.
    """
    for name in [name for name in case.headers or {} if "_" in name]:
        case.headers[name.replace("_", "-")] = case.headers.pop(name)


def _name_devices_to_change(body: dict[str, Any]) -> None:
    """In batches and merges; what is taken away there is there only once."""
    if isinstance(body.get("duplicate"), str) and _IDENTIFIER.fullmatch(body["duplicate"]):
        body["duplicate"] = spare_identifier(next(_spare))
    items = body.get("items")
    for item in items if isinstance(items, list) else ():
        identifier = item.get("identifier") if isinstance(item, dict) else None
        if isinstance(identifier, str) and _IDENTIFIER.fullmatch(identifier):
            if item.get("action") == "delete":
                item["identifier"] = spare_identifier(next(_spare))
            elif item.get("action") in ("patch", "replace"):
                item["identifier"] = SEEDED["via_device"]


def _make_key_new(case: Any, number: int) -> None:
    """Every client makes a new key for each request; Schemathesis sends its own again."""
    key = (case.headers or {}).get(_KEY)
    if isinstance(key, str) and _VALID_KEY.fullmatch(key):
        case.headers[_KEY] = f"{key[:200]}-{number}"


def _leave_condition_out(case: Any, number: int) -> None:
    """Three times of four: no tag that is made up is the one of a resource."""
    if case.headers and _CONDITION in case.headers and number % 4:
        value = case.headers[_CONDITION]
        if isinstance(value, str) and value.strip():
            del case.headers[_CONDITION]


def _make_identifier_new(body: dict[str, Any], number: int) -> None:
    identifier = body.get("identifier")
    if isinstance(identifier, str) and _IDENTIFIER.fullmatch(identifier):
        # A device type's has no hyphen.
        mark = "_" if "_" in identifier or "title" in body else "-"
        body["identifier"] = f"{identifier[:48]}{mark}{number}"


def _refer_to_what_exists(members: dict[str, Any], number: int) -> None:
    """Three times of four; the fourth goes on to name what nobody knows."""
    for member, identifier in SEEDED.items():
        value = members.get(member)
        if isinstance(value, str) and _IDENTIFIER.fullmatch(value) and number % 4:
            members[member] = identifier


def _allow_many_devices(body: dict[str, Any]) -> None:
    """A customer that may have no more devices would have every other one refused."""
    allowed = body.get("max_devices")
    if type(allowed) is int and 0 <= allowed <= MAX_DEVICES:
        body["max_devices"] = MAX_DEVICES - allowed % 1000


def _ask_for_what_exists(case: Any, number: int) -> None:
    """Every second time, but not where a link says which resource is meant."""
    acts = case.path.endswith(("/merge", "/restore", "/cancel", "/rotate"))
    parameters, phase = case.path_parameters, case.meta.phase.name.value if case.meta else ""
    if phase not in ("coverage", "fuzzing") or not isinstance(parameters, dict):
        return
    identifier = parameters.get("identifier")
    if not (isinstance(identifier, str) and _IDENTIFIER.fullmatch(identifier)):
        return
    if number % 2 and not acts:
        return
    # What others refer to stays: without it nothing more would be accepted.
    if case.method == "DELETE" and case.path.startswith(_REFERRED_TO):
        parameters["identifier"] = spare_identifier(next(_spare) % UNUSED)
    elif case.method == "DELETE" and case.path.startswith("/v1/devices/"):
        parameters["identifier"] = spare_identifier(next(_spare))
    elif case.path.startswith("/v1/api-keys/"):
        parameters["identifier"] = next(_keys, identifier)
    elif case.path.endswith("/cancel"):
        parameters["identifier"] = next(_jobs, identifier)
    elif case.path.endswith("/restore"):
        parameters["identifier"] = deleted_identifier(next(_deleted))
    else:
        parameters["identifier"] = BY_KIND.get(case.path.split("/")[2], identifier)


def _lead_to_a_key(case: Any) -> None:
    """A link that Schemathesis infers leads from anything with an identifier to an API key.

    It takes the request for a valid one, though a key's identifier is of another form.
    """
    parameters = case.path_parameters
    if not case.path.startswith("/v1/api-keys/") or not isinstance(parameters, dict):
        return
    if _is_valid_and_by_link(case):
        identifier = str(parameters.get("identifier"))
        if _IDENTIFIER.fullmatch(identifier) and not _KEY_IDENTIFIER.fullmatch(identifier):
            parameters["identifier"] = next(_keys, identifier)


def _ask_for_now(case: Any) -> None:
    """Along links, where what was deleted has to be gone: how it stood before can still be read."""
    if isinstance(case.query, dict) and _is_valid_and_by_link(case):
        case.query.pop("at", None)


def _is_valid_and_by_link(case: Any) -> bool:
    return (
        case.meta is not None
        and case.meta.phase.name.value == "stateful"
        and bool(case.meta.generation.mode.is_positive)
    )
