"""The rules that need no request: directives, dates, ages, keys and memory."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.caching.dates import read_date
from gateway.caching.directives import LONGEST, parse_directives
from gateway.caching.entries import Entry, Exchange, Freshness, freshness_of
from gateway.caching.flights import Flights
from gateway.caching.keys import Key, fits, variant_of
from gateway.caching.store import MemoryStore
from gateway.caching.storing import entry_of, freshened, may_keep
from openapi.policy import Caching
from tests.unit.gateway.caching.origin import START, wire

NOW = Exchange(START, START)
TOKENS = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=8)
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(
    lambda parts: ("/" + "/".join(parts)).encode()
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Max-Age=5, no-store", {"max-age": "5", "no-store": ""}),
        ('private="a, b" , public', {"private": "a, b", "public": ""}),
        ('a="x\\"y, max-age=9"', {"a": 'x"y, max-age=9'}),
        ("max-age=1,max-age=2", {"max-age": "1"}),
        ("max-age =1, s-maxage= 2, public", {"public": ""}),
        (",, ,a,", {"a": ""}),
        ('a="never ends, no-store', {"no-store": ""}),
        ("a b, no-store", {"no-store": ""}),
        ("", {}),
    ],
)
def test_directives_are_read_as_they_are_written(text: str, expected: dict[str, str]) -> None:
    assert parse_directives(text) == expected


@given(st.dictionaries(TOKENS.map(str.lower), st.one_of(st.just(""), TOKENS), max_size=6))
def test_directives_that_were_written_are_read_again(directives: dict[str, str]) -> None:
    written = [f'{name}="{value}"' if value else name for name, value in directives.items()]

    assert parse_directives(" ,".join(written)) == directives


@given(st.text(max_size=60))
def test_any_text_has_some_directives_or_none(text: str) -> None:
    assert all(name == name.lower() for name in parse_directives(text))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("005", 5),
        ("-1", 0),
        ("5.0", 0),
        ("\u0665", 0),
        ("1_0", 0),
        ("", 0),
        ("9" * 99, LONGEST),
    ],
)
def test_seconds_that_cannot_be_read_are_none_at_all(value: str, seconds: int) -> None:
    assert parse_directives(f'max-age="{value}"').seconds("max-age") == seconds


@given(
    st.datetimes(datetime(1977, 1, 1), datetime(2075, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))
)
def test_each_form_of_a_date_is_the_same_moment(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    forms = (
        format_datetime(moment, usegmt=True),
        moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        moment.strftime(f"%a %b {moment.day:2} %H:%M:%S %Y"),
    )

    assert {read_date(form, START) for form in forms} == {int(moment.timestamp())}


@pytest.mark.parametrize("text", ["", "0", "Thu, 31 Jun 2050 02:01:18 GMT", "2050-08-18T02:01:18Z"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text, START) is None


@given(
    date=st.integers(-5000, 5000),
    age=st.integers(0, 5000),
    delay=st.integers(0, 100),
    later=st.integers(0, 5000),
)
def test_an_answer_is_at_least_as_old_as_each_sign_of_its_age(
    date: int, age: int, delay: int, later: int
) -> None:
    headers = wire((("Date", date), ("Age", str(age)), ("Cache-Control", "max-age=3600")), START)
    freshness = freshness_of(
        200, headers, parse_directives("max-age=3600"), Exchange(START - delay, START), Caching()
    )

    assert freshness.age(START + later) == max(-date, age + delay) + later
    assert freshness.is_fresh(START + later) == (freshness.age(START + later) < 3600)


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        ({"Cache-Control": "private"}, False),
        ({"Cache-Control": 'private="set-cookie"'}, True),
        ({"Cache-Control": "no-store"}, False),
        ({"Vary": "Accept, *"}, False),
        ({}, True),
    ],
)
def test_an_answer_says_whether_it_may_be_kept(lines: dict[str, str], keeps: bool) -> None:
    assert may_keep(200, wire(tuple(lines.items()), START), NOW) is keeps


def test_public_lets_any_status_be_kept() -> None:
    assert may_keep(599, wire((("Cache-Control", "public"),), START), NOW)


@pytest.mark.parametrize("code", [103, 206, 304, 201, 403, 500])
def test_such_a_status_is_not_kept_without_a_word(code: int) -> None:
    assert not may_keep(code, [], NOW)


def test_an_answer_that_is_of_no_use_later_is_not_kept() -> None:
    assert entry_of(200, [], b"", {}, NOW, Caching()) is None
    assert entry_of(200, [], b"", {}, NOW, Caching(stale_if_error=1)) is not None


def test_fields_that_are_not_for_everybody_are_not_kept() -> None:
    given = wire(
        (("Set-Cookie", "a"), ("Mine", "1"), ("Checked", "1"), ("Ours", "1"), ("Age", "3"),
         ("Cache-Control", 'private="mine", no-cache="CHECKED", max-age=5')),
        START,
    )  # fmt: skip
    entry = entry_of(200, given, b"", {}, NOW, Caching())

    assert entry is not None and {name for name, _ in entry.headers} == {b"ours", b"cache-control"}


def test_a_304_changes_the_headers_and_not_what_describes_the_body() -> None:
    old = wire((("ETag", '"1"'), ("Content-Type", "a/b"), ("X", "1"), ("X", "2")), START)
    entry = entry_of(200, old, b"body", {}, NOW, Caching())
    assert entry is not None
    told = wire((("Content-Type", "c/d"), ("X", "3"), ("Cache-Control", "max-age=9")), START)

    new = freshened(entry, told, Exchange(START + 50, START + 50), Caching())

    assert dict(new.headers)[b"content-type"] == b"a/b"
    assert [value for name, value in new.headers if name == b"x"] == [b"3"]
    assert (new.body, new.freshness.left(START + 50)) == (b"body", 9)


def test_a_header_is_the_same_however_its_list_is_written() -> None:
    answer = [(b"vary", b"Foo")]
    variant = variant_of([(b"foo", b"1,2")], answer)

    assert fits(variant, [(b"foo", b" 1 "), (b"foo", b"2")])
    assert not fits(variant, [(b"foo", b"2, 1")])
    assert not fits(variant, [])


def a_key(path: bytes, query: bytes = b"") -> Key:
    return Key(path, query, "op", (), ())


def an_entry(size: int = 10, **variant: bytes) -> Entry:
    by_name = {name.encode(): value for name, value in variant.items()}
    return Entry(200, [], b"x" * size, by_name, Freshness(START, 60))


@given(st.lists(st.tuples(PATHS, st.integers(0, 4000)), max_size=40), st.integers(0, 20_000))
def test_memory_is_never_more_than_it_may_be(kept: list[tuple[bytes, int]], limit: int) -> None:
    store = MemoryStore(limit)
    for path, size in kept:
        was_kept = store.keep(a_key(path), an_entry(size))
        assert was_kept is (store.find(a_key(path), []) is not None)
        assert store.size <= limit


@given(st.sets(PATHS, min_size=1), PATHS)
def test_a_change_forgets_what_is_related_to_its_path_and_nothing_else(
    kept: set[bytes], changed: bytes
) -> None:
    store, flights = MemoryStore(10**9), Flights()
    under_way = {path: flights.begin(a_key(path)) for path in kept}
    for path in kept:
        store.keep(a_key(path), an_entry())
        store.keep(a_key(path, b"a=1"), an_entry())

    store.invalidate(changed)
    flights.invalidate(changed)

    for path in kept:
        is_related = (path + b"/").startswith(changed + b"/") or changed.startswith(path + b"/")
        found = [store.find(a_key(path, query), []) for query in (b"", b"a=1")]
        assert [entry is None for entry in found] == [is_related] * 2
        assert under_way[path].is_outdated is is_related


def test_the_bookkeeping_of_memory_is_exact() -> None:
    store = MemoryStore(10**6)
    one, other = an_entry(foo=b"1"), an_entry(foo=b"2")
    store.keep(a_key(b"/a"), one)
    size = store.size
    store.keep(a_key(b"/a"), other)
    store.keep(a_key(b"/a"), an_entry(foo=b"2"))
    assert store.size == 2 * size

    store.drop(a_key(b"/a"), one)
    assert (store.size, store.find(a_key(b"/a"), [(b"foo", b"1")])) == (size, None)
    store.drop(a_key(b"/a"), one)
    assert store.size == size


def test_only_so_many_keys_are_remembered_as_being_for_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.caching.flights.REMEMBERED", 2)
    flights = Flights()
    for path in (b"/a", b"/b", b"/c"):
        flights.end(flights.begin(a_key(path)))
    for path in (b"/a", b"/b", b"/c"):
        flights.begin(a_key(path))

    found: list[Any] = [flights.find(a_key(path)) for path in (b"/a", b"/b", b"/c")]

    assert [flight is not None for flight in found] == [True, False, False]


def test_a_year_of_two_digits_is_within_fifty_years() -> None:
    in_51_years = datetime.fromtimestamp(START, UTC) + timedelta(days=51 * 366)

    read = read_date(in_51_years.strftime("%A, %d-%b-%y %H:%M:%S GMT"), START)

    assert read is not None and read < START
