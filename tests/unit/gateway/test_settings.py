"""The gateway's settings."""

from __future__ import annotations

import pytest

from gateway.settings import SettingFault, read_settings


def test_without_any_variable_everything_has_a_default() -> None:
    settings = read_settings({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.upstream_urls(["inventory"]) == {"inventory": "http://127.0.0.1:8081"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_PORT", "80a"),
        ("GATEWAY_PORT", "0"),
        ("GATEWAY_PORT", "٨"),
        ("GATEWAY_WORKERS", "0"),
        ("GATEWAY_PROT", "8080"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_an_unknown_or_bad_variable_stops_the_start_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingFault, match=name):
        read_settings({name: value})


@pytest.mark.parametrize("url", ["inventory:8081", "ftp://a", "http://", "http://a/path"])
def test_a_service_needs_an_address(url: str) -> None:
    with pytest.raises(SettingFault, match="INVENTORY_URL"):
        read_settings({"INVENTORY_URL": url}).upstream_urls(["inventory"])


def test_a_service_that_is_nowhere_stops_the_start() -> None:
    with pytest.raises(SettingFault, match="ENERGY_METER_URL"):
        read_settings({}).upstream_urls(["energy-meter"])


def test_the_inventorys_port_tells_where_it_is() -> None:
    settings = read_settings({"INVENTORY_PORT": "9000"})

    assert settings.upstream_urls(["inventory"]) == {"inventory": "http://127.0.0.1:9000"}
