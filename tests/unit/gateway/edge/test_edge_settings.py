"""What can be set of the edge, and what is refused by its name."""

from __future__ import annotations

import resource

import pytest

from gateway.edge_settings import EdgeSettings, read_edge
from openapi.environment import SettingFault


def test_without_any_variable_only_compression_is_on() -> None:
    no_limits = {"MAX_CONNECTIONS": "0"}

    assert read_edge(no_limits) == EdgeSettings(compression=True)


@pytest.mark.parametrize(
    ("files", "connections"), [(1024, 512), (1_000_000, 4096), (resource.RLIM_INFINITY, 4096)]
)
def test_connections_leave_half_of_the_files_to_others(
    files: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))

    edge = read_edge({})

    assert (edge.connections, edge.connections_of_one) == (connections, connections // 2)


def test_a_misspelt_limit_stops_the_start() -> None:
    with pytest.raises(SettingFault, match="MAX_CONNECTION is not a setting"):
        read_edge({"MAX_CONNECTION": "1"})


def test_lists_are_read_without_their_spaces() -> None:
    edge = read_edge(
        {
            "CORS_ORIGINS": "https://a.example, http://localhost:3000 ,",
            "ALLOWED_HOSTS": "API.example, *.b.example,localhost:80,[::1]",
            "COMPRESSION": "off",
        }
    )

    assert edge.cors_origins == {"https://a.example", "http://localhost:3000"}
    assert edge.allowed_hosts == {"api.example", "*.b.example", "localhost:80", "[::1]"}
    assert not edge.compression


@pytest.mark.parametrize(
    "origin",
    ["https://a.example", "http://localhost:3000", "http://[::1]:8080", "app://localhost", "*"],
)
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    assert read_edge({"CORS_ORIGINS": origin}).cors_origins == {origin}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "a.example"),
        ("CORS_ORIGINS", "https://a.example/"),
        ("CORS_ORIGINS", "https://A.example"),
        ("CORS_ORIGINS", "https://a.example:443"),
        ("CORS_ORIGINS", "http://a.example:80"),
        ("CORS_ORIGINS", "https://*.example"),
        ("CORS_ORIGINS", "https://u@a.example"),
        ("CORS_ORIGINS", "https://a.example\r\nX: 1"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "*,https://a.example"),
        ("CORS_ORIGIN", "https://a.example"),
        ("CORS_MAX_AGE", "-1"),
        ("ALLOWED_HOSTS", "https://a.example"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "a.*"),
        ("ALLOWED_HOSTS", "a_b"),
        ("HSTS_MAX_AGE", "a year"),
        ("COMPRESSION", "yes"),
    ],
)
def test_what_is_not_right_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingFault, match=name):
        read_edge({name: value})
