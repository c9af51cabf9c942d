"""Holds the services' answers to the contract, as ``x-gateway.validation`` says."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import INVALID_RESPONSE
from openapi.document import Document
from openapi.problems import Problem
from openapi.request import operation_id
from openapi.responses import PARTS, BodyCheck, Fault, ResponseCompiler, Responses
from telemetry.metrics import AnswerChecks, Metrics

HELD = 4 * 1024 * 1024  # bytes of a body that are kept to look at it
IN_PLACE = 64 * 1024  # bytes that are looked at within a millisecond; more is left to a thread
WAITING = 4  # large bodies that may wait for that thread, where nobody waits for what it finds
# What the gateway itself adds to answers, further out.
OWN_HEADERS = ("X-Request-Id", "traceparent", "RateLimit-Policy", "RateLimit")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """An operation whose answers are looked at."""

    operation_id: str
    responses: Responses
    blocks: bool
    sample: float
    series: AnswerChecks

    def tell(self, faults: Collection[Fault]) -> None:
        """Counts and logs them. A log line has places and rules, never a value."""
        for fault in faults:
            self.series.invalid[fault.part].inc()
        told = "; ".join(map(str, faults))
        logger.warning("the answer to %s is not as declared: %s", self.operation_id, told)


def checked_operations(document: Document, metrics: Metrics) -> dict[str, Checked]:
    """Those that have an upstream and ``x-gateway.validation``, by their ids."""
    compiler = ResponseCompiler(document.content, OWN_HEADERS)
    return {
        op.operation_id: Checked(
            op.operation_id,
            compiler.compile(op.spec),
            check.blocks,
            check.sample,
            metrics.answer_checks(op.operation_id, PARTS),
        )
        for op in document.operations
        if op.policy.upstream and (check := op.policy.response_check)
    }


class ResponseValidationMiddleware:
    """Stands around the forwarder: what it looks at is the service's answer and nothing else."""

    def __init__(self, app: ASGIApp, operations: Mapping[str, Checked]) -> None:
        self.app = app
        self._operations = operations
        self._thread = _LargeBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        checked = self._operations.get(operation_id(scope) or "")
        if checked is None or (checked.sample < 1 and random.random() >= checked.sample):
            await self.app(scope, receive, send)
            return
        checked.series.checked.inc()
        kind = _Blocking if checked.blocks else _Reporting
        answer = kind(checked, scope["method"], send, self._thread)
        await self.app(_as_it_is(scope), receive, answer.send)


class _LargeBodies:
    """Looks at large bodies one at a time: more would only share the interpreter."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="large-answer")
        self.waiting = 0

    async def check(self, check: BodyCheck, body: bytes) -> Fault | None:
        if len(body) <= IN_PLACE:
            return check(body)
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, check, body)
        finally:
            self.waiting -= 1


class _Answer:
    """One answer on its way, and what is kept of its body."""

    def __init__(self, checked: Checked, method: str, send: Send, thread: _LargeBodies) -> None:
        self._checked = checked
        self._method = method
        self._send = send
        self._thread = thread
        self._check: BodyCheck | None = None
        self._faults: list[Fault] = []
        self._kept: list[bytes] = []
        self._size = 0

    async def send(self, message: Message) -> None:
        """What the forwarder sends."""
        if message["type"] == "http.response.start":
            fault, self._check = self._checked.responses.check_head(
                self._method, message["status"], message["headers"]
            )
            if fault is not None:
                self._faults.append(fault)
            await self._begin(message)
        else:
            await self._go_on(message)

    def _keep(self, message: Message) -> bool:
        """Keeps a part of the body; false when it is more than may be kept."""
        body: bytes = message.get("body", b"")
        self._kept.append(body)
        self._size += len(body)
        return self._size <= HELD

    async def _begin(self, start: Message) -> None:
        raise NotImplementedError

    async def _go_on(self, message: Message) -> None:
        raise NotImplementedError

    async def _look(self, check: BodyCheck) -> None:
        if fault := await self._thread.check(check, b"".join(self._kept)):
            self._faults.append(fault)


class _Reporting(_Answer):
    """Sends an answer as it comes, and looks at it when it is over."""

    async def _begin(self, start: Message) -> None:
        await self._send(start)

    async def _go_on(self, message: Message) -> None:
        await self._send(message)
        if self._check is not None and not self._keep(message):
            self._check = None  # it is too large to be kept
            self._kept.clear()
        if not message.get("more_body"):
            await self._end()

    async def _end(self) -> None:
        if self._check is not None and (self._size <= IN_PLACE or self._thread.waiting < WAITING):
            await self._look(self._check)
        if self._faults:
            self._checked.tell(self._faults)


class _Blocking(_Answer):
    """Holds an answer back until it is seen to be as declared.

    A body that no check is made for (CSV, NDJSON, events) goes on as it comes.
    """

    _start: Message

    async def _begin(self, start: Message) -> None:
        self._start = start
        self._refuse_faults()
        if self._check is None:
            await self._send(start)

    async def _go_on(self, message: Message) -> None:
        if self._check is None:
            await self._send(message)
            return
        if not self._keep(message):
            self._faults.append(Fault("body", "/", f"is over {HELD} bytes, too large to be kept"))
        elif not message.get("more_body"):
            await self._look(self._check)
        self._refuse_faults()
        if not message.get("more_body"):
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": b"".join(self._kept)})

    def _refuse_faults(self) -> None:
        if self._faults:
            self._checked.tell(self._faults)
            # What exactly is wrong is in the logs: it is not the client's to put right.
            raise Problem(INVALID_RESPONSE, "The service's answer is not as the contract says.")


def _as_it_is(scope: Scope) -> Scope:
    """The request, asking for a body without a coding: that of another could not be read."""
    headers = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
    return {**scope, "headers": [*headers, (b"accept-encoding", b"identity")]}
