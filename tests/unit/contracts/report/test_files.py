"""A report's file is whole, or as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contracts.report.files import write_whole


def test_a_file_is_written_into_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "report.html"

    write_whole(file, "grüße\r\n")

    assert file.read_bytes() == "grüße\r\n".encode()
    assert os.listdir(file.parent) == ["report.html"]


def test_a_file_has_the_rights_of_any_other_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    write_whole(tmp_path / "report", "new")

    assert (tmp_path / "report").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_a_failure_leaves_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = tmp_path / "report"
    file.write_text("old")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(failing, full)
    with pytest.raises(OSError, match="no space"):
        write_whole(file, "new")

    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


def test_whoever_has_the_old_file_open_reads_it_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("old")

    with file.open() as reader:
        write_whole(file, "new")

        assert reader.read() == "old"
    assert file.read_text() == "new"


def test_a_link_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "report")

    write_whole(link, "new")

    assert link.is_symlink()
    assert (tmp_path / "report").read_text() == "new"
