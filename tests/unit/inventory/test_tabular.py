"""Tables of devices: any bytes are read in bounded memory; what is written is read as it was."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.domain import resource
from inventory.domain.kinds import DEVICES
from inventory.domain.tabular import (
    MEDIA_TYPES,
    Faulty,
    FormatFault,
    Parsed,
    Row,
    blocks,
    read_rows,
    records,
    write_rows,
)
from inventory.domain.tabular.row import MAX_ROW

QUICK = settings(max_examples=60, deadline=None)
CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
FLAT = 10 * 1024 * 1024  # bytes

# More than the contract takes: with control characters, and none left out but lone surrogates.
TEXT = st.text(
    st.sampled_from("""=+-@\t\r\n'",;\\ aé€😀\u2028\x85\x00\x1c""")
    | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
)
SLUG = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXT, part, max_size=3),
    max_leaves=6,
)  # fmt: skip


def pairs(first: str, second: str) -> st.SearchStrategy[list[dict[str, str]]]:
    """In this order, which is what a table gives back."""
    pair = st.builds(lambda one, two: {first: one, second: two}, TEXT, TEXT)
    return st.lists(pair, max_size=3)


SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "matter_device_type": st.integers(0, 65535),
    "identifiers": pairs("domain", "value"),
    "connections": pairs("type", "value"),
    "external_refs": pairs("system", "id"),
    "labels": st.lists(SLUG, max_size=3),
    "attributes": st.dictionaries(TEXT, JSON_VALUE, max_size=3),
}
FIELDS = st.fixed_dictionaries(
    {}, optional={member: SPECIAL.get(member, TEXT) for member in DEVICES.members}
)
# Bytes that are made of what the formats are made of get further than any bytes do.
PIECES = st.sampled_from(
    [b"\xef\xbb\xbf", b"name", b"device_type", b"labels", b"attributes", b"identifiers", b"uid",
     b",", b'"', b'""', b"\r", b"\n", b"\r\n", b"'", b"=", b";", b"\\", b" ", b"\t", b"\x00",
     b"\xff", b"\xe4\xb8", b"\xed\xa0\x80", "é😀\u2028".encode(), b"a", b"1", b"-", b"e9", b".",
     b"{", b"}", b"[", b"]", b":", b"\\u", b"d800", b"null", b"NaN", b'{"items":[', b'{"name":"a"}',
     b'{"a":1,"a":1}', b"[" * 70, b"]" * 70, b"x" * 40]
)  # fmt: skip
BYTES = st.binary(max_size=60) | st.lists(PIECES, max_size=40).map(b"".join)
BODIES = st.builds(
    bytes.__add__,
    st.sampled_from([b"", b"name,device_type\r\n", b'{"items":[', b"[", b"1,"]),
    BYTES,
)
MEDIA = pytest.mark.parametrize("media_type", MEDIA_TYPES)


def a_device(identifier: str = "hall-light-1", **fields: Any) -> str:
    given = {"name": "Hall light", "device_type": "light"} | fields
    now = "2026-05-01T10:00:00.000000Z"
    document = resource.create(DEVICES, given, identifier=identifier, uid="u", now=now)
    return resource.to_json(document)


def rows(media_type: str, *chunks: bytes) -> list[Row]:
    return list(read_rows(media_type, chunks))


def outcome(media_type: str, chunks: Iterable[bytes]) -> list[Row] | str:
    try:
        return list(read_rows(media_type, chunks))
    except FormatFault as fault:
        return fault.reason


def faults(read: Iterable[Row]) -> list[tuple[int, str | None]]:
    return [(row.number, row.column) for row in read if isinstance(row, Faulty)]


def names(read: Iterable[Row]) -> list[str]:
    return [row.fields["name"] for row in read if isinstance(row, Parsed)]


# What is written


