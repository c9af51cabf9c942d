"""The lists that people keep: what is wrong with one is told by its file and place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.authorisation.tenancy import Tenancy
from contracts.contract import Contract
from contracts.coverage import excused
from contracts.findings import CouldNotRun
from contracts.mutation.score import read_reasons
from contracts.parts.parity import declared_differences

READERS: dict[str, Callable[[Path], Any]] = {
    "unreached": lambda file: excused(Contract(), file),
    "differences": declared_differences,
    "tenancy": Tenancy,
    "survivors": lambda file: read_reasons([], file),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: [b", "line 1, column 6"),
        (b"\xff", "utf-8"),
        (b"3", "/: 3 is not of type"),
        (b"- 3", "/.*: .* is not of type"),
    ],
)
def test_what_is_no_list_is_told_by_its_file(
    tmp_path: Path, reader: Callable[[Path], Any], content: bytes, told: str
) -> None:
    file = tmp_path / "list.yaml"
    file.write_bytes(content)

    with pytest.raises(CouldNotRun, match=rf"(?s)list\.yaml: .*{told}"):
        reader(file)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_list_that_is_gone_is_told_by_its_file(
    tmp_path: Path, reader: Callable[[Path], Any]
) -> None:
    with pytest.raises(CouldNotRun, match=r"list\.yaml: .*No such file"):
        reader(tmp_path / "list.yaml")


@pytest.mark.parametrize(
    ("reader", "content", "place"),
    [
        ("differences", "- header: date", '/0: "reason" is a required'),
        ("differences", "- {header: a, field: b, reason: both of them}", "/0: .* more than one"),
        (
            "tenancy",
            "defaults: {one: {}, replace: {}, many: {}}\noperations: {get_home: {ownn: 200}}",
            "/operations/get_home: .*ownn",
        ),
    ],
)
def test_what_is_not_of_the_form_is_told_by_its_place(
    tmp_path: Path, reader: str, content: str, place: str
) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(content)

    with pytest.raises(CouldNotRun, match=rf"list\.yaml: {place}"):
        READERS[reader](file)
