"""What may be sent again, and how often."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.retries import FLOOR, SAVED, RetryBudget, may_happen_twice


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spent(budget: RetryBudget) -> int:
    count = 0
    while budget.spend():
        count += 1
    return count


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_an_idempotent_request_may_happen_twice(method: str) -> None:
    assert may_happen_twice(method, CIMultiDict(), takes_key=False)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_another_one_may_not(method: str) -> None:
    assert not may_happen_twice(method, CIMultiDict(), takes_key=True)


def test_a_key_makes_it_safe_where_the_operation_takes_one() -> None:
    headers = CIMultiDict({"idempotency-key": "a"})

    assert may_happen_twice("POST", headers, takes_key=True)
    assert not may_happen_twice("PATCH", headers, takes_key=False)


@pytest.mark.parametrize("name", ["if-match", "If-None-Match", "If-Unmodified-Since"])
def test_a_write_under_a_condition_may_not(name: str) -> None:
    assert not may_happen_twice("PUT", CIMultiDict({name: "x"}), takes_key=False)
    assert may_happen_twice("GET", CIMultiDict({name: "x"}), takes_key=False)


def test_a_quiet_upstream_has_tries_for_a_bad_moment_and_then_few() -> None:
    clock = Clock()
    budget = RetryBudget(clock)

    assert spent(budget) == SAVED
    clock.now += 2
    assert spent(budget) == 2 * FLOOR


def test_a_fifth_of_the_requests_may_be_sent_again() -> None:
    budget = RetryBudget(Clock())
    spent(budget)

    for _ in range(101):
        budget.earn()

    assert spent(budget) == 20


def test_no_more_is_saved_than_a_full_budget() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(1000):
        budget.earn()
    clock.now += 3600

    assert spent(budget) == SAVED
