"""The parts of the suite, one module each, in the order of their reports."""

from __future__ import annotations

from contracts.parts import fuzz, probes

PARTS = (*fuzz.PARTS, probes.PART)