@MEDIA
@QUICK
@given(devices=st.lists(FIELDS, max_size=4))
def test_what_is_written_is_read_as_it_was(media_type: str, devices: list[dict[str, Any]]) -> None:
    documents = [a_device(f"d{n}", **fields) for n, fields in enumerate(devices)]

    read = rows(media_type, *write_rows(media_type, documents))

    expected = [resource.writable(json.loads(document)) for document in documents]
    assert len(read) == len(expected)
    for n, (row, fields) in enumerate(zip(read, expected, strict=True)):
        assert isinstance(row, Parsed)
        assert row.fields.pop("identifier") == f"d{n}"
        # As texts, since True equals 1, and 1.0 too.
        assert resource.to_json(row.fields) == resource.to_json(fields)


@QUICK
@given(fields=FIELDS)
def test_no_cell_of_an_export_is_a_formula(fields: dict[str, Any]) -> None:
    text = b"".join(write_rows(CSV, [a_device(**fields)])).decode()

    records = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert len(records) == 2
    assert not [cell for cell in records[1] if cell.startswith(tuple("=+-@\t\r"))]


def test_a_csv_export_is_as_rfc_4180_says() -> None:
    written = b"".join(write_rows(CSV, [a_device(name='a "b", c', labels=["x", "y"])]))

    header, record, rest = written.decode().split("\r\n")
    assert header.split(",") == [
        "identifier", *DEVICES.members, "uid", "created_at", "updated_at", "revision"
    ]  # fmt: skip
    assert record.startswith('hall-light-1,"a ""b"", c",light,,')
    assert ",x y,active," in record
    assert record.endswith(",u,2026-05-01T10:00:00.000000Z,2026-05-01T10:00:00.000000Z,1")
    assert rest == ""


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\ta", "'\ta"),
        ("'=1", "''=1"), ("''=1", "'''=1"), ("''", "'''"), ("'", "'"), ("'a", "'a"), ("a=", "a="),
    ],
)  # fmt: skip
def test_a_cell_that_is_a_formula_gets_an_apostrophe_that_the_reader_takes_away(
    text: str, cell: str
) -> None:
    written = b"".join(write_rows(CSV, [a_device(name=text)]))

    assert f"\r\nhall-light-1,{cell},light,".encode() in written
    assert names(rows(CSV, written)) == [text]


def test_json_lines_and_lists_have_the_texts_as_they_are() -> None:
    one, two = a_device("one", name="é"), a_device("two")

    assert b"".join(write_rows(NDJSON, [one, two])).decode() == f"{one}\n{two}\n"
    assert b"".join(write_rows(JSON, [one, two])).decode() == f'{{"items":[{one},{two}]}}'
    assert b"".join(write_rows(NDJSON, [])) == b""
    assert b"".join(write_rows(JSON, [])) == b'{"items":[]}'
    assert b"".join(write_rows(CSV, [])).startswith(b"identifier,name,")


@MEDIA
def test_an_export_comes_in_chunks_of_a_size(media_type: str) -> None:
    chunks = list(write_rows(media_type, [a_device(name="a" * 200)] * 1000))

    assert len(chunks) > 2
    assert all(64 * 1024 <= len(chunk) < 66 * 1024 for chunk in chunks[:-1])


# What is read


