"""Whatever the service behind the gateway does: its client is told what the contract declares."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.door import Door
from contracts.findings import Result, Table
from contracts.patience import copy_with_patience
from contracts.placed import REFERENCES, Samples, kind_of
from contracts.services import ROOT, free_port
from contracts.suite import Needs, Part, Stage
from contracts.upstream import Act, GatewayAlone, Upstream, header
from contracts.upstream_faults import FAULTS, SECRET, Fault
from contracts.upstream_oddities import Oddity, oddities
from contracts.wire import Answer, NoAnswer, Request
from openapi.document import Operation

NAME = "faults"
PATIENCE = 3  # seconds for an answer, instead of those of the contract
_AT_ONCE = 64  # requests
_ABOUT_US = ("127.0.0.1", "aiohttp", "inventory", "Traceback", SECRET)  # is no client's business
BREAKS_OFF = "breaks off"
NOTHING = "-"  # to ask: a cell of the table
Key = tuple[str, str]  # operationId and column


def judge(stage: Stage, result: Result) -> None:
    """Each fault for each operation that needs the service, and the service that is not there."""
    judge_of(ROOT, stage, result)


def judge_of(source: Path, stage: Stage, result: Result) -> None:
    """The same of another checkout."""
    folder = stage.folder / NAME
    root = copy_with_patience(source, folder / "code", PATIENCE)
    with closing(Upstream()) as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        with _gateway(stage, root, folder / "faulty", url) as gateway:
            matrix = _Matrix(stage, gateway, result)
            matrix.judge_faults(upstream)
            matrix.judge_oddities(upstream)
    with _gateway(stage, root, folder / "down", f"http://127.0.0.1:{free_port()}") as gateway:
        matrix.judge_down(stage, gateway)
    result.tables += matrix.tables()


def _gateway(stage: Stage, root: Path, data: Path, url: str) -> GatewayAlone:
    gateway = GatewayAlone(data, {**stage.options.settings, "INVENTORY_URL": url})
    gateway.root = root
    return gateway


@dataclass(frozen=True, slots=True)
class Told:
    """A request, and its answer or what came instead; ``reached``: the inventory was asked."""

    request: Request
    answer: Answer | None
    instead: str = ""
    reached: bool = True

    @property
    def cell(self) -> str:
        """What the table says of it."""
        if self.answer is not None:
            return str(self.answer.status)
        return BREAKS_OFF if self.instead.startswith("IncompleteRead") else "no answer"


class _Matrix:
    """Asks everything at once, as far as the contract lets one client, and judges the answers."""

    def __init__(self, stage: Stage, gateway: GatewayAlone, result: Result) -> None:
        self._contract = stage.contract
        self._door = _door(stage, gateway)
        self._port = ""
        self._result = result
        self._operations = [op for op in stage.contract.operations.values() if _needs_service(op)]
        self._requests = _requests(stage.contract, self._operations)
        self._limits = _limits(self._operations)
        self._cells: dict[Key, str] = {}
        self._oddities = {op.operation_id: oddities(stage.contract, op) for op in self._operations}

    def judge_faults(self, upstream: Upstream) -> None:
        """Every fault for every operation."""
        self._port = str(upstream.port)
        wanted = {
            (op.operation_id, fault.name): fault.act for op in self._operations for fault in FAULTS
        }
        told = self._ask_all(upstream, wanted)
        for operation in self._operations:
            for fault in FAULTS:
                self._judge_fault(operation, fault, told[operation.operation_id, fault.name])

    def judge_oddities(self, upstream: Upstream) -> None:
        """What is HTTP, but not what the contract declares."""
        wanted = {
            (name, oddity.name): oddity.act
            for name, odd in self._oddities.items()
            for oddity in odd
        }
        told = self._ask_all(upstream, wanted)
        for operation in self._operations:
            for oddity in self._oddities[operation.operation_id]:
                self._judge_oddity(operation, oddity, told[operation.operation_id, oddity.name])

    def judge_down(self, stage: Stage, gateway: GatewayAlone) -> None:
        """Nobody listens where the service should be."""
        self._door = _door(stage, gateway)
        for operation in self._operations:
            told = self._ask(self._requests[operation.operation_id], nullcontext())
            self._judge_fault(operation, _DOWN, told)
        for operation in self._contract.operations.values():
            if (
                503 in self._contract.declared_statuses(operation)
                and not operation.spec["security"]
            ):
                self._judge_readiness(operation)

    def tables(self) -> list[Table]:
        """What was answered, an operation a row."""
        faults = [fault.name for fault in (*FAULTS, _DOWN)]
        odd = list(dict.fromkeys(o.name for each in self._oddities.values() for o in each))
        return [
            self._table("What a client is told when the inventory fails", faults),
            self._table(
                "What a client is given when the inventory answers what is not declared", odd
            ),
        ]

    def _table(self, title: str, columns: list[str]) -> Table:
        names = [op.operation_id for op in self._operations]
        rows = [[name, *(self._cells.get((name, c), NOTHING) for c in columns)] for name in names]
        return Table(title, ("operation", *columns), rows)

    def _ask_all(self, upstream: Upstream, wanted: Mapping[Key, Act]) -> dict[Key, Told]:
        """What was told of each; the marks tell the inventory's stand-in which act is whose."""
        marks = {key: f"fault-{number}" for number, key in enumerate(wanted)}
        upstream.answers = {marks[key]: act for key, act in wanted.items()}
        forwarded = {op.operation_id for op in self._operations if op.policy.upstream}
        by_gateway = {key: act for key, act in wanted.items() if key[0] not in forwarded}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            in_turn = pool.submit(self._ask_in_turn, upstream, by_gateway)
            asked = {
                key: pool.submit(self._ask_marked, upstream, key[0], mark)
                for key, mark in marks.items()
                if key[0] in forwarded
            }
            told = {key: future.result() for key, future in asked.items()} | in_turn.result()
        for key in [key for key in wanted if not told[key].reached]:
            # On a busy machine, with all asked at once, patience was over before it was its turn.
            if key not in by_gateway:
                told[key] = self._ask_marked(upstream, key[0], marks[key])
            if not told[key].reached:
                self._tell_unreached(key, told[key])
        return told

    def _ask_marked(self, upstream: Upstream, name: str, mark: str) -> Told:
        request = self._requests[name].with_headers(("X-Request-Id", mark))
        told = self._ask(request, self._limits[name])
        reached = any(header(head, "x-request-id") == mark for head in list(upstream.heads))
        return replace(told, reached=reached)

    def _ask_in_turn(self, upstream: Upstream, wanted: Mapping[Key, Act]) -> dict[Key, Told]:
        """What the gateway itself asks the inventory for bears no mark of a client's request."""
        told = {}
        for key, act in wanted.items():
            upstream.answer = act
            before = _unmarked(upstream)
            answer = self._ask(self._requests[key[0]], nullcontext())
            told[key] = replace(answer, reached=_unmarked(upstream) > before)
        return told

    def _ask(self, request: Request, turn: AbstractContextManager[object]) -> Told:
        with turn:
            try:
                return Told(request, self._door.ask(request))
            except NoAnswer as exc:
                return Told(request, None, str(exc))

    def _tell_unreached(self, key: Key, told: Told) -> None:
        name, column = key
        title = f"the gateway did not ask the inventory ({told.cell}): {column!r} was not tried"
        self._find(name, told, title)

    def _judge_fault(self, operation: Operation, fault: Fault, told: Told) -> None:
        name, expected = operation.operation_id, _expected(operation, fault)
        for wrong in self._wrong(expected, told):
            self._find(name, told, f"when the inventory {fault.words}, {wrong}")
        self._note(name, fault.name, expected, told)

    def _wrong(self, expected: Sequence[str], told: Told) -> Iterator[str]:
        yield from self._undeclared(expected, told)
        text = told.answer.text if told.answer else ""
        leaked = [word for word in (*_ABOUT_US, self._port) if word and word in text]
        if leaked:
            yield f"the client is told what is not for it: {', '.join(leaked)}"

    def _undeclared(self, expected: Sequence[str], told: Told) -> Iterator[str]:
        if told.cell not in expected:
            yield f"the client is told {told.cell}; {' or '.join(expected)} is right"
        if wrong := self._fault(told):
            yield f"the {told.cell} is not as the contract declares: {wrong}"
        if told.cell == "503" and told.answer and not told.answer.header("retry-after"):
            yield "the 503 does not say when to try again (Retry-After)"

    def _judge_oddity(self, operation: Operation, oddity: Oddity, told: Told) -> None:
        name, expected = operation.operation_id, str(oddity.expected)
        given = f"the inventory answers {oddity.words}"
        if told.cell != expected:
            title = (
                f"{given}, the client is given {told.cell}; {oddity.why}, so {expected} is right"
            )
            self._find(name, told, title)
        elif oddity.is_blocked and (wrong := self._fault(told)):
            self._find(name, told, f"the {expected} is not as the contract declares: {wrong}")
        elif not oddity.is_blocked and told.answer and told.answer.body != oddity.body:
            self._find(name, told, f"{given}, which does not come as it is, though {oddity.why}")
        self._note(name, oddity.name, (expected,), told)

    def _fault(self, told: Told) -> str:
        return self._door.fault(told.request, told.answer) if told.answer else ""

    def _judge_readiness(self, operation: Operation) -> None:
        request = _requests(self._contract, [operation])[operation.operation_id]
        told = self._ask(request, nullcontext())
        for wrong in self._undeclared(("503",), told):  # it may say that it is the inventory
            self._find(operation.operation_id, told, f"when the inventory {_DOWN.words}, {wrong}")
        self._result.cases += 1

    def _note(self, name: str, column: str, expected: Sequence[str], told: Told) -> None:
        self._result.cases += 1
        right = told.cell in expected
        cell = told.cell if right else f"{told.cell} (not {' or '.join(expected)})"
        self._cells[name, column] = cell

    def _find(self, operation: str, told: Told, title: str) -> None:
        seen = f"{told.answer.status} {told.answer.text[:1000]}" if told.answer else told.instead
        self._result.find(title, operation, seen, self._door.curl(told.request))


