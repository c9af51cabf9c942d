"""The part of the suite that holds the contract to what was released."""

from __future__ import annotations

from pathlib import Path

from contracts.changes.acceptance import ACCEPTED, read_acceptances
from contracts.changes.judgement import judged
from contracts.changes.releases import latest_release
from contracts.changes.report import table_of
from contracts.findings import Result


def judge(contract: Path, released: Path, result: Result, accepted: Path = ACCEPTED) -> None:
    """Compares the contract with the last release in the folder ``released``.

    Adds the findings and a table of all changes. Raises one of ``judgement.FAULTS`` when there is
    nothing to compare, or the file of what was accepted cannot be read.
    """
    judgement = judged(latest_release(released), contract, read_acceptances(accepted))
    result.cases += judgement.compared
    result.findings += judgement.findings
    result.tables.append(table_of(judgement))