@MEDIA
@settings(max_examples=200, deadline=None)
@given(body=BODIES, cuts=st.lists(st.integers(0, 100), max_size=5), block=st.integers(3, 40))
def test_any_bytes_are_read_or_are_a_fault_wherever_they_are_cut(
    media_type: str, body: bytes, cuts: list[int], block: int
) -> None:
    whole = outcome(media_type, [body])
    places = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    chunks = [body[a:b] for a, b in itertools.pairwise(places)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        in_blocks = outcome(media_type, chunks)

    assert in_blocks == whole
    if isinstance(whole, list):
        assert [row.number for row in whole] == list(range(1, len(whole) + 1))
        json.dumps([row.fields for row in whole if isinstance(row, Parsed)], allow_nan=False)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_lines_end_in_three_ways_and_may_be_empty(end: str, mark: str) -> None:
    lines = ["", "name,labels", "", '"a ""b""",x  y', f'"c{end}d",', "", ""]

    read = rows(CSV, (mark + end.join(lines)).encode())

    assert read == [
        Parsed(1, {"name": 'a "b"', "labels": ["x", "y"]}), Parsed(2, {"name": f"c{end}d"})
    ]  # fmt: skip


def test_cells_are_read_as_their_columns_are() -> None:
    header = "identifier,matter_device_type,labels,identifiers,connections,external_refs,attributes"
    cells = r'd1,256,[],a\=b=c\;d\\;e=f,[],s=i,"{""a"": [1, 1.0, null]}"'

    [row] = rows(CSV, f"{header},uid,revision\n{cells},u,7\n".encode())

    assert row == Parsed(1, {
        "identifier": "d1", "matter_device_type": 256, "labels": [],
        "identifiers": [{"domain": "a=b", "value": "c;d\\"}, {"domain": "e", "value": "f"}],
        "connections": [], "external_refs": [{"system": "s", "id": "i"}],
        "attributes": {"a": [1, 1.0, None]},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("matter_device_type", "light"), ("matter_device_type", "1_0"),
        ("matter_device_type", "\u0661"),
        ("matter_device_type", "256.0"), ("identifiers", "a"), ("identifiers", "a=b=c"),
        ("identifiers", "a=b;"), ("connections", r"a=\x"), ("external_refs", "a=b\\"),
        ("attributes", "[]"), ("attributes", "{"), ("attributes", '"{""a"":1,""a"":2}"'),
        ("attributes", "{} {}"), ("attributes", '"{""a"":NaN}"'),
    ],
)  # fmt: skip
def test_a_faulty_cell_is_its_rows_fault_alone_and_names_its_column(column: str, cell: str) -> None:
    read = rows(CSV, f"name,{column}\na,\nb,{cell}\nc,\n".encode())

    assert faults(read) == [(2, column)]
    assert names(read) == ["a", "c"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"b,light,1", "2 cells, this row 3"),
        (b"b", "2 cells, this row 1"),
        (b"b\xff,light", "not UTF-8"),
        (b'"b\xff\n",light', "not UTF-8"),
        (b'"b"x,light', "text follows the quote"),
        (b'"b"x,"\nb\n"', "text follows the quote"),
        (b'"b\n"x,"\n"', "text follows the quote"),
        (b"b" * MAX_ROW + b",", "longer than"),
        (b'"' + b"b\n" * MAX_ROW + b'",light', "longer than"),
        (b'"' + b'b""\n' * MAX_ROW + b'",light', "longer than"),
        (b"b" * 3 * MAX_ROW + b',"\n"', "longer than"),
        (b'b,"' + b"b" * 3 * MAX_ROW + b'\n,""\n"', "longer than"),
        (b'"b\n' + b",b" * 3 * MAX_ROW + b'\n"', "longer than"),
        (b'b,""' + b',""' * MAX_ROW, "longer than"),
        (b'"' + b"b" * 3 * MAX_ROW + b'","\nb\n"', "longer than"),
    ],
)
def test_a_faulty_csv_row_is_passed_over_to_its_end(row: bytes, said: str) -> None:
    read = rows(CSV, b"name,device_type\na,light\n", row, b'\nc,light\n"d",light')

    assert names(read) == ["a", "c", "d"]
    [fault] = [row for row in read if isinstance(row, Faulty)]
    assert (fault.number, fault.column) == (2, None)
    assert said in fault.reason


def test_a_quoted_cell_is_seen_where_two_parts_of_a_long_line_meet() -> None:
    before = b"name\na\n"
    padding = b"b" * (MAX_ROW + blocks.BLOCK - len(before) - 1)

    read = rows(CSV, before + padding, b',"\nb\n"\nc\n')

    assert names(read) == ["a", "c"]
    assert faults(read) == [(2, None)]


def test_a_quote_that_is_not_closed_takes_what_follows_in_one_faulty_row() -> None:
    read = rows(CSV, b'name\na\n"b\nc\nd\n')

    assert read == [Parsed(1, {"name": "a"}), Faulty(2, "a quoted cell does not end")]


def test_a_cell_may_be_as_long_as_a_row() -> None:
    name = "a" * (MAX_ROW - 10)

    assert names(rows(CSV, f"name\n{name}\n".encode())) == [name]


