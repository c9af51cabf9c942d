"""What is asked of DNS and made of its answers, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway import dns_lookup
from gateway.discovery import Found, LookupFailed
from gateway.dns_lookup import DnsLookup
from gateway.dns_settings import DnsServer
from gateway.endpoints import Endpoint, Name, read_place
from tests.name_server import NameServer

SRV = "http+srv://_inventory._tcp.example"


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer(ttl=7) as server:
        yield server


def find(server: NameServer, url: str) -> Found:
    name = read_place(url)
    assert isinstance(name, Name)
    lookup = DnsLookup([DnsServer("127.0.0.1", server.port)])
    return asyncio.run(lookup.find(name))


def test_every_address_of_both_families_is_an_endpoint(server: NameServer) -> None:
    server.records["inventory.example", "A"] = ["10.0.0.1", "10.0.0.2"]
    server.records["inventory.example", "AAAA"] = ["2001:db8::1"]

    found = find(server, "http://inventory.example:8081")

    assert {each.url for each in found.endpoints} == {
        "http://10.0.0.1:8081",
        "http://10.0.0.2:8081",
        "http://[2001:db8::1]:8081",
    }
    assert {each.host for each in found.endpoints} == {"inventory.example:8081"}
    assert found.ttl == 7


def test_an_endpoint_of_a_name_over_tls_has_the_names_certificate(server: NameServer) -> None:
    server.records["inventory.example", "A"] = ["10.0.0.1"]

    found = find(server, "https://inventory.example")

    assert found.endpoints == (
        Endpoint("https://10.0.0.1", "inventory.example", "inventory.example"),
    )


def test_an_alias_is_followed(server: NameServer) -> None:
    server.records["alias.example", "CNAME"] = ["inventory.example."]
    server.records["inventory.example", "A"] = ["10.0.0.1"]

    assert len(find(server, "http://alias.example").endpoints) == 1


def test_srv_records_say_ports_priorities_and_weights(server: NameServer) -> None:
    server.records["_inventory._tcp.example", "SRV"] = [
        "10 60 8081 a.example.",
        "10 0 8082 b.example.",
        "20 5 8083 a.example.",
    ]
    server.records["a.example", "A"] = ["10.0.0.1"]
    server.records["b.example", "A"] = ["10.0.0.2", "10.0.0.3"]

    found = find(server, SRV)

    assert {(each.url, each.priority, each.weight) for each in found.endpoints} == {
        ("http://10.0.0.1:8081", 10, 60),
        ("http://10.0.0.2:8082", 10, dns_lookup.LEAST_WEIGHT / 2),
        ("http://10.0.0.3:8082", 10, dns_lookup.LEAST_WEIGHT / 2),
        ("http://10.0.0.1:8083", 20, 5),
    }
    assert {each.host for each in found.endpoints} == {
        "example:8081", "example:8082", "example:8083"
    }  # fmt: skip


@pytest.mark.parametrize(
    "records",
    [
        {},
        {("_inventory._tcp.example", "SRV"): ["0 0 0 ."]},
        {("_inventory._tcp.example", "SRV"): ["0 0 8081 nowhere.example."]},
        {("_inventory._tcp.example", "TXT"): ["no SRV at all"]},
    ],
)
def test_a_service_that_is_nowhere_is_a_failure(
    server: NameServer, records: dict[tuple[str, str], list[str]]
) -> None:
    server.records = records

    with pytest.raises(LookupFailed, match="no SRV record whose target has an address"):
        find(server, SRV)


def test_a_name_without_addresses_is_a_failure(server: NameServer) -> None:
    with pytest.raises(LookupFailed, match="no address"):
        find(server, "http://inventory.example")


def test_a_server_that_does_not_answer_is_a_failure(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookup, "PATIENCE", 0.3)
    server.is_silent = True

    with pytest.raises(LookupFailed, match="timed out"):
        find(server, "http://inventory.example")
    assert len(server.asked) > 2  # a lost packet is no failure yet
