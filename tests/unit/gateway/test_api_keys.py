"""API keys."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gateway import api_keys, key_database, moments
from gateway.api_keys import ApiKeys
from gateway.key_database import EVERY_SCOPE


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
    assert keys.find(key.split("_")[1]) is None
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
            return keys.create_first("admin", admin)
        finally:
            keys.close()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(start, range(4)))

    keys = ApiKeys(file)
    assert sorted(made) == [False, False, False, True]
    assert keys.verify(admin.read_text().strip()) is not None
    assert stat.S_IMODE(admin.stat().st_mode) == 0o600
    keys.close()


def test_the_admins_key_is_made_beside_other_keys_but_never_again(
    keys: ApiKeys, tmp_path: Path
) -> None:
    file = tmp_path / "admin.key"
    keys.create("ci", ["devices:read"])

    assert keys.create_first("admin", file)
    made = file.read_text().strip().split("_")[1]
    keys.change(made, {"name": "another name"})
    keys.revoke(made)
    assert not keys.create_first("admin", file)


def test_keys_are_listed_without_their_hashes(keys: ApiKeys) -> None:
    keys.create("ci", ["devices:read"])

    (listed,) = keys.all()

    assert (listed["name"], listed["scopes"]) == ("ci", "devices:read")
    assert not {"secret_hash", "previous_hash"} & listed.keys()


def test_a_key_may_be_bound_to_a_customer(keys: ApiKeys) -> None:
    bound = keys.verify(keys.create("ann", ["devices:read"], "c1"))
    free = keys.verify(keys.create("ci", ["devices:read"]))

    assert bound and free
    assert (bound.customer, free.customer) == ("c1", None)
    assert keys.find(bound.id) == bound


def test_no_rate_limit_holds_for_the_admins_first_key(keys: ApiKeys, tmp_path: Path) -> None:
    file = tmp_path / "admin.key"
    keys.create_first("admin", file)

    admin = keys.verify(file.read_text().strip())
    other = keys.verify(keys.create("admin", ["devices:read"]))

    assert admin and other
    assert (admin.unlimited, other.unlimited) == (True, False)


def test_a_first_key_of_before_there_were_limits_has_none_afterwards(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with sqlite3.connect(file) as old:
        old.executescript(
            """
            CREATE TABLE api_keys (id VARCHAR(32) PRIMARY KEY, secret_hash VARCHAR(64) NOT NULL,
                name VARCHAR(200) NOT NULL, scopes TEXT NOT NULL, created_at VARCHAR(32) NOT NULL,
                revoked_at VARCHAR(32), customer VARCHAR(128));
            CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('0002');
            INSERT INTO api_keys VALUES ('c', '', 'ci', '', '2026-01-01T00:00:00Z', NULL, NULL),
                ('b', '', 'admin', '', '2026-01-03T00:00:00Z', NULL, NULL),
                ('a', '', 'admin', '', '2026-01-02T00:00:00Z', NULL, NULL);
            """
        )
    old.close()

    keys = ApiKeys(file, [])

    assert [key["id"] for key in keys.all() if key["unlimited"]] == ["a"]
    keys.close()


@pytest.mark.parametrize(("later", "good"), [(60, True), (-60, False)])
def test_a_key_is_good_until_it_expires(keys: ApiKeys, later: float, good: bool) -> None:
    key = keys.create("ci", [], expires_at=moments.now(later))

    assert (keys.verify(key) is not None) == good
    assert (keys.find(key.split("_")[1]) is not None) == good


def test_a_rotated_keys_old_secret_is_good_for_the_overlap(
    keys: ApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "FRESH", 0.0)
    old = keys.create("ci", ["devices:read"])
    key_id = old.split("_")[1]

    new = keys.rotate(key_id, 60)
    assert new and new != old and new.split("_")[1] == key_id
    assert keys.verify(old) == keys.verify(new) is not None

    keys.change(key_id, {"previous_until": moments.now(-1)})  # as if the overlap were over
    assert keys.verify(old) is None
    assert keys.verify(new) is not None


def test_only_one_secret_before_the_new_one_stays_good(
    keys: ApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "FRESH", 0.0)
    first = keys.create("ci", [])
    second = keys.rotate(first.split("_")[1], 60)
    keys.rotate(first.split("_")[1], 60)

    assert keys.verify(first) is None
    assert second and keys.verify(second) is not None


def test_a_revoked_key_is_not_rotated_or_changed(keys: ApiKeys) -> None:
    key_id = keys.create("ci", []).split("_")[1]
    keys.revoke(key_id)

    assert keys.rotate(key_id, 60) is None
    assert not keys.change(key_id, {"name": "x"})
    assert keys.record(key_id) is None
    assert keys.page("", 10, None) == []


def test_a_change_that_is_refused_changes_nothing(keys: ApiKeys) -> None:
    key_id = keys.create("ci", []).split("_")[1]

    def refuse(_record: object) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        keys.revoke(key_id, refuse)

    assert keys.find(key_id) is not None


def test_a_use_is_written_once_a_minute_and_not_before_it_is_asked_for(
    keys: ApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "FRESH", 0.0)
    key = keys.create("ci", [])
    key_id = key.split("_")[1]

    def last_used() -> str | None:
        record = keys.record(key_id)
        assert record is not None
        return record.last_used_at

    def use_at(seconds: float) -> None:
        keys.verify(key)
        keys._used[key_id] = moments.now(seconds)
        with monkeypatch.context() as patch:
            patch.setattr(moments, "now", lambda later=0.0, now=moments.now: now(seconds + later))
            keys.write_uses()

    keys.verify(key)
    assert last_used() is None
    keys.write_uses()
    first = last_used()
    assert first is not None
    use_at(30)
    assert last_used() == first
    use_at(90)
    assert (last_used() or "") > first


def test_an_unknown_key_is_not_noted_as_used(keys: ApiKeys) -> None:
    keys.verify("dsk_0123456789abcdef_" + "A" * 43)

    assert keys._used == {}


def test_a_key_with_every_scope_has_those_that_come_later(file: Path) -> None:
    keys = ApiKeys(file, ["a", "b"])
    found = keys.verify(keys.create("admin", [EVERY_SCOPE]))
    assert found and found.scopes == {"a", "b"}
    keys.close()

    keys = ApiKeys(file, ["a", "b", "c"])
    again = keys.find(found.id)
    assert again and again.scopes == {"a", "b", "c"}
    keys.close()


def test_an_older_files_admin_key_gets_every_scope_and_the_others_stay(file: Path) -> None:
    ApiKeys(file).close()
    engine = create_engine(f"sqlite:///{file}")
    every = "customers:read customers:write device-types:write devices:read devices:write"
    with engine.begin() as connection:
        added = (
            "expires_at",
            "last_used_at",
            "previous_hash",
            "previous_until",
            "first",
            "unlimited",
        )
        for column in added:
            connection.execute(text(f'ALTER TABLE api_keys DROP COLUMN "{column}"'))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        for key_id, name, scopes in (("a", "admin", every), ("b", "ci", every), ("c", "ci", "x")):
            connection.execute(
                text("INSERT INTO api_keys (id, secret_hash, name, scopes, created_at)"
                     " VALUES (:id, '', :name, :scopes, '2026-01-01T00:00:00Z')"),
                {"id": key_id, "name": name, "scopes": scopes},
            )  # fmt: skip
    engine.dispose()

    keys = ApiKeys(file, ["new"])

    assert {key["id"]: key["scopes"] for key in keys.all()} == {"a": "*", "b": every, "c": "x"}
    assert not keys.create_first("admin", file.with_name("admin.key"))
    keys.close()


def test_the_columns_of_the_migrations_are_those_of_the_table(file: Path) -> None:
    ApiKeys(file).close()
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        rows = connection.execute(text("PRAGMA table_info(api_keys)")).all()
    engine.dispose()

    assert {row.name for row in rows} == set(key_database.api_keys.c.keys())
