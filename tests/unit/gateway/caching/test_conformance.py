"""What a cache must and must not do, by the required cases of a public suite's method."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.upstreams import UpstreamError
from openapi.policy import Caching
from tests.unit.gateway.caching.cases import (
    ASKED,
    BY_DATE,
    BY_ETAG,
    CASES,
    KEPT,
    PAUSE,
    Case,
    Step,
)
from tests.unit.gateway.caching.origin import Reply, World, run, wire

# Those that do not hold; docs/caching.md has the reason of each.
NOT_MET = {"headers-store-Set-Cookie", "partial-use-headers", "partial-use-stored-headers"}
NOT_PLAYED = {"interim-not-cached"}  # ASGI has no interim answers, and the gateway passes none on
# An error is met by what is kept, unless the answer itself forbids it.
RULE = Caching(stale_if_error=3600)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_required_case(case: Case) -> None:
    if case.name in NOT_MET:
        with pytest.raises(AssertionError):
            run(lambda: play(case))
    else:
        run(lambda: play(case))


def test_there_are_150_cases_of_which_146_hold() -> None:
    names = {case.name for case in CASES}

    assert len(names) == len(CASES)
    assert len(names | NOT_PLAYED) == 150
    assert len(names - NOT_MET) == 146


def test_what_does_not_hold_stands_in_the_docs() -> None:
    text = (Path(__file__).parents[4] / "docs" / "caching.md").read_text()
    table = text.partition("| case | why |")[2]

    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == NOT_MET | NOT_PLAYED


async def play(case: Case) -> None:
    world = World(RULE)
    for step in case.steps:
        try:
            confirms = step.found in (BY_ETAG, BY_DATE)
            reply = await world.ask(replace(step.says, confirms=confirms), **step.request)
        except UpstreamError:
            assert step.status == 502
            continue
        check(step, reply, world)
        world.wait(PAUSE)


def check(step: Step, reply: Reply, world: World) -> None:
    new = b"answer %d" % len(world.origin.asked)
    if step.found == KEPT:
        is_stale = "ttl=-" in (reply.header("cache-status") or "")
        assert is_stale or not reply.was_asked
    elif step.found is not None:
        check_asked(step, reply, world.time)
    if step.found == ASKED and reply.status != 204:
        assert reply.body == new
    assert step.status is None or reply.status == step.status
    assert step.body is None or reply.body == step.body
    for name, value in wire(step.has, world.time):
        assert reply.header(name.decode()) == value.decode("latin-1")
    for absent in step.lacks:
        assert reply.header(absent) is None
    if step.older_than is not None:
        assert int(reply.header("age") or 0) > step.older_than


def check_asked(step: Step, reply: Reply, now: float) -> None:
    assert reply.was_asked
    sent = dict(reply.asked[0]["headers"])
    assert step.found == ASKED or str(step.found).encode() in sent
    for name, value in wire(step.sends, now):
        assert sent[name] == value
