"""Breaking changes: what the contract says now, beside what it said when it was released."""

from __future__ import annotations

from contracts.changes.judgement import FAULTS
from contracts.changes.part import judge as compare
from contracts.changes.releases import RELEASED
from contracts.findings import CouldNotRun, Result
from contracts.suite import Needs, Part, Stage


def judge(stage: Stage, result: Result) -> None:
    """Compares the contract with its last release."""
    try:
        compare(stage.contract.file, RELEASED, result)
    except FAULTS as exc:
        raise CouldNotRun(f"the contracts could not be compared: {exc}") from exc


PART = Part("changes", "Changes since the last release", judge, needs=Needs.NOTHING)
