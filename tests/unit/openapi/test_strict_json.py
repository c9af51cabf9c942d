"""JSON is read strictly, and nothing that is sent makes the reader fail otherwise."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openapi.strict_json import MAX_DEPTH, MAX_DIGITS, MAX_VALUES, JSONFault, parse

QUICK = settings(max_examples=50, deadline=None)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10 ** (MAX_DIGITS - 2)), max_value=10 ** (MAX_DIGITS - 1))
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda part: st.lists(part) | st.dictionaries(TEXT, part), max_leaves=8
)
# Bytes that are made of what JSON is made of get further than any bytes do.
PIECES = st.sampled_from(
    [b"[", b"]", b"{", b"}", b'"', b"\\", b":", b",", b"1", b"-", b"e9", b".", b"\\u", b"d800",
     b"null", b"NaN", b" ", b"\xff", b"\x00", b"[" * MAX_DEPTH, b'"a":']
)  # fmt: skip


@pytest.mark.parametrize("ascii_only", [True, False])
@QUICK
@given(value=VALUES)
def test_what_is_json_within_the_limits_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@QUICK
@given(data=st.binary() | st.lists(PIECES, max_size=40).map(b"".join))
def test_any_bytes_are_read_or_are_a_fault(data: bytes) -> None:
    try:
        value = parse(data)
    except JSONFault:
        return

    json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b"{", "at line 1, column 2"),
        (b'{"a":1,}', "column 8"),
        (b"[1] 2", "Extra data"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        (b'"\xe9"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'{"a":1,"a":1}', 'the member "a" stands twice'),
        (b'{"a":1,"\\u0061":1}', 'the member "a" stands twice'),
        (b'[{"x":{"b":[],"b":[]}}]', 'the member "b" stands twice'),
        (b"[NaN]", "NaN is not a JSON value"),
        (b"[-Infinity]", "-Infinity is not"),
        (b"1e999", "the number 1e999 is too large"),
        (b"9" * (MAX_DIGITS + 1), f"more than {MAX_DIGITS} digits"),
        (b'"\\ud800"', "a lone surrogate"),
        (b'{"\\uDC00":1}', "a lone surrogate"),
        (b'["\\ude00\\ud83d"]', "a lone surrogate"),
        (b'"\n"', "control character"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(JSONFault, match=r".") as refused:
        parse(data)

    assert said in str(refused.value)


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("number", [b"1" * MAX_DIGITS, b"1.7976931348623157e308", b"-0"])
def test_the_largest_numbers_are_read(number: bytes) -> None:
    assert parse(number) == json.loads(number)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]", inside: bytes = b"") -> bytes:
    return opening * depth + inside + closing * depth


@pytest.mark.parametrize(
    ("opening", "closing", "inside"), [(b"[", b"]", b""), (b'{"a":', b"}", b"1")]
)
def test_nesting_is_read_to_its_limit_and_no_further(
    opening: bytes, closing: bytes, inside: bytes
) -> None:
    parse(nested(MAX_DEPTH, opening, closing, inside))

    with pytest.raises(JSONFault, match=f"deeper than {MAX_DEPTH} levels"):
        parse(nested(MAX_DEPTH + 1, opening, closing, inside))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert parse(b"[" + b",".join([b"[{}]"] * 500) + b"]") == [[{}]] * 500


def test_brackets_in_a_text_are_not_deep() -> None:
    text = '\\"[{' * 500

    assert parse(json.dumps([text]).encode()) == [text]


def test_nesting_that_never_ends_is_a_fault() -> None:
    with pytest.raises(JSONFault):
        parse(b"[" * (sys.getrecursionlimit() * 100))


def test_members_without_number_are_looked_through_once() -> None:
    names = b",".join(b'"m%d":1' % number for number in range(100_000))  # hours, if quadratic

    with pytest.raises(JSONFault, match='"m99999" stands twice'):
        parse(b"{" + names + b',"m99999":1}')


def test_a_body_of_nothing_but_values_is_refused() -> None:
    parse(b"[" + b",".join([b"1"] * 1000) + b"]")

    with pytest.raises(JSONFault, match=f"more than {MAX_VALUES} values"):
        parse(b"[" + b"{}," * (MAX_VALUES // 2) + b"{}]")


def test_a_text_that_never_ends_is_not_looked_through_again_from_each_quote() -> None:
    quotes = b'\\"' * 200_000  # hours, if the time were quadratic

    with pytest.raises(JSONFault, match="Unterminated string"):
        parse(b"[" * (MAX_DEPTH + 1) + b'"' + quotes)
