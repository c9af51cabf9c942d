"""Whose connections a worker of the gateway limits."""

from __future__ import annotations

import pytest

from gateway.settings import read_settings
from gateway.worker import connection_limits
from openapi.problems import Problem

SETTINGS = {
    "MAX_CONNECTIONS": "5",
    "MAX_CONNECTIONS_PER_ADDRESS": "1",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "UNLIMITED_NETWORKS": "192.0.2.1",
    "GATEWAY_PORT": "8080",
    "GATEWAY_ADMIN_PORT": "8082",
}


@pytest.mark.parametrize("address", ["10.1.2.3", "192.0.2.1"])
def test_a_proxy_is_many_clients_and_only_the_whole_holds_for_it(address: str) -> None:
    limits = connection_limits(read_settings(SETTINGS))

    for _ in range(5):
        limits.enter(address, 8080)

    with pytest.raises(Problem, match="All connections are taken"):
        limits.enter(address, 8080)


@pytest.mark.parametrize(
    ("first", "second"), [("203.0.113.1", "203.0.113.1"), ("2001:db8::1", "2001:db8::2")]
)
def test_an_address_has_its_own_limit_and_an_ipv6_network_is_one(first: str, second: str) -> None:
    limits = connection_limits(read_settings(SETTINGS))

    limits.enter(first, 8080)

    with pytest.raises(Problem, match="An address may have 1"):
        limits.enter(second, 8080)


def test_operators_come_in_when_nobody_else_does() -> None:
    limits = connection_limits(read_settings(SETTINGS | {"MAX_CONNECTIONS": "1"}))

    limits.enter("127.0.0.1", 8080)

    limits.enter("127.0.0.1", 8082)
