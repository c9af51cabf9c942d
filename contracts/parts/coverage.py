"""Vacuity and coverage: was all that the contract declares really exercised?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.coverage import KINDS, UNREACHED, Item, declared, excused, reached
from contracts.findings import Result, Table
from contracts.suite import LAST, Needs, Part, Stage

_WHAT = {
    "status": "was never answered",
    "parameter": "never stood in a request that was accepted",
    "scheme": "was never the credential of a request that was accepted",
}


def judge(stage: Stage, result: Result) -> None:
    """Holds what all other parts did to what the contract declares."""
    wanted = list(declared(stage.contract))
    found = reached(stage.ledger.entries())
    reasons = excused(stage.contract)
    result.cases = len(wanted)
    for item in wanted:
        if item not in found and item not in reasons:
            result.find(f"the {item.kind} {item.name} {_WHAT[item.kind]}", item.operation,
                        "Send what leads to it, or say in contracts/unreached.yaml why nothing "
                        "can.")  # fmt: skip
    for item, why in _stale(reasons, wanted, found):
        result.find(f"{UNREACHED.name} lists the {item.kind} {item.name}, {why}", item.operation,
                    "Take it out of the list.")  # fmt: skip
    result.tables += [_by_operation(wanted, found), _excused(reasons)]


def _stale(
    reasons: Iterable[Item], wanted: Iterable[Item], found: Iterable[Item]
) -> Iterable[tuple[Item, str]]:
    known, seen = set(wanted), set(found)
    for item in reasons:
        if item not in known:
            yield item, "which the contract does not declare"
        elif item in seen:
            yield item, "which was reached"


def _by_operation(wanted: Iterable[Item], found: set[Item]) -> Table:
    columns = ("operation", *(f"{kind}, reached of declared" for kind in KINDS))
    counts: dict[str, dict[str, list[bool]]] = {}
    for item in wanted:
        kinds = counts.setdefault(item.operation, {kind: [] for kind in KINDS})
        kinds[item.kind].append(item in found)
    rows = [
        (name, *(f"{sum(kinds[kind])} of {len(kinds[kind])}" for kind in KINDS))
        for name, kinds in counts.items()
    ]
    return Table("Coverage", columns, rows)


def _excused(reasons: Mapping[Item, str]) -> Table:
    rows = [(item.operation, item.kind, item.name, reasons[item]) for item in sorted(reasons)]
    return Table("Not to be reached", ("operation", "what", "name", "reason"), rows)


PART = Part("coverage", "Coverage", judge, needs=Needs.ALL, lane=LAST)
