"""The gateway's policy: document, path and operation, the nearest winning key by key."""

from __future__ import annotations

from typing import Any

import pytest

from openapi.policy import (
    DEFAULT_BODY_LIMIT,
    DEFAULT_TIMEOUT,
    Caching,
    Policy,
    RateLimit,
    ResponseCheck,
    policy_faults,
    resolve_policy,
)


def resolve(*levels: dict[str, Any]) -> Policy:
    return resolve_policy(*({"x-gateway": level} for level in levels))


def test_without_a_word_there_are_defaults_and_no_upstream() -> None:
    assert resolve_policy({}, {}, {}) == Policy(
        upstream=None,
        connect_timeout=DEFAULT_TIMEOUT["connect"],
        total_timeout=DEFAULT_TIMEOUT["total"],
        body_limit=DEFAULT_BODY_LIMIT,
        attempts=1,
    )


def test_the_nearest_wins_key_by_key() -> None:
    policy = resolve(
        {"upstream": "far", "timeout": {"connect": 1, "total": 9}, "limits": {"body": 10}},
        {"upstream": "near"},
        {"limits": {"body": 0}},
    )

    assert policy == Policy("near", connect_timeout=1.0, total_timeout=9.0, body_limit=0)


def test_a_key_is_taken_whole() -> None:
    nearest = {"connect": 3, "total": 4}

    policy = resolve({"timeout": {"connect": 1, "total": 9}}, {"timeout": nearest}, {})

    assert (policy.connect_timeout, policy.total_timeout) == (3.0, 4.0)


def test_attempts_are_those_of_the_nearest() -> None:
    assert resolve({"retry": {"attempts": 2}}, {}, {"retry": {"attempts": 3}}).attempts == 3


def test_a_level_without_a_policy_changes_nothing() -> None:
    near = {"x-gateway": {"upstream": "a"}}

    assert resolve_policy(near, {}, {"x-other": {"upstream": "b"}}).upstream == "a"


DEFAULT = {"name": "default", "limit": 100, "window": 10, "by": "principal"}
WRITES = {"name": "writes", "limit": 5, "window": 1, "by": "address"}


@pytest.mark.parametrize(
    ("near", "limits"),
    [
        ({}, (RateLimit("default", 100, 10, "principal"),)),
        ({"rate-limit": WRITES}, (RateLimit("writes", 5, 1, "address"),)),
        ({"rate-limit": [WRITES, DEFAULT]}, (RateLimit(**WRITES), RateLimit(**DEFAULT))),
        ({"rate-limit": []}, ()),
    ],
)
def test_rate_limits_are_one_or_several_or_none(near: Any, limits: tuple[RateLimit, ...]) -> None:
    assert resolve({"rate-limit": DEFAULT}, near).rate_limits == limits


def test_failed_logins_are_limited_by_address() -> None:
    limit = resolve({"failed-logins": {"limit": 3, "window": 60}}).failed_logins

    assert limit == RateLimit("failed-logins", 3, 60, "address")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"rate-limit": WRITES | {"by": "planet"}}, ["rate-limit", "by"]),
        ({"rate-limit": WRITES | {"limit": 0}}, ["rate-limit", "limit"]),
        ({"rate-limit": WRITES | {"window": 1.5}}, ["rate-limit", "window"]),
        ({"rate-limit": [WRITES | {"name": 'a"b'}]}, ["rate-limit", 0, "name"]),
        ({"rate-limit": WRITES | {"name": "failed-logins"}}, ["rate-limit", "name"]),
        ({"rate-limit": "fast"}, ["rate-limit"]),
        ({"rate-limit": [DEFAULT, WRITES | {"burst": 1}]}, ["rate-limit", 1]),
        ({"failed-logins": {"limit": 1}}, ["failed-logins"]),
        ({"failed-logins": {"limit": 1, "window": 90_000}}, ["failed-logins", "window"]),
        ({"retries": 1}, []),
        ({"timeout": {"connect": 1}}, ["timeout"]),
        ({"timeout": {"connect": 0, "total": 1}}, ["timeout", "connect"]),
        ({"retry": {"attempts": 0}}, ["retry", "attempts"]),
        ({"retry": {"attempts": 6}}, ["retry", "attempts"]),
        ({"retry": {}}, ["retry"]),
        ({"limits": {"body": -1}}, ["limits", "body"]),
        ({"limits": {"body": 1, "url": 1}}, ["limits"]),
        ({"upstream": ""}, ["upstream"]),
        ([], []),
    ],
)
def test_a_fault_is_told_with_its_place(value: Any, path: list[str]) -> None:
    assert [place for place, _ in policy_faults(value)] == [path]


def test_a_policy_with_every_key_has_no_fault() -> None:
    value = {
        "upstream": "a",
        "timeout": {"connect": 0.5, "total": 1},
        "retry": {"attempts": 2},
        "limits": {"body": 0},
    }

    assert list(policy_faults(value)) == []


def test_answers_are_checked_as_the_nearest_says() -> None:
    far = {"validation": {"response": "report", "sample": 0.01}}

    assert resolve(far, {}, {}).response_check == ResponseCheck(blocks=False, sample=0.01)
    assert resolve(far, {"validation": {"response": "block"}}).response_check == ResponseCheck(True)
    assert resolve(far, {}, {"validation": {"response": "off"}}).response_check is None


@pytest.mark.parametrize(
    "value",
    [{}, {"response": "on"}, {"response": "block", "sample": 0}, {"response": "off", "a": 1}],
)
def test_a_validation_that_is_none_is_a_fault(value: Any) -> None:
    assert list(policy_faults({"validation": value}))


def test_a_cache_is_taken_whole_and_may_be_turned_off() -> None:
    far = {"cache": {"max-age": 60, "stale-while-revalidate": 5, "by": "principal"}}

    assert resolve(far).cache == Caching(60, 5, 0, "principal")
    assert resolve(far, {"cache": {"stale-if-error": 9}}).cache == Caching(stale_if_error=9)
    assert resolve(far, {"cache": {}}).cache == Caching()
    assert resolve(far, {"cache": False}).cache is None
    assert resolve({}).cache is None


@pytest.mark.parametrize(
    "cache",
    [True, None, 60, {"max-age": -1}, {"max-age": 1.5}, {"max-age": "60"}, {"by": "everybody"},
     {"maxage": 60}],
)  # fmt: skip
def test_a_cache_that_makes_no_sense_is_a_fault(cache: Any) -> None:
    assert list(policy_faults({"cache": cache}))


@pytest.mark.parametrize("cache", [False, {}, {"max-age": 0, "by": "tenant"}])
def test_a_cache_may_be_there_or_not(cache: Any) -> None:
    assert not list(policy_faults({"cache": cache}))
