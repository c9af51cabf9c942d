"""Fuzzes a target with Schemathesis: all phases, all checks, nothing left out, warnings fatal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contracts.targets import Target

_CASES = re.compile(r"(\d+) generated")
_SHOWN = 120  # lines of Schemathesis' findings that are shown


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run found; nothing when all is well. ``cases``: how many requests it generated."""

    cases: int
    findings: list[str]


def fuzz(target: Target, *, seed: int, max_examples: int, log: Path) -> Fuzzed:
    """One run of the Schemathesis command; its whole output goes to ``log``."""
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
            command, env={**os.environ, **target.environ}, stdout=output, stderr=output
        ).returncode
    said = log.read_text()
    cases = _CASES.findall(said)
    findings = [] if code == 0 else ["\n".join(said.splitlines()[-_SHOWN:])]
    return Fuzzed(int(cases[-1]) if cases else 0, findings)


def _schemathesis(target: Target) -> list[str]:
    script = Path(sys.executable).with_name("schemathesis")
    return [str(script), "--config-file", str(target.config)]
