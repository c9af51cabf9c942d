"""Medians over the rounds, and how this project stands to each peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.measure import Measurement

OURS = "doorstep"
Rounds = Mapping[str, Mapping[str, Sequence[Measurement]]]  # scenario, contender, round


def ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> float:
    """The median of the rates' ratios, each of one round: noise of a round hits both alike."""
    return median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))


def faults(rounds: Rounds) -> list[str]:
    """A line for each contender and scenario that did not answer everything with 2xx."""
    return [
        f"{contender} {scenario}: {count} answers were not 2xx or broke off"
        for scenario, contenders in rounds.items()
        for contender, runs in contenders.items()
        if (count := sum(run.faults for run in runs))
    ]


def table(rounds: Rounds) -> str:
    """The results as text."""
    lines = [f"{'scenario':<9}{'contender':<11}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}"]
    for scenario, contenders in rounds.items():
        for contender, runs in contenders.items():
            lines.append(_line(scenario, contender, runs, contenders.get(OURS)))
    return "\n".join(lines)


def _line(
    scenario: str,
    contender: str,
    runs: Sequence[Measurement],
    ours: Sequence[Measurement] | None,
) -> str:
    figures = (
        f"{median(r.rate for r in runs):>9.0f}{median(r.p50_ms for r in runs):>9.1f}"
        f"{median(r.p99_ms for r in runs):>9.1f}"
    )
    compared = f"{ratio(ours, runs):>7.2f}x" if ours and contender != OURS else ""
    return f"{scenario:<9}{contender:<11}{figures}{compared}"
