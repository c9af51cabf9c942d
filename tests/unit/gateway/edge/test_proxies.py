"""Who the client is: what a trusted proxy says, and never what the client says itself."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.proxies import behind_proxies

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::7")]
REAL, FAKE = "203.0.113.9", "198.51.100.1"


async def application(scope: Any, _receive: Any, _send: Any) -> None:
    scope["seen"].append((scope["client"][0], scope["scheme"]))


def seen(peer: str, *headers: tuple[str, str]) -> tuple[str, str]:
    found: list[tuple[str, str]] = []
    scope = {
        "type": "http",
        "client": (peer, 4000),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "seen": found,
    }
    asyncio.run(behind_proxies(application, PROXIES)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"])
def test_a_trusted_proxy_says_who_the_client_is_and_how_it_came(peer: str) -> None:
    told = seen(peer, ("x-forwarded-for", REAL), ("x-forwarded-proto", "https"))

    assert told == (REAL, "https")


@pytest.mark.parametrize("peer", [REAL, "127.0.0.1", "::1", "11.0.0.1", "2001:db8::8"])
def test_nobody_else_says_who_they_are(peer: str) -> None:
    told = seen(peer, ("x-forwarded-for", FAKE), ("x-forwarded-proto", "https"))

    assert told == (peer, "http")


@pytest.mark.parametrize(
    "lines",
    [
        [f"{FAKE}, {REAL}"],
        [FAKE, REAL],
        [f"{FAKE}, {REAL}, 10.9.9.9"],
        [f"10.0.0.1, {REAL}"],
        [f"{REAL}:4711, 10.9.9.9:80"],
    ],
)
def test_what_the_client_put_before_what_the_proxies_add_is_not_believed(lines: list[str]) -> None:
    assert seen("10.1.2.3", *(("x-forwarded-for", line) for line in lines))[0] == REAL


def test_a_proxy_that_says_nothing_is_the_client() -> None:
    assert seen("10.1.2.3", ("forwarded", f"for={FAKE};proto=https")) == ("10.1.2.3", "http")


def test_without_proxies_it_is_no_stage_at_all() -> None:
    assert behind_proxies(application, []) is application
