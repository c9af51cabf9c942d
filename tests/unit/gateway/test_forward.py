"""What of a request's and an answer's headers goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.forward import gateway_location, upstream_path, without
from openapi.policy import Policy, resolve_policy

DROPPED = frozenset((b"connection", b"host"))


def test_headers_of_one_connection_do_not_go_on() -> None:
    assert without([(b"Host", b"a"), (b"x", b"1")], DROPPED) == [(b"x", b"1")]


def test_what_connection_names_does_not_go_on() -> None:
    headers = [(b"connection", b"close, X-Mine"), (b"x-mine", b"1"), (b"x-yours", b"2")]

    assert without(headers, DROPPED) == [(b"x-yours", b"2")]


def test_several_connection_headers_count_together() -> None:
    headers = [(b"connection", b"a"), (b"connection", b"b"), (b"a", b"1"), (b"b", b"2")]

    assert without(headers, DROPPED) == []


def test_a_repeated_header_keeps_all_of_its_values() -> None:
    headers = [(b"x", b"1"), (b"x", b"2")]

    assert without(headers, DROPPED) == headers


SHOP = replace(resolve_policy(), prefix="/a/shop", base_path="/api/v3")


@pytest.mark.parametrize(
    ("path", "policy", "there"),
    [
        ("/a/shop/things/1", SHOP, "/api/v3/things/1"),
        ("/a/sh%6Fp/th%69ngs/1", SHOP, "/api/v3/th%69ngs/1"),
        ("/a/shop/", SHOP, "/api/v3/"),
        ("/things", replace(SHOP, prefix=""), "/api/v3/things"),
        ("/a/shop/a/shop", replace(SHOP, base_path=""), "/a/shop"),
    ],
)
def test_a_prefix_is_taken_off_as_it_was_written(path: str, policy: Policy, there: str) -> None:
    assert upstream_path(path, policy) == there


@pytest.mark.parametrize(
    ("location", "here"),
    [
        (b"/api/v3/things/1", b"/a/shop/things/1"),
        (b"/api/v30", b"/api/v30"),
        (b"https://example.org/api/v3/", b"https://example.org/api/v3/"),
        (b"//example.org/api/v3/", b"//example.org/api/v3/"),
        (b"1", b"1"),
    ],
)
def test_a_location_leads_to_the_gateway_when_it_is_the_services(
    location: bytes, here: bytes
) -> None:
    assert gateway_location(location, SHOP) == here
