"""Counting for all processes, and what becomes of it when the storage does not answer."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from gateway import shared_counters
from gateway.counters import Count, LocalCounters
from gateway.shared_counters import PAUSE, SharedCounters, redis_counters
from tests.unit.gateway.counting import Clock, Shared, run


async def nothing() -> None:
    """There is nothing to close."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(clock: Clock) -> Shared:
    return Shared(clock)


def process(storage: Shared, clock: Clock) -> SharedCounters:
    return SharedCounters(storage, LocalCounters(clock), nothing, clock)


def test_processes_count_together(storage: Shared, clock: Clock) -> None:
    one, other = process(storage, clock), process(storage, clock)

    run(one.add("a", 10))
    clock.now += 3

    assert run(other.add("a", 10)) == Count(2, 7.0)
    assert run(one.look("a")) == Count(2, 7.0)


def test_the_end_of_a_window_is_asked_for_once(storage: Shared, clock: Clock) -> None:
    one, other = process(storage, clock), process(storage, clock)
    run(one.add("a", 10))
    run(other.add("a", 10))
    asked = storage.asked

    for _ in range(5):
        run(other.add("a", 10))

    assert storage.asked == asked + 5


def test_a_window_has_no_more_left_than_it_is_long(storage: Shared, clock: Clock) -> None:
    run(process(storage, clock).add("a", 10))
    clock.now -= 0.4  # as when Redis has rounded what is left

    assert run(process(storage, clock).add("a", 10)) == Count(2, 10)


def test_without_an_answer_a_process_counts_for_itself(storage: Shared, clock: Clock) -> None:
    counters = process(storage, clock)
    storage.fails = True

    assert [run(counters.add("a", 10)).number for _ in range(3)] == [1, 2, 3]
    assert run(counters.look("a")).number == 3


def test_an_outage_is_asked_about_once_a_pause_and_told_once(
    storage: Shared, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counters = process(storage, clock)
    storage.fails = True

    for _ in range(100):
        run(counters.add("a", 10))
    clock.now += PAUSE
    for _ in range(100):
        run(counters.add("a", 10))

    assert storage.asked == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


def test_the_storage_is_used_again_when_it_answers(
    storage: Shared, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counters = process(storage, clock)
    storage.fails = True
    run(counters.add("a", 10))
    storage.fails = False
    clock.now += PAUSE

    run(counters.add("a", 10))

    assert run(process(storage, clock).look("a")).number == 1
    assert "answers again" in caplog.records[-1].message


def test_nobody_waits_for_a_storage_that_hangs(
    storage: Shared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counters, "PATIENCE", 0.01)
    counters = process(storage, clock)
    storage.hangs = True

    async def several() -> list[Count]:
        return list(await asyncio.gather(*(counters.add("a", 10) for _ in range(5))))

    assert sorted(count.number for count in run(several())) == [1, 2, 3, 4, 5]
    asked = storage.asked
    run(counters.add("a", 10))
    assert storage.asked == asked  # it is left alone now


def test_a_server_that_never_answers_does_not_hold_a_request_up() -> None:
    async def count(url: str) -> Count:
        counters = redis_counters(url)
        try:
            return await asyncio.wait_for(counters.add("a", 10), 30)
        finally:
            await counters.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        count_of_one = run(count(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))

    assert count_of_one.number == 1
