"""The table: every operation that needs the inventory, and everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from contracts.contract import Contract
from contracts.door import Door
from contracts.faults.asking import BREAKS_OFF, Asking, Key, Told
from contracts.faults.failures import FAULTS, SECRET, Fault
from contracts.faults.oddities import Oddity, oddities
from contracts.faults.upstream import Upstream
from contracts.findings import Result, Table
from openapi.document import Operation

NOTHING = "-"  # to ask: a cell of the table
_ABOUT_US = ("127.0.0.1", "aiohttp", "inventory", "Traceback", SECRET)  # is no client's business
_ONCE = ("post", "patch")  # what is not sent again by itself (RFC 9110 §9.2.2)
_TURNED_AWAY = 503  # it says so itself that nothing was done
_DOWN = Fault("is down", "is down", lambda _: None)


class Matrix:
    """Has everything asked, and judges the answers. ``upstream``: the inventory's stand-in."""

    def __init__(self, contract: Contract, upstream: Upstream, result: Result) -> None:
        self._contract = contract
        self._upstream = upstream
        self._result = result
        self._operations = [op for op in contract.operations.values() if _needs_service(op)]
        self._oddities = {op.operation_id: oddities(contract, op) for op in self._operations}
        self._cells: dict[Key, str] = {}

    def judge_faults(self, gateway: Door) -> None:
        """Every fault for every operation."""
        acts = {
            (op.operation_id, fault.name): fault.act for op in self._operations for fault in FAULTS
        }
        told = Asking(gateway, self._operations).all(self._upstream, acts)
        self._tell_unreached(told)
        for operation in self._operations:
            for fault in FAULTS:
                self._judge_fault(operation, fault, told[operation.operation_id, fault.name])

    def judge_oddities(self, gateway: Door) -> None:
        """What is HTTP, but not what the contract declares."""
        acts = {
            (name, oddity.name): oddity.act
            for name, odd in self._oddities.items()
            for oddity in odd
        }
        told = Asking(gateway, self._operations).all(self._upstream, acts)
        self._tell_unreached(told)
        for name, odd in self._oddities.items():
            for oddity in odd:
                self._judge_oddity(name, oddity, told[name, oddity.name])

    def judge_down(self, gateway: Door) -> None:
        """Nobody listens where the gateway looks for the service."""
        readiness = [op for op in self._contract.operations.values() if self._is_readiness(op)]
        asking = Asking(gateway, [*self._operations, *readiness])
        for operation in self._operations:
            self._judge_fault(operation, _DOWN, asking.one(operation.operation_id))
        for operation in readiness:
            self._judge_readiness(operation.operation_id, asking.one(operation.operation_id))

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

    def _is_readiness(self, operation: Operation) -> bool:
        declares = 503 in self._contract.declared_statuses(operation)
        return declares and not operation.spec["security"]

    def _tell_unreached(self, told: Mapping[Key, Told]) -> None:
        for (name, column), each in told.items():
            if not each.times:
                title = f"the gateway did not ask the inventory ({each.cell}): "
                self._find(name, each, f"{title}{column!r} was not tried")

    def _judge_fault(self, operation: Operation, fault: Fault, told: Told) -> None:
        name, expected = operation.operation_id, _expected(operation, fault)
        for wrong in (*_undeclared(expected, told), *self._leaks(told)):
            self._find(name, told, f"when the inventory {fault.words}, {wrong}")
        if told.times > 1 and operation.method in _ONCE and fault.status != _TURNED_AWAY:
            self._find(name, told, f"when the inventory {fault.words}, which may have done what it "
                       f"was asked for, it is asked {told.times} times")  # fmt: skip
        self._note(name, fault.name, expected, told)

    def _leaks(self, told: Told) -> Iterator[str]:
        text = told.answer.text if told.answer else ""
        leaked = [word for word in (*_ABOUT_US, str(self._upstream.port)) if word in text]
        if leaked:
            yield f"the client is told what is not for it: {', '.join(leaked)}"

    def _judge_oddity(self, name: str, oddity: Oddity, told: Told) -> None:
        expected = str(oddity.expected)
        given = f"the inventory answers {oddity.words}"
        if told.cell != expected:
            title = (
                f"{given}, the client is given {told.cell}; {oddity.why}, so {expected} is right"
            )
            self._find(name, told, title)
        elif oddity.is_blocked and told.fault:
            self._find(name, told, f"the {expected} is not as the contract declares: {told.fault}")
        elif not oddity.is_blocked and told.answer and told.answer.body != oddity.body:
            self._find(name, told, f"{given}, which does not come as it is, though {oddity.why}")
        self._note(name, oddity.name, (expected,), told)

    def _judge_readiness(self, name: str, told: Told) -> None:
        for wrong in _undeclared(("503",), told):  # it may say that it is the inventory
            self._find(name, told, f"when the inventory {_DOWN.words}, {wrong}")
        self._result.cases += 1

    def _note(self, name: str, column: str, expected: Sequence[str], told: Told) -> None:
        self._result.cases += 1
        right = told.cell in expected
        cell = told.cell if right else f"{told.cell} (not {' or '.join(expected)})"
        self._cells[name, column] = cell

    def _find(self, operation: str, told: Told, title: str) -> None:
        seen = f"{told.answer.status} {told.answer.text[:1000]}" if told.answer else told.instead
        self._result.find(title, operation, seen, told.door.curl(told.request))


def _needs_service(operation: Operation) -> bool:
    # Those that are forwarded, and the gateway's own that ask the service too.
    return operation.policy.upstream is not None or "502" in operation.spec["responses"]


def _undeclared(expected: Sequence[str], told: Told) -> Iterator[str]:
    if told.cell not in expected:
        yield f"the client is told {told.cell}; {' or '.join(expected)} is right"
    if told.fault:
        yield f"the {told.cell} is not as the contract declares: {told.fault}"
    if told.cell == "503" and told.answer and not told.answer.header("retry-after"):
        yield "the 503 does not say when to try again (Retry-After)"


def _expected(operation: Operation, fault: Fault) -> tuple[str, ...]:
    statuses = [str(fault.status)]
    if fault.breaks_off:
        statuses.append(BREAKS_OFF)
    if fault.status == 503 and operation.policy.upstream is None:
        statuses.append("502")  # it is not the client's request that was turned away
    return tuple(statuses)
