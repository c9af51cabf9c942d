"""Loads an OpenAPI document and checks all that must hold before a service may start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi.policy import KEY, SERVICE_KEYS, Policy, policy_faults, resolve_policy
from openapi.source import DocumentFault, Place, Source, nearest

__all__ = ["METHODS", "Document", "DocumentFault", "Operation", "form_faults", "load_document"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document, and where it stands in it."""

    operation_id: str
    method: str
    path: str
    spec: Mapping[str, Any]
    policy: Policy
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document that passed every check: its content, its operations, and its file.

    ``lines``: where its paths, operations, ``security`` and keys of ``x-gateway`` stand.
    ``files``: the paths that stand in another file than ``file``, and which.
    """

    file: Path
    content: Mapping[str, Any]
    operations: tuple[Operation, ...]
    lines: Mapping[Place, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """The line of the place, or of the nearest place around it that is known."""
        return nearest(self.lines, place)

    def file_of(self, place: Place) -> Path:
        """The file that the place stands in."""
        return self.files.get(place[1], self.file) if len(place) > 1 else self.file

    def fault(self, operation: Operation, message: str) -> DocumentFault:
        """The message with where the operation stands."""
        file = self.files.get(operation.path, self.file)
        return DocumentFault(f"{file}:{operation.line}: {operation.operation_id}: {message}")

    def fault_at(self, place: Place, message: str) -> DocumentFault:
        """The message with where the place is, as near as its line is known."""
        where = f"{self.file_of(place)}:{self.line(place)}"
        return DocumentFault(f"{where}: {'/'.join(place)}: {message}")


def load_document(file: Path) -> Document:
    """The document in ``file`` (YAML or JSON), or ``DocumentFault``."""
    source = Source(file)
    for place, message in form_faults(source):
        raise source.fault(place, message)
    for place, value in _policies(source.content):
        for key in SERVICE_KEYS & value.keys():
            raise source.fault((*place, key), "it is for the documents of plugged-in services")
    operations = tuple(_operations(source.content, source))
    _check_unique_ids(operations, source)
    return Document(file, source.content, operations, source.policy_lines())


def form_faults(source: Source) -> Iterator[tuple[Place, str]]:
    """What keeps a file from being a document that can be served, as (place, message)."""
    content = source.content
    for check in (_version_faults, _mapping_faults, _reference_faults, _policy_faults):
        found = list(check(content))
        yield from found
        if found and check in (_version_faults, _mapping_faults):
            return  # there is no looking further into it


def _version_faults(content: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    version = content.get("openapi")
    if not (isinstance(version, str) and version.startswith("3.0.")):
        yield ("openapi",), f"OpenAPI 3.0.x is served, not {version!r}"


def _mapping_faults(content: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for place, value in _mappings(content):
        if not isinstance(value, dict):
            yield place, "it is not a mapping"


def _mappings(content: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    # A key with nothing below it is null in YAML.
    paths = content.get("paths")
    yield ("paths",), paths
    for path, item in paths.items() if isinstance(paths, dict) else ():
        yield ("paths", path), item
        for method in METHODS if isinstance(item, dict) else ():
            yield ("paths", path, method), item.get(method, {})


def _references(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield place, reference
        for key, part in value.items():
            yield from _references(part, (*place, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _references(part, (*place, str(index)))


def _reference_faults(content: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for place, reference in _references(content):
        if not reference.startswith("#/"):
            yield place, f"{reference} points out of the document"
        elif not _leads_somewhere(content, reference):
            yield place, f"{reference} points at nothing"


def _leads_somewhere(content: Mapping[str, Any], reference: str) -> bool:
    target: Any = content
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or step not in target:
            return False
        target = target[step]
    return True


def _policy_faults(content: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for place, value in _policies(content):
        for path, message in policy_faults(value):
            yield (*place, *map(str, path)), f"x-gateway: {message}"


def _policies(content: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    if KEY in content:
        yield (KEY,), content[KEY]
    for path, item in content.get("paths", {}).items():
        if KEY in item:
            yield ("paths", path, KEY), item[KEY]
        for method in METHODS:
            if KEY in item.get(method, {}):
                yield ("paths", path, method, KEY), item[method][KEY]


def _operations(content: Mapping[str, Any], source: Source) -> Iterator[Operation]:
    for path, item in content.get("paths", {}).items():
        for method in METHODS:
            if method not in item:
                continue
            place = ("paths", path, method)
            spec = item[method]
            if "operationId" not in spec:
                raise source.fault(place, "the operation has no operationId")
            policy = resolve_policy(content, item, spec)
            _check_deprecation(spec, policy, place, source)
            yield Operation(
                operation_id=spec["operationId"],
                method=method,
                path=path,
                spec=spec,
                policy=policy,
                line=source.line(place),
            )


def _check_deprecation(
    spec: Mapping[str, Any], policy: Policy, place: Place, source: Source
) -> None:
    is_deprecated = spec.get("deprecated", False) is True
    if is_deprecated and policy.deprecation is None:
        message = "it is deprecated; x-gateway.deprecation has to say from when"
        raise source.fault((*place, "deprecated"), message)
    if policy.deprecation is not None and not is_deprecated:
        message = "x-gateway.deprecation holds for it; `deprecated: true` has to say so"
        raise source.fault((*place, KEY, "deprecation"), message)


def _check_unique_ids(operations: tuple[Operation, ...], source: Source) -> None:
    seen: dict[str, Operation] = {}
    for operation in operations:
        other = seen.setdefault(operation.operation_id, operation)
        if other is not operation:
            place = ("paths", operation.path, operation.method)
            name = operation.operation_id
            raise source.fault(place, f"the operationId {name} stands at line {other.line} too")
