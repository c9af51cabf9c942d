"""What is there when the mock starts: collections' paths and their resources, in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.contract import Contract
from contracts.mock import records
from contracts.mock.kinds import Kind, find_kinds
from contracts.mock.memory import Memory
from contracts.mock.samples import NoSample
from openapi.routing import path_pattern
from openapi.schemas import compile_schema, faults


class SeedFault(ValueError):
    """The file cannot be used; the message names it, the place and what would be right."""


def read_seeds(file: Path) -> Any:
    """What is in the file, or ``SeedFault``."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise SeedFault(f"{file}: {exc}") from exc


def plant(contract: Contract, memory: Memory, seeds: Any, name: str = "seeds") -> None:
    """Puts the resources into the memory, or ``SeedFault``.

    ``seeds``: each collection's path with a list of its resources, which need no more than what a
    client gives. ``name``: of where they are from.
    """
    if not isinstance(seeds, Mapping):
        raise SeedFault(f"{name}: it is not an object of paths of collections")
    kinds = find_kinds(contract)
    for path, resources in seeds.items():
        kind = next((each for each in kinds if path_pattern(each.collection).fullmatch(path)), None)
        if kind is None:
            there = ", ".join(each.collection for each in kinds)
            raise SeedFault(f"{name}: {path}: is no collection of the contract; there are: {there}")
        if not isinstance(resources, list):
            raise SeedFault(f"{name}: {path}: is not a list of resources")
        for index, resource in enumerate(resources):
            for fault in _plant_one(kind, memory, path, resource):
                raise SeedFault(f"{name}: {path}/{index}{fault}")


def _plant_one(kind: Kind, memory: Memory, path: str, resource: Any) -> Iterator[str]:
    """Puts a resource there, or says what is wrong with it."""
    if not isinstance(resource, Mapping):
        yield ": is not an object"
        return
    for name in sorted(kind.needed - resource.keys()):
        yield f": {name} is required"
    there = memory.collection(path)
    try:
        identity = resource.get(kind.identity) or records.free_identity(kind, there)
        record = records.create(kind, resource, identity)
    except NoSample as exc:
        yield f": {exc}"
        return
    for where, what in faults(compile_schema(kind.schema), record):
        yield f"{where}: {what}"
    if str(identity) in there:
        yield f": {identity} is there already"
    there[str(identity)] = record