def _door(stage: Stage, gateway: GatewayAlone) -> Door:
    return stage.gateway(NAME, Deployment(gateway.gateway_url, gateway.admin_key))


def _needs_service(operation: Operation) -> bool:
    # Those that are forwarded, and the gateway's own that ask the service too.
    return operation.policy.upstream is not None or "502" in operation.spec["responses"]


def _requests(contract: Contract, operations: list[Operation]) -> dict[str, Request]:
    names = ("customers", "homes", "areas", "devices", "jobs", *REFERENCES.values())
    samples = Samples(contract, lambda _: "some_thing")
    requests = {}
    for operation in operations:
        place = {**dict.fromkeys(names, "some-thing"), kind_of(operation): "some_thing"}
        requests[operation.operation_id] = samples.request(operation, place)
    return requests


def _limits(operations: list[Operation]) -> dict[str, AbstractContextManager[object]]:
    """Lets no more requests be under way than the contract does."""
    named: dict[str, threading.Semaphore] = {}
    limits: dict[str, AbstractContextManager[object]] = {}
    for operation in operations:
        limit = operation.policy.concurrency
        if limit is None:
            limits[operation.operation_id] = nullcontext()
        else:
            named.setdefault(limit.name, threading.Semaphore(limit.limit))
            limits[operation.operation_id] = named[limit.name]
    return limits


def _expected(operation: Operation, fault: Fault) -> tuple[str, ...]:
    statuses = [str(fault.status)]
    if fault.breaks_off:
        statuses.append(BREAKS_OFF)
    if fault.status == 503 and operation.policy.upstream is None:
        statuses.append("502")  # it is not the client's request that was turned away
    return tuple(statuses)


def _unmarked(upstream: Upstream) -> int:
    return sum(not header(head, "x-request-id") for head in list(upstream.heads))


_DOWN = Fault("is down", "is down", lambda _: None)
PART = Part(NAME, "What a client is told when the inventory fails", judge, Needs.FRESH, "examples")
