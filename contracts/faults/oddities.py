"""Answers of a service that are HTTP, but not what the contract declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.contract import OF_THE_GATEWAY, Contract
from contracts.faults.upstream import Act, send
from openapi.document import Operation

_BLOCKED = 502
_OWN = frozenset(name.lower() for name in (*OF_THE_GATEWAY, "X-Request-Id"))
_JSON = "application/json"
_PROBLEM = b'{"type": "about:blank", "title": "A teapot", "status": 418}'


@dataclass(frozen=True, slots=True)
class Oddity:
    """Such an answer. ``words``: what it is; ``expected``: the status that the client is given.

    ``is_blocked``: the client is not given it, and ``why``.
    """

    name: str
    words: str
    act: Act
    body: bytes
    expected: int
    is_blocked: bool
    why: str


def oddities(contract: Contract, operation: Operation) -> list[Oddity]:
    """Those that there can be of the operation."""
    return list(_of(contract, operation, *_rule(operation)))


def _rule(operation: Operation) -> tuple[bool, str]:
    check = operation.policy.response_check
    if operation.policy.upstream is None:
        return True, "the gateway reads it itself"
    if check is not None and check.blocks and check.sample >= 1:
        return True, "the contract's x-gateway.validation blocks"
    return False, "the contract's x-gateway.validation does not block"


def _of(contract: Contract, operation: Operation, is_blocked: bool, why: str) -> Iterator[Oddity]:

    def oddity(name: str, words: str, status: int, media_type: str, body: bytes) -> Oddity:
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {media_type}", "Cache-Control: no-store",
                 "Connection: close", f"Content-Length: {len(body)}", "", ""]  # fmt: skip
        content = "\r\n".join(lines).encode() + body
        expected = _BLOCKED if is_blocked else status
        return Oddity(name, words, send(content), body, expected, is_blocked, why)

    yield oddity("status", "418, which is not declared,", 418, "application/problem+json", _PROBLEM)
    status, response = _success(contract, operation)
    if operation.policy.upstream is None:
        yield oddity("body", "with a body that cannot be read", status, _JSON, b"0")
        yield oddity("media type", "with a body that is no JSON", status, "text/x-other", b"x")
        return
    if _JSON in response.get("content", {}):
        yield oddity("media type", "with an undeclared media type", status, "text/x-other", b"x")
        yield oddity("body", "with a body that is not of its schema", status, _JSON, b"0")
    if missing := _required(contract, response):
        words = f"without the header {missing}, which is required,"
        media_type = next(iter(response.get("content", {})), "text/plain")
        body = b"{}" if status != 204 else b""
        yield oddity("header", words, status, media_type, body)


def _success(contract: Contract, operation: Operation) -> tuple[int, Mapping[str, Any]]:
    statuses = [s for s in contract.declared_statuses(operation) if 200 <= s < 300]
    status = min(statuses)
    return status, contract.resolve(operation.spec["responses"][str(status)])


def _required(contract: Contract, response: Mapping[str, Any]) -> str:
    for name, declared in response.get("headers", {}).items():
        if name.lower() not in _OWN and contract.resolve(declared).get("required"):
            return str(name)
    return ""
