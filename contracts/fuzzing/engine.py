"""Fuzzes a target with Schemathesis: all phases, all checks, nothing left out, warnings fatal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.findings import CouldNotRun, Finding
from contracts.fuzzing.reports import cases_of, failures_of, warnings_of
from contracts.fuzzing.targets import Target
from contracts.services import ROOT
from contracts.stopping import Stop

_CLEAN, _FAILURES = 0, 1  # exit codes that are a verdict
_SHOWN = 120  # lines of what it said where there is no verdict


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look. ``seconds``: so long, or None for as long as the examples take.

    ``checks`` and ``phases``: those of Schemathesis.
    """

    seed: int
    max_examples: int
    seconds: int | None = None
    checks: str = "all"
    phases: str = "examples,coverage,fuzzing,stateful"


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run found; nothing when all is well. ``cases``: how many requests it generated."""

    cases: int
    findings: list[Finding]


def fuzz(
    target: Target,
    effort: Effort,
    notes: Mapping[str, str],
    folder: Path,
    stop: Stop,
    meanwhile: Callable[[], None] = lambda: None,
) -> Fuzzed:
    """One run of the Schemathesis command; its output and its reports go to ``folder``.

    ``notes``: what tells the hooks where to write down what happens. ``stop``: ends it early.
    ``meanwhile`` is called several times a second.
    ``CouldNotRun`` when it came to no verdict.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "schemathesis.log"
    with log.open("wb") as output:
        command = subprocess.Popen(
            _command(target, effort, folder),
            cwd=ROOT, env={**os.environ, **notes, **target.environ}, stdout=output, stderr=output,
        )  # fmt: skip
        code = stop.wait_for(command, meanwhile)
    reports = folder / "junit.xml", folder / "report.json"
    if code not in (_CLEAN, _FAILURES) or not all(report.exists() for report in reports):
        tail = "\n".join(log.read_text().splitlines()[-_SHOWN:])
        raise CouldNotRun(f"schemathesis ended with {code}:\n{tail}")
    findings = [*failures_of(reports[0], target), *warnings_of(reports[1])]
    if code == _FAILURES and not findings:
        raise CouldNotRun(f"schemathesis failed and did not say why: {log.read_text()[-4000:]}")
    return Fuzzed(cases_of(reports[1]), findings)


def _command(target: Target, effort: Effort, folder: Path) -> list[str]:
    script = Path(sys.executable).with_name("schemathesis")
    limit = ["--max-time", str(effort.seconds)] if effort.seconds else []
    return [
        str(script), "--config-file", str(target.config), "run", str(target.document),
        "--url", target.url, "--checks", effort.checks, "--phases", effort.phases,
        "--seed", str(effort.seed), "--max-examples", str(effort.max_examples),
        "--no-color", *limit,
        "--report-junit-path", str(folder / "junit.xml"),
        "--report-json-path", str(folder / "report.json"),
    ]  # fmt: skip
