"""What an answer depends on: the key that it is kept and found by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from starlette.types import Scope

from gateway.caching.conditions import CLIENTS, LEFT_ALONE
from gateway.caching.entries import Variant
from openapi.document import Document, DocumentFault, Operation
from openapi.policy import KEY as POLICY
from openapi.policy import Caching
from openapi.problems import Headers
from openapi.request import principal
from openapi.selection import headers_of


class Key(NamedTuple):
    """``whose``: the tenant and scopes, or the principal. ``said``: the contract's headers."""

    path: bytes
    query: bytes
    operation: str
    whose: tuple[object, ...]
    said: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class CachedOperation:
    """An operation whose answers are kept. ``headers``: what requests may say to change them.

    ``patience``: seconds for which a request waits for the answer to another one.
    """

    operation_id: str
    rule: Caching
    headers: tuple[bytes, ...]
    patience: float

    def key(self, scope: Scope) -> Key:
        """The key of a request's answer."""
        return Key(
            scope["raw_path"],
            scope["query_string"],
            self.operation_id,
            self._whose(scope),
            tuple(_value(scope["headers"], name) for name in self.headers),
        )

    def _whose(self, scope: Scope) -> tuple[object, ...]:
        who = principal(scope)
        seen = (who.get("tenant"), who.get("scopes"))
        return (*seen, who.get("sub")) if self.rule.by == "principal" else seen


def cached_operations(document: Document) -> dict[str, CachedOperation]:
    """The operations whose answers are kept; ``DocumentFault`` for one that has none to keep."""
    cached = {}
    for operation in document.operations:
        if operation.policy.cache is None:
            continue
        if operation.method == "get" and operation.policy.upstream is not None:
            cached[operation.operation_id] = CachedOperation(
                operation.operation_id,
                operation.policy.cache,
                tuple(sorted(_headers(document, operation))),
                operation.policy.total_timeout,
            )
        elif "cache" in operation.spec.get(POLICY, {}):
            where = f"{document.file}:{operation.line}: {operation.operation_id}"
            raise DocumentFault(f"{where}: only a GET that a service answers can have a cache")
    return cached


def _headers(document: Document, operation: Operation) -> Iterator[bytes]:
    """The request headers that the contract lets change an answer, those of the cache left out."""
    for name in headers_of(document, operation):
        if (lower := name.lower().encode("latin-1")) not in CLIENTS | LEFT_ALONE:
            yield lower
    content: Mapping[str, Collection[str]]
    for answer in operation.spec["responses"].values():
        content = answer.get("content", {})
        if len(content) > 1:
            yield b"accept"
            return


def variant_of(request: Headers, answer: Headers) -> Variant:
    """The request's values of what the answer's ``Vary`` names (RFC 9111 §4.1)."""
    lines = b",".join(value for n, value in answer if n == b"vary").lower().split(b",")
    names = {part.strip() for part in lines} - {b""}
    return {name: _value(request, name) for name in names}


def fits(variant: Variant, request: Headers) -> bool:
    """Whether an answer that was chosen by ``variant`` is the one for this request."""
    return all(_value(request, name) == value for name, value in variant.items())


def _value(headers: Headers, name: bytes) -> bytes | None:
    """All values of a header as one, with the same spaces however it was written."""
    parts = [part.strip() for n, value in headers if n == name for part in value.split(b",")]
    return b", ".join(parts) if parts else None
