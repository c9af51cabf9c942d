"""Finds the operations of one document in another, and compares each pair.

An operation is the same when its method and path are, whatever the path's parameters are called:
their names are on no wire. Failing that, it is the one with its ``operationId``, and has moved.
The ``operationId`` itself is promised: generated SDKs call their methods by it, and so do links,
metrics and logs. The names of components and of path parameters are not: only generated code has
them, so that changing one is compatible on the wire, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from contracts.changes.change import Grade
from contracts.changes.content import body_changes
from contracts.changes.found import Found, below, found
from contracts.changes.node import Node, Pointer, canonical, shown
from contracts.changes.parameters import parameter_changes, parameters_of
from contracts.changes.policy import policy_changes
from contracts.changes.responses import response_changes
from contracts.changes.schemas import Schemas
from contracts.changes.security import security_changes
from openapi.document import METHODS


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with what stands above it in its document."""

    method: str
    path: str
    document: Node
    item: Node
    node: Node

    @property
    def name(self) -> str:
        """The operationId; nothing where it has none."""
        return str(self.node.get("operationId", ""))

    @property
    def place(self) -> str:
        """Method and path, for a person."""
        return f"{self.method.upper()} {self.path}"

    @property
    def levels(self) -> tuple[Node, Node, Node]:
        """Document, path and operation."""
        return self.document, self.item, self.node


def operations_of(document: Node) -> list[Operation]:
    """All operations of a document, in its order."""
    return [
        Operation(method, path, document, item, node)
        for path, item in document.map_of("paths").items()
        for method in METHODS
        if (node := item.below(method)) is not None
    ]


def operation_changes(old: Node, new: Node) -> Iterator[Found]:
    """What changed of each operation; each change names its operation and where it stands."""
    schemas = Schemas()
    was, now = operations_of(old), operations_of(new)
    pairs = _pairs(was, now)
    for operation in was:
        match = pairs.get(operation.place)
        told = [_gone(operation, new)] if match is None else _both(operation, match, schemas)
        yield from _of(operation, told)
    matched = {match.place for match in pairs.values()}
    for operation in now:
        if operation.place not in matched:
            yield from _of(operation, [_come(operation, old)])


def _of(operation: Operation, changes: list[Found]) -> Iterator[Found]:
    for change in below(operation.place, changes):
        yield replace(change, operation=operation.name)


def _pairs(was: list[Operation], now: list[Operation]) -> Mapping[str, Operation]:
    """The old ones' places to the new operations that they are now."""
    places = {_place(operation): operation for operation in now}
    pairs = {o.place: places[_place(o)] for o in was if _place(o) in places}
    taken = {match.place for match in pairs.values()}
    names = {o.name: o for o in now if o.place not in taken and o.name}
    moved = {o.place: names[o.name] for o in was if o.place not in pairs and o.name in names}
    return pairs | moved


def _place(operation: Operation) -> tuple[str, str]:
    return operation.method, re.sub(r"\{[^{}]*\}", "{}", operation.path)


def _gone(operation: Operation, new: Node) -> Found:
    why = "a client that calls it is now answered 404 or 405"
    change = found(Grade.BREAKING, "", operation.name, "-", why, operation.node, None)
    return replace(change, also=_whole_path(operation, new))


def _come(operation: Operation, old: Node) -> Found:
    why = "clients that do not know it go on as they are"
    change = found(Grade.COMPATIBLE, "", "-", operation.name, why, None, operation.node)
    return replace(change, also=_whole_path(operation, old))


def _whole_path(operation: Operation, other: Node) -> tuple[Pointer, ...]:
    """The path with all that is below it, if the other document has none of it."""
    return () if operation.path in other.map_of("paths") else (operation.item.place,)


def _both(was: Operation, now: Operation, schemas: Schemas) -> list[Found]:
    parameters = [parameters_of(op.path, op.item, op.node) for op in (was, now)]
    return [
        *_moved(was, now),
        *_renamed(was.node, now.node),
        *_deprecated(was.node, now.node),
        *parameter_changes(parameters[0], parameters[1], schemas),
        *body_changes(was.node, now.node, schemas),
        *response_changes(was.node, now.node, schemas),
        *security_changes(was.document, now.document, was.node, now.node),
        *policy_changes(was.levels, now.levels),
        *_servers(was, now),
    ]


def _moved(was: Operation, now: Operation) -> list[Found]:
    if was.place == now.place:
        return []
    texts = (was.path, now.path) if was.method == now.method else (was.place, now.place)
    # The path's key is what changed, where it is the same but for the names in it.
    if _place(was) == _place(now):
        why = "the names in a path are on no wire; generated SDKs rename the arguments"
        return [found(Grade.COMPATIBLE, "path", *texts, why, was.item, now.item)]
    why = "a client that calls it where it was is now answered 404 or 405"
    return [found(Grade.BREAKING, "path", *texts, why, was.node, now.node)]


def _renamed(was: Node, now: Node) -> list[Found]:
    why = "the wire is the same, but generated SDKs call the operation by another name"
    return _keyword("operationId", was, now, Grade.BREAKING, why)


def _deprecated(was: Node, now: Node) -> list[Found]:
    if bool(was.get("deprecated")) == bool(now.get("deprecated")):
        return []
    why = "it is served as before; what changed is whether clients are told that it may go"
    return _keyword("deprecated", was, now, Grade.COMPATIBLE, why)


def _keyword(keyword: str, was: Node, now: Node, grade: Grade, why: str) -> list[Found]:
    old, new = was.get(keyword), now.get(keyword)
    if canonical(old) == canonical(new):
        return []
    before, after = was.step(keyword, old), now.step(keyword, new)
    return [found(grade, keyword, shown(old), shown(new), why, before, after)]


def _servers(was: Operation, now: Operation) -> list[Found]:
    """The addresses that clients are told to call; the first is the one that most take."""
    before, after = _addresses(was), _addresses(now)
    old, new = (_described(node) for node in (before, after))
    if old == new:
        return []
    lost = any(one not in new for one in old)
    why = "a client that calls the service where it was told to may not find it there any more"
    if not lost:
        why = "clients may call the service at other addresses too, or first"
    grade = Grade.BREAKING if lost else Grade.COMPATIBLE
    texts = shown(" ".join(old)), shown(" ".join(new))
    return [found(grade, "servers", *texts, why, before, after)]


def _addresses(operation: Operation) -> Node:
    levels = (operation.node, operation.item, operation.document)
    holder = next((level for level in levels if level.get("servers")), operation.document)
    return holder.step("servers", holder.get("servers"))


def _described(servers: Node) -> list[str]:
    listed = servers.value if isinstance(servers.value, list) else [{"url": "/"}]
    kept = [one for one in listed if isinstance(one, Mapping)]
    return [
        str(one.get("url")) + (canonical(one["variables"]) if "variables" in one else "")
        for one in kept
    ]