@pytest.mark.parametrize(
    ("media_type", "body", "said"),
    [
        (CSV, b"", "no header"),
        (CSV, b"\xef\xbb\xbf\r\n\n", "no header"),
        (CSV, b"name,nmae\n", 'no column "nmae"; there are identifier, name, device_type'),
        (CSV, b"name,\n", 'no column ""'),
        (CSV, b"name,uid,name\n", "the column name stands twice"),
        (CSV, b"name,\xff\n", "not UTF-8"),
        (CSV, b'"name"x\n', "header cannot be read"),
        (CSV, b"name," + b"x" * MAX_ROW, "longer than"),
        (JSON, b"", "has to be"),
        (JSON, b"{}", "has to be"),
        (JSON, b'{"devices":[]}', "has to be"),
        (JSON, b'{"items":{}}', "has to be"),
        (JSON, b'"items"', "has to be"),
        (JSON, b" " * 3 * MAX_ROW + b"[]", "has to be"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(
    media_type: str, body: bytes, said: str
) -> None:
    with pytest.raises(FormatFault, match=r".") as refused:
        rows(media_type, body)

    assert said in refused.value.reason


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"[]", "has to be a JSON object"),
        (b"1", "has to be a JSON object"),
        (b'{"name":"b","name":"b"}', 'the member "name" stands twice'),
        (b'{"a":{"b":1,"c":2,"c":3}}', 'the member "c" stands twice'),
        (b'{"a":NaN}', "NaN is not"),
        (b'{"a":-Infinity}', "-Infinity is not"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "more than 308 digits"),
        (b'{"a":"\\ud800"}', "a lone surrogate"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "deeper than 64"),
    ],
)
@pytest.mark.parametrize("media_type", [NDJSON, JSON])
def test_a_faulty_value_is_one_faulty_row(media_type: str, value: bytes, said: str) -> None:
    values = [
        b'{"name":"a"}',
        value,
        b'{"name":"c","labels":[],"attributes":' + b"[" * 63 + b"]" * 63 + b"}",
    ]
    body = b"\n".join(values) if media_type == NDJSON else b"[" + b" , ".join(values) + b"]"

    read = rows(media_type, body)

    assert names(read) == ["a", "c"]
    [fault] = [row for row in read if isinstance(row, Faulty)]
    assert (fault.number, fault.column) == (2, None)
    assert said in fault.reason


@pytest.mark.parametrize(
    "line",
    [b"{", b"{} {}", b'{"name":"b"', b"[" * 100_000, b'{"name":"' + b"b" * MAX_ROW + b'"}',
     b'{"name":"' + b"b" * 3 * MAX_ROW + b'"}', b" " * 3 * MAX_ROW + b'{"name":"b"}'],
)  # fmt: skip
def test_a_line_that_is_no_json_is_one_faulty_row(line: bytes) -> None:
    read = rows(NDJSON, b'\xef\xbb\xbf{"name":"a"}\r\n \r\n\n', line, b'\n\t{"name":"c"} ')

    assert names(read) == ["a", "c"]
    assert faults(read) == [(2, None)]


@pytest.mark.parametrize("media_type", [NDJSON, JSON])
def test_read_only_members_are_dropped(media_type: str) -> None:
    [row] = rows(media_type, b"".join(write_rows(media_type, [a_device()])))

    assert isinstance(row, Parsed)
    assert set(row.fields) == {"identifier", "name", "device_type", "entry_type", "status"}


@pytest.mark.parametrize("body", ["[]", ' {"items" : [ ] } ', "\ufeff[" + " " * 200_000 + "]\n"])
def test_a_list_may_be_empty(body: str) -> None:
    assert rows(JSON, body.encode()) == []


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("", "not JSON"),
        ("]", "not JSON"),
        ('{"name":"b",}]', "not JSON"),
        ('{"name":"b"', "not JSON"),
        ('{"name":"b"}', "neither , nor ]"),
        ('{"name":"b"} {}]', "neither , nor ]"),
        ("[" * 100_000, "deeper than 64"),
        ('"' + "b" * MAX_ROW + '"]', "longer than"),
        ('"b"' + " " * MAX_ROW + "]", "longer than"),
    ],
)
def test_where_a_list_is_no_json_reading_ends_with_a_faulty_row(rest: str, said: str) -> None:
    read = rows(JSON, f'[{{"name":"a"}},{rest}'.encode())

    assert names(read) == ["a"]
    assert faults(read) == [(2, None)]
    assert isinstance(read[-1], Faulty)
    assert said in read[-1].reason
    assert "nothing from here on was read" in read[-1].reason


