"""How many connections a process takes, and of whom."""

from __future__ import annotations

import pytest

from openapi.connection_limits import ConnectionLimits
from openapi.problems import SERVICE_UNAVAILABLE, TOO_MANY_CONNECTIONS, Problem, ProblemType


def limits(total: int, of_one: int) -> ConnectionLimits:
    def client_of(address: str) -> str | None:
        return None if address == "friend" else address

    return ConnectionLimits(total, of_one, client_of, open_port=8082)


def refusal(of: ConnectionLimits, address: str) -> ProblemType | None:
    try:
        of.enter(address, 8080)
    except Problem as problem:
        assert problem.headers == {"Retry-After": "1", "Connection": "close"}
        return problem.kind
    return None


def test_one_address_leaves_room_for_others() -> None:
    of = limits(4, 2)

    answers = [refusal(of, address) for address in ("a", "a", "a", "b")]

    assert answers == [None, None, TOO_MANY_CONNECTIONS, None]


def test_when_all_are_taken_nobody_else_comes_in() -> None:
    of = limits(2, 0)

    answers = [refusal(of, address) for address in ("a", "a", "friend")]

    assert answers == [None, None, SERVICE_UNAVAILABLE]


def test_who_leaves_makes_room() -> None:
    of = limits(1, 1)

    leave = of.enter("a", 8080)
    with pytest.raises(Problem):
        of.enter("b", 8080)
    leave()

    assert refusal(of, "a") is None


def test_a_friend_may_have_as_many_as_there_is_room_for() -> None:
    of = limits(3, 1)

    assert [refusal(of, "friend") for _ in range(3)] == [None] * 3


def test_the_open_port_is_not_counted() -> None:
    of = limits(1, 1)

    for _ in range(3):
        of.enter("a", 8082)()

    assert refusal(of, "a") is None
    of.enter("a", 8082)


def test_a_limit_of_nought_is_none() -> None:
    of = limits(0, 0)

    assert {refusal(of, "a") for _ in range(100)} == {None}
