"""Which URLs are addresses, and which are names that DNS is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import endpoints
from gateway.endpoints import Endpoint, Name, read_place


@pytest.fixture(autouse=True)
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hosts"
    file.write_text("127.0.0.1 localhost\n10.0.0.9  Cellar cellar.home # inventory.example\n")
    monkeypatch.setattr(endpoints, "HOSTS_FILE", file)
    endpoints._local_names.cache_clear()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8081", "127.0.0.1:8081"),
        ("http://[::1]:8081", "[::1]:8081"),
        ("http://localhost:8081", "localhost:8081"),
        ("http://cellar", "cellar"),
        ("https://cellar.home:443", "cellar.home"),
    ],
)
def test_addresses_and_names_of_the_hosts_file_stand_as_they_are(url: str, host: str) -> None:
    assert read_place(url) == Endpoint(url, host)


@pytest.mark.parametrize(
    ("url", "port"), [("http://inventory.example", 80), ("https://inventory.example:8443", 8443)]
)
def test_other_names_are_asked_for(url: str, port: int) -> None:
    place = read_place(url)

    assert isinstance(place, Name)
    assert place.port == port
    assert place.endpoints_at_first() == (Endpoint.of(url),)


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https+srv://_http._tcp.inventory.svc.cluster.local", "inventory.svc.cluster.local"),
        ("https+srv://inventory.service.consul", "inventory.service.consul"),
    ],
)
def test_a_service_is_called_by_its_domain(url: str, called: str) -> None:
    place = read_place(url)

    assert isinstance(place, Name)
    assert place.endpoints_at_first() == ()
    assert place.endpoint("10.0.0.1", 8443) == Endpoint(
        "https://10.0.0.1:8443", f"{called}:8443", called
    )
