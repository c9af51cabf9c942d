"""Loads an OpenAPI document and checks all that must hold before a service may start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from openapi.policy import KEY, Policy, policy_faults, resolve_policy

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Place = tuple[str, ...]


class DocumentFault(Exception):
    """The document cannot be served. The message names the file, the line and what is wrong."""


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
    """

    file: Path
    content: Mapping[str, Any]
    operations: tuple[Operation, ...]
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """The line of the place, or of the nearest place around it that is known."""
        return _nearest(self.lines, place)


def load_document(file: Path) -> Document:
    """The document in ``file`` (YAML or JSON), or ``DocumentFault``."""
    source = _Source(file)
    content = source.content
    _check_version(content, source)
    for place, value in _mappings(content):
        if not isinstance(value, dict):
            raise source.fault(place, "it is not a mapping")
    for place, reference in _references(content):
        _check_reference(content, reference, place, source)
    for place, value in _policies(content):
        for path, message in policy_faults(value):
            raise source.fault((*place, *map(str, path)), f"x-gateway: {message}")
    operations = tuple(_operations(content, source))
    _check_unique_ids(operations, source)
    return Document(file, content, operations, source.policy_lines())


class _Loader(yaml.CSafeLoader):
    """YAML of JSON's values: a date is text, and so are ``on``, ``off``, ``yes`` and ``no``."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


class _Source:
    """A file's content together with the line that each place of it stands on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: dict[Place, int] = {}
        try:
            text = file.read_text(encoding="utf-8")
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
            self._walk(root, ())
            self.content = _with_text_keys(yaml.load(text, Loader=_Loader))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            raise DocumentFault(f"{file}: {exc}") from exc
        except RecursionError as exc:
            raise DocumentFault(f"{file}: it is nested too deeply, or an alias in itself") from exc
        if not isinstance(self.content, dict):
            raise DocumentFault(f"{file}: it is not an OpenAPI document")

    def line(self, place: Place) -> int:
        """The line of the place, or of the nearest place around it."""
        return _nearest(self._lines, place)

    def policy_lines(self) -> dict[Place, int]:
        """The lines that matter once the document is served: few of thousands."""
        return {
            place: line
            for place, line in self._lines.items()
            if KEY in place or place[-1] == "security" or (place[0] == "paths" and len(place) <= 3)
        }

    def fault(self, place: Place, message: str) -> DocumentFault:
        at = "/".join(place) or "the document"
        return DocumentFault(f"{self.file}:{self.line(place)}: {at}: {message}")

    def _walk(self, node: yaml.Node | None, place: Place) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                below = (*place, str(key.value))
                other = self._lines.get(below)
                self._lines[below] = key.start_mark.line + 1
                if other is not None:
                    raise self.fault(below, f"the key stands at line {other} too")
                self._walk(value, below)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._lines[(*place, str(index))] = value.start_mark.line + 1
                self._walk(value, (*place, str(index)))


def _nearest(lines: Mapping[Place, int], place: Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _with_text_keys(value: Any) -> Any:
    # YAML reads an unquoted 200 as a number; in JSON every key is text.
    if isinstance(value, dict):
        return {str(key): _with_text_keys(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(part) for part in value]
    return value


def _check_version(content: Mapping[str, Any], source: _Source) -> None:
    version = content.get("openapi")
    if not (isinstance(version, str) and version.startswith("3.0.")):
        raise source.fault(("openapi",), f"OpenAPI 3.0.x is served, not {version!r}")


def _mappings(content: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    # A key with nothing below it is null in YAML.
    paths = content.get("paths")
    yield ("paths",), paths
    for path, item in (paths or {}).items():
        yield ("paths", path), item
        for method in METHODS:
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


def _check_reference(
    content: Mapping[str, Any], reference: str, place: Place, source: _Source
) -> None:
    if not reference.startswith("#/"):
        raise source.fault(place, f"{reference} points out of the document")
    target: Any = content
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or step not in target:
            raise source.fault(place, f"{reference} points at nothing")
        target = target[step]


def _policies(content: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    if KEY in content:
        yield (KEY,), content[KEY]
    for path, item in content.get("paths", {}).items():
        if KEY in item:
            yield ("paths", path, KEY), item[KEY]
        for method in METHODS:
            if KEY in item.get(method, {}):
                yield ("paths", path, method, KEY), item[method][KEY]


def _operations(content: Mapping[str, Any], source: _Source) -> Iterator[Operation]:
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
    spec: Mapping[str, Any], policy: Policy, place: Place, source: _Source
) -> None:
    is_deprecated = spec.get("deprecated", False) is True
    if is_deprecated and policy.deprecation is None:
        message = "it is deprecated; x-gateway.deprecation has to say from when"
        raise source.fault((*place, "deprecated"), message)
    if policy.deprecation is not None and not is_deprecated:
        message = "x-gateway.deprecation holds for it; `deprecated: true` has to say so"
        raise source.fault((*place, KEY, "deprecation"), message)


def _check_unique_ids(operations: tuple[Operation, ...], source: _Source) -> None:
    seen: dict[str, Operation] = {}
    for operation in operations:
        other = seen.setdefault(operation.operation_id, operation)
        if other is not operation:
            place = ("paths", operation.path, operation.method)
            name = operation.operation_id
            raise source.fault(place, f"the operationId {name} stands at line {other.line} too")
