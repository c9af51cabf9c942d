"""Imports of a Home Assistant: idempotent, atomic, and careful with what people changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.domain.errors import KeyReused, ResourceNotFound, TooManyRows
from inventory.domain.home_assistant import area_identifier
from inventory.domain.imported import merge
from inventory.domain.kinds import AREAS, DEVICES, KINDS, ORIGINS
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import Query
from inventory.idempotency import Once
from inventory.imports import import_home_assistant
from inventory.merging import merge_devices
from inventory.work import Work

FIXTURES = Path(__file__).parents[2] / "fixtures" / "home_assistant"

Report = dict[str, Any]
Import = Callable[..., Report]


# Builders


def files(*rows: Any, **siblings: Any) -> dict[str, Any]:
    registry = {"version": 1, "minor_version": 12, "key": "core.device_registry"}
    return {"device_registry": registry | {"data": {"devices": list(rows)}}} | siblings


def a_row(identifier: str | None = "a1", **members: Any) -> dict[str, Any]:
    return {"id": identifier, "name": "Lamp", "sw_version": "1"} | members


def sibling(kind: str, member: str, *items: Any) -> dict[str, Any]:
    return {f"{kind}_registry": {"key": f"core.{kind}_registry", "data": {member: list(items)}}}


def places(*areas: dict[str, Any], floors: Any = ()) -> dict[str, Any]:
    return sibling("area", "areas", *areas) | sibling("floor", "floors", *floors)


HALL = {"id": "hall", "name": "Hall", "floor_id": "up"}
ATTIC = {"id": "attic", "name": "Attic", "floor_id": None}
UP = {"floor_id": "up", "name": "Upstairs", "level": 1}
LIGHT = sibling("entity", "entities", {"entity_id": "light.x", "device_id": "a1"})
LOCK = sibling("entity", "entities", {"entity_id": "lock.x", "device_id": "a1"})


@pytest.fixture
def imports(admin: Any) -> Import:
    return importer(admin)


def importer(somebody: Any) -> Import:
    """What the caller's imports report."""

    def run(
        body: dict[str, Any], home: str | None = None, *, dry_run: bool = False, once: Any = None
    ) -> Report:
        answer = import_home_assistant(
            somebody.store,
            somebody.caller,
            somebody.sources,
            body,
            home,
            dry_run=dry_run,
            once=once,
        )
        report: Report = json.loads(answer.body)
        return report

    return run


@pytest.fixture
def villa(admin: Any) -> Any:
    """Somebody who is bound to no customer, where acme has a villa, and another a barn."""
    for customer, home in (("acme", "villa"), ("other", "barn")):
        admin.customer(customer)
        admin.home(home, customer)
    return admin


def results(report: Report) -> list[str]:
    return [row["result"] for row in report["rows"]]


def kept(report: Report) -> list[list[str]]:
    return [row.get("kept", []) for row in report["rows"]]


def fold(somebody: Any, into: str, duplicate: str) -> None:
    somebody.store.write(
        lambda transaction: merge_devices(
            Work(transaction, somebody.caller, somebody.sources),
            transaction,
            into,
            duplicate,
            Preconditions(),
        )
    )


def count(somebody: Any) -> dict[str, int]:
    """How much there is of everything."""
    return {name: somebody.store.count(name, Query()) for name in KINDS}


# Again and again


