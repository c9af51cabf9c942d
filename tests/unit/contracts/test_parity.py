"""Twins may differ in what they make up, and in what is declared, and in nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.parity.twins import Twins
from contracts.parts.parity import declared_differences
from contracts.wire import Answer, Request

STARTED = datetime(2026, 5, 1, tzinfo=UTC)
UIDS = ("0b7f6f5e-0000-4000-8000-000000000001", "1b7f6f5e-0000-4000-8000-000000000002")


def twins(*declared: str) -> Twins:
    return Twins(STARTED, declared)


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, tuple(headers.items()), json.dumps(body).encode())


def test_equal_answers_do_not_differ() -> None:
    assert twins().differences(answer({"a": [1]}, etag='"x"'), answer({"a": [1]}, etag='"x"')) == []


@pytest.mark.parametrize(
    ("there", "here", "place"),
    [
        (answer({}, 200), answer({}, 404), "status"),
        (answer({"a": 1}), answer({"a": 2}), "field /a"),
        (answer({"a": 1}), answer({"a": True}), "field /a"),
        (answer({"a": "x"}), answer({"a": "y"}), "field /a"),
        (answer({"a": 1}), answer({}), "field "),
        (answer([1, 2]), answer([2, 1]), "field /0"),
        (answer({}, etag='"a"'), answer({}), "header etag"),
        (
            answer({"at": "2026-05-01T10:00:00Z"}),
            answer({"at": "1999-05-01T10:00:00Z"}),
            "field /at",
        ),
    ],
)
def test_answers_that_differ_are_told_by_the_place(there: Answer, here: Answer, place: str) -> None:
    (first, *_) = twins().differences(there, here)

    assert first.startswith(f"{place}:")


def test_made_up_names_are_the_same_from_then_on() -> None:
    both = twins()

    assert both.differences(answer({"uid": UIDS[0]}), answer({"uid": UIDS[1]})) == []
    assert both.differences(answer({"uid": UIDS[0]}), answer({"uid": UIDS[0]})) == []
    other = UIDS[1].replace("2", "3")
    assert both.differences(answer({"uid": UIDS[0]}), answer({"uid": other})) != []
    asked = both.translate(Request("GET", f"/a/{UIDS[0]}", (("If-Match", UIDS[0]),), b"x"))
    assert asked == Request("GET", f"/a/{UIDS[1]}", (("If-Match", UIDS[1].encode()),), b"x")


def test_moments_of_the_run_are_alike_and_older_ones_are_not() -> None:
    moments = [{"at": f"2026-05-01T10:00:0{n}.123456Z"} for n in (1, 2)]
    old = [{"at": f"2020-05-01T10:00:0{n}Z"} for n in (1, 2)]

    assert twins().differences(answer(moments[0]), answer(moments[1])) == []
    assert twins().differences(answer(old[0]), answer(old[1])) != []


def test_a_declared_difference_is_passed_over_and_seen() -> None:
    both = twins("header age", "field request_id", "header vary")

    found = both.differences(
        answer({"errors": [{"request_id": "a"}]}, age="1"),
        answer({"errors": [{"request_id": "b"}]}),
    )

    assert found == []
    assert both.seen == {"header age", "field request_id"}


def test_every_declared_difference_has_its_reason() -> None:
    reasons = declared_differences()

    assert "header x-request-id" in reasons
    assert all(len(reason) > 20 for reason in reasons.values())
