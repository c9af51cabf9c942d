"""Compares two documents, and puts together what changed in the same way in several operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.changes.change import Change, Grade
from contracts.changes.found import IT, Found
from contracts.changes.node import Node, root_of
from contracts.changes.operations import operation_changes
from contracts.changes.remainder import remainder
from contracts.changes.security import scheme_changes
from contracts.changes.texts import leaves


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed, worst first, and how many values were compared."""

    changes: list[Change]
    compared: int


def compare(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Change]:
    """What changed between two OpenAPI 3.0 documents for those who use the first, worst first.

    Operations are compared by what is sent and answered, references resolved. A change that is the
    same in several operations is one change with all of their operationIds.
    """
    return compared(old, new).changes


def compared(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Comparison:
    """The same, with how much was looked at."""
    was, now = root_of(old), root_of(new)
    told = [*operation_changes(was, now), *scheme_changes(was, now)]
    changes = [*_together(told), *_together(remainder(was, now, told))]
    ranks = {grade: rank for rank, grade in enumerate(Grade)}
    changes.sort(key=lambda change: ranks[change.grade])
    return Comparison(changes, _size(was, now))


def _size(was: Node, now: Node) -> int:
    return max(leaves(was.value), leaves(now.value))


def _together(told: Iterable[Found]) -> list[Change]:
    """First what stands in one component, then what is the same in each of its operations."""
    by_place = _grouped(told, lambda one: (one.old, one.new) if one.old or one.new else one)
    firsts = {id(group[0]): group for group in by_place}
    by_tail = _grouped((group[0] for group in by_place), lambda one: one.path[1:] or one)
    return [_change([one for first in group for one in firsts[id(first)]]) for group in by_tail]


def _grouped(told: Iterable[Found], key: Any) -> list[list[Found]]:
    groups: dict[Any, list[Found]] = {}
    for one in told:
        groups.setdefault((key(one), one.grade, one.was, one.now, one.why), []).append(one)
    return list(groups.values())


def _change(group: list[Found]) -> Change:
    first = group[0]
    operations = dict.fromkeys(one.operation for one in group if one.operation)
    why = first.why.replace(IT, "it")
    place = ", ".join(first.path)
    return Change(first.grade, place, first.was, first.now, why, tuple(operations))
