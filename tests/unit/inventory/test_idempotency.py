"""A request with an Idempotency-Key has its effect once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from inventory.domain.errors import KeyReused
from inventory.domain.kinds import DEVICES
from inventory.domain.resource import timestamp
from inventory.domain.store import Query, Store
from inventory.idempotency import KEPT, Once, oldest
from inventory.replies import Answer

NOON = datetime.datetime(2026, 5, 1, 12)
FIRST = Answer(201, '{"name":"Küche"}', '"tag"', "/v1/devices/lamp")
OTHER = Answer(204)


def once(principal: str = "alice", key: str = "k", fingerprint: str = "f") -> Once:
    return Once(principal, key, fingerprint)


def ask(
    store: Store,
    request: Once,
    answer: Answer | Callable[[], Answer] = OTHER,
    after: datetime.timedelta = datetime.timedelta(),
) -> Answer:
    """What is answered to the request so long after noon."""
    operation = answer if callable(answer) else lambda: answer
    return store.write(lambda t: request.answer(t, timestamp(NOON + after), operation))


def test_the_first_answer_is_given_again(store: Store) -> None:
    assert ask(store, once(), FIRST) == FIRST
    assert ask(store, once()) == FIRST


def test_the_effect_happens_once(admin: Any) -> None:
    made = []
    for _ in range(2):
        answer = admin.do(
            lambda work: once().answer(
                work._transaction,
                work.now,
                lambda: Answer.created(DEVICES, work.create(DEVICES, {"name": "x"})),
            )
        )
        made.append(answer.location)

    assert made[0] == made[1]
    assert admin.store.count("devices", Query()) == 1


@pytest.mark.parametrize("other", [once(principal="bob"), once(key="other")])
def test_a_key_is_one_principals(store: Store, other: Once) -> None:
    ask(store, once(), FIRST)

    assert ask(store, other) == OTHER
    assert ask(store, once()) == FIRST


def test_another_request_with_the_same_key_is_refused(store: Store) -> None:
    ask(store, once(), FIRST)

    with pytest.raises(KeyReused):
        ask(store, once(fingerprint="other"))

    assert ask(store, once()) == FIRST


def test_what_is_refused_can_be_asked_again(store: Store) -> None:
    def refuse() -> Answer:
        raise LookupError

    with pytest.raises(LookupError):
        ask(store, once(), refuse)

    assert ask(store, once(fingerprint="corrected"), FIRST) == FIRST


def test_an_answer_is_kept_for_a_day(store: Store) -> None:
    moment = datetime.timedelta(microseconds=1)
    ask(store, once(), FIRST)

    assert ask(store, once(), OTHER, KEPT - moment) == FIRST
    assert ask(store, once(fingerprint="other"), OTHER, KEPT) == OTHER
    assert ask(store, once(fingerprint="other"), FIRST, KEPT + moment) == OTHER


def test_the_oldest_that_is_kept_is_of_a_day_ago() -> None:
    assert oldest("2026-05-01T12:00:00.000007Z") == "2026-04-30T12:00:00.000007Z"


@pytest.mark.parametrize("answer", [FIRST, OTHER, Answer(200, "{}")])
def test_an_answer_reads_back_from_its_text(answer: Answer) -> None:
    assert Answer.parse(answer.to_text()) == answer
