"""The gateway's policy: document, path and operation, the nearest winning key by key."""

from __future__ import annotations

from typing import Any

import pytest

from openapi.policy import (
    DEFAULT_BODY_LIMIT,
    DEFAULT_TIMEOUT,
    Policy,
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


def test_a_level_without_a_policy_changes_nothing() -> None:
    near = {"x-gateway": {"upstream": "a"}}

    assert resolve_policy(near, {}, {"x-other": {"upstream": "b"}}).upstream == "a"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"retries": 1}, []),
        ({"timeout": {"connect": 1}}, ["timeout"]),
        ({"timeout": {"connect": 0, "total": 1}}, ["timeout", "connect"]),
        ({"limits": {"body": -1}}, ["limits", "body"]),
        ({"limits": {"body": 1, "url": 1}}, ["limits"]),
        ({"upstream": ""}, ["upstream"]),
        ([], []),
    ],
)
def test_a_fault_is_told_with_its_place(value: Any, path: list[str]) -> None:
    assert [place for place, _ in policy_faults(value)] == [path]


def test_a_policy_with_every_key_has_no_fault() -> None:
    value = {"upstream": "a", "timeout": {"connect": 0.5, "total": 1}, "limits": {"body": 0}}

    assert list(policy_faults(value)) == []