@pytest.mark.parametrize(
    "body",
    ['[{"name":"a"}]]', '{"items":[{"name":"a"}]', '{"items":[{"name":"a"}],"next":null}'],
)
def test_what_is_more_or_less_than_a_list_is_a_fault_at_the_end(body: str) -> None:
    read = rows(JSON, body.encode())

    assert names(read) == ["a"]
    assert faults(read) == [(2, None)]


# Memory


def long_line(before: bytes, unit: bytes, after: bytes) -> Iterator[bytes]:
    """Thirty megabytes between ``before`` and ``after``."""
    chunk = unit * (100_000 // len(unit))
    yield before
    for _ in range(300):
        yield chunk
    yield after


@pytest.mark.parametrize(
    ("media_type", "before", "unit", "after", "found"),
    [
        (CSV, b"name\na\n", b"b", b"\nc\n", ["a", "c"]),
        (CSV, b"name\na\n", b",", b"\nc\n", ["a", "c"]),
        (CSV, b'name\na\n"', b"b" * 99 + b"\n", b'"\nc\n', ["a", "c"]),
        (CSV, b"", b"b", b"", None),
        (NDJSON, b'{"name":"a"}\n"', b"b", b'"\n{"name":"c"}\n', ["a", "c"]),
        (JSON, b'[{"name":"a"},"', b"b", b'"]', ["a"]),
        (JSON, b'[{"name":"a"},', b" ", b'{"name":"c"}]', ["a", "c"]),
        (JSON, b"", b" ", b"[]", None),
    ],
)
def test_many_megabytes_are_not_kept(
    media_type: str, before: bytes, unit: bytes, after: bytes, found: list[str] | None
) -> None:
    tracemalloc.start()
    try:
        read = outcome(media_type, long_line(before, unit, after))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < FLAT
    assert found == (names(read) if isinstance(read, list) else None)


@MEDIA
def test_many_rows_go_through_without_being_kept(media_type: str) -> None:
    device = a_device(attributes={"note": "x" * 2000})

    tracemalloc.start()
    try:
        chunks = write_rows(media_type, (device for _ in range(6_000)))
        count = sum(isinstance(row, Parsed) for row in read_rows(media_type, chunks))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 6_000
    assert peak < FLAT


class CountedBytes(bytes):
    """Bytes that count how often they are looked at."""

    looks = 0

    def startswith(self, *args: Any) -> bool:
        CountedBytes.looks += 1
        return super().startswith(*args)

    def find(self, *args: Any) -> int:
        CountedBytes.looks += 1
        return super().find(*args)


@pytest.mark.parametrize("piece", [b'"', b',""', b',"a",b', b"a,"])
@pytest.mark.parametrize("state", list(records._State))
def test_the_rest_of_a_long_record_is_passed_over_in_a_few_steps(
    monkeypatch: pytest.MonkeyPatch, piece: bytes, state: records._State
) -> None:
    monkeypatch.setattr(CountedBytes, "looks", 0)

    records._after(CountedBytes(piece * 10_000), state)

    assert CountedBytes.looks <= 2


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        (b'a,"b', "EDGE", "QUOTED"),
        (b'a,"b""c"', "EDGE", "EDGE"),
        (b'a"b,c', "EDGE", "PLAIN"),
        (b'",a', "QUOTED", "PLAIN"),
        (b'""a', "QUOTED", "QUOTED"),
        (b"a,", "PLAIN", "EDGE"),
        (b'"a"', "PLAIN", "PLAIN"),
    ],
)
def test_a_quote_opens_a_cell_only_where_one_begins(line: bytes, before: str, after: str) -> None:
    assert records._after(line, records._State[before]).name == after
