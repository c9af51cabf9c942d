"""Merges services into the contract: the one document that the gateway serves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from gateway.services.adapting import Service
from gateway.services.findings import Finding, error
from gateway.services.scopes import with_scopes
from openapi.document import METHODS, Document, Operation
from openapi.policy import KEY, resolve_policy
from openapi.source import Place

_TEMPLATED = re.compile(r"\{[^}]*\}")


def collisions(
    contract: Document, services: Sequence[Service], pages: Collection[str]
) -> Iterator[Finding]:
    """Paths and operationIds of services that are another document's too.

    ``pages``: paths that the gateway serves besides; below one that ends in ``/``, all are.
    """
    paths = {path: f"{contract.file.name} has {path}" for path in contract.content["paths"]}
    ids = {op.operation_id: contract.file.name for op in contract.operations}
    for service in services:
        for path in service.paths:
            if other := _other(path, paths, pages):
                message = f"{other}, which matches what {path} does: set x-gateway.prefix"
                yield error(service.source, service.place(path), message)
        for path, method, spec in _operations(service):
            if spec["operationId"] in ids:
                message = f"{ids[spec['operationId']]} has this operationId"
                yield error(
                    service.source, service.place(path, method), message, spec["operationId"]
                )
        file = service.source.file.name
        paths |= {path: f"{file} has {path}" for path in service.paths}
        ids |= {spec["operationId"]: file for _, _, spec in _operations(service)}


def merge(contract: Document, services: Sequence[Service]) -> Document:
    """The contract with the operations, components, tags and scopes of the services."""
    if not services:
        return contract
    content = dict(contract.content)
    content["paths"] = dict(content["paths"])
    content["tags"] = list(content.get("tags", ()))
    components = {kind: dict(named) for kind, named in content["components"].items()}
    for service in services:
        content["paths"] |= service.paths
        content["tags"] += service.tags
        for kind, named in service.components.items():
            components.setdefault(kind, {}).update(named)
    content["components"] = with_scopes(components, services)
    operations = [op for service in services for op in _merged_operations(contract, service)]
    return Document(
        contract.file,
        content,
        (*contract.operations, *operations),
        {**contract.lines, **{p: n for service in services for p, n in _lines(service)}},
        {path: service.source.file for service in services for path in service.paths},
    )


def _other(path: str, paths: Mapping[str, str], pages: Collection[str]) -> str | None:
    for page in pages:
        if path == page or (page.endswith("/") and len(page) > 1 and path.startswith(page)):
            return f"the gateway has {page}"
    return next((there for other, there in paths.items() if _overlap(path, other)), None)


def _overlap(one: str, other: str) -> bool:
    """Whether some request's path would match both templates."""
    pairs = list(zip(one.split("/"), other.split("/"), strict=False))
    return one.count("/") == other.count("/") and all(
        a == b or _TEMPLATED.search(a) or _TEMPLATED.search(b) for a, b in pairs
    )


def _operations(service: Service) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in service.paths.items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _merged_operations(contract: Document, service: Service) -> Iterator[Operation]:
    for path, method, spec in _operations(service):
        yield Operation(
            operation_id=spec["operationId"],
            method=method,
            path=path,
            spec=spec,
            policy=resolve_policy(contract.content, service.paths[path], spec),
            line=service.source.line(service.place(path, method)),
        )


def _lines(service: Service) -> Iterator[tuple[Place, int]]:
    """The lines that the served document keeps, by its own places."""
    gateway_paths = {own: path for path, own in service.own_paths.items()}
    for place, line in service.source.policy_lines().items():
        if place[0] == "paths" and len(place) > 1:
            yield ("paths", gateway_paths[place[1]], *place[2:]), line
        elif place[0] == KEY:
            # What the document says at its top stands at each of its paths now.
            for path in service.paths:
                yield ("paths", path, *place), line
