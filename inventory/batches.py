"""Batches: many single requests for devices in one, with the result of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inventory.device_bodies import DeviceBodies
from inventory.domain.errors import BatchRefused, InventoryError
from inventory.domain.kinds import DEVICES
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import Stored
from inventory.problems import problem_of
from inventory.work import Work
from openapi.problems import INVALID_REQUEST, Problem, write_problem

MAX_PLACES = 100  # items at fault that a refusal names

Item = Mapping[str, Any]
Result = dict[str, Any]


def apply_batch(
    work: Work, bodies: DeviceBodies, items: Sequence[Item], *, atomic: bool, request_id: str
) -> list[Result]:
    """What became of each item. ``BatchRefused`` when it is ``atomic`` and one failed.

    ``Work`` checks before it writes: of an item that is refused, nothing stays in the transaction.
    """
    results: list[Result] = []
    failures: list[tuple[str, str]] = []
    for index, item in enumerate(items):
        try:
            result = _apply(work, bodies, item)
        except (InventoryError, Problem) as exc:
            problem = problem_of(exc) if isinstance(exc, InventoryError) else exc
            result = _failed(item, problem, request_id)
            failures.append((f"/items/{index}", str(exc)))
        results.append({"index": index, **result})
    if atomic and failures:
        raise BatchRefused(failures[:MAX_PLACES])
    return results


def _apply(work: Work, bodies: DeviceBodies, item: Item) -> Result:
    action, device = item["action"], item.get("device")
    if action == "delete":
        _refuse(item, "device")
        work.delete(DEVICES, _identifier(item), Preconditions.parse(item.get("if_match")))
        return {"status": 204, "identifier": item["identifier"]}
    if device is None:
        raise _invalid("/device", "is required")
    _check(bodies, action, device)
    if action == "create":
        return _create(work, item, device)
    preconditions = Preconditions.parse(item.get("if_match"))
    if action == "patch":
        patched = work.patch(DEVICES, _identifier(item), device, preconditions)
        return _done(200, patched)
    stored, is_new = work.put(DEVICES, _identifier(item), device, preconditions)
    return _done(201 if is_new else 200, stored)


def _create(work: Work, item: Item, device: Mapping[str, Any]) -> Result:
    _refuse(item, "if_match")
    identifier = item.get("identifier", device.get("identifier"))
    if device.get("identifier", identifier) != identifier:
        raise _invalid("/identifier", "is not the device's")
    fields = dict(device) if identifier is None else {**device, "identifier": identifier}
    return _done(201, work.create(DEVICES, fields))


def _check(bodies: DeviceBodies, action: str, device: Mapping[str, Any]) -> None:
    faults = bodies.faults(action, device)
    if faults:
        raise _invalid(*((f"/device{at}", what) for at, what in faults))


def _identifier(item: Item) -> str:
    if "identifier" not in item:
        raise _invalid("/identifier", "is required")
    identifier: str = item["identifier"]
    return identifier


def _refuse(item: Item, member: str) -> None:
    if member in item:
        raise _invalid(f"/{member}", f"is not taken with {item['action']}")


def _invalid(*places: Any) -> Problem:
    found = [places] if isinstance(places[0], str) else places
    where, what = found[0]
    errors = [{"in": "body", "pointer": at, "detail": detail} for at, detail in found]
    return Problem(INVALID_REQUEST, f"The item is not valid: {where}: {what}.", errors=errors)


def _done(status: int, stored: Stored) -> Result:
    return {"status": status, "identifier": stored.identifier, "etag": stored.etag}


def _failed(item: Item, problem: Problem, request_id: str) -> Result:
    identifier = item.get("identifier")
    named = {"identifier": identifier} if identifier else {}
    told = json.loads(write_problem(problem, request_id or None).body)
    return {"status": problem.status, **named, "problem": told}
