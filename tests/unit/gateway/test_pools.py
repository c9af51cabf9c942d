"""How the instances of a service change with what is found under its names."""

from __future__ import annotations

from gateway.endpoints import Endpoint
from gateway.instances import Cause
from gateway.pools import Pool


def a_pool(*urls: str) -> Pool:
    return Pool("inventory", urls)


def urls(pool: Pool) -> list[str]:
    return [each.url for each in pool.instances.all]


def test_before_dns_answered_the_name_itself_is_an_instance() -> None:
    assert urls(a_pool("http://a.example", "http://10.0.0.9")) == [
        "http://a.example",
        "http://10.0.0.9",
    ]
    assert urls(a_pool("http+srv://a.example")) == []


def test_the_first_addresses_are_in_use_at_once_and_others_after_a_check() -> None:
    pool = a_pool("http://a.example", "http://10.0.0.9")
    name = pool.names[0]

    pool.found(name, [name.endpoint("10.0.0.1", 80)])
    assert [each.left_out for each in pool.instances.all] == [None, None]
    pool.found(name, [name.endpoint("10.0.0.1", 80), name.endpoint("10.0.0.2", 80)])

    assert urls(pool) == ["http://10.0.0.1", "http://10.0.0.2", "http://10.0.0.9"]
    assert [each.left_out for each in pool.instances.all] == [None, Cause.NEW, None]
    pool.instances.all[1].checked_well()
    assert pool.instances.all[1].left_out is None


def test_what_stays_keeps_what_is_known_of_it_and_what_vanished_is_not_asked() -> None:
    pool = a_pool("http://a.example")
    name = pool.names[0]
    both = [name.endpoint("10.0.0.1", 80), name.endpoint("10.0.0.2", 80)]
    pool.found(name, both)
    first, second = pool.instances.all
    first.refused("refused")

    pool.found(name, both[:1])

    assert pool.instances.all == (first,)
    assert first.left_out is Cause.UNREACHABLE
    assert pool.instances.choose([second]) is first


def test_a_new_weight_holds_for_an_instance_that_stays() -> None:
    pool = a_pool("http+srv://a.example")
    name = pool.names[0]
    pool.found(name, [name.endpoint("10.0.0.1", 80, 1, 5), name.endpoint("10.0.0.2", 80, 2, 5)])
    assert pool.instances.choose().url == "http://10.0.0.1"

    pool.found(name, [name.endpoint("10.0.0.1", 80, 3, 5), name.endpoint("10.0.0.2", 80, 2, 5)])

    assert pool.instances.choose().url == "http://10.0.0.2"


def test_an_address_under_two_names_of_one_host_is_one_instance() -> None:
    pool = a_pool("http://10.0.0.1", "http+srv://_a._tcp.example", "http+srv://_b._tcp.example")
    for name in pool.names:
        pool.found(name, [name.endpoint("10.0.0.2", 8081)])

    assert pool.instances.all[0].address == ("http://10.0.0.1", "10.0.0.1")
    assert urls(pool) == ["http://10.0.0.1", "http://10.0.0.2:8081"]


def test_an_endpoint_of_an_url_is_called_by_its_host() -> None:
    assert Endpoint.of("http://[::1]:8081").host == "[::1]:8081"
