"""Rate limits of operations."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.addresses import Networks
from gateway.counters import LocalCounters
from gateway.limits import RateLimitMiddleware, limits_of
from openapi import CONTRACT
from openapi.document import Document, DocumentFault, load_document
from openapi.policy import RateLimit
from openapi.problems import Problem
from telemetry.middleware import answer_headers
from tests.unit.gateway.counting import Clock, run

WRITES = RateLimit("writes", 2, 10, "principal")
EACH_ADDRESS = RateLimit("each-address", 3, 60, "address")
UNLIMITED = Networks([ip_network("198.51.100.0/24")])
DOCUMENT = load_document(CONTRACT)


class Gate:
    """The middleware in front of an application that says how often it was reached."""

    def __init__(self, *limits: RateLimit) -> None:
        self.clock = Clock()
        self.reached = 0
        self._app = RateLimitMiddleware(
            self._reach,
            limits={"write": limits},
            counters=LocalCounters(self.clock),
            unlimited=UNLIMITED,
        )

    async def _reach(self, _scope: Any, _receive: Any, _send: Any) -> None:
        self.reached += 1

    def ask(self, operation: str = "write", **who: Any) -> dict[str, str]:
        """The rate limit fields of the answer, or ``Problem``."""
        scope = a_scope(operation, **who)
        run(self._app(scope, nothing, nothing))  # type: ignore[arg-type]
        return fields(scope)


async def nothing(*_: Any) -> None:
    """Neither receives nor sends."""


def a_scope(operation: str, address: str = "203.0.113.7", **claims: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "client": (address, 4000),
        "extensions": {
            "connexion_routing": {"operation_id": operation},
            "connexion_context": {"token_info": claims},
        },
    }


def fields(scope: dict[str, Any]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in answer_headers(scope)}


def test_what_is_within_the_limit_goes_on_and_is_told() -> None:
    gate = Gate(WRITES)

    assert gate.ask(sub="a") == {
        "ratelimit-policy": '"writes";q=2;w=10',
        "ratelimit": '"writes";r=1;t=10',
    }
    gate.clock.now += 3.5
    assert gate.ask(sub="a")["ratelimit"] == '"writes";r=0;t=7'
    assert gate.reached == 2


def test_what_is_more_is_429_until_the_window_ends() -> None:
    gate = Gate(WRITES)
    gate.ask(sub="a")
    gate.ask(sub="a")
    gate.clock.now += 8.5

    with pytest.raises(Problem, match="writes is 2 in 10 s") as refusal:
        gate.ask(sub="a")

    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "2"})
    assert gate.reached == 2
    gate.clock.now += 1.5
    assert gate.ask(sub="a")["ratelimit"] == '"writes";r=1;t=10'


def test_a_refusal_has_the_fields_too() -> None:
    counters = LocalCounters(Clock())
    app = RateLimitMiddleware(
        nothing, limits={"write": (WRITES,)}, counters=counters, unlimited=Networks()
    )
    for _ in range(2):
        run(app(a_scope("write", sub="a"), nothing, nothing))  # type: ignore[arg-type]
    scope = a_scope("write", sub="a")

    with pytest.raises(Problem):
        run(app(scope, nothing, nothing))  # type: ignore[arg-type]

    assert fields(scope)["ratelimit"] == '"writes";r=0;t=10'


def test_principals_do_not_share_a_limit() -> None:
    gate = Gate(WRITES)
    gate.ask(sub="a")
    gate.ask(sub="a")

    assert gate.ask(sub="b")["ratelimit"] == '"writes";r=1;t=10'


def test_by_address_all_principals_of_one_share_the_limit() -> None:
    gate = Gate(EACH_ADDRESS)
    gate.ask(sub="a", address="2001:db8::1")
    gate.ask(sub="b", address="2001:db8::2")
    gate.ask(sub="c", address="2001:db8::3")

    with pytest.raises(Problem):
        gate.ask(sub="d", address="2001:db8::4")
    gate.ask(sub="d", address="2001:db8:0:1::4")
    assert gate.reached == 4


def test_from_a_network_without_limits_nothing_is_counted() -> None:
    gate = Gate(WRITES, EACH_ADDRESS)

    assert [gate.ask(sub="a", address="198.51.100.7") for _ in range(5)] == [{}] * 5
    assert gate.ask(sub="a")["ratelimit"].startswith('"writes";r=1')


def test_by_principal_nobody_is_known_by_the_address() -> None:
    gate = Gate(WRITES)
    gate.ask(address="203.0.113.1")
    gate.ask(address="203.0.113.1")

    with pytest.raises(Problem):
        gate.ask(address="203.0.113.1")
    gate.ask(address="203.0.113.2")


def test_several_limits_all_hold_and_the_longest_wait_is_told() -> None:
    gate = Gate(WRITES, replace(EACH_ADDRESS, limit=2))
    gate.ask(sub="a")

    assert gate.ask(sub="a") == {
        "ratelimit-policy": '"writes";q=2;w=10, "each-address";q=2;w=60',
        "ratelimit": '"writes";r=0;t=10, "each-address";r=0;t=60',
    }
    with pytest.raises(Problem) as refusal:
        gate.ask(sub="a")
    assert refusal.value.headers == {"Retry-After": "60"}


def test_a_key_without_limits_is_neither_counted_nor_told() -> None:
    gate = Gate(WRITES)

    assert [gate.ask(sub="a", unlimited=True) for _ in range(5)] == [{}] * 5
    assert gate.ask(sub="a")["ratelimit"] == '"writes";r=1;t=10'


def test_an_operation_without_a_limit_is_not_counted() -> None:
    gate = Gate(WRITES)

    assert [gate.ask("read", sub="a") for _ in range(5)] == [{}] * 5


def test_every_operation_of_the_contract_is_limited_but_for_health_and_the_key_set() -> None:
    limited = limits_of(DOCUMENT)

    assert {op.operation_id for op in DOCUMENT.operations} - set(limited) == {
        "get_key_set",
        "get_liveness",
        "get_readiness",
    }
    assert [limit.by for limit in limited["issue_token"]] == ["address"]


@pytest.mark.parametrize("operation", DOCUMENT.operations, ids=lambda op: op.operation_id)
def test_every_answer_of_a_limited_operation_declares_the_fields(operation: Any) -> None:
    components = DOCUMENT.content["components"]["responses"]
    lacking = []
    for status, answer in operation.spec["responses"].items():
        if "$ref" in answer:
            answer = components[answer["$ref"].rpartition("/")[2]]
        names = {"RateLimit-Policy", "RateLimit"}
        # A URL that is too long is refused before it is known which operation it is of.
        if operation.policy.rate_limits and status != "414" and not names <= set(answer["headers"]):
            lacking.append(status)

    assert lacking == []


def changed(index: int, **policy: Any) -> Document:
    operations = list(DOCUMENT.operations)
    operation = operations[index]
    operations[index] = replace(operation, policy=replace(operation.policy, **policy))
    return replace(DOCUMENT, operations=tuple(operations))


def test_two_limits_of_one_name_stop_the_start() -> None:
    document = changed(1, rate_limits=(RateLimit("default", 1, 1, "principal"),))

    with pytest.raises(DocumentFault, match=rf"{DOCUMENT.operations[1].operation_id}: .* default"):
        limits_of(document)


def test_a_limit_without_an_answer_429_stops_the_start() -> None:
    health = next(i for i, o in enumerate(DOCUMENT.operations) if o.operation_id == "get_liveness")

    with pytest.raises(DocumentFault, match="get_liveness: has a rate-limit and no answer 429"):
        limits_of(changed(health, rate_limits=(WRITES,)))
