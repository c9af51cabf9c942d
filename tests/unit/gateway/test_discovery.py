"""When a name is asked for again, and what stands while DNS does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from gateway import discovery
from gateway.discovery import AGAIN, CEILING, FLOOR, Discovery, Found, LookupFailed
from gateway.endpoints import Endpoint, Name

NAME = Name("http://a.example", "http", "a.example", 80)
AT = (Endpoint.of("http://10.0.0.1"),)


class Answers:
    """A lookup that has these answers, one after the other; None: it never comes."""

    def __init__(self, *answers: Found | Exception | None) -> None:
        self._answers = list(answers)

    async def find(self, name: Name) -> Found:
        answer = self._answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


@pytest.mark.parametrize(("ttl", "seconds"), [(0, FLOOR), (30, 30), (86400, CEILING)])
def test_an_answer_is_good_for_its_time_within_bounds(ttl: float, seconds: float) -> None:
    found: list[Sequence[Endpoint]] = []
    follower = Discovery(NAME, Answers(Found(AT, ttl)), found.append)

    assert asyncio.run(follower._look()) == seconds
    assert found == [AT]


def test_a_failure_changes_nothing_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    found: list[Sequence[Endpoint]] = []
    refused = LookupFailed("refused")
    answers = Answers(Found(AT, 1), refused, ValueError("odd"), Found(AT, 1))
    follower = Discovery(NAME, answers, found.append)

    async def four_times() -> list[float]:
        return [await follower._look() for _ in range(4)]

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(four_times()) == [FLOOR, AGAIN, AGAIN, FLOOR]
    assert found == [AT, AT]
    assert caplog.messages == [
        "DNS does not say where http://a.example is: refused",
        "DNS says where http://a.example is again",
    ]


def test_a_start_waits_for_the_first_answer_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(discovery, "PATIENCE", 0.05)
    found: list[Sequence[Endpoint]] = []

    async def start(*answers: Found | None) -> None:
        follower = Discovery(NAME, Answers(*answers), found.append)
        await follower.start()
        await follower.close()

    asyncio.run(start(Found(AT, 60)))
    assert found == [AT]
    asyncio.run(start(None))
    assert "starts without knowing where http://a.example is" in caplog.text
