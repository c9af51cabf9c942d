"""Refusals in the contract's own words: the body that it declares for their status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.contract import Contract
from contracts.mock.declared import Declared
from contracts.mock.samples import NoSample
from openapi.document import Operation
from openapi.problems import MEDIA_TYPE, Answer, Headers, Problem, ProblemType

_OF_THE_BODY = frozenset((b"content-type", b"content-length"))


class Refusal(Exception):
    """A valid request that cannot be served as things are. ``status``: what it is answered."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def to_problem(refusal: Exception) -> Problem:
    """The refusal as a problem of no kind; the contract's own kind is put in by ``Refusals``."""
    assert isinstance(refusal, Refusal)
    return Problem(_Unnamed("", refusal.status, "The request is refused"), refusal.detail)


class _Unnamed(ProblemType):
    """A kind that only its status tells of (RFC 9457 §4.2.1)."""

    __slots__ = ()

    @property
    def uri(self) -> str:
        return "about:blank"


class Refusals:
    """Stands outside of what makes problems, and gives each the form that is declared for it."""

    def __init__(self, app: ASGIApp, contract: Contract, declared: Declared) -> None:
        self.app = app
        self._contract = contract
        self._declared = declared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        operation = self._contract.find(scope["method"], scope["path"])
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if operation is None or not (held or _is_problem(message)):
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answer = self._reworded(operation, _answer(held))
                start = {"status": answer.status, "headers": answer.headers}
                await send({"type": "http.response.start", **start})
                await send({"type": "http.response.body", "body": answer.body})

        await self.app(scope, receive, hold)

    def _reworded(self, operation: Operation, answer: Answer) -> Answer:
        response = self._declared.response(operation, str(answer.status))
        if response is None:
            return answer
        told = json.loads(answer.body)
        if told["type"] == "about:blank":
            told |= {n: response.object[n] for n in ("type", "title") if n in response.object}
        try:
            missing = _missing(response.headers(), answer.headers)
            whole = _with_body([*answer.headers, *missing], told, answer.status, MEDIA_TYPE)
            if self._keeps(operation, whole):
                return whole
            return self._of_the_example(response.answer(), whole)
        except NoSample:
            return answer

    def _of_the_example(self, example: Answer, answer: Answer) -> Answer:
        """The declared example with the headers of the answer that it stands for."""
        own = [(n, v) for n, v in answer.headers if n not in _OF_THE_BODY]
        return Answer(answer.status, [*own, *_missing(example.headers, own)], example.body)

    def _keeps(self, operation: Operation, answer: Answer) -> bool:
        # Who asks for the mock's answer: not the gateway, which adds headers of its own.
        responses = self._contract.responses(operation, "inventory")
        method = operation.method.upper()
        fault, check = responses.check_head(method, answer.status, answer.headers)
        return fault is None and (check is None or check(answer.body) is None)


def _is_problem(message: Message) -> bool:
    headers: Headers = message.get("headers", [])
    return (b"content-type", MEDIA_TYPE.encode()) in headers


def _answer(messages: list[Message]) -> Answer:
    start, *bodies = messages
    body = b"".join(message.get("body", b"") for message in bodies)
    return Answer(start["status"], list(start["headers"]), body)


def _missing(wanted: Headers, there: Headers) -> Headers:
    names = {name for name, _ in there}
    return [(name, value) for name, value in wanted if name not in names]


def _with_body(headers: Headers, told: Mapping[str, Any], status: int, media_type: str) -> Answer:
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    own = [(name, value) for name, value in headers if name not in _OF_THE_BODY]
    described = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
    return Answer(status, [*own, *described], body)
