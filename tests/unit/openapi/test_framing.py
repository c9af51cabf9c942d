"""A request that two parsers could read differently is refused, and its connection closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from openapi.framing import (
    MAX_HEADER_LINES,
    MAX_HEADERS,
    MAX_URL,
    FramingMiddleware,
)
from openapi.problems import HEADERS_TOO_LARGE, MALFORMED_HTTP, URI_TOO_LONG, ProblemType

ScopeOf = Callable[..., dict[str, Any]]


def refusal(scope: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status, kind and detail of the refusal; None when the request goes through."""
    sent: list[Any] = []

    async def through(_scope: Any, _receive: Any, _send: Any) -> None:
        sent.append(None)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("a refused request is not read")

    asyncio.run(FramingMiddleware(through, lambda _: None)(scope, receive, send))
    if sent == [None]:
        return None
    start, body = sent
    assert (b"connection", b"close") in start["headers"]
    problem = json.loads(body["body"])
    return start["status"], problem["type"].rpartition(":")[2], problem["detail"]


def is_refused(scope: dict[str, Any], kind: ProblemType = MALFORMED_HTTP) -> bool:
    refused = refusal(scope)
    assert refused is None or refused[:2] == (kind.status, kind.slug)
    return refused is not None


def bare(scope: dict[str, Any], *headers: tuple[bytes, bytes], **more: Any) -> dict[str, Any]:
    """The scope with these headers alone."""
    return scope | {"headers": list(headers)} | more


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1/devices?limit=5&cursor=a%2Fb%00..%5C",
        "/v1/devices/a.b..c",
        "/v1/devices/...",
        "/v1/devices/.hidden",
        "/v1/devices/%C3%A9%20%252f",
        "/v1/devices/%zz",
        "/a/..b/b../c",
    ],
)
def test_a_plain_target_goes_through(scope_of: ScopeOf, target: str) -> None:
    assert refusal(scope_of("GET", target)) is None


@pytest.mark.parametrize(
    "target",
    [
        *("/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a%00", "/a\\b"),
        *("/.", "/..", "/a/../b", "/a/./b", "/a/..", "/a/.", "/../../etc"),
        *("/%2e", "/%2E%2e", "/a/%2e./b", "/a/.%2E", "/a/%2e/b"),
        *("/%ff", "/%c3", "/%ed%a0%80", "/a%C3/b"),
    ],
)
def test_a_path_that_could_be_another_is_refused(scope_of: ScopeOf, target: str) -> None:
    assert is_refused(scope_of("GET", target))


@pytest.mark.parametrize("separator", ["/", "?"])
def test_a_url_may_have_so_many_bytes_and_no_more(scope_of: ScopeOf, separator: str) -> None:
    longest = "/" + separator + "a" * (MAX_URL - len("/" + separator))
    longest += "a" * (separator == "?")  # the question mark is of neither path nor query

    assert not is_refused(scope_of("GET", longest), URI_TOO_LONG)
    assert is_refused(scope_of("GET", longest + "a"), URI_TOO_LONG)


def test_headers_may_have_so_many_bytes_and_no_more(scope_of: ScopeOf) -> None:
    room = MAX_HEADERS - len("host" + "here" + "x")

    assert not is_refused(scope_of("GET", "/", [("x", "a" * room)]), HEADERS_TOO_LARGE)
    assert is_refused(scope_of("GET", "/", [("x", "a" * (room + 1))]), HEADERS_TOO_LARGE)


def test_there_may_be_so_many_headers_and_no_more(scope_of: ScopeOf) -> None:
    most = [("x", "a")] * (MAX_HEADER_LINES - 1)

    assert not is_refused(scope_of("GET", "/", most), HEADERS_TOO_LARGE)
    assert is_refused(scope_of("GET", "/", [*most, ("x", "a")]), HEADERS_TOO_LARGE)


