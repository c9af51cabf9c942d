"""Which address a client counts as."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.addresses import UNKNOWN, Networks, client_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        (":garbage:", UNKNOWN),
    ],
)
def test_an_ipv6_address_counts_as_its_network(host: str, address: str) -> None:
    assert client_address({"client": (host, 4000)}) == address


def test_a_client_without_an_address_is_one_client() -> None:
    assert client_address({"client": None}) == client_address({}) == UNKNOWN


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        (":garbage:", False),
    ],
)
def test_networks_have_the_addresses_in_them(host: str, is_in: bool) -> None:
    networks = Networks([ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])

    assert [networks.have({"client": (host, 4000)}) for _ in range(2)] == [is_in, is_in]
    assert not Networks().have({"client": (host, 4000)})


def test_a_client_without_an_address_is_in_no_network() -> None:
    assert not Networks([ip_network("0.0.0.0/0")]).have({"client": None})
