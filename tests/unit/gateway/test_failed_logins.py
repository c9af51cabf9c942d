"""Credentials that are not good, from one address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from connexion.security import NO_VALUE

from gateway.addresses import Networks
from gateway.counters import Counters, LocalCounters
from gateway.credentials import Check, ClientRefused
from gateway.failed_logins import FailedLogins, failed_logins_of, guard
from openapi import CONTRACT
from openapi.document import DocumentFault, load_document
from openapi.policy import RateLimit
from openapi.problems import INSUFFICIENT_SCOPE, UNAUTHORIZED, Problem
from telemetry.middleware import answer_headers
from tests.unit.gateway.counting import Clock, run

UNLIMITED = Networks([ip_network("198.51.100.0/24")])
LIMIT = RateLimit("failed-logins", 3, 60, "address")
API_KEY = {"type": "apiKey", "name": "X-API-Key"}
BASIC = {"type": "http", "scheme": "basic"}


class Credential:
    """Takes what is ``good``; says how often it was asked."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.asked = 0
        self.refusal = refusal or Problem(UNAUTHORIZED)

    def get_fn(self, scheme: Mapping[str, Any], _scopes: list[str]) -> Check:
        def check(request: Any) -> Any:
            given = request.headers.get(scheme.get("name", "authorization"))
            if given is None:
                return NO_VALUE
            self.asked += 1
            if given == "good":
                return {"sub": "a"}
            raise self.refusal

        return check


class SlowCredential(Credential):
    """Says the same, later."""

    def get_fn(self, scheme: Mapping[str, Any], scopes: list[str]) -> Check:
        check = super().get_fn(scheme, scopes)

        async def later(request: Any) -> Any:
            return check(request)

        # As Connexion's checks may: what is returned is awaited, or not.
        return lambda request: NO_VALUE if not request.headers else later(request)


class Door:
    """One guarded credential."""

    def __init__(
        self,
        credential: Credential,
        scheme: Mapping[str, Any] = API_KEY,
        counters: Counters | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        failures = FailedLogins(LIMIT, counters or LocalCounters(self.clock), UNLIMITED, self.clock)
        self._check = guard(credential, failures).get_fn(scheme, [])
        self._header = scheme.get("name", "authorization")
        self.fields: dict[str, str] = {}

    def knock(self, given: str | None, address: str = "203.0.113.7") -> Any:
        scope = {"type": "http", "client": (address, 4000)}
        headers = {} if given is None else {self._header: given}
        try:
            return run(self._check(SimpleNamespace(headers=headers, scope=scope)))
        finally:
            self.fields = {n.decode(): v.decode() for n, v in answer_headers(scope)}

    def fail(self, times: int, **where: str) -> None:
        for _ in range(times):
            with pytest.raises(Problem) as refusal:
                self.knock("bad", **where)
            assert refusal.value.status == 401


def test_after_too_many_failures_not_even_a_good_credential_is_looked_at() -> None:
    credential = Credential()
    door = Door(credential)
    door.fail(3)

    with pytest.raises(Problem) as refusal:
        door.knock("good")

    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "60"})
    assert credential.asked == 3
    assert door.fields["ratelimit"] == '"failed-logins";r=0;t=60'


def test_the_block_ends_with_the_window() -> None:
    door = Door(Credential())
    door.fail(3)
    door.clock.now += 60

    assert door.knock("good") == {"sub": "a"}


def test_who_has_no_limit_may_fail_without_end() -> None:
    door = Door(Credential())

    door.fail(10, address="198.51.100.7")

    assert door.fields == {}
    assert door.knock("good", address="198.51.100.7") == {"sub": "a"}


def test_a_credential_may_have_to_be_waited_for() -> None:
    """As a token of an outside issuer, whose keys are fetched."""
    door = Door(SlowCredential())

    assert door.knock("good") == {"sub": "a"}
    door.fail(3)
    with pytest.raises(Problem, match="failed-logins"):
        door.knock("good")


def test_a_failure_tells_how_many_are_left() -> None:
    door = Door(Credential())

    door.fail(1)

    assert door.fields == {
        "ratelimit-policy": '"failed-logins";q=3;w=60',
        "ratelimit": '"failed-logins";r=2;t=60',
    }


def test_good_credentials_do_not_count() -> None:
    door = Door(Credential())

    for _ in range(10):
        door.knock("good")

    door.fail(3)
    assert door.fields["ratelimit"] == '"failed-logins";r=0;t=60'


def test_no_credential_is_no_failure_and_is_never_blocked() -> None:
    door = Door(Credential())
    door.fail(3)

    assert door.knock(None) is NO_VALUE


def test_a_scope_that_lacks_is_no_failure() -> None:
    door = Door(Credential(Problem(INSUFFICIENT_SCOPE)))

    for _ in range(5):
        with pytest.raises(Problem) as refusal:
            door.knock("narrow")
        assert refusal.value.status == 403


def test_a_wrong_client_secret_is_a_failure() -> None:
    door = Door(Credential(ClientRefused()), BASIC)
    for _ in range(3):
        with pytest.raises(ClientRefused):
            door.knock("bad")

    with pytest.raises(Problem) as refusal:
        door.knock("bad")

    assert refusal.value.status == 429


def test_another_network_is_not_blocked_and_a_neighbour_is() -> None:
    door = Door(Credential())
    door.fail(3, address="2001:db8::1")

    assert door.knock("good", address="2001:db8:0:1::1") == {"sub": "a"}
    with pytest.raises(Problem):
        door.knock("good", address="2001:db8::2")


def test_what_another_process_counted_blocks_here_a_second_later() -> None:
    clock = Clock()
    shared = LocalCounters(clock)
    one, other = (Door(Credential(), counters=shared, clock=clock) for _ in range(2))
    other.knock("good")
    one.fail(3)
    clock.now += 1

    with pytest.raises(Problem) as refusal:
        other.knock("good")

    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "59"})


def test_a_failure_that_is_one_too_many_over_all_processes_is_429() -> None:
    clock = Clock()
    shared = LocalCounters(clock)
    one, other = (Door(Credential(), counters=shared, clock=clock) for _ in range(2))
    other.knock("good")  # so that it knows of no failure for a second
    one.fail(3)

    with pytest.raises(Problem) as refusal:
        other.knock("bad")

    assert refusal.value.status == 429


def test_without_a_limit_a_credential_is_what_it_was() -> None:
    credential = Credential()

    assert guard(credential, None) is credential


def test_the_contract_has_one_limit_over_all_operations() -> None:
    document = load_document(CONTRACT)

    assert failed_logins_of(document) is not None
    first, *others = document.operations
    policy = replace(first.policy, failed_logins=LIMIT)
    with pytest.raises(DocumentFault, match="failed-logins stands at the document's root"):
        failed_logins_of(replace(document, operations=(replace(first, policy=policy), *others)))
