"""The parts of the suite, one module each, in the order of their reports: the quickest first."""

from __future__ import annotations

from contracts.parts import (
    authorisation,
    changes,
    coverage,
    examples,
    exchanges,
    faults,
    fuzz,
    limits,
    parity,
    probes,
)

PARTS = (
    changes.PART,
    exchanges.PART,
    authorisation.PART,
    probes.PART,
    examples.PART,
    faults.PART,
    limits.PART,
    parity.PART,
    *fuzz.PARTS,
    coverage.PART,
)
