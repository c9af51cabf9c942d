"""The parts of the suite, one module each, in the order of their reports."""

from __future__ import annotations

from contracts.parts import coverage, fuzz, parity, probes

PARTS = (*fuzz.PARTS, parity.PART, probes.PART, coverage.PART)
