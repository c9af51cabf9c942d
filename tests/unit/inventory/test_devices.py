"""What can be done with devices, over a store in memory that can be made to lose races."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from inventory.devices import ATTEMPTS, Devices, Sources
from inventory.domain.errors import (
    Contention,
    DeviceNotFound,
    IdentifierMismatch,
    IdentifierTaken,
    PreconditionFailed,
)
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import Change, ChangeConflict, DeviceQuery
from inventory.stores.sql_store import SQLiteDeviceStore

NONE = Preconditions()
LIGHT = {"name": "Hall light", "device_type": "light"}


class Contended(SQLiteDeviceStore):
    """Somebody else is faster, as often as ``others`` says."""

    others: Callable[[], None] | None = None

    def apply(self, changes: Sequence[Change]) -> None:
        if self.others is not None:
            self.others()
        super().apply(changes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Contended]:
    store = Contended(tmp_path / "inventory.db", threads=1)
    yield store
    store.close()


@pytest.fixture
def devices(store: Contended) -> Devices:
    ids = iter(f"made-{n}" for n in range(100))
    sources = Sources(
        now=lambda: "2026-05-01T10:00:00.000000Z", uid=lambda: "u", identifier=lambda: next(ids)
    )
    return Devices(store, sources)


def test_a_device_without_an_identifier_gets_one(devices: Devices) -> None:
    assert devices.create(LIGHT).identifier == "made-0"


def test_a_taken_identifier_is_refused_and_changes_nothing(devices: Devices) -> None:
    first = devices.create(LIGHT | {"identifier": "a"})

    with pytest.raises(IdentifierTaken):
        devices.create({"identifier": "a", "name": "Other", "device_type": "lock"})

    assert devices.get("a") == first


def test_putting_creates_and_then_replaces(devices: Devices) -> None:
    created, is_new = devices.put("a", LIGHT, NONE)
    replaced, is_new_again = devices.put("a", LIGHT | {"model": "x"}, NONE)

    assert (is_new, is_new_again) == (True, False)
    assert (created.revision, replaced.revision) == (1, 2)


def test_putting_the_same_again_changes_nothing(devices: Devices) -> None:
    first, _ = devices.put("a", LIGHT, NONE)

    assert devices.put("a", LIGHT, NONE) == (first, False)


def test_a_body_that_names_another_device_is_refused(devices: Devices) -> None:
    with pytest.raises(IdentifierMismatch):
        devices.put("a", LIGHT | {"identifier": "b"}, NONE)


@pytest.mark.parametrize("act", ["put", "patch", "delete"])
def test_a_precondition_that_does_not_hold_changes_nothing(devices: Devices, act: str) -> None:
    before = devices.create(LIGHT | {"identifier": "a"})
    stale = Preconditions.parse('"other"')

    with pytest.raises(PreconditionFailed, match=before.etag):
        {
            "put": lambda: devices.put("a", LIGHT | {"model": "x"}, stale),
            "patch": lambda: devices.patch("a", {"model": "x"}, stale),
            "delete": lambda: devices.delete("a", stale),
        }[act]()

    assert devices.get("a") == before


@pytest.mark.parametrize("act", ["get", "patch", "delete"])
def test_what_does_not_exist_is_not_found(devices: Devices, act: str) -> None:
    with pytest.raises(DeviceNotFound):
        {
            "get": lambda: devices.get("a"),
            "patch": lambda: devices.patch("a", {}, NONE),
            "delete": lambda: devices.delete("a", NONE),
        }[act]()


def test_a_page_says_where_to_go_on_only_if_there_is_more(devices: Devices) -> None:
    for name in "abc":
        devices.create(LIGHT | {"identifier": name})

    assert devices.page(DeviceQuery(2)).last == "b"
    assert devices.page(DeviceQuery(3)).last is None
    assert [d.identifier for d in devices.page(DeviceQuery(2, "b")).devices] == ["c"]


def test_a_patch_that_lost_a_race_is_applied_to_what_is_there_now(
    devices: Devices, store: Contended
) -> None:
    devices.create(LIGHT | {"identifier": "a"})

    def once() -> None:
        store.others = None
        devices.patch("a", {"model": "theirs"}, NONE)

    store.others = once
    after = devices.patch("a", {"sw_version": "ours"}, NONE).document()

    assert (after["model"], after["sw_version"], after["revision"]) == ("theirs", "ours", 3)


def test_a_device_that_is_deleted_meanwhile_is_not_found(
    devices: Devices, store: Contended
) -> None:
    devices.create(LIGHT | {"identifier": "a"})

    def once() -> None:
        store.others = None
        devices.delete("a", NONE)

    store.others = once
    with pytest.raises(DeviceNotFound):
        devices.patch("a", {"model": "x"}, NONE)


def test_who_never_wins_is_told_so(devices: Devices, store: Contended) -> None:
    devices.create(LIGHT | {"identifier": "a"})
    tries = 0

    def lose() -> None:
        nonlocal tries
        tries += 1
        raise ChangeConflict("a")

    store.others = lose
    with pytest.raises(Contention):
        devices.patch("a", {"model": "x"}, NONE)

    assert tries == ATTEMPTS