def test_a_second_run_changes_nothing(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    before, changes = admin.document("ha-a1"), admin.changes

    again = imports(files(a_row()))

    assert results(again) == ["unchanged"]
    assert admin.document("ha-a1") == before
    assert admin.changes == changes


@pytest.mark.parametrize("version", ["1_0", "1_12", "3_4"])
@pytest.mark.parametrize("home", [None, "villa"])
def test_a_second_run_of_a_whole_home_changes_nothing(
    villa: Any, version: str, home: str | None
) -> None:
    body = a_home(version)
    first = importer(villa)(body, home)
    changes = villa.changes

    again = importer(villa)(body, home)

    expected = ["unchanged" if said == "created" else said for said in results(first)]
    assert "created" in results(first)
    assert results(again) == expected
    assert not any(kept(again))
    assert villa.changes == changes


def a_home(version: str) -> dict[str, Any]:
    siblings = ("area_registry", "floor_registry", "label_registry", "entity_registry")
    names = {name: name for name in siblings} | {"device_registry": f"device_registry_{version}"}
    return {
        registry: json.loads((FIXTURES / f"{file}.json").read_text(encoding="utf-8"))
        for registry, file in names.items()
    }


def test_what_changed_in_home_assistant_is_updated(admin: Any, imports: Import) -> None:
    imports(files(a_row(manufacturer="Signify")))

    report = imports(files(a_row(sw_version="2")))

    document = admin.document("ha-a1")
    assert results(report) == ["updated"]
    assert document["sw_version"] == "2"
    assert "manufacturer" not in document


def test_an_address_that_is_spelled_in_capitals_is_updated_like_any_other(
    admin: Any, imports: Import
) -> None:
    def with_mac(mac: str) -> dict[str, Any]:
        return files(a_row(connections=[["mac", mac]]))

    imports(with_mac("AA:BB:CC:DD:EE:01"))
    again = imports(with_mac("AA:BB:CC:DD:EE:01"))
    changed = imports(with_mac("AA:BB:CC:DD:EE:02"))

    assert (results(again), kept(again)) == (["unchanged"], [[]])
    assert (results(changed), kept(changed)) == (["updated"], [[]])
    assert admin.document("ha-a1")["connections"][0]["value"] == "aa:bb:cc:dd:ee:02"


# What a person changed here


def test_what_a_person_changed_since_the_last_import_is_kept_and_told(
    admin: Any, imports: Import
) -> None:
    imports(files(a_row(model="x")))
    admin.patch(DEVICES, "ha-a1", name="Mine", sw_version=None)

    same = imports(files(a_row(model="x")))
    other = imports(files(a_row(name="Theirs", model="y")))

    document = admin.document("ha-a1")
    assert (results(same), kept(same)) == (["unchanged"], [["name", "sw_version"]])
    assert (results(other), kept(other)) == (["updated"], [["name", "sw_version"]])
    assert (document["name"], document["model"]) == ("Mine", "y")
    assert "sw_version" not in document


def test_what_both_came_to_say_is_nobodys_change(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    admin.patch(DEVICES, "ha-a1", name="New")

    assert kept(imports(files(a_row(name="New")))) == [[]]
    assert kept(imports(files(a_row(name="Newer")))) == [[]]
    assert admin.document("ha-a1")["name"] == "Newer"


def test_what_only_we_know_is_kept(admin: Any, imports: Import) -> None:
    imports(files(a_row(labels=["theirs"])))
    ours = {"warranty_expires_on": "2030-01-01", "labels": ["ours"], "status": "retired"}
    ours |= {"attributes": {"x": 1}}
    admin.patch(DEVICES, "ha-a1", **ours)

    report = imports(files(a_row(labels=["theirs", "new"])))

    document = admin.document("ha-a1")
    assert (results(report), kept(report)) == (["updated"], [[]])
    assert document["labels"] == ["ours", "new"]
    assert (document["warranty_expires_on"], document["status"]) == ("2030-01-01", "retired")
    assert document["attributes"] == {"x": 1}


def test_lists_are_joined_by_what_changed_on_each_side(admin: Any, imports: Import) -> None:
    imports(files(a_row(labels=["a", "b", "c"])))
    admin.patch(DEVICES, "ha-a1", labels=["a", "b", "ours"])

    imports(files(a_row(labels=["b", "c", "new"])))

    assert admin.document("ha-a1")["labels"] == ["b", "ours", "new"]


def test_what_was_known_before_the_first_import_becomes_what_it_says(
    admin: Any, imports: Import
) -> None:
    admin.device("ha-a1", model="ours", manufacturer="ours", labels=["ours"], status="retired")

    report = imports(files(a_row(model="theirs", labels=["theirs"])))

    document = admin.document("ha-a1")
    assert (results(report), kept(report)) == (["updated"], [[]])
    assert (document["model"], document["manufacturer"]) == ("theirs", "ours")
    assert document["labels"] == ["ours", "theirs"]
    assert document["status"] == "retired"


def test_a_device_that_home_assistant_disables_is_disabled(admin: Any, imports: Import) -> None:
    imports(files(a_row()))

    report = imports(files(a_row(disabled_by="user")))

    document = admin.document("ha-a1")
    assert (results(report), kept(report)) == (["updated"], [[]])
    assert (document["status"], document["disabled_by"]) == ("disabled", "user")


def test_a_device_that_home_assistant_enables_again_is_active(admin: Any, imports: Import) -> None:
    imports(files(a_row(disabled_by="user")))

    report = imports(files(a_row()))

    document = admin.document("ha-a1")
    assert kept(report) == [[]]
    assert document["status"] == "active"
    assert "disabled_by" not in document


def test_a_device_that_a_person_retired_stays_so(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    admin.patch(DEVICES, "ha-a1", status="retired")

    report = imports(files(a_row(disabled_by="user")))

    assert kept(report) == [["status"]]
    assert admin.document("ha-a1")["status"] == "retired"


def test_a_device_that_was_deleted_here_is_created_again(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    admin.delete(DEVICES, "ha-a1")

    assert results(imports(files(a_row()))) == ["created"]
    assert results(imports(files(a_row()))) == ["unchanged"]


# Types


def test_a_file_that_is_not_sent_changes_no_type(admin: Any, imports: Import) -> None:
    imports(files(a_row(), **LIGHT))
    assert admin.document("ha-a1")["device_type"] == "light"

    report = imports(files(a_row()))

    assert (results(report), kept(report)) == (["unchanged"], [[]])
    assert admin.document("ha-a1")["device_type"] == "light"


def test_a_type_that_was_guessed_is_told_by_the_entities_later(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    assert admin.document("ha-a1")["device_type"] == "unknown"

    for said, device_type in ((LIGHT, "light"), ({}, "light"), (LOCK, "lock")):
        report = imports(files(a_row(), **said))

        assert kept(report) == [[]]
        assert admin.document("ha-a1")["device_type"] == device_type


def test_a_type_that_a_person_chose_is_kept(admin: Any, imports: Import) -> None:
    imports(files(a_row(), **LIGHT))
    admin.patch(DEVICES, "ha-a1", device_type="plug")

    assert kept(imports(files(a_row()))) == [[]]
    assert kept(imports(files(a_row(), **LOCK))) == [["device_type"]]
    assert admin.document("ha-a1")["device_type"] == "plug"


def test_a_device_that_comes_again_is_of_the_type_that_its_entities_tell(
    admin: Any, imports: Import
) -> None:
    """What was said of the one that is deleted says nothing of this one."""
    imports(files(a_row(), **LIGHT))
    admin.delete(DEVICES, "ha-a1")
    imports(files(a_row()))

    report = imports(files(a_row(), **LIGHT))

    assert kept(report) == [[]]
    assert admin.document("ha-a1")["device_type"] == "light"


# Known by what it refers to


def test_a_device_that_was_folded_into_another_updates_that_one(
    admin: Any, imports: Import
) -> None:
    imports(files(a_row()))
    admin.device("lamp-1", name="Lamp")
    fold(admin, "lamp-1", "ha-a1")

    report = imports(files(a_row(sw_version="2")))

    assert [(row["identifier"], row["result"]) for row in report["rows"]] == [("lamp-1", "updated")]
    assert admin.document("lamp-1")["sw_version"] == "2"
    assert results(imports(files(a_row(sw_version="2")))) == ["unchanged"]
    assert admin.store.get("devices", "ha-a1") is None


def test_a_device_that_a_person_wrote_down_is_known_by_its_reference(
    admin: Any, imports: Import
) -> None:
    reference = {"system": "home_assistant", "id": "a1"}
    admin.device("mine", name="Mine", external_refs=[reference])

    report = imports(files(a_row()))

    assert [row["identifier"] for row in report["rows"]] == ["mine"]
    assert admin.document("mine")["name"] == "Lamp"


def test_two_devices_that_became_one_do_not_take_turns(admin: Any, imports: Import) -> None:
    both = files(a_row("a1", name="One"), a_row("a2", name="Two"))
    imports(both)
    fold(admin, "ha-a1", "ha-a2")

    first, second = imports(both), imports(both)

    assert [row["identifier"] for row in first["rows"]] == ["ha-a1", "ha-a1"]
    assert results(second) == ["unchanged", "unchanged"]
    assert admin.document("ha-a1")["name"] == "One"


def test_links_lead_to_what_their_ends_have_become(admin: Any, imports: Import) -> None:
    hub, lamp = a_row("hub"), a_row("a1", via_device_id="hub")
    imports(files(hub, lamp))
    admin.device("bridge", name="Bridge")
    fold(admin, "bridge", "ha-hub")

    assert results(imports(files(hub, lamp))) == ["unchanged", "unchanged"]
    assert admin.document("ha-a1")["via_device"] == "bridge"


def test_a_hub_and_its_device_that_became_one_are_not_linked(admin: Any, imports: Import) -> None:
    both = files(a_row("hub"), a_row("a1", via_device_id="hub"))
    imports(both)
    fold(admin, "ha-hub", "ha-a1")

    assert "rejected" not in results(imports(both))
    assert "via_device" not in admin.document("ha-hub")


# What an import may know and touch


@pytest.fixture
def homes(villa: Any) -> Any:
    """Where acme has a shed beside its villa."""
    villa.home("shed", "acme")
    return villa


ROOM = files(a_row("a1", area_id="hall"), **places(HALL))
OTHER_ROOM = files(a_row("b1", area_id="hall"), **places(HALL | {"name": "Corridor"}))


@pytest.mark.parametrize("other", ["barn", "shed"])
def test_every_home_has_its_own_hall(homes: Any, other: str) -> None:
    importer(homes)(ROOM, "villa")
    before = homes.document("ha-villa:hall", AREAS), homes.document("ha-a1")

    report = importer(homes)(OTHER_ROOM, other)

    assert results(report) == ["created", "created"]
    assert (homes.document("ha-villa:hall", AREAS), homes.document("ha-a1")) == before
    assert homes.document(f"ha-{other}:hall", AREAS)["name"] == "Corridor"
    assert homes.document("ha-b1")["area_id"] == f"ha-{other}:hall"
    assert results(importer(homes)(ROOM, "villa")) == ["unchanged", "unchanged"]


def test_a_customers_key_gets_a_hall_where_another_customer_has_one(
    homes: Any, a_caller: Any
) -> None:
    importer(a_caller("other"))(OTHER_ROOM, "barn")

    report = importer(a_caller("acme"))(ROOM, "villa")

    assert results(report) == ["created", "created"]
    assert homes.document("ha-barn:hall", AREAS)["home_id"] == "barn"


def test_a_hall_that_was_imported_before_areas_told_their_home_goes_on_being_used(
    homes: Any,
) -> None:
    homes.area("ha-hall", "villa")

    here, there = importer(homes)(ROOM, "villa"), importer(homes)(OTHER_ROOM, "barn")

    assert [row["identifier"] for row in here["rows"]] == ["ha-hall", "ha-a1"]
    assert [row["identifier"] for row in there["rows"]] == ["ha-barn:hall", "ha-b1"]
    assert homes.document("ha-a1")["area_id"] == "ha-hall"


def test_a_hall_whose_identifier_another_home_has_is_rejected_and_the_devices_come_in(
    homes: Any,
) -> None:
    homes.area("ha-villa:hall", "barn")

    report = importer(homes)(ROOM, "villa")

    assert results(report) == ["rejected", "created"]
    assert homes.document("ha-villa:hall", AREAS)["home_id"] == "barn"
    assert "area_id" not in homes.document("ha-a1")


@pytest.mark.parametrize("other", ["barn", "shed"])
def test_a_device_is_not_moved_out_of_its_home(homes: Any, other: str) -> None:
    importer(homes)(ROOM, "villa")
    before = homes.document("ha-a1")

    report = importer(homes)(ROOM, other)

    assert results(report) == ["created", "rejected"]
    assert report["rows"][1]["reason"] == "The device ha-a1 is already in the home villa."
    assert homes.document("ha-a1") == before


def test_a_device_that_is_referred_to_in_the_customers_other_home_is_not_made_again(
    homes: Any,
) -> None:
    reference = {"system": "home_assistant", "id": "a1"}
    homes.device("mine", name="Mine", home_id="shed", external_refs=[reference])

    report = importer(homes)(files(a_row()), "villa")

    assert [row.get("reason") for row in report["rows"]] == [
        "The device mine is already in the home shed."
    ]
    assert homes.document("mine")["name"] == "Mine"
    assert count(homes)["devices"] == 1


def test_without_a_home_only_devices_that_are_in_none_are_touched(homes: Any) -> None:
    importer(homes)(ROOM, "villa")
    before = homes.document("ha-a1")

    assert results(importer(homes)(files(a_row(sw_version="9")))) == ["rejected"]
    assert homes.document("ha-a1") == before


@pytest.mark.parametrize("home", [None, "villa"])
@pytest.mark.parametrize("identifier", ["ha-a1", "trap"])
def test_a_customer_that_claims_a_device_gets_nothing_of_anothers_import(
    homes: Any, a_caller: Any, home: str | None, identifier: str
) -> None:
    reference = {"system": "home_assistant", "id": "a1"}
    a_caller("other").device(identifier, external_refs=[reference])
    before = homes.document(identifier)

    report = importer(homes)(files(a_row(model="secret")), home)

    assert homes.document(identifier) == before
    assert results(report) == ["rejected" if identifier == "ha-a1" else "created"]


def test_what_an_import_said_is_not_known_to_another_customers(homes: Any, a_caller: Any) -> None:
    """Or else a device that claims the same origin would tell which values are the other's."""
    importer(a_caller("acme"))(files(a_row(model="secret")), "villa")
    reference = {"system": "home_assistant", "id": "a1"}
    theirs = a_caller("other")
    theirs.device("trap", model="secret", external_refs=[reference])

    importer(theirs)(files(a_row(model="guess")), "barn")
    ours = importer(a_caller("acme"))(files(a_row(model="new")), "villa")

    assert (results(ours), kept(ours)) == (["updated"], [[]])
    assert homes.document("ha-a1")["model"] == "new"


def test_a_persons_change_is_kept_when_the_home_is_named_later(homes: Any) -> None:
    importer(homes)(files(a_row()))
    homes.patch(DEVICES, "ha-a1", name="Mine")

    report = importer(homes)(files(a_row()), "villa")

    assert (results(report), kept(report)) == (["updated"], [["name"]])
    assert homes.document("ha-a1")["name"] == "Mine"


@pytest.mark.parametrize(
    ("home", "said_in", "model", "kept_members"),
    [
        ("villa", "villa", "new", ["name"]),
        ("villa", "barn", "old", ["model", "name"]),
        (None, None, "old", ["model", "name"]),
    ],
)
def test_what_was_remembered_for_everybody_overwrites_nothing_that_it_may_not_be_of(
    homes: Any, home: str | None, said_in: str | None, model: str, kept_members: list[str]
) -> None:
    where = {"home_id": home} if home else {}
    reference = {"system": "home_assistant", "id": "a1"}
    homes.device("ha-a1", name="Mine", model="old", external_refs=[reference], **where)
    last = {"name": "Lamp", "model": "old", "home_id": said_in}
    homes.do(lambda work: work.keep(ORIGINS, "devices/ha-a1", {"fields": last}))

    report = importer(homes)(files(a_row(model="new")), home)

    assert kept(report) == [kept_members]
    assert (homes.document("ha-a1")["name"], homes.document("ha-a1")["model"]) == ("Mine", model)


def test_without_the_scope_of_areas_none_is_written_and_devices_use_those_there_are(
    homes: Any, a_caller: Any
) -> None:
    importer(homes)(files(**places(HALL)), "villa")
    before = homes.document("ha-villa:hall", AREAS)
    body = files(
        a_row("a1", area_id="hall"),
        a_row("a2", area_id="attic"),
        **places(HALL | {"name": "Mine"}, ATTIC),
    )

    report = importer(a_caller("acme", ["devices:write"]))(body, "villa")

    assert results(report) == ["skipped", "skipped", "created", "created"]
    assert report["rows"][0]["reason"].endswith("the scope customers:write alone")
    assert homes.document("ha-villa:hall", AREAS) == before
    assert count(homes)["areas"] == 1
    assert homes.document("ha-a1")["area_id"] == "ha-villa:hall"
    assert "area_id" not in homes.document("ha-a2")


def test_an_area_that_was_passed_over_comes_with_the_scope(homes: Any, a_caller: Any) -> None:
    importer(a_caller("acme", ["devices:write"]))(ROOM, "villa")

    report = importer(a_caller("acme"))(ROOM, "villa")

    assert (results(report), kept(report)) == (["created", "updated"], [[], []])
    assert homes.document("ha-a1")["area_id"] == "ha-villa:hall"


@pytest.mark.parametrize(
    ("home", "area", "identifier"),
    [
        ("ann-home", "ha-kitchen", "ha-ann-home:kitchen"),
        ("ann-home", "ha-" + "k" * 116, "ha-ann-home:" + "k" * 116),
    ],
)
def test_an_area_is_called_after_its_home(home: str, area: str, identifier: str) -> None:
    assert area_identifier(home, area) == identifier


def test_areas_whose_names_could_be_two_homes_are_called_apart() -> None:
    pairs = [("a:b", "ha-c"), ("a", "ha-b:c"), ("h" * 128, "ha-c"), ("h" * 128, "ha-d")]

    called = {area_identifier(home, area) for home, area in pairs}

    assert len(called) == len(pairs)
    assert max(map(len, called)) == len("ha-") + 32


# Files that are not sent


def test_without_the_area_registry_a_device_stays_where_it_is(villa: Any) -> None:
    imports = importer(villa)
    row = a_row(area_id="hall")
    imports(files(row, **places(HALL, floors=[UP])), "villa")
    before = villa.document("ha-a1")

    report = imports(files(row), "villa")

    assert (results(report), kept(report)) == (["unchanged"], [[]])
    assert villa.document("ha-a1") == before
    assert before["area_id"] == "ha-villa:hall"


def test_without_the_floor_registry_an_area_stays_on_its_floor(villa: Any) -> None:
    imports = importer(villa)
    row = a_row(area_id="hall")
    imports(files(row, **places(HALL, floors=[UP])), "villa")

    report = imports(files(row, **sibling("area", "areas", HALL)), "villa")

    assert results(report) == ["unchanged", "unchanged"]
    assert villa.document("ha-villa:hall", AREAS)["floor"] == "Upstairs"


def test_a_floor_that_is_gone_from_the_file_is_gone_here(villa: Any) -> None:
    imports = importer(villa)
    imports(files(a_row(area_id="hall"), **places(HALL, floors=[UP])), "villa")

    imports(files(a_row(area_id="hall"), **places({**HALL, "floor_id": None})), "villa")

    assert "floor" not in villa.document("ha-villa:hall", AREAS)
    assert villa.document("ha-a1")["attributes"] == {"home_assistant": {"area": "Hall"}}


# Homes and their areas


def test_with_a_home_its_areas_come_along_and_hold_the_devices(villa: Any) -> None:
    body = files(a_row(area_id="hall"), **places(HALL, ATTIC, floors=[UP]))

    report = importer(villa)(body, "villa")

    assert [(row["kind"], row["identifier"], row["result"]) for row in report["rows"]] == [
        ("areas", "ha-villa:hall", "created"),
        ("areas", "ha-villa:attic", "created"),
        ("devices", "ha-a1", "created"),
    ]
    hall, lamp = villa.document("ha-villa:hall", AREAS), villa.document("ha-a1")
    assert (hall["home_id"], hall["name"], hall["floor"], hall["level"]) == (
        "villa",
        "Hall",
        "Upstairs",
        1,
    )
    assert (lamp["area_id"], lamp["home_id"], lamp["customer_id"]) == (
        "ha-villa:hall",
        "villa",
        "acme",
    )


def test_without_a_home_areas_are_only_told_of(villa: Any) -> None:
    body = files(a_row(area_id="hall"), **places(HALL, floors=[UP]))

    report = importer(villa)(body)

    lamp = villa.document("ha-a1")
    assert [row["kind"] for row in report["rows"]] == ["devices"]
    assert count(villa)["areas"] == 0
    assert not {"area_id", "home_id", "customer_id"} & set(lamp)
    assert lamp["attributes"] == {"home_assistant": {"area": "Hall", "floor": "Upstairs"}}


def test_a_home_can_be_named_later(villa: Any) -> None:
    body = files(a_row(area_id="hall"), **places(HALL))
    importer(villa)(body)

    report = importer(villa)(body, "villa")

    assert (results(report), kept(report)) == (["created", "updated"], [[], []])
    assert villa.document("ha-a1")["area_id"] == "ha-villa:hall"


def test_an_area_that_is_renamed_there_is_renamed_here_unless_a_person_did(villa: Any) -> None:
    importer(villa)(files(**places(HALL, ATTIC)), "villa")
    villa.patch(AREAS, "ha-villa:hall", name="Lobby")

    body = files(**places(HALL | {"name": "Entrance"}, ATTIC | {"name": "Loft"}))
    report = importer(villa)(body, "villa")

    assert (results(report), kept(report)) == (["unchanged", "updated"], [["name"], []])
    assert villa.document("ha-villa:hall", AREAS)["name"] == "Lobby"
    assert villa.document("ha-villa:attic", AREAS)["name"] == "Loft"


def test_a_device_that_a_person_put_into_another_area_stays_there(villa: Any) -> None:
    body = files(a_row(area_id="hall"), **places(HALL, ATTIC))
    importer(villa)(body, "villa")
    villa.patch(DEVICES, "ha-a1", area_id="ha-villa:attic")

    report = importer(villa)(body, "villa")

    assert kept(report) == [[], [], ["area_id"]]
    assert villa.document("ha-a1")["area_id"] == "ha-villa:attic"


def test_a_device_that_moved_to_another_area_there_moves_here(villa: Any) -> None:
    importer(villa)(files(a_row(area_id="hall"), **places(HALL, ATTIC)), "villa")

    report = importer(villa)(files(a_row(area_id="attic"), **places(HALL, ATTIC)), "villa")

    assert results(report) == ["unchanged", "unchanged", "updated"]
    assert villa.document("ha-a1")["area_id"] == "ha-villa:attic"


def test_a_home_that_is_not_there_stops_the_import(villa: Any, a_caller: Any) -> None:
    before = count(villa)

    for somebody, home in ((villa, "gone"), (a_caller("acme"), "barn")):
        with pytest.raises(ResourceNotFound, match=f"There is no home {home}."):
            importer(somebody)(files(a_row()), home)

    assert count(villa) == before


# Hubs


@pytest.mark.parametrize("member", ["via_device", "parent_device"])
def test_hubs_and_parents_come_before_their_devices_whatever_the_order(
    admin: Any, imports: Import, member: str
) -> None:
    said = f"{member}_id"
    body = files(a_row("c", **{said: "b"}), a_row("b", **{said: "a"}), a_row("a"), a_row("d"))

    report = imports(body)

    assert [row["identifier"] for row in report["rows"]] == ["ha-c", "ha-b", "ha-a", "ha-d"]
    assert results(report) == ["created"] * 4
    assert admin.document("ha-c")[member] == "ha-b"
    assert admin.document("ha-b")[member] == "ha-a"


def test_a_ring_of_a_hub_and_a_parent_comes_in_with_one_link_less(
    admin: Any, imports: Import
) -> None:
    body = files(a_row("a", via_device_id="b"), a_row("b", parent_device_id="a"), a_row("c"))

    report = imports(body)
    again = imports(body)

    links = [set(admin.document(f"ha-{one}")) & {"via_device", "parent_device"} for one in "ab"]
    assert results(report) == ["created"] * 3
    assert sum(map(len, links)) == 1
    assert (results(again), kept(again)) == (["unchanged"] * 3, [[]] * 3)


@pytest.mark.parametrize("count_", [2, 3, 5])
def test_a_ring_of_hubs_comes_in_with_one_link_less(
    admin: Any, imports: Import, count_: int
) -> None:
    body = files(*(a_row(str(n), via_device_id=str((n + 1) % count_)) for n in range(count_)))

    report = imports(body)

    found = [admin.document(f"ha-{n}").get("via_device") for n in range(count_)]
    assert results(report) == ["created"] * count_
    assert found.count(None) == 1


def test_a_device_that_is_reached_by_its_parent_comes_after_it_once(
    admin: Any, imports: Import
) -> None:
    body = files(a_row("a", via_device_id="b", parent_device_id="b"), a_row("b"))

    assert results(imports(body)) == ["created", "created"]
    assert admin.document("ha-a")["via_device"] == admin.document("ha-a")["parent_device"] == "ha-b"


def test_a_device_that_changes_its_hub_is_updated(admin: Any, imports: Import) -> None:
    imports(files(a_row("a", via_device_id="b"), a_row("b"), a_row("c")))

    report = imports(files(a_row("a", via_device_id="c"), a_row("b"), a_row("c")))

    assert results(report) == ["updated", "unchanged", "unchanged"]
    assert admin.document("ha-a")["via_device"] == "ha-c"


# Reports


def test_every_row_is_accounted_for_in_the_order_of_the_file(imports: Import) -> None:
    body = files(
        *(a_row(f"d{n}", via_device_id="d11") for n in range(12)), a_row(None), "no object"
    )
    body["device_registry"]["data"]["child_devices"] = [a_row("child")]
    body["device_registry"]["data"]["deleted_devices"] = [{"id": "gone"}]

    report = imports(body)

    assert results(report) == [*["created"] * 12, "rejected", "rejected", "created", "skipped"]
    data = "/device_registry/data"
    assert [row["pointer"] for row in report["rows"]] == [
        *(f"{data}/devices/{n}" for n in range(12)),
        f"{data}/devices/12/id",
        f"{data}/devices/13",
        f"{data}/child_devices/0",
        f"{data}/deleted_devices/0",
    ]
    assert report["counts"] == {
        "created": 13,
        "updated": 0,
        "unchanged": 0,
        "skipped": 1,
        "rejected": 2,
    }
    assert all(row["reason"] for row in report["rows"] if row["result"] in ("skipped", "rejected"))


def test_lists_that_would_grow_too_long_are_a_rejected_row(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    admin.patch(DEVICES, "ha-a1", labels=[f"l{n}" for n in range(50)])

    report = imports(files(a_row(labels=["one_more"])))

    assert results(report) == ["rejected"]
    assert "51 items; 50 are allowed" in report["rows"][0]["reason"]


def test_a_row_that_a_rule_refuses_leaves_the_others_alone(villa: Any) -> None:
    villa.patch(KINDS["customers"], "acme", max_devices=1)

    report = importer(villa)(files(a_row("a"), a_row("b"), a_row("c", name="C")), "villa")

    assert results(report) == ["created", "rejected", "rejected"]
    assert report["rows"][2] == {
        "pointer": "/device_registry/data/devices/2",
        "kind": "devices",
        "result": "rejected",
        "name": "C",
        "reason": "The customer acme has 1 devices, and may have no more.",
    }
    assert count(villa)["origins"] == 1


def test_what_is_anothers_is_rejected_and_stays_as_it_is(villa: Any, a_caller: Any) -> None:
    importer(villa)(files(a_row(area_id="hall", model="secret"), **places(HALL)), "barn")

    report = importer(a_caller("acme"))(
        files(a_row(area_id="hall"), a_row("b"), **places(HALL)), "villa"
    )

    assert results(report) == ["created", "rejected", "created"]
    assert "secret" not in json.dumps(report)
    assert villa.document("ha-a1")["customer_id"] == "other"
    assert villa.document("ha-b")["customer_id"] == "acme"


# All of it or nothing


def test_a_dry_run_says_what_would_be_and_leaves_nothing(villa: Any) -> None:
    body = files(a_row("a", via_device_id="b", area_id="hall"), a_row("b"), **places(HALL))
    before, changes = count(villa), villa.changes
    once = Once("admin", "k", "f")

    report = importer(villa)(body, "villa", dry_run=True, once=once)

    assert (results(report), report["dry_run"]) == (["created"] * 3, True)
    assert (count(villa), villa.changes) == (before, changes)
    assert villa.store.reply("admin", "k") is None


def test_a_dry_run_of_changes_changes_nothing(admin: Any, imports: Import) -> None:
    imports(files(a_row()))
    before = admin.document("ha-a1")

    report = imports(files(a_row(sw_version="2")), dry_run=True)

    assert (results(report), report["counts"]["updated"]) == (["updated"], 1)
    assert admin.document("ha-a1") == before
    assert results(imports(files(a_row(sw_version="2")))) == ["updated"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_that_all_would_wait_for_is_refused_before_it_begins(
    villa: Any, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr("inventory.imports.MAX_ROWS", 2)
    body = files(a_row("a"), a_row("b"), a_row(None), **places(HALL))

    with pytest.raises(TooManyRows, match="There are 3, and one import takes 2 areas and devices"):
        importer(villa)(body, "villa", dry_run=dry_run)

    assert results(importer(villa)(body)) == ["created", "created", "rejected"]


def test_nobody_waits_for_a_dry_run(villa: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_work: Any) -> Any:
        raise AssertionError("a dry run takes the writers' turn")

    monkeypatch.setattr(villa.store, "write", write)

    assert results(importer(villa)(ROOM, "villa", dry_run=True)) == ["created", "created"]


def test_a_dry_run_and_the_import_after_it_say_the_same(villa: Any) -> None:
    """Of devices that are found by reference, and of a customer that is full in its midst."""
    run = importer(villa)
    run(files(a_row("a1"), a_row("a2")))
    fold(villa, "ha-a1", "ha-a2")
    villa.patch(KINDS["customers"], "acme", max_devices=2)
    rows = (a_row(f"a{n}", area_id="hall") for n in range(1, 5))
    body = files(*rows, **places(HALL))

    looked, done = run(body, "villa", dry_run=True), run(body, "villa")

    assert results(done) == ["created", "updated", "unchanged", "created", "rejected"]
    assert (looked["rows"], looked["counts"]) == (done["rows"], done["counts"])


def test_an_import_with_a_key_happens_once(admin: Any, imports: Import) -> None:
    first = imports(files(a_row()), once=Once("admin", "k", "f"))
    admin.delete(DEVICES, "ha-a1")

    assert imports(files(a_row()), once=Once("admin", "k", "f")) == first
    assert count(admin)["devices"] == 0
    with pytest.raises(KeyReused):
        imports(files(a_row()), once=Once("admin", "k", "other"))


def test_nothing_is_half_imported(
    admin: Any, imports: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of three devices fails: the first must not stay."""
    uids = iter([None, RuntimeError, None])
    uid = admin.sources.uid

    def failing() -> str:
        fault = next(uids)
        if fault is not None:
            raise fault
        return str(uid())

    monkeypatch.setattr("inventory.work.Work.keep", lambda *_: None)
    object.__setattr__(admin.sources, "uid", failing)

    with pytest.raises(RuntimeError):
        imports(files(a_row("a"), a_row("b"), a_row("c")))

    assert count(admin) == dict.fromkeys(KINDS, 0)
    assert admin.changes == []


# The merge alone


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "kept_members"),
    [
        ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, []),
        ({"a": 1}, {"a": 1}, {}, {}, []),
        ({"a": 1}, {"a": 3}, {"a": 2}, {"a": 3}, ["a"]),
        ({"a": 1}, {"a": 3}, {"a": 1}, {"a": 3}, ["a"]),
        ({"a": 1}, {"a": 3}, {}, {"a": 3}, ["a"]),
        ({"a": 1}, {}, {"a": 2}, {}, ["a"]),
        ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}, []),
        ({}, {}, {"a": 2}, {"a": 2}, []),
        ({}, {"b": 1}, {"a": 2}, {"a": 2, "b": 1}, []),
        (None, {"a": 1, "b": 1}, {"a": 2}, {"a": 2, "b": 1}, []),
        ({}, {}, {"labels": ["x"]}, {"labels": ["x"]}, []),
        ({"labels": ["x"]}, {"labels": ["x"]}, {}, {"labels": []}, []),
        ({"labels": ["x"]}, {}, {"labels": ["x"]}, {}, []),
        ({"labels": ["x"]}, {"labels": ["y", "x"]}, {}, {"labels": ["y"]}, []),
        (
            {"attributes": {"a": 1, "b": 1}},
            {"attributes": {"a": 1, "b": 2, "c": 3}},
            {"attributes": {"a": 5, "b": 5}},
            {"attributes": {"a": 5, "b": 2, "c": 3}},
            [],
        ),
        ({"attributes": {"a": 1}}, {"attributes": {"a": 1, "c": 3}}, {}, {"attributes": {"c": 3}},
         []),
        (None, {"attributes": {"a": 1, "c": 3}}, {"attributes": {"a": 2}},
         {"attributes": {"a": 2, "c": 3}}, []),
        (None, {"labels": ["x", "y"]}, {"labels": ["y", "z"]}, {"labels": ["x", "y", "z"]}, []),
    ],
)  # fmt: skip
def test_a_merge_takes_what_changed_on_one_side_and_keeps_ours_where_both_did(
    base: Any, ours: Any, theirs: Any, merged: Any, kept_members: list[str]
) -> None:
    assert merge(base, ours, theirs) == (merged, kept_members)


def test_a_merge_leaves_alone_what_they_only_guess() -> None:
    assert merge({"a": 1}, {"a": 1}, {"a": 2}, ["a"]) == ({"a": 1}, [])