def test_a_name_with_an_underscore_is_refused(scope_of: ScopeOf) -> None:
    assert is_refused(scope_of("GET", "/", [("x_auth_user", "root")]))
    assert not is_refused(scope_of("GET", "/", [("x-auth-user", "a_b")]))


@pytest.mark.parametrize(
    "name",
    [
        *("host", "content-length", "transfer-encoding", "content-type"),
        *("authorization", "x-api-key", "x-request-id", "traceparent"),
    ],
)
def test_what_a_request_has_once_is_refused_when_it_has_it_twice(
    scope_of: ScopeOf, name: str
) -> None:
    scope = scope_of()
    twice = [(name.encode(), b"1"), (b"accept", b"*/*"), (name.encode(), b"1")]
    host = [] if name == "host" else [(b"host", b"here")]

    refused = refusal(bare(scope, *host, *twice))

    assert refused is not None
    assert refused[2] == f"The header {name} is given more than once."


def test_other_headers_may_have_several_lines(scope_of: ScopeOf) -> None:
    assert not is_refused(scope_of("GET", "/", [("accept", "a/b"), ("accept", "c/d")]))


@pytest.mark.parametrize("character", [*range(9), *range(10, 32), 127])
def test_a_control_character_in_a_value_is_refused(scope_of: ScopeOf, character: int) -> None:
    assert is_refused(scope_of("GET", "/", [("x", f"a{chr(character)}b")]))


@pytest.mark.parametrize("value", ["a\tb", "", "é", "\xff"])
def test_a_value_of_other_characters_goes_through(scope_of: ScopeOf, value: str) -> None:
    assert not is_refused(scope_of("GET", "/", [("x", value)]))


def test_a_body_has_one_framing(scope_of: ScopeOf) -> None:
    chunked = ("transfer-encoding", "Chunked")

    assert not is_refused(scope_of("POST", "/", [chunked]))
    assert not is_refused(scope_of("POST", "/", [("content-length", "0")]))
    assert is_refused(scope_of("POST", "/", [("content-length", "0"), chunked]))
    assert is_refused(scope_of("POST", "/", [chunked, ("content-length", "5")]))


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "identity", "", "chunked, chunked", "xchunked"]
)
def test_a_coding_besides_chunked_is_refused(scope_of: ScopeOf, coding: str) -> None:
    assert is_refused(scope_of("POST", "/", [("transfer-encoding", coding)]))


def test_http_1_0_has_no_chunked_bodies(scope_of: ScopeOf) -> None:
    headers = [("transfer-encoding", "chunked")]

    assert is_refused(scope_of("POST", "/", headers, http_version="1.0"))


@pytest.mark.parametrize("version", ["0.9", "2", "1.2", ""])
def test_another_version_of_http_is_refused(scope_of: ScopeOf, version: str) -> None:
    assert is_refused(scope_of(http_version=version))


def test_a_request_names_its_host_since_http_1_1(scope_of: ScopeOf) -> None:
    assert is_refused(bare(scope_of()))
    assert not is_refused(bare(scope_of(), http_version="1.0"))


@pytest.mark.parametrize(
    "host", [b"a", b"a.example.org:8080", b"192.0.2.1", b"[2001:db8::1]:80", b"my_host", b"a."]
)
def test_a_host_is_a_name_and_a_port(scope_of: ScopeOf, host: bytes) -> None:
    assert not is_refused(bare(scope_of(), (b"host", host)))


@pytest.mark.parametrize(
    "host",
    [
        *(b"", b"user@a", b"user:pw@a", b"a:b", b"a:", b"a/b", b"a b", b"a,b", b"a:80:80"),
        *(b"[::1", b"[x]", b"a?b", b"a#b", b"a\\b", b"a" * 254, b"a:123456", b"\xc3\xa9"),
    ],
)
def test_a_host_that_is_more_than_that_is_refused(scope_of: ScopeOf, host: bytes) -> None:
    assert is_refused(bare(scope_of(), (b"host", host)))


def test_what_is_no_request_goes_through() -> None:
    assert refusal({"type": "lifespan"}) is None
