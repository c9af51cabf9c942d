"""What an import makes of Home Assistant's registry files."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.domain.home_assistant import (
    Mapped,
    Rejected,
    Row,
    Skipped,
    read_areas,
    read_home_assistant,
)

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "home_assistant"
REAL_FILES = ROOT / ".." / "shared" / "data" / "home-assistant"
DEVICES = "/device_registry/data/devices"
AREAS = "/area_registry/data/areas"


# Builders


def an_item(**members: Any) -> dict[str, Any]:
    return {"id": "abc", "name": "Hall light"} | members


def a_body(*devices: Any, **siblings: Any) -> dict[str, Any]:
    return {"device_registry": _registry("device", devices=list(devices))} | siblings


def entities(*items: Any) -> dict[str, Any]:
    return {"entity_registry": _registry("entity", entities=list(items))}


def an_entity(entity_id: str, **members: Any) -> dict[str, Any]:
    return {"device_id": "abc", "entity_id": entity_id} | members


def _registry(kind: str, **data: Any) -> dict[str, Any]:
    return {"version": 1, "key": f"core.{kind}_registry", "data": data}


def rows(body: dict[str, Any], *, in_home: bool = False) -> list[Row]:
    return list(read_home_assistant(body, in_home=in_home))


def device(item: Any, *, in_home: bool = False, **siblings: Any) -> dict[str, Any]:
    """The device that a lone item becomes."""
    (row,) = rows(a_body(item, **siblings), in_home=in_home)
    assert isinstance(row, Mapped), row
    return row.fields


def rejected(item: Any) -> Rejected:
    """The rejection of a lone item."""
    (row,) = rows(a_body(item))
    assert isinstance(row, Rejected), row
    return row


def links(body: dict[str, Any], member: str) -> dict[str, str | None]:
    """Device → where its member leads, of the rows that became devices."""
    mapped = [row.fields for row in rows(body) if isinstance(row, Mapped)]
    return {found["identifier"]: found.get(member) for found in mapped}


def a_home(version: str) -> dict[str, Any]:
    siblings = ("area_registry", "floor_registry", "label_registry", "entity_registry")
    files = {name: _load(FIXTURES / f"{name}.json") for name in siblings}
    return {"device_registry": _load(FIXTURES / f"device_registry_{version}.json")} | files


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# Whole files


def test_a_file_of_version_1_0_comes_in_whole() -> None:
    bridge, motion = rows(a_home("1_0"))

    assert isinstance(bridge, Mapped)
    assert bridge == Mapped(
        f"{DEVICES}/0",
        "Acme bridge",
        {
            "identifier": "ha-b0001",
            "name": "Acme bridge",
            "device_type": "unknown",
            "manufacturer": "Acme",
            "model": "Bridge",
            "sw_version": "1.5",
            "identifiers": [{"domain": "acme_bridge", "value": "1001"}],
            "entry_type": "device",
            "external_refs": [{"system": "home_assistant", "id": "b0001"}],
        },
    )
    assert isinstance(motion, Mapped)
    assert motion.fields["via_device"] == "ha-b0001"
    assert motion.fields["identifiers"] == [{"domain": "acme_bridge", "value": "1001:7"}]
    assert motion.fields["connections"] == [{"type": "zigbee", "value": "00:0b:57:ff:fe:00:00:01"}]
    assert "sw_version" not in motion.fields


def test_a_file_of_version_1_12_comes_in_whole() -> None:
    hub, lock, sun, door, deleted = rows(a_home("1_12"))

    assert isinstance(hub, Mapped)
    assert hub.fields == {
        "identifier": "ha-c0001",
        "name": "Hall hub",
        "device_type": "unknown",
        "manufacturer": "Acme",
        "model": "Hub",
        "model_id": "H2",
        "hw_version": "2",
        "sw_version": "7",
        "serial_number": "SN-1",
        "identifiers": [{"domain": "acme_hub", "value": "hub-1"}],
        "connections": [{"type": "mac", "value": "00:00:5E:00:53:01"}],
        "entry_type": "device",
        "labels": ["guest_wing"],
        "configuration_url": "http://192.0.2.10/setup",
        "attributes": {"home_assistant": {"area": "Hall", "floor": "Ground floor"}},
        "external_refs": [{"system": "home_assistant", "id": "c0001"}],
    }
    assert isinstance(lock, Mapped)
    assert lock.fields["device_type"] == "lock"
    assert lock.fields["via_device"] == "ha-c0001"
    assert (lock.fields["status"], lock.fields["disabled_by"]) == ("disabled", "user")
    assert isinstance(sun, Mapped)
    assert (sun.fields["entry_type"], sun.fields["device_type"]) == ("service", "service")
    assert isinstance(door, Mapped)
    assert door.name == lock.name == "Door"
    assert "identifiers" not in door.fields
    assert isinstance(deleted, Skipped)


def test_the_devices_of_a_home_are_placed_in_its_areas() -> None:
    hub, lock, *_ = rows(a_home("1_12"), in_home=True)

    assert isinstance(hub, Mapped) and isinstance(lock, Mapped)
    assert hub.fields["area_id"] == lock.fields["area_id"] == "ha-hall"
    assert hub.fields["attributes"] == {"home_assistant": {"area": "Hall", "floor": "Ground floor"}}


def test_child_devices_of_version_3_are_devices_with_a_parent() -> None:
    strip, socket = rows(a_home("3_4"))

    assert isinstance(strip, Mapped)
    assert "parent_device" not in strip.fields
    assert isinstance(socket, Mapped)
    assert socket.pointer == "/device_registry/data/child_devices/0"
    assert socket.fields["parent_device"] == "ha-d0001"
    assert socket.fields["identifiers"] == [{"domain": "acme_strip", "value": "strip-1:1"}]


def test_a_real_home_comes_in_whole() -> None:
    if not REAL_FILES.exists():
        pytest.skip("the real registries are not part of the repository")
    kinds = ("device", "area", "entity")
    body = {f"{kind}_registry": _load(REAL_FILES / f"core.{kind}_registry") for kind in kinds}

    found = rows(body)

    mapped = {row.name: row.fields for row in found if isinstance(row, Mapped)}
    assert len(mapped) == len(found) == 51
    assert mapped["HeatPump"]["device_type"] == "thermostat"
    assert mapped["Basement Floor Wet"]["device_type"] == "leak_sensor"
    assert mapped["Sun"]["device_type"] == "service"
    assert mapped["Backup"]["configuration_url"] == "homeassistant://config/backup"
    window = mapped["Living Room Window"]
    assert window["attributes"] == {"home_assistant": {"area": "Living Room"}}
    for found_device in mapped.values():
        NEW_DEVICE.validate(found_device)


# Ids


@pytest.mark.parametrize(
    "ha_id", ["", "a b", "a/b", "abc\n", "é", "a" * 126, None, 7, True, ["a"], {"a": 1}]
)
def test_an_id_that_is_no_identifier_is_rejected_where_it_stands(ha_id: Any) -> None:
    row = rejected(an_item(id=ha_id))

    assert row.pointer == f"{DEVICES}/0/id"
    assert "1 to 125 letters" in row.reason


def test_an_item_without_an_id_is_rejected_as_a_whole() -> None:
    row = rejected({"name": "Hall light"})

    assert (row.pointer, row.name) == (f"{DEVICES}/0", "Hall light")


@pytest.mark.parametrize("ha_id", ["a", ".a", "-", "a" * 125])
def test_an_id_that_makes_an_identifier_is_kept(ha_id: str) -> None:
    found = device(an_item(id=ha_id))

    assert found["identifier"] == f"ha-{ha_id}"
    assert found["external_refs"] == [{"system": "home_assistant", "id": ha_id}]


def test_the_later_item_of_two_with_one_id_is_rejected() -> None:
    body = a_body(an_item(), an_item(name="Other"))
    body["device_registry"]["data"]["child_devices"] = [an_item(name="Third")]

    first, second, third = rows(body)

    assert isinstance(first, Mapped)
    reason = f"the id stands already at {DEVICES}/0"
    assert second == Rejected(f"{DEVICES}/1/id", "Other", reason)
    assert third == Rejected("/device_registry/data/child_devices/0/id", "Third", reason)


def test_a_deleted_device_does_not_take_the_id_of_a_live_one() -> None:
    body = a_body(an_item())
    body["device_registry"]["data"]["deleted_devices"] = [an_item()]

    live, deleted = rows(body)

    assert isinstance(live, Mapped)
    assert isinstance(deleted, Skipped)


# Names


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"name_by_user": "Mine", "name": "Theirs"}, "Mine"),
        ({"name_by_user": " ", "name": "Theirs"}, "Theirs"),
        ({"name_by_user": None, "name": "Theirs"}, "Theirs"),
        ({"name": "\tHall\r\nlight\x7f"}, "Hall light"),
        ({"name": 42}, "42"),
        ({"name": "n" * 200}, "n" * 200),
        ({"name": "n" * 201}, "n" * 199 + "…"),
    ],
)
def test_the_display_name_is_the_users_or_else_home_assistants(
    members: dict[str, Any], name: str
) -> None:
    (row,) = rows(a_body({"id": "abc"} | members))

    assert isinstance(row, Mapped)
    assert row.name == row.fields["name"] == name


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"model": "Hub", "manufacturer": "Acme"}, "Hub"),
        ({"model": "", "manufacturer": "Acme"}, "Acme"),
        ({"identifiers": [["hue", "x1"], ["hue", "x2"]]}, "x1"),
        ({}, "abc"),
        ({"model": "m" * 255}, "m" * 199 + "…"),
    ],
)
def test_a_device_without_a_name_is_named_after_the_best_that_is_known(
    members: dict[str, Any], name: str
) -> None:
    (row,) = rows(a_body({"id": "abc", "name": "", "name_by_user": None} | members))

    assert isinstance(row, Mapped)
    assert row.name is None
    assert row.fields["name"] == name


@pytest.mark.parametrize("member", ["name", "name_by_user"])
def test_a_name_that_is_no_text_is_rejected_although_the_other_would_do(member: str) -> None:
    row = rejected({"id": "abc", "name": "Hall", "name_by_user": "Hall"} | {member: ["x"]})

    assert (row.pointer, row.name) == (f"{DEVICES}/0/{member}", "Hall")


# Texts

TEXTS = ["manufacturer", "model", "model_id", "hw_version", "sw_version", "serial_number"]


@pytest.mark.parametrize("member", TEXTS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  1.2 ", "1.2"),
        ("a\x00\x1f\nb", "a b"),
        (1.5, "1.5"),
        (3, "3"),
        (0, "0"),
        ("", None),
        (" \t", None),
        (None, None),
        ("t" * 255, "t" * 255),
    ],
)
def test_texts_are_cleaned_and_numbers_become_text(
    member: str, value: Any, text: str | None
) -> None:
    assert device(an_item(**{member: value})).get(member) == text


@pytest.mark.parametrize("member", [*TEXTS, "disabled_by"])
@pytest.mark.parametrize(
    "value", [True, False, [], ["1"], {}, "t" * 256, 10**300, pytest.param(10**5000, id="huge")]
)
def test_a_text_that_cannot_be_kept_whole_is_rejected_where_it_stands(
    member: str, value: Any
) -> None:
    row = rejected(an_item(**{member: value}))

    assert (row.pointer, row.name) == (f"{DEVICES}/0/{member}", "Hall light")
    assert row.reason


# Identifiers and connections


@pytest.mark.parametrize(
    ("identifiers", "pairs"),
    [
        ([], None),
        (None, None),
        ([["hue", "x"]], [("hue", "x")]),
        ([["x"]], [("unknown", "x")]),
        ([["", "x"]], [("unknown", "x")]),
        ([["hue", 7]], [("hue", "7")]),
        ([["hue", "x", 1, "y"]], [("hue", "x:1:y")]),
        ([["hue", "x", None]], [("hue", "x:")]),
        ([["b", "x"], ["a", "x"], ["b", " x "]], [("b", "x"), ("a", "x")]),
        ([["hue", None], ["hue", ""], [""]], None),
    ],
)
def test_identifiers_of_any_length_become_pairs(identifiers: Any, pairs: Any) -> None:
    found = device(an_item(identifiers=identifiers)).get("identifiers")

    assert found == (pairs and [{"domain": domain, "value": value} for domain, value in pairs])


@pytest.mark.parametrize("member", ["identifiers", "connections"])
@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("hue", ""),
        ({"hue": "x"}, ""),
        (False, ""),
        ([["hue", "x"], "hue"], "/1"),
        ([["hue", "x"], {}], "/1"),
        ([[]], "/0"),
        ([["hue", True]], "/0/1"),
        ([["hue", ["x"]]], "/0/1"),
        ([[{}, "x"]], "/0/0"),
        ([["hue", "x" * 256]], "/0/1"),
        ([["hue", "x" * 200, "y" * 200]], "/0"),
        ([["hue", str(n)] for n in range(51)], ""),
    ],
)
def test_pairs_that_cannot_be_kept_are_rejected_where_they_stand(
    member: str, value: Any, path: str
) -> None:
    assert rejected(an_item(**{member: value})).pointer == f"{DEVICES}/0/{member}{path}"


def test_fifty_identifiers_are_kept_however_often_they_are_repeated() -> None:
    identifiers = [["hue", str(n)] for n in range(50)] * 2

    assert len(device(an_item(identifiers=identifiers))["identifiers"]) == 50


@pytest.mark.parametrize(
    ("connections", "pairs"),
    [
        ([["MAC", "AA:bb"]], [("mac", "AA:bb")]),
        ([["zigbee", "x"], ["Zigbee", "x"]], [("zigbee", "x")]),
        ([["upnp", "uuid:00000000-0000-0000-0000-000000000000"]], None),
        ([["mac", "00:00:00:00:00:00"]], None),
        ([["mac", "000000000000"], ["mac", "00:00:5e:00:53:01"]], [("mac", "00:00:5e:00:53:01")]),
        ([["bluetooth", "0"]], [("bluetooth", "0")]),
        ([["upnp", "uuid:"]], [("upnp", "uuid:")]),
        ([["İ" * 255, "x"]], [("İ" * 255, "x")]),
    ],
)
def test_connections_are_kept_unless_their_address_is_all_zero(
    connections: Any, pairs: Any
) -> None:
    found = device(an_item(connections=connections)).get("connections")

    assert found == (pairs and [{"type": kind, "value": value} for kind, value in pairs])


# Links


@pytest.mark.parametrize("member", ["via_device_id", "hub_device_id"])
def test_a_device_is_linked_to_its_hub_wherever_the_hub_stands(member: str) -> None:
    body = a_body(
        an_item(id="a", **{member: "b"}), an_item(id="b"), an_item(id="c", **{member: "b"})
    )

    assert links(body, "via_device") == {"ha-a": "ha-b", "ha-b": None, "ha-c": "ha-b"}


@pytest.mark.parametrize("target", ["a", "gone", "", None, 7, True, ["b"], {"b": "b"}])
def test_a_link_to_itself_or_to_nothing_known_is_left_out(target: Any) -> None:
    body = a_body(an_item(id="a", via_device_id=target, parent_device_id=target), an_item(id="b"))

    assert links(body, "via_device") == {"ha-a": None, "ha-b": None}
    assert links(body, "parent_device") == {"ha-a": None, "ha-b": None}


def test_a_link_to_a_device_that_is_rejected_or_deleted_is_left_out() -> None:
    bad = an_item(id="b", model=[])
    body = a_body(an_item(id="a", via_device_id="b"), bad, an_item(id="c", via_device_id="d"))
    body["device_registry"]["data"]["deleted_devices"] = [an_item(id="d")]

    assert links(body, "via_device") == {"ha-a": None, "ha-c": None}


@pytest.mark.parametrize(
    ("source", "member"), [("via_device_id", "via_device"), ("parent_device_id", "parent_device")]
)
def test_the_last_link_of_a_circle_in_file_order_is_left_out(source: str, member: str) -> None:
    hubs = {"a": "b", "x": "c", "c": "a", "b": "c"}
    body = a_body(*(an_item(id=ha_id, **{source: hub}) for ha_id, hub in hubs.items()))

    assert links(body, member) == {"ha-a": "ha-b", "ha-x": "ha-c", "ha-c": "ha-a", "ha-b": None}


@pytest.mark.parametrize("step", [1, -1])
def test_a_circle_of_very_many_devices_loses_one_link_only(step: int) -> None:
    count = 6_000
    body = a_body(
        *(an_item(id=str(n), via_device_id=str((n + step) % count)) for n in range(count))
    )

    found = links(body, "via_device")

    assert [device for device, hub in found.items() if hub is None] == [f"ha-{count - 1}"]


def test_a_child_device_may_have_a_hub_and_be_one() -> None:
    body = a_body(an_item(id="a", via_device_id="b"))
    body["device_registry"]["data"]["child_devices"] = [an_item(id="b", parent_device_id="a")]

    assert links(body, "via_device") == {"ha-a": "ha-b", "ha-b": None}
    assert links(body, "parent_device") == {"ha-a": None, "ha-b": "ha-a"}


# Types


@pytest.mark.parametrize(
    ("found", "device_type"),
    [
        ([], "unknown"),
        ([an_entity("date.x")], "unknown"),
        ([an_entity("climate.x")], "thermostat"),
        ([an_entity("switch.x"), an_entity("lock.x"), an_entity("light.x")], "lock"),
        ([an_entity("switch.x"), an_entity("lawn_mower.x")], "lawn_mower"),
        ([an_entity("event.x", original_device_class="doorbell")], "doorbell"),
        ([an_entity("binary_sensor.x", original_device_class="moisture")], "leak_sensor"),
        ([an_entity("sensor.x", original_device_class="temperature")], "temperature_sensor"),
        ([an_entity("sensor.x", original_device_class="enum")], "sensor"),
        ([an_entity("binary_sensor.x")], "sensor"),
    ],
)
def test_the_type_is_told_by_the_most_telling_entity(
    found: list[dict[str, Any]], device_type: str
) -> None:
    assert device(an_item(), **entities(*found))["device_type"] == device_type
    assert device(an_item(), **entities(*reversed(found)))["device_type"] == device_type


def test_the_users_device_class_outweighs_the_original_one() -> None:
    entity = an_entity("binary_sensor.x", device_class="door", original_device_class="window")

    assert device(an_item(), **entities(entity))["device_type"] == "door_sensor"


@pytest.mark.parametrize(
    "aside",
    [{"entity_category": "diagnostic"}, {"entity_category": "config"}, {"disabled_by": "user"}],
)
def test_an_entity_beside_the_point_tells_the_type_only_when_it_is_alone(
    aside: dict[str, Any],
) -> None:
    lock, sensor = an_entity("lock.x", **aside), an_entity("sensor.x")

    assert device(an_item(), **entities(lock, sensor))["device_type"] == "sensor"
    assert device(an_item(), **entities(lock))["device_type"] == "lock"


@pytest.mark.parametrize(
    ("found", "device_type"),
    [
        ([], "service"),
        ([an_entity("sensor.x", original_device_class="timestamp")], "service"),
        ([an_entity("switch.x", entity_category="config")], "service"),
        ([an_entity("media_player.x")], "media_player"),
    ],
)
def test_a_service_needs_a_telling_entity_to_be_of_another_type(
    found: list[dict[str, Any]], device_type: str
) -> None:
    service = device(an_item(entry_type="service"), **entities(*found))

    assert (service["entry_type"], service["device_type"]) == ("service", device_type)


@pytest.mark.parametrize("entry_type", [None, "device", "Service", 1, ["service"]])
def test_what_is_no_service_is_a_device(entry_type: Any) -> None:
    assert device(an_item(entry_type=entry_type))["entry_type"] == "device"


# Places


def test_an_area_that_the_files_know_is_named_with_its_floor() -> None:
    areas = _registry("area", areas=[{"id": "hall", "name": " Hall ", "floor_id": "up"}])
    floors = _registry("floor", floors=[{"floor_id": "up", "name": "Upstairs"}])
    item = an_item(area_id="hall")

    assert "attributes" not in device(item)
    assert device(item, area_registry=areas)["attributes"] == {"home_assistant": {"area": "Hall"}}
    assert device(item, area_registry=areas, floor_registry=floors)["attributes"] == {
        "home_assistant": {"area": "Hall", "floor": "Upstairs"}
    }


@pytest.mark.parametrize("area_id", [None, "", "a b", "gone", "hall\n", ["hall"], {}])
@pytest.mark.parametrize("in_home", [True, False])
def test_an_area_that_the_files_do_not_know_is_left_out(area_id: Any, in_home: bool) -> None:
    areas = _registry("area", areas=[{"id": "hall", "name": "Hall"}, {"id": "a b"}])

    found = device(an_item(area_id=area_id), in_home=in_home, area_registry=areas)

    assert not {"area_id", "attributes"} & set(found)


def test_a_device_is_placed_in_an_area_only_in_a_home() -> None:
    areas = _registry("area", areas=[{"id": "_hall", "name": "Hall"}])
    item = an_item(area_id="_hall")

    assert device(item, in_home=True, area_registry=areas)["area_id"] == "ha-_hall"
    assert "area_id" not in device(item, area_registry=areas)


@pytest.mark.parametrize("sibling", [None, {}, {"data": None}, {"data": {"areas": 7}}])
def test_a_sibling_file_that_says_nothing_is_passed_over(sibling: Any) -> None:
    names = ("area_registry", "floor_registry", "label_registry", "entity_registry")
    siblings = dict.fromkeys(names, sibling)

    assert device(an_item(area_id="hall"), in_home=True, **siblings) == device(an_item())
    assert list(read_areas(a_body(**siblings))) == []


# Areas


def areas(*items: Any, floors: Any = ()) -> list[Row]:
    body = a_body(
        area_registry=_registry("area", areas=list(items)),
        floor_registry=_registry("floor", floors=list(floors)),
    )
    return list(read_areas(body))


def area(floors: Any = (), **members: Any) -> dict[str, Any]:
    """The area that a lone item becomes."""
    (row,) = areas({"id": "hall", "name": "Hall"} | members, floors=floors)
    assert isinstance(row, Mapped), row
    return row.fields


def test_an_area_comes_with_its_floor_and_its_other_names() -> None:
    floors = [{"floor_id": "up", "name": " Upstairs ", "level": 1}]

    (row,) = areas(
        {"id": "hall", "name": "Hall", "floor_id": "up", "aliases": ["Lobby", "", 7, "Lobby"]},
        floors=floors,
    )

    assert row == Mapped(
        f"{AREAS}/0",
        "Hall",
        {
            "identifier": "ha-hall",
            "name": "Hall",
            "floor": "Upstairs",
            "level": 1,
            "aliases": ["Lobby", "7"],
        },
    )


def test_the_fixtures_areas_come_in_whole() -> None:
    hall, garden = read_areas(a_home("1_12"))

    assert isinstance(hall, Mapped) and isinstance(garden, Mapped)
    assert hall.fields == {
        "identifier": "ha-hall",
        "name": "Hall",
        "floor": "Ground floor",
        "level": 0,
    }
    assert garden.fields == {"identifier": "ha-garden", "name": "Garden"}


@pytest.mark.parametrize("name", [None, "", " ", ["Hall"], {}])
def test_an_area_without_a_name_is_named_after_its_id(name: Any) -> None:
    assert area(name=name) == {"identifier": "ha-hall", "name": "hall"}


@pytest.mark.parametrize("floor_id", [None, "gone", 7, ["up"], {}])
def test_an_area_of_no_known_floor_has_none(floor_id: Any) -> None:
    floors = [{"floor_id": "up", "name": "Up", "level": 1}, {"floor_id": ["up"]}, {"name": "x"}]

    assert area(floors, floor_id=floor_id) == {"identifier": "ha-hall", "name": "Hall"}


@pytest.mark.parametrize(
    ("level", "kept"), [(-100, True), (1000, True), (-101, False), (1001, False), (1.5, False),
                        ("1", False), (None, False)]
)  # fmt: skip
def test_a_level_is_one_that_the_contract_has(level: Any, kept: bool) -> None:
    found = area([{"floor_id": "up", "name": "Up", "level": level}], floor_id="up")

    assert found.get("level") == (level if kept else None)


def test_texts_of_an_area_are_cut_to_what_the_contract_has() -> None:
    found = area(
        [{"floor_id": "up", "name": "f" * 300}],
        floor_id="up",
        name="n" * 300,
        aliases=[f"{number}" * 300 for number in range(60)],
    )

    NEW_AREA.validate(found | {"home_id": "villa"})
    assert found["name"] == "n" * 199 + "…"
    assert len(found["aliases"]) == 50


@pytest.mark.parametrize("area_id", [None, "", "a b", "hall\n", 7, "a" * 126, ["hall"], {}])
def test_an_area_whose_id_makes_no_identifier_is_rejected(area_id: Any) -> None:
    (row,) = areas({"id": area_id, "name": "Hall"})

    assert isinstance(row, Rejected)
    assert (row.pointer, row.name) == (f"{AREAS}/0/id", "Hall")


def test_the_later_area_of_two_with_one_id_is_rejected() -> None:
    first, second = areas({"id": "hall", "name": "Hall"}, {"id": "hall", "name": "Other"})

    assert isinstance(first, Mapped)
    assert isinstance(second, Rejected)
    assert (second.pointer, second.name) == (f"{AREAS}/1/id", "Other")


# Labels, state, addresses


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        (["guest_wing", "a-b"], ["guest_wing", "a-b"]),
        (["Guest wing!", "guest_wing"], ["guest_wing"]),
        (["Küche", "_x", 7, "", None], ["kuche", "x", "7"]),
        (["l" * 70], ["l" * 64]),
        ([], None),
        (None, None),
    ],
)
def test_labels_become_slugs_each_once(labels: Any, kept: Any) -> None:
    assert device(an_item(labels=labels)).get("labels") == kept


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ("x", ""),
        ([f"l{n}" for n in range(51)], ""),
        (["x", "台所"], "/1"),
        ([[]], "/0"),
        ([True], "/0"),
    ],
)
def test_labels_that_cannot_be_kept_are_rejected_where_they_stand(labels: Any, path: str) -> None:
    assert rejected(an_item(labels=labels)).pointer == f"{DEVICES}/0/labels{path}"


def test_a_disabled_device_says_who_disabled_it() -> None:
    found = device(an_item(disabled_by="integration"))

    assert (found["status"], found["disabled_by"]) == ("disabled", "integration")


@pytest.mark.parametrize("disabled_by", [None, ""])
def test_a_device_that_is_not_disabled_has_the_status_of_any_new_one(disabled_by: Any) -> None:
    assert not {"status", "disabled_by"} & set(device(an_item(disabled_by=disabled_by)))


@pytest.mark.parametrize("url", ["http://192.0.2.1", "https://a/?b#c", "homeassistant://config"])
def test_a_configuration_url_of_the_contracts_form_is_kept(url: str) -> None:
    found = device(an_item(configuration_url=url))

    assert found["configuration_url"] == url
    assert "attributes" not in found


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://192.0.2.1", "ftp://192.0.2.1"),
        ("http://a b", "http://a b"),
        ("http://küche", "http://küche"),
        ("http://", "http://"),
        (5, "5"),
        ("http://" + "x" * 3000, "http://" + "x" * 1016 + "…"),
    ],
)
def test_any_other_configuration_url_is_kept_as_an_attribute(url: Any, text: str) -> None:
    found = device(an_item(configuration_url=url))

    assert "configuration_url" not in found
    assert found["attributes"] == {"home_assistant": {"configuration_url": text}}


def test_a_configuration_url_that_is_no_text_is_rejected() -> None:
    row = rejected(an_item(configuration_url={"href": "http://a"}))

    assert row.pointer == f"{DEVICES}/0/configuration_url"


# Items that are not to come in


@pytest.mark.parametrize("item", [{}, {"id": 7}, {"name_by_user": "Plug"}, {"name": ["x"]}])
def test_a_deleted_device_is_skipped_however_little_is_left_of_it(item: dict[str, Any]) -> None:
    body = a_body()
    body["device_registry"]["data"]["deleted_devices"] = [item]

    pointer = "/device_registry/data/deleted_devices/0"
    expected = Skipped(pointer, item.get("name_by_user"), "deleted in Home Assistant")
    assert rows(body) == [expected]


@pytest.mark.parametrize("section", ["devices", "child_devices", "deleted_devices"])
@pytest.mark.parametrize("item", [None, True, 7, "abc", [], [["abc"]]])
def test_an_item_that_is_no_object_is_rejected(section: str, item: Any) -> None:
    body = a_body()
    body["device_registry"]["data"][section] = [item]

    expected = Rejected(f"/device_registry/data/{section}/0", None, "not an object")
    assert rows(body) == [expected]


# Any input whatever


def _validator(name: str) -> jsonschema_rs.Draft4Validator:
    """``nullable``, which JSON Schema does not know, makes no difference: no null is emitted."""
    schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": COMPONENTS}
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)


CONTRACT = ROOT / "openapi" / "openapi.yaml"
COMPONENTS = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]
NEW_DEVICE, NEW_AREA = _validator("NewDevice"), _validator("NewArea")

_texts = st.text(max_size=8) | st.sampled_from(
    ["", " ", "x\n", "\x00", "x" * 200, "é" * 256, "İ" * 255, "Hall light", "hall", "hue"]
)
_numbers = st.integers() | st.floats(allow_nan=False) | st.sampled_from([10**300, -(10**400)])
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_ids = st.sampled_from(["a", "b", "c", "d", "e", "f.1"])


def _mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of ten, one of any JSON: so that items with many members are often good throughout."""
    return st.integers(0, 9).flatmap(lambda n: _json if n == 9 else usual)


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={k: _mostly(v) for k, v in members.items()})


