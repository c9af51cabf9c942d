"""Who may do what to which keys, and the words of the contract for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from gateway import key_uses
from gateway.api_keys import ApiKeys
from gateway.key_admin import KeyAdmin
from gateway.key_uses import writing_uses
from openapi import CONTRACT
from openapi.document import load_document
from openapi.problems import Problem
from openapi.selection import scopes_of

SCOPES = ["devices:read", "keys:write"]
ROOT: dict[str, Any] = {"sub": "r", "scopes": frozenset([*SCOPES, "devices:write"]), "tenant": None}
WRITER: dict[str, Any] = {"sub": "w", "scopes": frozenset(SCOPES), "tenant": None}
BOUND: dict[str, Any] = WRITER | {"tenant": "ada"}
NEW: dict[str, Any] = {"name": "ci", "scopes": ["devices:read"]}


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[ApiKeys]:
    keys = ApiKeys(tmp_path / "gateway.db", SCOPES)
    yield keys
    keys.close()


@pytest.fixture
def admin(keys: ApiKeys) -> KeyAdmin:
    return KeyAdmin(keys)


def problem(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as raised:
        call()
    return raised.value.kind.slug


def test_a_key_is_made_and_shown_without_its_secret(admin: KeyAdmin, keys: ApiKeys) -> None:
    made = admin.create(WRITER, NEW | {"expires_at": "2999-01-01T00:00:00+00:00"})

    assert keys.verify(made.pop("key")) is not None
    assert admin.get(WRITER, made["identifier"]) == made
    assert made["expires_at"] == "2999-01-01T00:00:00Z"


SOON, LATER = "2998-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


@pytest.fixture
def expiring(keys: ApiKeys) -> dict[str, Any]:
    """A sender whose key expires."""
    key = keys.create("expiring", SCOPES, expires_at=SOON)
    return WRITER | {"sub": key.split("_")[1]}


def test_what_a_key_that_expires_makes_ends_with_it(
    admin: KeyAdmin, expiring: dict[str, Any]
) -> None:
    assert admin.create(expiring, NEW)["expires_at"] == SOON
    earlier = NEW | {"expires_at": "2997-01-01T00:00:00Z"}
    assert admin.create(expiring, earlier)["expires_at"] == earlier["expires_at"]

    assert problem(lambda: admin.create(expiring, NEW | {"expires_at": LATER})) == "outlives-yours"


@pytest.mark.parametrize("end", [None, LATER])
def test_a_key_that_expires_gives_no_key_a_later_end(
    admin: KeyAdmin, expiring: dict[str, Any], end: str | None
) -> None:
    made = admin.create(expiring, NEW)["identifier"]

    for key_id in (expiring["sub"], made):
        patch = partial(admin.patch, expiring, key_id, {"expires_at": end})
        assert problem(patch) == "outlives-yours"
        assert admin.get(WRITER, key_id)["expires_at"] == SOON


def test_a_key_that_expires_gets_no_secret_of_one_that_lasts(
    admin: KeyAdmin, expiring: dict[str, Any]
) -> None:
    lasting = admin.create(WRITER, NEW)["identifier"]

    rotate = partial(admin.rotate, expiring, lasting, {"overlap_seconds": 0})
    assert problem(rotate) == "outlives-yours"
    assert admin.rotate(expiring, expiring["sub"], {"overlap_seconds": 0})["expires_at"] == SOON


def test_only_what_is_given_is_changed(admin: KeyAdmin) -> None:
    made = admin.create(WRITER, NEW | {"customer_id": "ada"})
    key_id = made["identifier"]

    assert admin.patch(WRITER, key_id, {})["name"] == "ci"
    changed = admin.patch(
        WRITER,
        key_id,
        {
            "name": "x",
            "scopes": ["keys:write"],
            "customer_id": None,
            "expires_at": "2999-01-01T00:00:00Z",
        },
    )

    assert changed == {
        "identifier": key_id, "name": "x", "scopes": ["keys:write"],
        "created_at": made["created_at"], "expires_at": "2999-01-01T00:00:00Z",
    }  # fmt: skip


def test_a_key_that_would_never_be_good_is_not_made(admin: KeyAdmin, keys: ApiKeys) -> None:
    over = NEW | {"expires_at": "2020-01-01T00:00:00Z"}

    assert problem(lambda: admin.create(WRITER, over)) == "already-expired"
    assert keys.all() == []


def test_a_key_can_be_ended_by_a_moment_in_the_past(admin: KeyAdmin, keys: ApiKeys) -> None:
    made = admin.create(WRITER, NEW)

    admin.patch(WRITER, made["identifier"], {"expires_at": "2020-01-01T00:00:00Z"})

    assert keys.verify(made["key"]) is None


def test_a_stronger_key_is_left_alone(admin: KeyAdmin) -> None:
    strong = admin.create(ROOT, NEW | {"scopes": ["devices:write"]})["identifier"]

    calls: list[Callable[[], object]] = [
        lambda: admin.create(WRITER, NEW | {"scopes": ["devices:write"]}),
        lambda: admin.patch(WRITER, strong, {"name": "x"}),
        lambda: admin.rotate(WRITER, strong, {"overlap_seconds": 60}),
        lambda: admin.revoke(WRITER, strong),
    ]

    assert [problem(call) for call in calls] == ["insufficient-scope"] * 4


def test_a_bound_credential_knows_its_customers_keys_alone(admin: KeyAdmin) -> None:
    other = admin.create(WRITER, NEW)["identifier"]
    own = admin.create(BOUND, NEW)["identifier"]

    unseen: list[Callable[[], object]] = [
        lambda: admin.get(BOUND, other),
        lambda: admin.patch(BOUND, other, {"name": "x"}),
        lambda: admin.rotate(BOUND, other, {"overlap_seconds": 60}),
        lambda: admin.revoke(BOUND, other),
    ]

    assert [problem(call) for call in unseen] == ["not-found"] * 4
    assert [item["identifier"] for item in admin.list(BOUND, 10, None)["items"]] == [own]
    assert problem(lambda: admin.patch(BOUND, own, {"customer_id": None})) == "not-yours"
    assert problem(lambda: admin.create(BOUND, NEW | {"customer_id": "bob"})) == "not-yours"


def test_what_is_not_there_is_not_found(admin: KeyAdmin) -> None:
    gone = admin.create(WRITER, NEW)["identifier"]
    admin.revoke(WRITER, gone)

    calls: list[Callable[[], object]] = [
        lambda: admin.get(WRITER, gone),
        lambda: admin.patch(WRITER, gone, {"name": "x"}),
        lambda: admin.rotate(WRITER, gone, {"overlap_seconds": 60}),
        lambda: admin.revoke(WRITER, gone),
    ]

    assert [problem(call) for call in calls] == ["not-found"] * 4


def test_the_first_key_is_left_to_its_machine(
    admin: KeyAdmin, keys: ApiKeys, tmp_path: Path
) -> None:
    keys.create_first("admin", tmp_path / "admin.key")
    first = (tmp_path / "admin.key").read_text().split("_")[1]

    assert problem(lambda: admin.revoke(ROOT, first)) == "first-key"
    assert keys.revoke(first)


def test_pages_end_and_cursors_of_others_are_refused(admin: KeyAdmin) -> None:
    made = sorted(admin.create(WRITER, NEW)["identifier"] for _ in range(3))

    one = admin.list(WRITER, 2, "start")
    two = admin.list(WRITER, 2, one["next"])

    assert [item["identifier"] for item in one["items"] + two["items"]] == made
    assert two["next"] is None
    assert problem(lambda: admin.list(WRITER, 2, "AAAA")) == "invalid-request"
    assert problem(lambda: admin.list(WRITER, 2, "A")) == "invalid-request"


def test_the_contract_names_its_scopes_wherever_a_client_may_give_them() -> None:
    document = load_document(CONTRACT)
    schemas = document.content["components"]["schemas"]
    pattern = re.compile(schemas["TokenRequest"]["properties"]["scope"]["pattern"])

    assert frozenset(schemas["Scope"]["enum"]) == scopes_of(document)
    assert pattern.search(" ".join(sorted(scopes_of(document))))


def used(keys: ApiKeys, key: str) -> str | None:
    record = keys.record(key.split("_")[1])
    return record and record.last_used_at


def test_uses_are_written_again_and_again(keys: ApiKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_uses, "USES_WRITTEN", 0.001)

    async def run() -> None:
        async with writing_uses(keys), asyncio.timeout(30):
            for key in (keys.create("ci", []), keys.create("ci", [])):
                keys.verify(key)
                while used(keys, key) is None:
                    await asyncio.sleep(0.001)  # between looks

    asyncio.run(run())


def test_uses_that_are_left_are_written_at_the_end(keys: ApiKeys) -> None:
    key = keys.create("ci", [])

    async def run() -> None:
        async with writing_uses(keys):
            keys.verify(key)
            assert used(keys, key) is None

    asyncio.run(run())
    assert used(keys, key) is not None


def test_a_use_that_cannot_be_written_is_told_and_harms_nothing(
    keys: ApiKeys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OperationalError("UPDATE", {}, Exception("the disk is full"))

    async def run() -> None:
        async with writing_uses(keys):
            pass

    monkeypatch.setattr(keys, "write_uses", fail)
    asyncio.run(run())

    assert "could not be written: the disk is full" in caplog.text
    assert "UPDATE" not in caplog.text
