"""Which instance is asked, which is left out, and what brings it back."""

from __future__ import annotations

import logging
import random

import pytest

from gateway.endpoints import Endpoint
from gateway.instances import (
    BAD_CHECKS,
    CALM,
    FIRST_PAUSE,
    LEAST,
    LONGEST_PAUSE,
    WINDOW,
    Instance,
    Instances,
)

LONG = 2 * LONGEST_PAUSE  # longer than any pause


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(clock: Clock) -> Instance:
    return Instance("inventory", Endpoint.of("http://a"), clock)


@pytest.fixture
def b(clock: Clock) -> Instance:
    return Instance("inventory", Endpoint.of("http://b"), clock)


def fail(instance: Instance, times: int = LEAST) -> None:
    for _ in range(times):
        instance.failed("reset")


def test_the_least_busy_one_is_asked(a: Instance, b: Instance) -> None:
    a.begin()

    assert {Instances([a, b]).choose() for _ in range(4)} == {b}


def test_equals_take_turns(a: Instance, b: Instance) -> None:
    both = Instances([a, b])

    assert both.choose() is not both.choose()


def test_a_request_that_is_over_does_not_count(a: Instance, b: Instance) -> None:
    a.end(a.begin())

    both = Instances([a, b])
    assert {both.choose(), both.choose()} == {a, b}


def test_what_was_tried_is_not_tried_again_while_there_is_another(a: Instance, b: Instance) -> None:
    b.refused("refused")

    both = Instances([a, b])

    assert {both.choose([a]) for _ in range(3)} == {b}
    assert both.choose([a, b]) is a


def test_what_refuses_connections_is_left_out_at_once(a: Instance, b: Instance) -> None:
    a.refused("refused")

    assert {Instances([a, b]).choose() for _ in range(4)} == {b}


def test_when_all_are_left_out_they_are_asked_nevertheless(a: Instance, b: Instance) -> None:
    a.refused("refused")
    b.refused("refused")
    a.begin()

    assert Instances([a, b]).choose() is b
    assert Instances([a]).choose() is a


def test_a_good_check_brings_back_what_was_unreachable_but_not_too_early(
    a: Instance, clock: Clock
) -> None:
    a.refused("refused")
    a.checked_well()
    assert a.left_out

    clock.now += 2 * FIRST_PAUSE
    a.checked_well()

    assert a.left_out is None


def test_a_few_failures_among_many_answers_are_borne(a: Instance) -> None:
    fail(a, 1)
    for _ in range(2 * LEAST):
        a.succeeded()
    fail(a, LEAST)
    assert a.left_out is None

    fail(a, 2 * LEAST)

    assert a.left_out


def test_failures_of_long_ago_do_not_count(a: Instance, clock: Clock) -> None:
    fail(a, LEAST - 1)
    clock.now += WINDOW
    fail(a, LEAST - 1)

    assert a.left_out is None


def test_what_fails_comes_back_by_one_trial_and_not_by_a_check(
    a: Instance, b: Instance, clock: Clock
) -> None:
    both = Instances([a, b])
    fail(a)
    assert both.choose() is b
    clock.now += LONG
    a.checked_well()
    assert a.left_out

    assert both.choose() is a
    is_trial = a.begin()
    assert is_trial and a.state()["state"] == "on trial"
    assert both.choose() is b  # one trial at a time
    a.succeeded()  # one that had begun before says nothing
    assert a.left_out
    a.succeeded(is_trial)
    a.end(is_trial)

    assert a.state()["state"] == "in use"


def test_a_trial_that_is_given_up_is_followed_by_another(a: Instance, clock: Clock) -> None:
    fail(a)
    clock.now += LONG

    a.end(a.begin())

    assert a.is_due() and a.begin()


def test_a_trial_that_is_refused_waits_for_a_check(a: Instance, clock: Clock) -> None:
    fail(a)
    clock.now += LONG
    is_trial = a.begin()
    a.refused("refused")
    a.end(is_trial)

    clock.now += LONG
    assert not a.is_due()
    a.checked_well()

    assert a.left_out is None


def test_it_is_left_out_twice_as_long_each_time_up_to_an_end(a: Instance, clock: Clock) -> None:
    def pause() -> float:
        fail(a)
        start = clock.now
        while not a.is_due():
            clock.now += 0.05
        is_trial = a.begin()
        a.succeeded(is_trial)
        a.end(is_trial)
        return clock.now - start

    pauses = [pause() for _ in range(9)]

    for n, each in enumerate(pauses[:6]):
        assert FIRST_PAUSE * 2**n <= each < 1.2 * FIRST_PAUSE * 2**n + 0.1
    assert LONGEST_PAUSE <= pauses[-1] < 1.3 * LONGEST_PAUSE
    clock.now += CALM
    assert pause() < 2 * FIRST_PAUSE


def test_one_slow_check_is_borne_and_several_in_a_row_are_not(a: Instance) -> None:
    for _ in range(3):
        for _ in range(BAD_CHECKS - 1):
            a.checked_badly("timeout")
        a.checked_well()
    assert a.left_out is None

    for _ in range(BAD_CHECKS):
        a.checked_badly("timeout")

    assert a.left_out


def test_the_log_says_once_that_it_is_left_out_and_once_that_it_is_back(
    a: Instance, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            a.refused("connection refused")
            clock.now += 1
        a.checked_well()
        a.checked_well()

    left, back = caplog.messages
    assert left.startswith("inventory at http://a is left out for 0.")
    assert left.endswith("s or longer: connection refused")
    assert back == "inventory at http://a is back after 100.0 s"


def test_operators_are_told_how_each_stands(a: Instance, clock: Clock) -> None:
    a.refused("connection refused")
    a.begin()
    clock.now += 3

    assert a.state() == {
        "service": "inventory",
        "url": "http://a",
        "host": "a",
        "state": "left out",
        "cause": "unreachable",
        "detail": "connection refused",
        "for": 3.0,
        "outstanding": 1,
    }


def ranked(url: str, priority: int, weight: float) -> Instance:
    return Instance("inventory", Endpoint(url, "inventory", None, priority, weight))


def test_the_lowest_priority_is_asked_until_none_of_it_is_in_use() -> None:
    first, second, last = (
        ranked("http://a", 1, 1),
        ranked("http://b", 1, 1),
        ranked("http://c", 2, 9),
    )
    all_of_them = Instances([last, second, first])
    for _ in range(5):
        first.begin()
        second.begin()

    assert all_of_them.choose() in (first, second)
    assert all_of_them.choose([first, second]) is last
    first.refused("refused")
    second.refused("refused")
    assert all_of_them.choose() is last


def test_weights_are_shares_of_the_requests() -> None:
    heavy, light = ranked("http://a", 0, 3), ranked("http://b", 0, 1)
    both = Instances([light, heavy])
    for _ in range(40):  # that all stay under way
        both.choose().begin()

    assert (heavy.outstanding, light.outstanding) == (30, 10)


def test_weights_are_shares_when_nothing_is_under_way() -> None:
    heavy, light = ranked("http://a", 0, 3), ranked("http://b", 0, 1)
    both = Instances([light, heavy])
    random.seed(1)

    chosen = [both.choose() for _ in range(1000)]

    assert 700 < chosen.count(heavy) < 800
