"""``python -m gateway check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main

PETS = Path(__file__).parents[2] / "fixtures/services/pets.yaml"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_SERVICES", str(tmp_path))
    monkeypatch.setenv("DOORSTEP_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("PETS_URL", raising=False)
    return tmp_path


def test_a_folder_without_services_is_right(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0

    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "0 errors, 0 warnings\n")
    assert list(folder.iterdir()) == []


def test_warnings_are_no_reason_not_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PETS_URL", "http://127.0.0.1:9")

    assert main(["check", str(PETS)]) == 0
    assert f"warning: {PETS}:32: pets_deleteCat: the gateway's own answers are" in (
        capsys.readouterr().out
    )


def test_a_service_without_an_address_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(PETS)]) == 1
    assert "error: PETS_URL is not set: where is the service pets?" in capsys.readouterr().out


def test_what_cannot_be_checked_is_told_by_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PETS_URL", "http://127.0.0.1:9")
    file = folder / "pets.yaml"
    file.write_text(PETS.read_text().replace("minLength: 1", "pattern: '('"))

    assert main(["check"]) == 1
    said = 'pets_addCat: "(" is not a "regex"\n'
    assert f"error: {file}:48: {said}" in capsys.readouterr().out


def test_a_given_file_stands_for_the_one_in_the_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pets.yaml").write_text("openapi: [\n")

    main(["check", str(PETS)])

    assert "not YAML" not in capsys.readouterr().out


def test_a_file_that_is_not_there_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(folder / "none.yaml")]) == 1
    assert "none.yaml:1: the document: [Errno 2] No such file" in capsys.readouterr().out


def test_keys_can_be_given_the_scopes_of_services(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pets.yaml").write_text(PETS.read_text())

    assert main(["keys", "create", "--name", "ci", "--scope", "pets:read"]) == 0
    assert capsys.readouterr().out.startswith("dsk_")
