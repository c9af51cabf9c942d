"""Asks the gateway for everything at once, while the inventory's stand-in does what it is told."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from contracts.contract import Contract
from contracts.door import Door
from contracts.faults.upstream import Act, Upstream, header
from contracts.samples.making import Samples
from contracts.samples.place import REFERENCES, kind_of
from contracts.wire import Answer, NoAnswer, Request
from openapi.document import Operation

BREAKS_OFF = "breaks off"
_AT_ONCE = 64  # requests
Key = tuple[str, str]  # operationId, and the name of what the inventory does


@dataclass(frozen=True, slots=True)
class Told:
    """A request, and its answer or what came instead.

    ``times``: how often the inventory was asked for it.
    """

    door: Door
    request: Request
    answer: Answer | None
    instead: str = ""
    times: int = 1

    @property
    def cell(self) -> str:
        """What the table says of it."""
        if self.answer is not None:
            return str(self.answer.status)
        return BREAKS_OFF if self.instead.startswith("IncompleteRead") else "no answer"

    @property
    def fault(self) -> str:
        """How the answer is not what the contract declares; empty when it is, or there is none."""
        return self.door.fault(self.request, self.answer) if self.answer else ""


class Asking:
    """Asks for each operation, for as many at once as the contract lets one client."""

    def __init__(self, door: Door, operations: Sequence[Operation]) -> None:
        self._door = door
        self._requests = _requests(door.contract, operations)
        self._turns = _turns(operations)
        self._forwarded = {op.operation_id for op in operations if op.policy.upstream}

    def one(self, name: str) -> Told:
        """What is told of this operation."""
        return self._ask(self._requests[name], nullcontext())

    def all(self, upstream: Upstream, acts: Mapping[Key, Act]) -> dict[Key, Told]:
        """What is told of each; the marks tell the inventory's stand-in which act is whose."""
        marks = {key: f"fault-{number}" for number, key in enumerate(acts)}
        upstream.answers = {marks[key]: act for key, act in acts.items()}
        by_gateway = {key: act for key, act in acts.items() if key[0] not in self._forwarded}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            in_turn = pool.submit(self._ask_in_turn, upstream, by_gateway)
            asked = {
                key: pool.submit(self._ask_marked, upstream, key[0], mark)
                for key, mark in marks.items()
                if key[0] in self._forwarded
            }
            told = {key: future.result() for key, future in asked.items()}
        for key in [key for key in told if not told[key].times]:
            # On a busy machine, with all asked at once, patience was over before it was its turn.
            told[key] = self._ask_marked(upstream, key[0], marks[key])
        return told | in_turn.result()

    def _ask_marked(self, upstream: Upstream, name: str, mark: str) -> Told:
        request = self._requests[name].with_headers(("X-Request-Id", mark))
        told = self._ask(request, self._turns[name])
        times = sum(header(head, "x-request-id") == mark for head in list(upstream.heads))
        return replace(told, times=times)

    def _ask_in_turn(self, upstream: Upstream, acts: Mapping[Key, Act]) -> dict[Key, Told]:
        """What the gateway itself asks the inventory for bears no mark of a client's request."""
        told = {}
        for key, act in acts.items():
            upstream.answer = act
            before = _unmarked(upstream)
            told[key] = replace(self.one(key[0]), times=_unmarked(upstream) - before)
        return told

    def _ask(self, request: Request, turn: AbstractContextManager[object]) -> Told:
        with turn:
            try:
                return Told(self._door, request, self._door.ask(request))
            except NoAnswer as exc:
                return Told(self._door, request, None, str(exc))


def _requests(contract: Contract, operations: Sequence[Operation]) -> dict[str, Request]:
    names = ("customers", "homes", "areas", "devices", "jobs", *REFERENCES.values())
    samples = Samples(contract, lambda _: "some_thing")
    requests = {}
    for operation in operations:
        place = {**dict.fromkeys(names, "some-thing"), kind_of(operation): "some_thing"}
        requests[operation.operation_id] = samples.of(operation, place).request()
    return requests


def _turns(operations: Sequence[Operation]) -> dict[str, AbstractContextManager[object]]:
    """Lets no more requests be under way than the contract does."""
    named: dict[str, threading.Semaphore] = {}
    turns: dict[str, AbstractContextManager[object]] = {}
    for operation in operations:
        limit = operation.policy.concurrency
        if limit is None:
            turns[operation.operation_id] = nullcontext()
        else:
            named.setdefault(limit.name, threading.Semaphore(limit.limit))
            turns[operation.operation_id] = named[limit.name]
    return turns


def _unmarked(upstream: Upstream) -> int:
    return sum(not header(head, "x-request-id") for head in list(upstream.heads))
