"""What a change of the contract is called, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How much a change matters to those who already use the contract, worst first.

    ``BREAKING``: a client that did as it was told notices. ``LOOSENED``: the contract lets in, or
    lets through, more than what was released promised: no client breaks, but a guard is down.
    ``COMPATIBLE``: clients go on as they are. ``DOCUMENTATION``: nothing of it is on the wire.
    """

    BREAKING = "breaking"
    LOOSENED = "loosened"
    COMPATIBLE = "compatible"
    DOCUMENTATION = "documentation"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, for all the operations in which it is the same.

    ``place``: where a person finds it, such as ``GET /v1/devices, query parameter limit, maximum``;
    of several operations, in the first. ``operations``: the operationIds, none where the change is
    in no operation. ``was`` and ``now``: short. ``why``: one sentence on who notices, and how.
    """

    grade: Grade
    place: str
    was: str
    now: str
    why: str
    operations: tuple[str, ...] = ()

    @property
    def operation(self) -> str:
        """The operationId of the only operation, or nothing."""
        return self.operations[0] if len(self.operations) == 1 else ""

    @property
    def concerns(self) -> str:
        """The operations, for a cell of a table."""
        first, rest = self.operations[:3], self.operations[3:]
        return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
