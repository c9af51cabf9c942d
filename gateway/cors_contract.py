"""What the contract says that other origins may send to each path, and read of answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openapi.components import resolve
from openapi.document import Document, Operation
from openapi.routing import AllowedMethods
from openapi.selection import methods_by_path

# What every operation takes and answers besides.
_TAKEN = ("X-Request-Id", "traceparent", "tracestate")
_GIVEN = ("Age", "Allow", "Cache-Status", "Content-Disposition", "Deprecation", "ETag", "Link",
          "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Sunset", "WWW-Authenticate",
          "X-Request-Id", "traceparent")  # fmt: skip


class PathHeaders:
    """Methods and request headers by path; computed once. ``exposed``: the answers' headers.

    ``others``: paths that the document does not have, with their methods.
    """

    def __init__(self, document: Document, others: Mapping[str, Iterable[str]]) -> None:
        content = document.content
        by_path: dict[str, set[str]] = {path: set() for path in others}
        exposed = set(_GIVEN)
        for operation in document.operations:
            by_path.setdefault(operation.path, set()).update(_taken(content, operation))
            exposed.update(_given(content, operation))
        methods = {**others, **methods_by_path(document.operations)}
        self.exposed = _listed(exposed)
        self._paths = [
            (AllowedMethods({path: methods[path]}), _listed({*names, *_TAKEN}))
            for path, names in by_path.items()
        ]

    def find(self, path: str) -> tuple[str, str] | None:
        """The methods and the headers for a path, each separated by commas."""
        for methods, names in self._paths:
            allow = methods.allow(path)
            if allow is not None:
                return allow, names
        return None


def _taken(content: Mapping[str, Any], operation: Operation) -> Iterator[str]:
    item = content["paths"][operation.path]
    for parameter in (*item.get("parameters", ()), *operation.spec.get("parameters", ())):
        parameter = resolve(content, parameter)
        if parameter["in"] == "header":
            yield parameter["name"]
    if "requestBody" in operation.spec:
        yield "Content-Type"
    schemes = content.get("components", {}).get("securitySchemes", {})
    for option in operation.spec.get("security", content.get("security", ())):
        yield from (_credential(resolve(content, schemes[name])) for name in option)


def _credential(scheme: Mapping[str, Any]) -> str:
    is_header = scheme["type"] == "apiKey" and scheme["in"] == "header"
    return scheme["name"] if is_header else "Authorization"


def _given(content: Mapping[str, Any], operation: Operation) -> Iterator[str]:
    for response in operation.spec.get("responses", {}).values():
        yield from resolve(content, response).get("headers", {})


def _listed(names: Iterable[str]) -> str:
    """Each name once, however it is spelled (RFC 9110 §5.1)."""
    once = {name.lower(): name for name in sorted(names)}
    return ", ".join(once[key] for key in sorted(once))
