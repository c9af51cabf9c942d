"""The kinds of resources that a contract has: a collection, and below it each by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.contract import Contract
from openapi.document import Operation

JSON = "application/json"
_LAST = re.compile(r"(?P<collection>.*[^/])/\{(?P<name>[^{}/]+)\}")
_NAMES = ("identifier", "id")  # of a member, where the path's parameter is called otherwise
_NEXT = ("next", "next_cursor", "cursor", "nextCursor", "next_page_token", "nextPageToken")
_ITEM_ROLES = {"get": "get", "put": "replace", "patch": "patch", "delete": "delete"}
_COLLECTION_ROLES = {"get": "list", "post": "create"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a list is answered. ``items``: the member with them; empty when the answer is a list.

    ``next``: the member with the cursor of the next page, or nothing.
    """

    schema: Mapping[str, Any]
    item: Mapping[str, Any]
    items: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource. ``collection``: its path, with the parameters before it.

    ``identity``: the member that names a resource; ``schema``: of one as it is answered, without
    references; ``writable``: the members that clients give, ``needed``: without which there is
    none; ``roles``: operationId to what it does.
    """

    collection: str
    identity: str
    schema: Mapping[str, Any]
    writable: frozenset[str]
    needed: frozenset[str]
    shape: Shape
    roles: Mapping[str, str]

    @property
    def members(self) -> Mapping[str, Mapping[str, Any]]:
        """The members of a resource, and the schema of each."""
        found: Mapping[str, Mapping[str, Any]] = self.schema.get("properties", {})
        return found

    @property
    def required(self) -> frozenset[str]:
        """The members that every resource has."""
        return frozenset(self.schema.get("required", ()))


def find_kinds(contract: Contract) -> list[Kind]:
    """The kinds of a contract: what can be listed and made, and each got by its name."""
    operations: dict[str, dict[str, Operation]] = {}
    for operation in contract.document.operations:
        operations.setdefault(operation.path, {})[operation.method] = operation
    found = (_kind(contract, path, operations) for path in operations)
    return [kind for kind in found if kind is not None]


def _kind(
    contract: Contract, item: str, operations: Mapping[str, Mapping[str, Operation]]
) -> Kind | None:
    match = _LAST.fullmatch(item)
    above = operations.get(match["collection"], {}) if match else {}
    below = operations[item]
    if match is None or not {"get", "post"} <= above.keys() or "get" not in below:
        return None
    schema = answered(contract, below["get"])
    shape = _shape(answered(contract, above["get"]))
    identity = _identity(match["name"], schema)
    if shape is None or not identity:
        return None
    roles = {above[m].operation_id: role for m, role in _COLLECTION_ROLES.items()}
    roles |= {below[m].operation_id: role for m, role in _ITEM_ROLES.items() if m in below}
    writing = [contract.operations[name] for name, role in roles.items() if role in _WRITING]
    writable = frozenset(name for op in writing for name in _given(contract, op))
    needed = frozenset(_required(contract, above["post"])) & writable - {identity}
    return Kind(match["collection"], identity, schema, writable, needed, shape, roles)


_WRITING = ("create", "replace", "patch")


def answered(contract: Contract, operation: Operation) -> Mapping[str, Any]:
    """The schema of the JSON of its first answer that is no error; empty when there is none."""
    for status in sorted(s for s in operation.spec["responses"] if s.startswith("2")):
        response = contract.resolve(operation.spec["responses"][status])
        for name, media_type in response.get("content", {}).items():
            if _is_json(name):
                return flat(contract.resolved(media_type.get("schema", {})))
    return {}


def flat(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with the members of its ``allOf`` among its own."""
    if "allOf" not in schema:
        return schema
    whole: dict[str, Any] = {"properties": {}, "required": []}
    for part in (*map(flat, schema["allOf"]), schema):
        whole |= {k: v for k, v in part.items() if k not in ("allOf", *whole)}
        whole["properties"] |= part.get("properties", {})
        whole["required"] += part.get("required", ())
    return whole


def _given(contract: Contract, operation: Operation) -> Iterator[str]:
    for schema in _taken(contract, operation):
        members = schema.get("properties", {}).items()
        yield from (member for member, each in members if not each.get("readOnly"))


def _required(contract: Contract, operation: Operation) -> Iterator[str]:
    for schema in _taken(contract, operation):
        yield from schema.get("required", ())


def _taken(contract: Contract, operation: Operation) -> Iterator[Mapping[str, Any]]:
    """The schemas of the JSON that the operation takes."""
    for name, media_type in contract.request_bodies(operation).items():
        if _is_json(name):
            yield flat(contract.resolved(media_type.get("schema", {})))


def _is_json(media_type: str) -> bool:
    essence = media_type.partition(";")[0].strip().lower()
    return essence == JSON or essence.endswith("+json")


def _identity(parameter: str, schema: Mapping[str, Any]) -> str:
    members = schema.get("properties", {})
    return next((name for name in (parameter, *_NAMES) if name in members), "")


def _shape(schema: Mapping[str, Any]) -> Shape | None:
    if schema.get("type") == "array":
        return Shape(schema, flat(schema.get("items", {})))
    members = schema.get("properties", {})
    lists = [name for name, each in members.items() if each.get("type") == "array"]
    if not lists:
        return None
    following = next((name for name in _NEXT if name in members), "")
    return Shape(schema, flat(members[lists[0]].get("items", {})), lists[0], following)