_short = st.none() | st.sampled_from(["", "Acme", "1.2", " x ", 1.5, 3])
_pairs = st.lists(
    st.lists(st.sampled_from(["hue", "mac", "00:00", "x", 7]), min_size=1, max_size=3)
)
_items = _mostly(
    st.builds(
        lambda ha_id, members: {"id": ha_id} | members,
        _mostly(_ids),
        _objects(
            name=_short,
            name_by_user=_short,
            **dict.fromkeys([*TEXTS, "disabled_by"], _short),
            identifiers=_pairs,
            connections=_pairs,
            labels=st.lists(st.sampled_from(["guest_wing", "Küche", "a b"]), max_size=3),
            area_id=_ids,
            entry_type=st.sampled_from([None, "service"]),
            configuration_url=st.sampled_from([None, "http://a", "http://é", "x" * 3000]),
            via_device_id=_ids,
            hub_device_id=_ids,
            parent_device_id=_ids,
        ),
    )
)
_categories = st.sampled_from([None, "diagnostic", "config"])
_classes = st.sampled_from([None, "motion", "temperature", "doorbell"])
_entities = _objects(
    device_id=_ids,
    entity_id=st.sampled_from(["lock.x", "sensor.x", "binary_sensor.x", "event.x", "x", "."]),
    device_class=_classes,
    original_device_class=_classes,
    entity_category=_categories,
    disabled_by=st.none(),
)
_places = _objects(
    id=_ids,
    floor_id=_ids,
    name=_short,
    level=st.integers(-2, 9),
    aliases=st.lists(_short, max_size=3),
)


