"""The JSON has the shape that its schema says, and is read as it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.findings import Finding, Result, Run, Table
from contracts.report.data import SCHEMA, NotAReport, read_json, write_json
from tests.unit.contracts.report.runs import a_finding, a_result, a_run, a_table, a_whole_run

TEXT = st.text(max_size=20)
SECONDS = st.floats(0, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(TEXT, max_size=3))
    row = st.lists(TEXT, min_size=len(columns), max_size=len(columns))
    return Table(draw(TEXT), columns, draw(st.lists(row, max_size=3)))


FINDINGS = st.builds(Finding, TEXT, TEXT, TEXT, TEXT)
RESULTS = st.builds(
    Result, TEXT, TEXT, st.integers(0), SECONDS, TEXT,
    st.lists(FINDINGS, max_size=3), st.lists(tables(), max_size=2),
)  # fmt: skip
RUNS = st.builds(Run, TEXT, TEXT, TEXT, st.integers(), TEXT, SECONDS, st.lists(RESULTS, max_size=3))


@given(RUNS)
def test_what_is_read_is_what_was_written(run: Run) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        write_json(run, file)

        assert read_json(file) == run


def test_the_file_is_as_its_schema_says(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    schema = json.loads(SCHEMA.read_text())

    write_json(a_whole_run(), file)

    content = json.loads(file.read_text())
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.Draft202012Validator(schema).validate(content)
    assert content["version"] == 1
    assert content["verdict"] == "findings"
    assert [each["verdict"] for each in content["results"]] == [
        "all well", "findings", "all well", "all well", "skipped", "findings",
    ]  # fmt: skip


def test_the_schema_explains_every_member() -> None:
    schema = json.loads(SCHEMA.read_text())

    for shape in (schema, *schema["$defs"].values()):
        for name, member in shape.get("properties", {}).items():
            assert member.get("description"), name


def test_a_lone_surrogate_is_written_so_that_every_reader_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "report.json"

    write_json(a_run(a_result(findings=[a_finding("a\ud800b\x00")])), file)

    assert read_json(file).results[0].findings[0].title == "a\\ud800b\x00"


def test_seconds_that_are_no_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(a_run(seconds=float("nan")), tmp_path / "report.json")

    assert list(tmp_path.iterdir()) == []


def _set(place: list[Any], value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: Any) -> None:
        for step in place[:-1]:
            content = content[step]
        content[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(["version"], 2), "at /version: 1 was expected"),
        (_set(["results", 0, "cases"], "many"), 'at /results/0/cases: "many" is not of type'),
        (_set(["results", 0, "findings", 0, "more"], 1), "at /results/0/findings/0: .*'more'"),
        (lambda content: content.pop("seed"), 'at its root: "seed" is a required property'),
    ],
)
def test_what_is_no_report_is_refused_with_the_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    file = tmp_path / "report.json"
    write_json(a_run(a_result(findings=[a_finding()], tables=[a_table()])), file)
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))

    with pytest.raises(NotAReport, match=message):
        read_json(file)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null"])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(content)

    with pytest.raises(NotAReport, match=r"report\.json is no "):
        read_json(file)
