"""Has the suite judge a tree, from its cheapest parts to its dearest, until one finds something."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contracts.findings import CouldNotRun, Run
from contracts.mutation.planting import Fault
from contracts.mutation.processes import Processes
from contracts.mutation.tree import copy_tree
from contracts.parts import PARTS
from contracts.report.data import NotAReport, read_json

START = "start"  # found by the services themselves, which do not start with the fault
TIME = "time"  # found by nobody, but the suite came to no end
CONTRACT = "openapi/openapi.yaml"
MAX_EXAMPLES = 3

# Parts of one stage share what they start. What needs no services looks at the contract alone.
_STAGES = (
    ("changes",),
    ("exchanges", "authorisation", "probes"),
    ("examples", "faults", "refusals"),
    ("parity",),
    ("fuzz-inventory", "fuzz-gateway", "fuzz-tenants", "fuzz-released"),
)
STAGES = len(_STAGES)
_OF_THE_CONTRACT = frozenset(_STAGES[0])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a tree. ``by``: the part that found something, or nothing; ``finding``: what.

    ``seconds``: how long it took.
    """

    by: str = ""
    finding: str = ""
    seconds: float = 0.0


class Judge(Protocol):
    """Judges copies of the tree."""

    def judge(self, fault: Fault | None) -> Verdict:
        """What becomes of the tree with this fault in it; None: as it stands."""
        ...


@dataclass(frozen=True, slots=True)
class Effort:
    """``seconds``: how long one stage may take. ``stages``: so many, from the cheapest on.

    ``seed``: of what is generated.
    """

    seed: int = 1
    seconds: int = 900
    stages: int = STAGES


class SuiteJudge:
    """Runs ``python -m contracts`` in a copy of ``root``, which is removed again."""

    def __init__(self, root: Path, effort: Effort, processes: Processes) -> None:
        self._root = root
        self._effort = effort
        self._processes = processes

    def judge(self, fault: Fault | None) -> Verdict:
        """What becomes of the tree with this fault in it; None: as it stands."""
        with tempfile.TemporaryDirectory(prefix="doorstep-fault-") as name:
            work = Path(name)
            copy_tree(self._root, work / "tree")
            if fault is not None:
                fault.plant(work / "tree")
            (work / "tmp").mkdir()
            seconds = 0.0
            for parts in stages(fault, self._effort.stages):
                verdict = self._judge_stage(work, parts)
                if verdict.by == START:  # a port may have been taken in the meantime
                    verdict = self._judge_stage(work, parts)
                seconds += verdict.seconds
                if verdict.by:
                    return Verdict(verdict.by, verdict.finding, seconds)
            return Verdict(seconds=seconds)

    def _judge_stage(self, work: Path, parts: Sequence[str]) -> Verdict:
        report = work / "report"
        code, said = self._processes.run(
            [*self._command(report), *(f"--only={part}" for part in parts)],
            folder=work / "tree",
            environ=_environ(work),
            seconds=self._effort.seconds,
        )
        if code is None:
            limit = self._effort.seconds
            return Verdict(TIME, f"{', '.join(parts)} came to no end in {limit} s", limit)
        if code == 2:
            return _could_not_run(said)
        try:
            return verdict_of(read_json(report / "report.json"))
        except (OSError, NotAReport) as exc:
            raise CouldNotRun(f"the suite ended with {code} and no report: {exc}\n{said}") from exc

    def _command(self, report: Path) -> list[str]:
        return [
            sys.executable, "-m", "contracts", "--fail-fast", f"--report={report}",
            f"--seed={self._effort.seed}", f"--max-examples={MAX_EXAMPLES}",
        ]  # fmt: skip


def stages(
    fault: Fault | None, count: int = STAGES, known: Sequence[str] | None = None
) -> list[list[str]]:
    """The parts that may find the fault, as they are run; ``known``: those that the suite has."""
    names = [part.name for part in PARTS] if known is None else known
    passed_over = frozenset() if fault is None or fault.file == CONTRACT else _OF_THE_CONTRACT
    found = [[n for n in stage if n in names and n not in passed_over] for stage in _STAGES[:count]]
    return [stage for stage in found if stage]


def verdict_of(run: Run) -> Verdict:
    """By the first part with a finding, in the order of the stages."""
    order = [name for stage in _STAGES for name in stage]
    for result in sorted(run.results, key=lambda each: order.index(each.part)):
        if result.findings:
            finding = result.findings[0]
            named = f"{finding.operation}: " if finding.operation else ""
            return Verdict(result.part, named + finding.title, run.seconds)
    return Verdict(seconds=run.seconds)


def _could_not_run(said: str) -> Verdict:
    """Services that do not start with the fault have found it; whatever else is no verdict."""
    lines = said.splitlines()
    for line in lines:
        if "could not be judged: " in line:
            return Verdict(START, _last_error(lines) or line)
    raise CouldNotRun(f"the suite could not run:\n{said[-4000:]}")


def _last_error(lines: Sequence[str]) -> str:
    errors = [line for line in lines if "Error" in line or "Fault" in line]
    return errors[-1].strip() if errors else ""


def _environ(work: Path) -> dict[str, str]:
    """The copy's packages come first, and what the suite leaves behind goes with the copy."""
    return {**os.environ, "PYTHONPATH": str(work / "tree"), "TMPDIR": str(work / "tmp")}
