"""The gateway's settings."""

from __future__ import annotations

import pytest

from gateway.settings import read_settings
from openapi.environment import SettingFault


def test_without_any_variable_everything_has_a_default() -> None:
    settings = read_settings({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.upstream_urls(["inventory"]) == {"inventory": ("http://127.0.0.1:8081",)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_PORT", "80a"),
        ("GATEWAY_PORT", "0"),
        ("GATEWAY_PORT", "٨"),
        ("GATEWAY_ADMIN_PORT", "abc"),
        ("GATEWAY_ADMIN_PORT", "8080"),
        ("GATEWAY_WORKERS", "0"),
        ("DOORSTEP_DATA", "/dev/null"),
        ("GATEWAY_PROT", "8080"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_an_unknown_or_bad_variable_stops_the_start_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingFault, match=name):
        read_settings({name: value})


@pytest.mark.parametrize(
    "url",
    [
        "inventory:8081",
        "ftp://a",
        "http://",
        "http://a/path",
        "http://a?x=1",
        "http://a:99999",
        "http://a:port",
        "http://user:secret@a",
        "http://a,",
        "http://a,,http://b",
        "http://a,http://b/path",
        "http://a,http://a/",
        "ftp+srv://a",
        "http+srv://_inventory._tcp.a:8081",
    ],
)
def test_a_service_needs_addresses(url: str) -> None:
    with pytest.raises(SettingFault, match="INVENTORY_URL") as fault:
        read_settings({"INVENTORY_URL": url}).upstream_urls(["inventory"])

    assert "secret" not in str(fault.value)


def test_a_service_may_be_found_by_srv_records() -> None:
    settings = read_settings({"INVENTORY_URL": "http+srv://_inventory._tcp.service.consul"})

    assert settings.upstream_urls(["inventory"]) == {
        "inventory": ("http+srv://_inventory._tcp.service.consul",)
    }


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ("127.0.0.1:8600", ("127.0.0.1", 8600)),
        ("10.0.0.2", ("10.0.0.2", 53)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[::1]:8600", ("::1", 8600)),
    ],
)
def test_dns_servers_are_addresses_and_ports(given: str, server: tuple[str, int]) -> None:
    assert read_settings({"DNS_SERVERS": f"{given}, 10.9.9.9"}).dns_servers == (
        server,
        ("10.9.9.9", 53),
    )


@pytest.mark.parametrize("given", ["ns.example", "10.0.0.1:0", "10.0.0.1/24", "u@10.0.0.1", "::1]"])
def test_a_dns_server_that_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(SettingFault, match="DNS_SERVERS has"):
        read_settings({"DNS_SERVERS": given})


def test_a_service_may_have_several_instances() -> None:
    settings = read_settings({"INVENTORY_URL": "http://a:8081, http://b:8081/"})

    assert settings.upstream_urls(["inventory"]) == {
        "inventory": ("http://a:8081", "http://b:8081")
    }


def test_a_service_that_is_nowhere_stops_the_start() -> None:
    with pytest.raises(SettingFault, match="ENERGY_METER_URL"):
        read_settings({}).upstream_urls(["energy-meter"])


def test_the_inventorys_port_tells_where_it_is() -> None:
    settings = read_settings({"INVENTORY_PORT": "9000"})

    assert settings.upstream_urls(["inventory"]) == {"inventory": ("http://127.0.0.1:9000",)}


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:6379/0", "redis://:secret@[::1]:6379", "rediss://a", "unix:///run/redis"],
)
def test_redis_may_be_anywhere(url: str) -> None:
    assert read_settings({"REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize("environ", [{}, {"REDIS_URL": ""}])
def test_without_redis_each_process_counts_for_itself(environ: dict[str, str]) -> None:
    assert read_settings(environ).redis_url is None


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:6379", "http://:secret@a", "redis://", "redis://a:secret", "redis://a/secret",
     "redis://a:0", "unix://secret", "memory://"],
)  # fmt: skip
def test_an_address_that_is_none_stops_the_start_and_is_not_told(url: str) -> None:
    with pytest.raises(SettingFault, match=r"REDIS_URL is not an address such as") as fault:
        read_settings({"REDIS_URL": url})

    assert "secret" not in str(fault.value)


def test_networks_without_limits_are_addresses_and_networks() -> None:
    settings = read_settings({"UNLIMITED_NETWORKS": "203.0.113.7, 10.0.0.0/8,2001:db8::/32,"})

    assert [str(network) for network in settings.unlimited_networks] == [
        "203.0.113.7/32",
        "10.0.0.0/8",
        "2001:db8::/32",
    ]


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "10.0.0.0 /8 x"])
def test_a_network_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(SettingFault, match="UNLIMITED_NETWORKS has "):
        read_settings({"UNLIMITED_NETWORKS": text})


def test_proxies_are_addresses_and_networks() -> None:
    settings = read_settings({"TRUSTED_PROXIES": "10.0.0.0/8,2001:db8::7"})

    assert [str(each) for each in settings.trusted_proxies] == ["10.0.0.0/8", "2001:db8::7/128"]


@pytest.mark.parametrize("text", ["proxy.example", "*", "0.0.0.0/0", "::/0"])
def test_a_proxy_that_is_none_or_everybody_stops_the_start(text: str) -> None:
    with pytest.raises(SettingFault, match="TRUSTED_PROXIES has "):
        read_settings({"TRUSTED_PROXIES": text})


def test_a_misspelt_trust_stops_the_start() -> None:
    with pytest.raises(SettingFault, match="TRUSTED_PROXY is not a setting"):
        read_settings({"TRUSTED_PROXY": "10.0.0.1"})


def test_the_cache_has_so_many_bytes() -> None:
    assert read_settings({"CACHE_BYTES": "1000"}).cache_bytes == 1000
    assert read_settings({"CACHE_BYTES": "0"}).cache_bytes == 0
    assert read_settings({}).cache_bytes == 16 * 1024 * 1024


@pytest.mark.parametrize("text", ["-1", "16M", "1e6", "9" * 16])
def test_bytes_that_are_no_number_stop_the_start(text: str) -> None:
    with pytest.raises(SettingFault, match="CACHE_BYTES is "):
        read_settings({"CACHE_BYTES": text})