def _files(kind: str, member: str, item: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.fixed_dictionaries({member: _mostly(st.lists(item | _json, max_size=6))})
    data = lists | st.dictionaries(_texts, _json, max_size=2)
    key = st.just(f"core.{kind}_registry")
    return st.none() | st.fixed_dictionaries({"key": key, "data": data})


_sections = st.fixed_dictionaries(
    {"devices": st.lists(_items, max_size=8)},
    optional={
        "child_devices": st.lists(_items, max_size=3),
        "deleted_devices": st.lists(_items, max_size=3),
    },
)
_bodies = st.fixed_dictionaries(
    {"device_registry": _sections.map(lambda data: _registry("device", **data))},
    optional={
        "area_registry": _files("area", "areas", _places),
        "floor_registry": _files("floor", "floors", _places),
        "label_registry": _files("label", "labels", _places),
        "entity_registry": _files("entity", "entities", _entities),
    },
)


def _resolve(pointer: str, body: Any) -> Any:
    for token in pointer.split("/")[1:]:
        body = body[int(token) if isinstance(body, list) else token]
    return body


def _item_pointers(body: dict[str, Any]) -> list[str]:
    data = body["device_registry"]["data"]
    return [
        f"/device_registry/data/{section}/{index}"
        for section in ("devices", "child_devices", "deleted_devices")
        for index in range(len(data.get(section, [])))
    ]


def _leads_to_itself(start: str, target_of: dict[str, str]) -> bool:
    seen = {start}
    while start in target_of:
        start = target_of[start]
        if start in seen:
            return True
        seen.add(start)
    return False


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_bodies)
def test_any_input_gives_one_row_for_each_item_in_order(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)

    found = rows(body)

    pointers = _item_pointers(body)
    assert len(found) == len(pointers)
    for row, pointer in zip(found, pointers, strict=True):
        assert row.pointer == pointer or (
            isinstance(row, Rejected) and row.pointer.startswith(f"{pointer}/")
        )
        _resolve(row.pointer, body)
    assert rows(body) == found
    assert body == before


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_bodies, st.booleans())
def test_any_input_gives_devices_of_the_contract_with_links_that_hold(
    body: dict[str, Any], in_home: bool
) -> None:
    found = [row.fields for row in rows(body, in_home=in_home) if isinstance(row, Mapped)]

    identifiers = {device["identifier"] for device in found}
    assert len(identifiers) == len(found)
    for device in found:
        NEW_DEVICE.validate(device)
        assert None not in device.values()
        assert len(json.dumps(device.get("attributes", {}))) < 20_000
    for member in ("via_device", "parent_device"):
        target_of = {d["identifier"]: d[member] for d in found if member in d}
        assert set(target_of.values()) <= identifiers
        assert not any(_leads_to_itself(start, target_of) for start in target_of)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_bodies)
def test_any_input_gives_areas_of_the_contract_that_hold_the_devices(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)

    found = [row.fields for row in read_areas(body) if isinstance(row, Mapped)]
    devices = [row.fields for row in rows(body, in_home=True) if isinstance(row, Mapped)]

    identifiers = {area["identifier"] for area in found}
    assert len(identifiers) == len(found)
    assert {device["area_id"] for device in devices if "area_id" in device} <= identifiers
    for area in found:
        NEW_AREA.validate(area | {"home_id": "villa"})
    assert body == before
