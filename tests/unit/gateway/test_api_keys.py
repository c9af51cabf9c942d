"""API keys."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway import api_keys
from gateway.api_keys import ApiKeys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.db"


@pytest.fixture
def keys(file: Path) -> Iterator[ApiKeys]:
    keys = ApiKeys(file)
    yield keys
    keys.close()


def test_a_key_is_good_for_its_scopes(keys: ApiKeys) -> None:
    found = keys.verify(keys.create("ci", ["devices:read"]))

    assert found is not None
    assert (found.name, found.scopes) == ("ci", {"devices:read"})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.replace("dsk_", "dsk-"),
        lambda key: "dsk_" + "0" * 16 + key[20:],
        lambda key: key + "\n",
        lambda key: "",
        lambda key: "ключ",
    ],
)
def test_another_text_is_no_key(keys: ApiKeys, spoil: object) -> None:
    assert callable(spoil)

    assert keys.verify(spoil(keys.create("ci", []))) is None


def test_a_revoked_key_is_not_good(keys: ApiKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.create("ci", [])
    assert keys.verify(key) is not None
    monkeypatch.setattr(api_keys, "FRESH", 0.0)  # as if a second had gone by

    assert keys.revoke(key.split("_")[1])

    assert keys.verify(key) is None
    assert not keys.is_live(key.split("_")[1])
    assert not keys.revoke(key.split("_")[1])


def test_the_file_holds_no_secret_and_is_nobody_elses(keys: ApiKeys, file: Path) -> None:
    key = keys.create("ci", [])
    secret = key.split("_", 2)[2]

    content = b"".join(part.read_bytes() for part in file.parent.iterdir())

    assert secret.encode() not in content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_first_key_is_made_once_however_many_workers_start(file: Path) -> None:
    admin = file.with_name("admin.key")
    ApiKeys(file).close()

    def start(_: int) -> bool:
        keys = ApiKeys(file)
        try:
            return keys.create_first("admin", ["devices:read"], admin)
        finally:
            keys.close()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(start, range(4)))

    keys = ApiKeys(file)
    assert sorted(made) == [False, False, False, True]
    assert keys.verify(admin.read_text().strip()) is not None
    assert stat.S_IMODE(admin.stat().st_mode) == 0o600
    keys.close()


def test_keys_are_listed_without_their_hashes(keys: ApiKeys) -> None:
    keys.create("ci", ["devices:read"])

    (listed,) = keys.all()

    assert (listed["name"], listed["scopes"]) == ("ci", "devices:read")
    assert "secret_hash" not in listed
