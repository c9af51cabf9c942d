"""The command that makes, lists and revokes keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.api_keys import ApiKeys


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOORSTEP_DATA", str(tmp_path))
    return tmp_path


def test_a_key_is_made_listed_and_revoked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--name", "ci", "--scope", "devices:read"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "list"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert main(["keys", "revoke", listed["id"]]) == 0

    keys = ApiKeys(data / "gateway.db")
    assert keys.verify(key) is None
    keys.close()


def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keys", "create", "--name", "ci", "--scope", "devices:raed"]) == 1

    assert "devices:read, devices:write" in capsys.readouterr().err


def test_a_key_that_does_not_exist_is_not_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "revoke", "nobody"]) == 1

    assert "nobody" in capsys.readouterr().err


def test_a_bad_setting_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "x")

    assert main(["keys", "list"]) == 1
    assert "GATEWAY_PORT" in capsys.readouterr().err
