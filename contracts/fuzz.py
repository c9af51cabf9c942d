"""Fuzzes a target with Schemathesis: all phases, all checks, nothing left out, warnings fatal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contracts.findings import CouldNotRun
from contracts.services import ROOT
from contracts.targets import Target

_CASES = re.compile(r"(\d+) generated")
_CLEAN, _FAILURES = 0, 1  # exit codes that are a verdict
_SHOWN = 120  # lines of Schemathesis' findings that are shown


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run found; nothing when all is well. ``cases``: how many requests it generated."""

    cases: int
    findings: list[str]


def fuzz(target: Target, *, seed: int, max_examples: int, log: Path) -> Fuzzed:
    """One run of the Schemathesis command; its whole output goes to ``log``.

    ``CouldNotRun`` when it came to no verdict.
    """
    command = [
        *_schemathesis(target),
        "run",
        str(target.document),
        "--url",
        target.url,
        "--checks",
        "all",
        "--max-examples",
        str(max_examples),
        "--seed",
        str(seed),
        "--no-color",
    ]
    with log.open("wb") as output:
        code = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **target.environ}, stdout=output, stderr=output
        ).returncode
    said = log.read_text()
    tail = "\n".join(said.splitlines()[-_SHOWN:])
    cases = _CASES.findall(said)
    if code not in (_CLEAN, _FAILURES) or not cases:
        raise CouldNotRun(f"schemathesis ended with {code}:\n{tail}")
    return Fuzzed(int(cases[-1]), [tail] if code == _FAILURES else [])


def _schemathesis(target: Target) -> list[str]:
    script = Path(sys.executable).with_name("schemathesis")
    return [str(script), "--config-file", str(target.config)]
