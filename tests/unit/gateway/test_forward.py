"""What of a request's and an answer's headers goes on."""

from __future__ import annotations

from gateway.forward import without

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
