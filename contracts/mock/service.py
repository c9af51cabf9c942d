"""Serves every operation of a contract: those of its resources from memory, others by example."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from starlette.types import Receive, Scope, Send

from contracts.contract import Contract
from contracts.mock.asked import Asked
from contracts.mock.declared import (
    Declared,
    NotAcceptable,
    NotDeclared,
    preferences,
    prefers_a_job,
)
from contracts.mock.kinds import Kind, find_kinds
from contracts.mock.memory import KeyReused, Memory
from contracts.mock.refusals import Refusal
from contracts.mock.resources import Resources
from openapi.problems import INVALID_REQUEST, Answer, Problem
from openapi.request import header, operation_id, principal, validated


class MockService:
    """The innermost ASGI application: what it is given was routed, let in and validated."""

    def __init__(self, contract: Contract, declared: Declared, memory: Memory) -> None:
        self._contract = contract
        self._declared = declared
        self._memory = memory
        self._kinds = {
            name: (kind, role) for kind in find_kinds(contract) for name, role in kind.roles.items()
        }
        resources = Resources(declared, memory)
        self._roles: Mapping[str, Callable[[Kind, Asked], Answer]] = {
            "list": resources.list,
            "create": resources.create,
            "get": resources.get,
            "replace": resources.replace,
            "patch": resources.patch,
            "delete": resources.delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await self._asked(scope, receive)
        with self._memory.turn():
            answer = self._once(asked)
        start = {"status": answer.status, "headers": answer.headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": answer.body})

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        request = validated(scope)
        raw = await _rest(receive) if request.raw is None else request.raw
        return Asked(
            operation=self._contract.operations[operation_id(scope) or ""],
            path=scope["raw_path"].decode().partition("?")[0],
            parameters=request.parameters,
            body=request.body,
            raw=raw,
            query=scope["query_string"].decode(),
            accept=header(scope, b"accept"),
            prefer=preferences(header(scope, b"prefer")),
            wants_job=prefers_a_job(header(scope, b"prefer")),
            principal=str(principal(scope).get("sub", "")),
        )

    def _once(self, asked: Asked) -> Answer:
        """The answer; of a request whose ``Idempotency-Key`` came before, the same again."""
        key = asked.parameters.get("idempotency_key")
        if key is None or asked.prefer:
            return self._answer(asked)
        request = hashlib.sha256(
            f"{asked.operation.operation_id} {asked.path}?{asked.query}\n".encode() + asked.raw
        ).hexdigest()
        try:
            before = self._memory.answered(asked.principal, key, request)
        except KeyReused as exc:
            raise Refusal(422, "Send a new Idempotency-Key with each new request.") from exc
        answer = before or self._answer(asked)
        self._memory.keep(asked.principal, key, request, answer)
        return answer

    def _answer(self, asked: Asked) -> Answer:
        kind, role = self._kinds.get(asked.operation.operation_id, (None, ""))
        is_plain = role in ("list", "get", "delete") or isinstance(asked.body, Mapping)
        try:
            if kind is not None and is_plain and not asked.prefer:
                return self._roles[role](kind, asked)
            wanted = (202,) if asked.wants_job else ()
            return self._declared.preferred(asked.operation, asked.prefer, asked.accept, *wanted)
        except NotDeclared as exc:
            detail = f"Prefer asks for what is not in the contract: {exc}."
            place = {"in": "header", "name": "Prefer", "detail": str(exc)}
            raise Problem(INVALID_REQUEST, detail, errors=[place]) from exc
        except NotAcceptable as exc:
            raise Refusal(406, f"This operation answers {exc}.") from exc


async def _rest(receive: Receive) -> bytes:
    """A body that nobody has read yet, whole."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)
