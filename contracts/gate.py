"""The gate: fresh services, fuzzed, and their logs read. Later parts join the list of findings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts import logs
from contracts.fuzz import fuzz
from contracts.seeds import plant_seeds
from contracts.services import Services
from contracts.targets import TARGETS, Target


@dataclass(slots=True)
class Verdict:
    """What one run of one target came to."""

    target: str
    seed: int
    cases: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


def run(
    name: str, *, seed: int, max_examples: int, settings: Mapping[str, str] | None = None
) -> Verdict:
    """Starts fresh services, fuzzes the one of this name, and judges.

    ``settings``: environment variables for the services.
    """
    # The logs are to have every request, also the probes that services keep quiet about.
    given = {"LOG_LEVEL": "DEBUG", **(settings or {})}
    with (
        tempfile.TemporaryDirectory(prefix="doorstep-") as folder,
        Services(Path(folder) / "data", given) as services,
    ):
        plant_seeds(services)
        target = TARGETS[name](services, Path(folder))
        return judge(services, target, seed=seed, max_examples=max_examples)


def judge(services: Services, target: Target, *, seed: int, max_examples: int) -> Verdict:
    """Fuzzes a target of running services, and reads their logs."""
    started = time.monotonic()
    log = services.data / f"schemathesis-{target.name}-{seed}.log"
    fuzzed = fuzz(target, seed=seed, max_examples=max_examples, log=log)
    verdict = Verdict(target.name, seed, fuzzed.cases, time.monotonic() - started)
    verdict.findings += fuzzed.findings
    services.stop()  # what waits to be logged is written when a service ends
    for operation_id in logs.never_accepted(services.log(target.name), target.operation_ids):
        verdict.findings.append(f"{operation_id}: no request was ever accepted (2xx)")
    for service in ("gateway", "inventory"):
        verdict.findings += [f"{service} logged: {e}" for e in logs.errors(services.log(service))]
    return verdict
