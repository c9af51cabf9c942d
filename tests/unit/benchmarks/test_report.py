"""Medians, ratios and faults."""

from __future__ import annotations

from benchmarks.measure import Measurement, parse
from benchmarks.report import faults, ratio, table


def runs(*rates: float, faults: int = 0) -> list[Measurement]:
    return [Measurement(rate, 1.0, 2.0, faults) for rate in rates]


def test_a_ratio_is_taken_within_each_round() -> None:
    ours, theirs = runs(100, 10, 100), runs(50, 5, 10)

    assert ratio(ours, theirs) == 2.0


def test_the_table_compares_each_peer_with_us() -> None:
    text = table({"get": {"doorstep": runs(300), "fastapi": runs(100)}})

    assert "3.00x" in text.splitlines()[2]
    assert "x" not in text.splitlines()[1].removeprefix("get")


def test_what_was_not_answered_is_told() -> None:
    found = faults({"get": {"doorstep": runs(1), "flask": runs(1, 1, faults=2)}})

    assert found == ["flask get: 4 answers were not 2xx or broke off"]


def test_wrks_words_before_our_line_are_passed_over() -> None:
    line = (
        '{"requests": 10, "seconds": 2.0, "p50_ms": 1.5, "p99_ms": 9.0, "refused": 1, "broken": 2}'
    )

    assert parse(f"Running 2s test\n  Latency ...\n\n{line}\n") == Measurement(5.0, 1.5, 9.0, 3)
