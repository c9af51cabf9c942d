"""Windows in memory."""

from __future__ import annotations

import pytest

from gateway import counters
from gateway.counters import Count, LocalCounters, MemoryStorage
from tests.unit.gateway.counting import Clock, run


def test_a_window_begins_with_the_first_and_ends_by_itself() -> None:
    clock = Clock()
    local = LocalCounters(clock)

    assert run(local.add("a", 10)) == Count(1, 10.0)
    clock.now += 4
    assert run(local.add("a", 10)) == Count(2, 6.0)
    assert run(local.look("a")) == Count(2, 6.0)
    clock.now += 6
    assert run(local.look("a")) == Count(0, 0.0)
    assert run(local.add("a", 10)) == Count(1, 10.0)


def test_keys_do_not_count_together() -> None:
    local = LocalCounters(Clock())

    run(local.add("a", 10))

    assert run(local.look("b")) == Count(0, 0.0)


def test_memory_has_an_end_and_the_oldest_windows_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counters, "REMEMBERED", 100)
    storage = MemoryStorage(Clock())

    for number in range(1000):
        run(storage.incr(f"key-{number}", 60))

    assert run(storage.get("key-0")) == 0
    assert run(storage.get("key-999")) == 1
    assert run(storage.reset()) <= 100


def test_what_is_over_goes_before_what_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "REMEMBERED", 10)
    clock = Clock()
    storage = MemoryStorage(clock)
    run(storage.incr("long", 60))
    for number in range(9):
        run(storage.incr(f"short-{number}", 1))
    clock.now += 2

    run(storage.incr("new", 60))

    assert run(storage.get("long")) == 1
    assert run(storage.reset()) == 2


def test_one_window_can_be_forgotten() -> None:
    storage = MemoryStorage(Clock())
    run(storage.incr("a", 60))

    run(storage.clear("a"))

    assert run(storage.get("a")) == 0
    assert run(storage.check())
