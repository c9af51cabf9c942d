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
    parity,
    probes,
    refusals,
)

PARTS = (
    changes.PART,
    exchanges.PART,
    authorisation.PART,
    probes.PART,
    examples.PART,
    faults.PART,
    refusals.PART,
    parity.PART,
    *fuzz.PARTS,
    coverage.PART,
)
