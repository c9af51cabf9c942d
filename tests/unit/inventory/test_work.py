"""What one caller does in one transaction, and what is recorded of it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from inventory.domain.errors import (
    IdentifierTaken,
    InventoryError,
    PreconditionFailed,
    ResourceNotFound,
)
from inventory.domain.kinds import AREAS, CUSTOMERS, DEVICES, HOMES, ORIGINS, Kind
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import Query
from inventory.work import Work

LIGHT = {"name": "Hall light", "device_type": "light"}


def acts(changes: list[Any]) -> list[tuple[str, str]]:
    return [(change.action, change.identifier) for change in changes]


def before_and_after(change: Any) -> tuple[Any, Any]:
    return json.loads(change.before), json.loads(change.after)


# Creating


def test_a_device_without_an_identifier_gets_one(admin: Any) -> None:
    stored = admin.create(DEVICES, **LIGHT)

    assert stored.identifier.startswith("made-")
    assert admin.document(stored.identifier) == stored.document()


def test_a_taken_identifier_is_refused_and_changes_nothing(admin: Any) -> None:
    first = admin.device()

    with pytest.raises(IdentifierTaken) as refused:
        admin.device(name="Other")

    assert [at for at, _ in refused.value.places] == ["/identifier"]
    assert admin.reading.get(DEVICES, "lamp") == first
    assert len(admin.changes) == 1


def test_an_identifier_is_taken_within_its_kind_alone(admin: Any) -> None:
    admin.customer("x")
    admin.home("x", "x")
    admin.device("x")

    assert len(admin.changes) == 3


def test_what_is_deleted_can_be_created_again_as_another(admin: Any) -> None:
    first = admin.device().document()
    admin.delete(DEVICES, "lamp")

    again = admin.device().document()

    assert again["revision"] == 1
    assert again["uid"] != first["uid"]


# Putting


def test_putting_creates_and_then_replaces(admin: Any) -> None:
    created, is_new = admin.put(DEVICES, "lamp", **LIGHT, model="x")
    replaced, is_new_again = admin.put(DEVICES, "lamp", **LIGHT)

    assert (is_new, is_new_again) == (True, False)
    assert (created.revision, replaced.revision) == (1, 2)
    assert "model" not in replaced.document()


def test_putting_the_same_again_is_no_revision_and_no_record(admin: Any) -> None:
    first, _ = admin.put(DEVICES, "lamp", **LIGHT)

    assert admin.put(DEVICES, "lamp", **LIGHT) == (first, False)
    assert len(admin.changes) == 1


# Patching


def test_a_patch_sets_removes_and_merges(admin: Any) -> None:
    admin.device(model="x", attributes={"a": {"b": 1, "c": 2}, "d": [1, 2]})

    patch = {"model": None, "sw_version": "2", "attributes": {"a": {"b": None}, "d": [3]}}
    after = admin.patch(DEVICES, "lamp", **patch).document()

    assert "model" not in after
    assert (after["sw_version"], after["name"]) == ("2", "Hall light")
    assert after["attributes"] == {"a": {"c": 2}, "d": [3]}


@pytest.mark.parametrize(
    "patch",
    [{}, {"name": "Hall light"}, {"model": None}, {"connections": [{"type": "mac", "value": "A"}]}],
)
def test_a_patch_that_changes_nothing_is_no_revision_and_no_record(
    admin: Any, patch: dict[str, Any]
) -> None:
    first = admin.device(connections=[{"type": "mac", "value": "A"}])

    assert admin.patch(DEVICES, "lamp", **patch) == first
    assert len(admin.changes) == 1


def test_what_is_only_written_in_another_way_is_no_change(admin: Any) -> None:
    first = admin.device(
        connections=[{"type": "mac", "value": "aa:bb:cc:dd:ee:0f"}],
        last_seen_at="2026-05-01T10:00:00Z",
    )

    again = admin.patch(
        DEVICES,
        "lamp",
        connections=[{"type": "mac", "value": "AABBCCDDEE0F"}],
        last_seen_at="2026-05-01T12:00:00+02:00",
    )

    assert again == first


def test_a_member_with_a_default_that_is_taken_away_has_its_default(admin: Any) -> None:
    admin.device(status="retired")

    assert admin.patch(DEVICES, "lamp", status=None).document()["status"] == "active"


def test_patches_that_meet_are_all_applied(admin: Any) -> None:
    admin.device()

    with ThreadPoolExecutor(4) as pool:
        patches = [{"attributes": {str(number): number}} for number in range(20)]
        done = list(pool.map(lambda patch: admin.patch(DEVICES, "lamp", **patch), patches))

    document = admin.document()
    assert sorted(stored.revision for stored in done) == list(range(2, 22))
    assert document["attributes"] == {str(number): number for number in range(20)}


@pytest.mark.parametrize("kind", [DEVICES, CUSTOMERS, HOMES, AREAS])
@pytest.mark.parametrize("act", ["patch", "delete"])
def test_what_does_not_exist_is_not_found(admin: Any, kind: Kind, act: str) -> None:
    with pytest.raises(ResourceNotFound, match=f"There is no {kind.noun} gone."):
        getattr(admin, act)(kind, "gone")


# Preconditions


@pytest.mark.parametrize("act", ["put", "patch", "delete"])
def test_a_precondition_that_does_not_hold_changes_nothing(admin: Any, act: str) -> None:
    before = admin.device()
    stale = Preconditions.parse('"other"')

    with pytest.raises(PreconditionFailed, match=before.etag):
        _act(admin, act, stale)

    assert admin.reading.get(DEVICES, "lamp") == before
    assert len(admin.changes) == 1


@pytest.mark.parametrize("act", ["put", "patch", "delete"])
def test_a_precondition_that_holds_lets_through(admin: Any, act: str) -> None:
    before = admin.device()

    _act(admin, act, Preconditions.parse(before.etag))

    assert len(admin.changes) == 2


def _act(somebody: Any, act: str, preconditions: Preconditions) -> None:
    fields = LIGHT | {"model": "x"}
    somebody.do(
        {
            "put": lambda work: work.put(DEVICES, "lamp", fields, preconditions),
            "patch": lambda work: work.patch(DEVICES, "lamp", fields, preconditions),
            "delete": lambda work: work.delete(DEVICES, "lamp", preconditions),
        }[act]
    )


def test_putting_can_be_bound_to_creating_and_to_replacing(admin: Any) -> None:
    only_new, only_old = Preconditions.parse(None, "*"), Preconditions.parse("*")

    with pytest.raises(PreconditionFailed, match="does not exist"):
        _act(admin, "put", only_old)
    _act(admin, "put", only_new)
    with pytest.raises(PreconditionFailed):
        _act(admin, "put", only_new)
    _act(admin, "delete", only_old)

    assert acts(admin.changes) == [("created", "lamp"), ("deleted", "lamp")]


# Deleting and restoring


def test_a_restored_device_is_as_it_was(admin: Any) -> None:
    admin.device(model="x")
    before = admin.patch(DEVICES, "lamp", labels=["attic"]).document()
    admin.delete(DEVICES, "lamp")

    after = admin.restore("lamp").document()

    assert after["updated_at"] > before["updated_at"]
    assert after == before | {"revision": 3, "updated_at": after["updated_at"]}
    assert admin.document() == after
    assert admin.store.tombstone("devices", "lamp") is None


def test_what_was_not_deleted_or_is_back_is_not_restored(admin: Any) -> None:
    with pytest.raises(ResourceNotFound, match="There is no deleted device lamp"):
        admin.restore("lamp")
    admin.device()
    admin.delete(DEVICES, "lamp")
    admin.restore("lamp")

    with pytest.raises(IdentifierTaken):
        admin.restore("lamp")


def test_a_device_does_not_come_back_where_another_took_its_identifier(admin: Any) -> None:
    admin.device()
    admin.delete(DEVICES, "lamp")
    admin.device(name="Other")

    with pytest.raises(IdentifierTaken):
        admin.restore("lamp")

    assert admin.document()["name"] == "Other"


def test_the_device_that_was_deleted_last_is_restored(admin: Any) -> None:
    for name in ("First", "Second"):
        admin.device(name=name)
        admin.delete(DEVICES, "lamp")

    assert admin.restore("lamp").document()["name"] == "Second"
    admin.delete(DEVICES, "lamp")
    assert admin.restore("lamp").document()["name"] == "Second"


def test_a_device_does_not_come_back_to_what_is_gone(admin: Any) -> None:
    admin.device("hub")
    admin.device(via_device="hub")
    admin.delete(DEVICES, "lamp")
    admin.delete(DEVICES, "hub")

    assert "via_device" not in admin.restore("lamp").document()


def test_a_bound_caller_restores_its_own_devices_alone(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("lamp", customer_id="other")
    admin.device("plug", customer_id="acme")
    for identifier in ("lamp", "plug"):
        admin.delete(DEVICES, identifier)

    with pytest.raises(ResourceNotFound):
        a_caller("acme").restore("lamp")
    assert a_caller("acme").restore("plug").document()["customer_id"] == "acme"


def test_a_device_of_an_area_that_is_deleted_has_no_area(admin: Any) -> None:
    _a_villa(admin)
    admin.device("lamp", area_id="hall")
    admin.device("plug", area_id="attic")

    admin.delete(AREAS, "hall")

    lamp = admin.document("lamp")
    assert "area_id" not in lamp
    assert (lamp["home_id"], lamp["revision"]) == ("villa", 2)
    assert (admin.document("plug")["area_id"], admin.document("plug")["revision"]) == ("attic", 1)
    assert acts(admin.changes)[-2:] == [("updated", "lamp"), ("deleted", "hall")]


def test_an_area_lets_go_of_all_its_devices(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.work.PORTION", 2)
    _a_villa(admin)
    for number in range(7):
        admin.device(f"d{number}", area_id="hall")

    admin.delete(AREAS, "hall")

    assert admin.store.count("devices", Query(filters={"area_id": ["hall"]})) == 0
    assert {stored.revision for stored in admin.store.find("devices", Query())} == {2}


def test_a_home_takes_its_areas_along(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory.work.PORTION", 1)
    _a_villa(admin)
    admin.home("barn")
    admin.area("loft", "barn")

    admin.delete(HOMES, "villa")

    assert [stored.identifier for stored in admin.store.find("areas", Query())] == ["loft"]
    deleted = [change for change in admin.changes if change.action == "deleted"]
    assert acts(deleted) == [("deleted", "attic"), ("deleted", "hall"), ("deleted", "villa")]
    assert {change.tenant for change in deleted} == {"acme"}


def _a_villa(somebody: Any) -> None:
    somebody.customer()
    somebody.home()
    somebody.area("hall")
    somebody.area("attic")


# What is recorded


def test_whatever_is_done_is_recorded_with_who_and_when(admin: Any) -> None:
    created = admin.device().document()

    (change,) = admin.changes
    assert (change.kind, change.identifier, change.uid) == ("devices", "lamp", created["uid"])
    assert (change.action, change.revision, change.at) == ("created", 1, created["created_at"])
    assert (change.principal, change.request_id, change.tenant) == ("admin", "r-1", "")
    assert before_and_after(change) == (None, created)


def test_a_record_undoes_and_redoes_its_change(admin: Any) -> None:
    first = admin.device(model="x", attributes={"a": 1, "b": 2}).document()
    second = admin.patch(DEVICES, "lamp", model=None, attributes={"a": None}).document()

    change = admin.changes[-1]

    stamps = {"updated_at", "revision"}
    assert (change.action, change.revision) == ("updated", 2)
    assert before_and_after(change) == (
        {m: first[m] for m in stamps} | {"model": "x", "attributes": {"a": 1}},
        {m: second[m] for m in stamps} | {"model": None, "attributes": {"a": None}},
    )


def test_a_deletion_and_a_restoration_are_recorded_whole(admin: Any) -> None:
    first = admin.device().document()
    admin.delete(DEVICES, "lamp")
    again = admin.restore("lamp").document()

    _, deleted, restored = admin.changes

    assert (deleted.action, deleted.revision) == ("deleted", 1)
    assert before_and_after(deleted) == (first, None)
    assert (restored.action, restored.revision) == ("restored", 2)
    assert before_and_after(restored) == (None, again)


def test_what_is_refused_leaves_no_record(admin: Any) -> None:
    admin.device()

    with pytest.raises(InventoryError):
        admin.patch(DEVICES, "lamp", area_id="gone")

    assert len(admin.changes) == 1


def test_all_acts_of_one_piece_of_work_are_undone_by_the_last(admin: Any) -> None:
    def both(work: Work) -> None:
        work.create(DEVICES, LIGHT | {"identifier": "a"})
        work.create(DEVICES, LIGHT | {"identifier": "a"})

    with pytest.raises(IdentifierTaken):
        admin.do(both)

    assert admin.changes == []
    assert admin.store.count("devices", Query()) == 0


def test_what_is_kept_for_the_inventory_itself_is_not_recorded(admin: Any) -> None:
    for said in ({"name": "x"}, {"name": "x"}, {"name": "y"}):
        admin.do(lambda work, said=said: work.keep(ORIGINS, "devices/lamp", {"fields": said}))

    stored = admin.store.get("origins", "devices/lamp")
    assert (stored.document()["fields"], stored.revision) == ({"name": "y"}, 2)
    assert admin.changes == []


# Customers


@pytest.fixture
def two(admin: Any) -> Any:
    """Somebody who is bound to no customer, where there are two."""
    admin.customer("acme")
    admin.customer("other")
    return admin


def test_a_resource_that_changes_hands_goes_from_one_customer_and_comes_to_the_other(
    two: Any,
) -> None:
    first = two.device(customer_id="acme", model="x").document()

    moved = two.patch(DEVICES, "lamp", customer_id="other", model="y").document()

    gone, come = two.changes[-2:]
    assert (gone.tenant, gone.action, *before_and_after(gone)) == ("acme", "deleted", first, None)
    assert (come.tenant, come.action, *before_and_after(come)) == ("other", "created", None, moved)
    assert moved["uid"] == first["uid"]


def test_neither_customer_reads_of_the_others_part(two: Any, a_caller: Any) -> None:
    two.device(customer_id="acme", model="acmes secret")
    two.patch(DEVICES, "lamp", customer_id="other", model="others secret")
    two.patch(DEVICES, "lamp", model="another secret of other")

    for tenant, others in (("acme", "other"), ("other", "acme")):
        seen, _ = a_caller(tenant).reading.changes(0, ["devices"], 10)

        assert seen
        assert others not in "".join(change.before + change.after for change in seen)


def test_a_device_that_is_nobodys_comes_to_a_customer(two: Any, a_caller: Any) -> None:
    two.device(model="x")
    two.patch(DEVICES, "lamp", customer_id="acme")

    seen, _ = a_caller("acme").reading.changes(0, ["devices"], 10)

    assert acts(seen) == [("created", "lamp")]


def test_an_area_that_changes_hands_is_recorded_for_both(two: Any) -> None:
    two.home("villa", "acme")
    two.home("barn", "other")
    two.area("hall", "villa")

    two.patch(AREAS, "hall", home_id="barn")

    told = [(change.tenant, change.action) for change in two.changes[-2:]]
    assert told == [("acme", "deleted"), ("other", "created")]


def test_an_area_is_found_as_its_homes_customers(two: Any) -> None:
    two.home("villa", "acme")
    two.area("hall", "villa")

    assert two.store.count("areas", Query(tenant="acme")) == 1
    assert two.changes[-1].tenant == "acme"


@pytest.mark.parametrize("kind", [DEVICES, HOMES, AREAS])
@pytest.mark.parametrize("act", ["patch", "delete"])
def test_what_is_anothers_is_not_found(two: Any, a_caller: Any, kind: Kind, act: str) -> None:
    two.home("x", "other")
    two.area("x", "x")
    two.device("x", area_id="x")

    with pytest.raises(ResourceNotFound):
        getattr(a_caller("acme"), act)(kind, "x")

    assert two.document("x", kind)["revision"] == 1


def test_another_customer_is_not_found(two: Any, a_caller: Any) -> None:
    with pytest.raises(ResourceNotFound):
        a_caller("acme").patch(CUSTOMERS, "other", name="x")


def test_putting_what_is_anothers_finds_its_identifier_taken(two: Any, a_caller: Any) -> None:
    two.device("lamp", customer_id="other")

    with pytest.raises(IdentifierTaken):
        a_caller("acme").put(DEVICES, "lamp", **LIGHT)

    assert two.document("lamp")["customer_id"] == "other"
