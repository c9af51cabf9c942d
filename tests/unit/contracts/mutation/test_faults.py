"""The planted faults: each can be planted in the tree as it stands, and means something there."""

import ast
from pathlib import Path

import pytest
import yaml

from contracts.findings import CouldNotRun
from contracts.mutation.planting import Fault, StaleFault, read_faults
from contracts.mutation.score import read_reasons
from contracts.services import ROOT

FAULTS = read_faults()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_can_be_planted_where_it_belongs(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text()

    planted = fault.planted(text)

    assert planted != text


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.file.endswith(".py")], ids=lambda fault: fault.name
)
def test_a_planted_fault_is_python_and_no_mere_comment(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text()

    planted = ast.parse(fault.planted(text))

    assert ast.dump(planted) != ast.dump(ast.parse(text))


def test_a_fault_of_the_contract_changes_what_it_says() -> None:
    file = ROOT / "openapi" / "openapi.yaml"
    text = file.read_text()
    content = _load(text)

    same = [f.name for f in FAULTS if ROOT / f.file == file and _load(f.planted(text)) == content]

    assert same == []


def test_every_room_has_faults_of_its_own() -> None:
    rooms = {fault.room for fault in FAULTS}

    assert rooms == {"contract", "gateway", "inventory", "openapi", "telemetry"}
    assert all(f.file.split("/")[0] == f.room for f in FAULTS if f.room != "contract")


def test_only_planted_faults_are_explained() -> None:
    assert read_reasons(FAULTS).keys() <= {fault.name for fault in FAULTS}


def test_the_first_find_behind_after_is_replaced() -> None:
    fault = _fault(find="x = 1", replace="x = 2", after="b:")

    assert fault.planted("a:\nx = 1\nb:\nx = 1\nx = 1\n") == "a:\nx = 1\nb:\nx = 2\nx = 1\n"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"find": "y"}, "find stands 0 times"),
        ({"find": "x"}, "find stands 2 times"),
        ({"find": "x", "after": "c:"}, "after stands 0 times"),
        ({"find": "a:", "after": "b:"}, "find does not stand behind after"),
    ],
)
def test_a_fault_that_fits_nowhere_or_twice_is_stale(fault: dict[str, str], why: str) -> None:
    with pytest.raises(StaleFault, match=f"stale fault loose-end: some/file.py: {why}"):
        _fault(**fault).planted("a:\nx\nb:\nx\n")


def test_a_fault_of_a_file_that_is_gone_is_stale(tmp_path: Path) -> None:
    with pytest.raises(StaleFault, match="there is no such file"):
        _fault().plant(tmp_path)


def test_a_list_of_another_form_is_told_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "room.yaml").write_text("- { name: a, what: too short, file: f, find: x }\n")

    with pytest.raises(CouldNotRun, match=r"room\.yaml: /0: "):
        read_faults(tmp_path)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    entry = "- { name: a, what: A client would notice that., file: f, find: x, replace: y }\n"
    (tmp_path / "one.yaml").write_text(entry)
    (tmp_path / "two.yaml").write_text(entry)

    with pytest.raises(CouldNotRun, match="several faults are called a"):
        read_faults(tmp_path)


def _fault(find: str = "x = 1", replace: str = "x = 2", after: str = "") -> Fault:
    return Fault("loose-end", "room", "A client would.", "some/file.py", find, replace, after)


def _load(text: str) -> object:
    return yaml.load(text, yaml.CSafeLoader)
