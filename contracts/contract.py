"""The contract as the parts of the suite ask for it: its operations, by the requests they match."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi import CONTRACT
from openapi.components import resolve, resolved
from openapi.document import Operation, load_document
from openapi.responses import ResponseCompiler, Responses
from openapi.routing import path_pattern
from openapi.selection import scopes_needed

# What the gateway puts on every answer, whichever service it is of.
OF_THE_GATEWAY = ("RateLimit-Policy", "RateLimit")


class Contract:
    """One OpenAPI document, and what the suite wants to know of it."""

    def __init__(self, file: Path = CONTRACT) -> None:
        self.file = file
        self.document = load_document(file)
        self.operations: Mapping[str, Operation] = {
            op.operation_id: op for op in self.document.operations
        }
        self._responses: dict[tuple[str, bool], Responses] = {}

    @property
    def version(self) -> str:
        """Its version (``info.version``)."""
        return str(self.document.content["info"]["version"])

    @cached_property
    def forwarded(self) -> tuple[Operation, ...]:
        """The operations that the gateway sends on."""
        return tuple(op for op in self.document.operations if op.policy.upstream)

    def resolve(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part, or what its ``$ref`` leads to."""
        return resolve(self.document.content, part)

    def resolved(self, part: Any) -> Any:
        """The part without any reference in it."""
        return resolved(self.document.content, part)

    def parameters(self, operation: Operation) -> list[Mapping[str, Any]]:
        """The operation's parameters, those of its path included."""
        item = self.document.content["paths"][operation.path]
        declared = (*item.get("parameters", ()), *operation.spec.get("parameters", ()))
        return [self.resolve(parameter) for parameter in declared]

    def request_bodies(self, operation: Operation) -> Mapping[str, Mapping[str, Any]]:
        """The request's media types, and what each says of the body."""
        body = self.resolve(operation.spec.get("requestBody", {}))
        found: Mapping[str, Mapping[str, Any]] = body.get("content", {})
        return found

    def schemes(self, operation: Operation) -> frozenset[str]:
        """The names of the security schemes that the operation takes."""
        options = operation.spec.get("security", self.document.content.get("security", ()))
        return frozenset(name for option in options for name in option)

    def scheme_of(self, operation: Operation, headers: Mapping[str, str]) -> str:
        """Which of the operation's schemes the credential among the headers is of, or nothing."""
        given = {name.lower(): value for name, value in headers.items()}
        schemes = self.document.content["components"]["securitySchemes"]
        for name in sorted(self.schemes(operation)):
            if _carries(given, schemes[name]):
                return name
        return ""

    def scopes(self, operation: Operation) -> frozenset[str]:
        """The scopes that the operation wants."""
        return scopes_needed(operation)

    def find(self, method: str, target: str) -> Operation | None:
        """The operation that a request is for; HEAD is GET without the body."""
        path = urlsplit(target).path
        wanted = "get" if method == "HEAD" else method.lower()
        for pattern, operation in self._patterns:
            if operation.method == wanted and pattern.fullmatch(path):
                return operation
        return None

    def sent(self, operation: Operation, target: str, headers: Mapping[str, str]) -> frozenset[str]:
        """Which declared parameters a request carries: ``query.limit``, ``header.If-Match``."""
        query = {name for name, _ in parse_qsl(urlsplit(target).query, keep_blank_values=True)}
        present = {("query", name) for name in query} | {("header", n.lower()) for n in headers}
        return frozenset(
            f"{p['in']}.{p['name']}"
            for p in self.parameters(operation)
            if p["in"] == "path"
            or (p["in"], p["name"].lower() if p["in"] == "header" else p["name"]) in present
        )

    def responses(self, operation: Operation, by: str = "gateway") -> Responses:
        """What checks the operation's answers; ``by``: the service that is asked."""
        key = (operation.operation_id, by == "gateway")
        if key not in self._responses:
            self._responses[key] = self._compilers[by == "gateway"].compile(operation.spec)
        return self._responses[key]

    def declared_statuses(self, operation: Operation) -> frozenset[int]:
        """The statuses that the operation declares by themselves."""
        return frozenset(int(s) for s in operation.spec["responses"] if s.isdigit())

    def declares(self, operation: Operation, status: int) -> bool:
        """Whether the operation declares the status: by itself, by its hundred, by ``default``."""
        hundred = str(status)[0]
        names = (str(status), f"{hundred}XX", f"{hundred}xx", "default")
        return any(name in operation.spec["responses"] for name in names)

    @cached_property
    def _compilers(self) -> Mapping[bool, ResponseCompiler]:
        content = self.document.content
        return {True: ResponseCompiler(content), False: ResponseCompiler(content, OF_THE_GATEWAY)}

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], Operation]]:
        return [(path_pattern(op.path), op) for op in self.document.operations]


def _carries(headers: Mapping[str, str], scheme: Mapping[str, Any]) -> bool:
    if scheme["type"] == "apiKey":
        return scheme["in"] == "header" and scheme["name"].lower() in headers
    kind = scheme["scheme"] if scheme["type"] == "http" else "bearer"
    return headers.get("authorization", "").partition(" ")[0].lower() == str(kind).lower()
