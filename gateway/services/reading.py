"""Reads one service's document, and finds what keeps it from being served."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.services.findings import Finding, error
from openapi.document import METHODS, form_faults
from openapi.policy import KEY
from openapi.source import DocumentFault, Place, Source

_PARAMETER = re.compile(r"\{([^}]*)\}")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ROOT_ALONE = ("prefix", "base-path")
_CONTRACT_ALONE = ("upstream", "failed-logins")


def read_service(file: Path, known_scopes: Collection[str]) -> tuple[Source | None, list[Finding]]:
    """The file, and all errors that were found in it; None when it could not be looked into."""
    try:
        source = Source(file)
    except DocumentFault as exc:
        return None, [_unreadable(file, exc)]
    found = list(_version_errors(source)) or [
        error(source, place, message) for place, message in form_faults(source)
    ]
    # Each of these builds on the ones before it.
    for check in (_path_errors, _schema_errors):
        found = found or list(check(source))
    return source, found or list(_policy_errors(source, file.stem, known_scopes))


def policies(content: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every ``x-gateway`` of the document, with the place that it stands at."""
    if KEY in content:
        yield (), content[KEY]
    for path, item in content["paths"].items():
        if KEY in item:
            yield ("paths", path), item[KEY]
        for method in METHODS:
            if KEY in item.get(method, {}):
                yield ("paths", path, method), item[method][KEY]


def _unreadable(file: Path, fault: DocumentFault) -> Finding:
    text = str(fault).removeprefix(f"{file}:").strip()
    line, _, message = text.partition(": ")
    if not line.isdigit():
        line, message = "1", text
    return Finding(file, int(line), "the document", message)


def _version_errors(source: Source) -> Iterator[Finding]:
    content = source.content
    if "swagger" in content:
        message = "Swagger 2.0 is not read: convert it to OpenAPI 3.0, as swagger2openapi does"
        yield error(source, ("swagger",), message)
    elif str(content.get("openapi")).startswith("3.1"):
        message = "OpenAPI 3.1 is not read: have the service write 3.0, or convert it to 3.0.3"
        yield error(source, ("openapi",), message)


def _path_errors(source: Source) -> Iterator[Finding]:
    shapes: dict[str, str] = {}
    for path, item in source.content["paths"].items():
        place = ("paths", path)
        if not path.startswith("/"):
            yield error(source, place, "a path begins with /")
        if "$ref" in item:
            yield error(source, place, "a path is not taken from elsewhere: write it here")
        other = shapes.setdefault(_PARAMETER.sub("{}", path), path)
        if other != path:
            yield error(source, place, f"{other} is the same path by another name")
        for name in _PARAMETER.findall(path):
            if not _ARGUMENT.fullmatch(name):
                message = f"the parameter {name!r} is not of letters, digits, _ and -"
                yield error(source, place, message)
    yield from _operation_id_errors(source)


def _operation_id_errors(source: Source) -> Iterator[Finding]:
    seen: dict[str, Place] = {}
    for path, item in source.content["paths"].items():
        for method in METHODS:
            name = item.get(method, {}).get("operationId")
            place = ("paths", path, method, "operationId")
            other = seen.setdefault(name, place) if name is not None else place
            if other != place:
                message = f"the operationId {name} stands at line {source.line(other)} too"
                yield error(source, place, message)


def _schema_errors(source: Source) -> Iterator[Finding]:
    # Imported where there is a service: it takes as long as all the rest.
    from openapi.form import FormFault, check_form

    try:
        check_form(source.content)
    except FormFault as exc:
        yield error(source, exc.place, str(exc))


def _policy_errors(source: Source, service: str, known: Collection[str]) -> Iterator[Finding]:
    for place, policy in policies(source.content):
        for key in policy:
            at = (*place, KEY, key)
            if key in _CONTRACT_ALONE:
                yield error(source, at, "it is for the contract alone")
            elif key in _ROOT_ALONE and place:
                yield error(source, at, "it holds for all of the service: put it at the top")
        for scope in policy.get("scopes", ()):
            if scope not in known and not scope.startswith(f"{service}:"):
                message = f"the contract has no scope {scope}, and it is not one of {service}:…"
                yield error(source, (*place, KEY, "scopes"), message)
