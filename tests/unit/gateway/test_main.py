"""The command that makes, lists and revokes keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.api_keys import ApiKeys
from gateway.signing import load_signer
from openapi import CONTRACT
from openapi.document import load_document


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOORSTEP_DATA", str(tmp_path))
    return tmp_path


def test_a_key_is_made_listed_and_revoked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--name", "ci", "--scope", "devices:read"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "list"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert main(["keys", "revoke", listed["identifier"]]) == 0

    keys = ApiKeys(data / "gateway.db")
    assert keys.verify(key) is None
    keys.close()


def test_keys_are_listed_in_the_contracts_words(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "create", "--name", "ci", "--scope", "devices:read", "--scope", "keys:read"])
    capsys.readouterr()

    main(["keys", "list"])

    key = json.loads(capsys.readouterr().out)
    schema = load_document(CONTRACT).content["components"]["schemas"]["ApiKey"]
    assert key.keys() - schema["properties"].keys() == {"revoked_at", "unlimited"}
    assert key["scopes"] == ["devices:read", "keys:read"]


def test_the_first_key_is_written_to_its_file_when_it_is_rotated(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, file = ApiKeys(data / "gateway.db"), data / "admin.key"
    keys.create_first("admin", file)
    key_id = file.read_text().split("_")[1]

    main(["keys", "rotate", key_id])
    said = capsys.readouterr()
    assert keys.verify(file.read_text().strip()) is not None
    assert (file.read_text(), file.stat().st_mode & 0o777) == (said.out, 0o600)
    assert str(file) in said.err

    file.unlink()
    main(["keys", "rotate", key_id])
    assert not file.exists()
    keys.close()


def test_another_key_that_is_rotated_is_not_written_to_the_first_ones_file(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, file = ApiKeys(data / "gateway.db"), data / "admin.key"
    keys.create_first("admin", file)
    first, other = file.read_text(), keys.create("ci", ["devices:read"])
    keys.close()

    main(["keys", "rotate", other.split("_")[1]])

    assert file.read_text() == first


def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keys", "create", "--name", "ci", "--scope", "devices:raed"]) == 1

    assert "devices:read, devices:write" in capsys.readouterr().err


def test_a_key_that_does_not_exist_is_not_revoked_nor_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["keys", "create", "--name", "ci", "--all-scopes"])
    key = capsys.readouterr().out.strip()

    assert main(["keys", "revoke", key]) == 1

    said = capsys.readouterr().err
    assert "no key of this id" in said
    assert key not in said


def test_a_folder_without_keys_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 1

    assert f"no keys in {data}" in capsys.readouterr().err
    assert list(data.iterdir()) == []


def test_a_database_that_is_none_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "gateway.db").write_bytes(b"no database" * 100)

    assert main(["keys", "list"]) == 1
    assert "gateway.db cannot be used: file is not a database" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_key_has_a_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--name", name, "--all-scopes"]) == 1

    assert "1 to 200" in capsys.readouterr().err


def test_a_bad_setting_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "x")

    assert main(["keys", "list"]) == 1
    assert "GATEWAY_PORT" in capsys.readouterr().err


def test_a_key_can_be_bound_to_a_customer(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--name", "ann", "--all-scopes", "--customer", "c1"]) == 0
    assert main(["keys", "create", "--name", "ann", "--all-scopes", "--customer", "a b"]) == 1

    assert "--customer is no identifier" in capsys.readouterr().err
    keys = ApiKeys(data / "gateway.db")
    assert [key["customer"] for key in keys.all()] == ["c1"]
    keys.close()


def test_a_key_has_rate_limits_unless_it_shall_have_none(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--name", "ci", "--all-scopes"])
    main(["keys", "create", "--name", "batch", "--all-scopes", "--no-rate-limit"])

    made = capsys.readouterr().out.split()
    keys = ApiKeys(data / "gateway.db")
    assert [found.unlimited for key in made if (found := keys.verify(key))] == [False, True]
    keys.close()


def test_a_key_is_rotated(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "create", "--name", "ci", "--all-scopes", "--expires-at", "2999-01-01T00:00:00Z"])
    old = capsys.readouterr().out.strip()
    assert main(["keys", "rotate", old.split("_")[1], "--overlap", "60"]) == 0
    new = capsys.readouterr().out.strip()

    keys = ApiKeys(data / "gateway.db", ["devices:read"])
    assert old != new
    assert keys.verify(old) == keys.verify(new) is not None
    assert [key["expires_at"] for key in keys.all()] == ["2999-01-01T00:00:00Z"]
    keys.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keys", "create", "--name", "ci", "--all-scopes", "--expires-at", "soon"], "no moment"),
        (
            [
                "keys",
                "create",
                "--name",
                "x",
                "--all-scopes",
                "--expires-at",
                "2020-01-01T00:00:00Z",
            ],
            "is over",
        ),
        (["keys", "rotate", "0123456789abcdef"], "no key of this id"),
        (["keys", "rotate", "0123456789abcdef", "--overlap", "-1"], "0 to 2592000"),
    ],
)
def test_what_cannot_be_done_to_a_key_is_told(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--name", "ci", "--all-scopes"])

    assert main(arguments) == 1
    assert said in capsys.readouterr().err


def test_an_earlier_signing_key_is_retired(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_signer(data / "gateway.key", data / "gateway.jwks.json").kid
    assert main(["signing-keys", "retire", before]) == 1
    assert f"{before} signs" in capsys.readouterr().err
    main(["signing-keys", "rotate"])

    assert main(["signing-keys", "retire", before]) == 0
    capsys.readouterr()
    main(["signing-keys", "list"])
    assert before not in capsys.readouterr().out


def test_a_signing_key_is_rotated_and_listed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["signing-keys", "rotate"]) == 1
    assert "gateway.key cannot be read" in capsys.readouterr().err
    load_signer(data / "gateway.key", data / "gateway.jwks.json")

    assert main(["signing-keys", "rotate", "--overlap", "60"]) == 0
    kid = capsys.readouterr().out.split()[0]
    assert main(["signing-keys", "rotate", "--overlap", "-1"]) == 1
    assert main(["signing-keys", "list"]) == 0

    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [key["kid"] == kid for key in listed] == [True, False]
    assert ["exp" in key for key in listed] == [False, True]
