"""Faults and a judge for tests: what the judge says is said before."""

from collections.abc import Mapping

from contracts.mutation.judge import Verdict
from contracts.mutation.planting import Fault


def a_fault(name: str = "a-fault", replace: str = "x = 2") -> Fault:
    """A fault of a room that nobody lives in."""
    return Fault(name, "cellar", "A client would notice it.", "cellar.py", "x = 1", replace)


class FakeJudge:
    """Says what it was told to say; ``asked``: the names of the faults that it judged, in order."""

    def __init__(self, verdicts: Mapping[str, Verdict], clean: Verdict | None = None) -> None:
        self.asked: list[str] = []
        self._verdicts = verdicts
        self._clean = clean or Verdict()

    def judge(self, fault: Fault | None) -> Verdict:
        if fault is None:
            self.asked.append("-")
            return self._clean
        self.asked.append(fault.name)
        return self._verdicts[fault.name]
