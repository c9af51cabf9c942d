"""Takes from the document what one service serves, in the form that Connexion is given."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from openapi.components import resolve
from openapi.document import METHODS, Document, Operation

WITH_SCOPES = ("oauth2", "openIdConnect")  # the scheme types that may name scopes


def operations_of(document: Document, upstream: str) -> tuple[Operation, ...]:
    """The operations that the service ``upstream`` serves."""
    return tuple(op for op in document.operations if op.policy.upstream == upstream)


def select(document: Document, operations: Collection[Operation]) -> dict[str, Any]:
    """A document with these operations alone, and every scheme held to their scopes."""
    wanted = {(op.path, op.method) for op in operations}
    content: dict[str, Any] = copy.deepcopy(dict(document.content))
    content["paths"] = {
        path: kept
        for path, item in content["paths"].items()
        if (kept := _with_methods(path, item, wanted))
    }
    specs = (content["paths"][op.path][op.method] for op in operations)
    for level in (content, *specs):
        if "security" in level:
            level["security"] = hold_to_scopes(level["security"], _schemes(document))
    return content


def _with_methods(
    path: str, item: Mapping[str, Any], wanted: Collection[tuple[str, str]]
) -> dict[str, Any]:
    if not any((path, method) in wanted for method in METHODS):
        return {}
    return {k: v for k, v in item.items() if k not in METHODS or (path, k) in wanted}


def hold_to_scopes(
    security: list[dict[str, list[str]]], schemes: Mapping[str, Any]
) -> list[dict[str, list[str]]]:
    """The same alternatives, the schemes without scopes of their own held to the others'.

    OpenAPI 3.0 lets only OAuth 2.0 and OpenID Connect name scopes (§4.7.30), but an API key must
    not be good for more than a token is.
    """
    scopes = sorted({scope for option in security for names in option.values() for scope in names})
    return [
        {
            name: (names if schemes[name]["type"] in WITH_SCOPES else names or scopes)
            for name, names in option.items()
        }
        for option in security
    ]


def check_security(
    document: Document, operations: Collection[Operation], handled: Collection[str]
) -> None:
    """Raises ``DocumentFault`` when an operation is open by omission, or a scheme is not handled.

    Connexion drops a scheme that it has no function for, with no more than a warning.
    ``handled``: the scheme types (``apiKey``, ``oauth2``, ``basic``…) that have a handler.
    """
    schemes = _schemes(document)
    for operation in operations:
        security = operation.spec.get("security", document.content.get("security"))
        if security is None:
            raise document.fault(operation, "has no security; say `security: []` if it is open")
        for name in (name for option in security for name in option):
            if name not in schemes:
                raise document.fault(operation, f"the security scheme {name} is not defined")
            if _kind(schemes[name]) not in handled:
                raise document.fault(operation, f"nothing handles the security scheme {name}")


def _schemes(document: Document) -> Mapping[str, Any]:
    schemes: Mapping[str, Any] = document.content.get("components", {}).get("securitySchemes", {})
    return schemes


def _kind(scheme: Mapping[str, Any]) -> str:
    return str(scheme["scheme"].lower() if scheme["type"] == "http" else scheme["type"])


def countable(
    operations: Collection[Operation],
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Each operation's id, method and the statuses that it declares, for whoever counts them."""
    for op in operations:
        declared = op.spec.get("responses", {})
        yield op.operation_id, op.method, tuple(int(s) for s in declared if s.isdigit())


def paths_of(operations: Collection[Operation]) -> dict[str, str]:
    """The path templates by the operations' ids."""
    return {operation.operation_id: operation.path for operation in operations}


def methods_by_path(operations: Collection[Operation]) -> dict[str, list[str]]:
    """Path template to the methods that these operations give it."""
    methods: dict[str, list[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, []).append(operation.method)
    return methods


def scopes_of(document: Document) -> frozenset[str]:
    """Every scope that the document's OAuth 2.0 schemes define."""
    flows = (
        flow for scheme in _schemes(document).values() for flow in scheme.get("flows", {}).values()
    )
    return frozenset(scope for flow in flows for scope in flow.get("scopes", {}))


def scopes_needed(operation: Operation) -> frozenset[str]:
    """The scopes that the operation's security names."""
    options = operation.spec.get("security", ())
    return frozenset(scope for option in options for names in option.values() for scope in names)


def operations_with_header(document: Document, name: str) -> frozenset[str]:
    """The operationIds of the operations that declare a request header of this name."""
    return frozenset(
        op.operation_id
        for op in document.operations
        if any(declared.lower() == name.lower() for declared in headers_of(document, op))
    )


def headers_of(document: Document, operation: Operation) -> Iterator[str]:
    """The names of the request headers that the operation declares."""
    for declared in _parameters(document, operation):
        if declared["in"] == "header":
            yield declared["name"]


def _parameters(document: Document, operation: Operation) -> Iterator[Mapping[str, Any]]:
    common = document.content["paths"][operation.path].get("parameters", ())
    for declared in (*common, *operation.spec.get("parameters", ())):
        yield resolve(document.content, declared)
