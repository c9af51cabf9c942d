"""Says what the document decides for a request: which operation, who may, by which policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from openapi.document import Document, Operation
from openapi.policy import DEFAULTS, KEY, KEYS
from openapi.routing import AllowedMethods, path_pattern
from openapi.selection import hold_to_scopes, methods_by_path

Explanation = dict[str, Any]


class Explanations:
    """Answers by the same paths, security and policy that requests are served by."""

    def __init__(self, document: Document, pages: Mapping[str, Collection[str]]) -> None:
        """``pages``: path to methods of what the gateway serves that is no operation."""
        self._document = document
        self._pages = pages
        self._methods = AllowedMethods(methods_by_path(document.operations))
        self._operations = [(path_pattern(op.path), op) for op in document.operations]

    def explain(self, method: str, path: str) -> Explanation:
        """``operation`` with all that holds for it; or None, and ``why`` nothing matches.

        ``path`` as in a request's first line, percent-escapes and all; a query is passed over.
        """
        plain = unquote(path.partition("?")[0])
        asked = {"method": method, "path": path}
        wanted = "GET" if method == "HEAD" else method
        for pattern, operation in self._operations:
            if operation.method.upper() == wanted and pattern.fullmatch(plain):
                return asked | self._of(operation)
        return asked | {"operation": None, "why": self._why(method, plain)}

    def _why(self, method: str, path: str) -> str:
        if path in self._pages:
            return "The gateway's own page, for everybody; no operation of the document."
        allow = self._methods.allow(path)
        if allow and method == "OPTIONS":
            return f"OPTIONS is answered by 204 with Allow: {allow}, for everybody."
        if allow:
            return f"405: the path has {allow}."
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        if self._methods.allow(other):
            return f"404: no path of the document matches; {other} would, and is another path."
        return "404: no path of the document matches."

    def _of(self, operation: Operation) -> Explanation:
        upstream = operation.policy.upstream
        return {
            "operation": {
                "operation_id": operation.operation_id,
                "method": operation.method.upper(),
                "path": operation.path,
                "served_by": upstream or "gateway",
                "at": self._at("paths", operation.path, operation.method),
            },
            "security": self._security(operation),
            "policy": {key: self._policy(operation, key) for key in KEYS},
        }

    def _security(self, operation: Operation) -> Explanation:
        place: tuple[str, ...] = ("paths", operation.path, operation.method, "security")
        content = self._document.content
        if "security" not in operation.spec:
            place = ("security",)
        stated = operation.spec.get("security", content.get("security", []))
        schemes = content.get("components", {}).get("securitySchemes", {})
        return {"any_of": hold_to_scopes(stated, schemes), "at": self._at(*place)}

    def _policy(self, operation: Operation, key: str) -> Explanation:
        content, path = self._document.content, ("paths", operation.path)
        levels: tuple[tuple[str, Mapping[str, Any], tuple[str, ...]], ...] = (
            ("operation", operation.spec, (*path, operation.method)),
            ("path", content["paths"][operation.path], path),
            ("document", content, ()),
        )
        for level, there, place in levels:
            stated = there.get(KEY, {})
            if key in stated:
                at = self._at(*place, KEY, key)
                return {"value": stated[key], "level": level, "at": at}
        return {"value": DEFAULTS.get(key), "level": "default", "at": None}

    def _at(self, *place: str) -> str:
        return f"{self._document.file_of(place).name}:{self._document.line(place)}"
