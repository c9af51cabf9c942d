"""What has to hold between resources: each rule, what it says, and where."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inventory.domain.errors import (
    AttributesDoNotFit,
    AttributesTooLarge,
    InventoryError,
    NotYours,
    ReferenceCycle,
    ReferencesDisagree,
    ResourceNotFound,
    SchemaFault,
    StillInUse,
    TooManyDevices,
    TooManyItems,
    UnknownReference,
)
from inventory.domain.kinds import AREAS, CUSTOMERS, DEVICE_TYPES, DEVICES, HOMES, Kind
from inventory.domain.rules import LONGEST_CHAIN
from inventory.problems import problem_of

WATTS = {"type": "object", "properties": {"watts": {"type": "integer"}}, "required": ["watts"]}


def refused(
    error: type[InventoryError], act: Callable[..., Any], *arguments: Any, **fields: Any
) -> InventoryError:
    """The refusal of the act."""
    with pytest.raises(error) as told:
        act(*arguments, **fields)
    assert type(told.value) is error
    return told.value


def pointers(error: InventoryError) -> list[str]:
    return [at for at, _ in error.places]


@pytest.fixture
def two(admin: Any) -> Any:
    """Somebody who is bound to no customer, where two customers have a home with an area each."""
    for customer, home, area in (("acme", "villa", "hall"), ("other", "barn", "loft")):
        admin.customer(customer)
        admin.home(home, customer)
        admin.area(area, home)
    return admin


# References


@pytest.mark.parametrize(
    ("member", "noun"),
    [
        ("customer_id", "customer"),
        ("home_id", "home"),
        ("area_id", "area"),
        ("via_device", "device"),
        ("parent_device", "device"),
    ],
)
def test_a_device_refers_to_what_there_is(admin: Any, member: str, noun: str) -> None:
    told = refused(UnknownReference, admin.device, **{member: "gone"})

    assert pointers(told) == [f"/{member}"]
    assert str(told) == f"There is no {noun} gone."


def test_a_home_and_an_area_refer_to_what_there_is(admin: Any) -> None:
    assert pointers(refused(UnknownReference, admin.home, customer="gone")) == ["/customer_id"]
    assert pointers(refused(UnknownReference, admin.area, home="gone")) == ["/home_id"]


def test_what_a_device_refers_to_is_looked_at_when_it_changes_too(two: Any) -> None:
    two.device()

    told = refused(UnknownReference, two.patch, DEVICES, "lamp", area_id="gone")

    assert pointers(told) == ["/area_id"]


def test_a_devices_home_and_customer_follow_from_its_area(two: Any) -> None:
    document = two.device(area_id="hall").document()

    assert (document["home_id"], document["customer_id"]) == ("villa", "acme")
    assert two.device("plug", home_id="barn").document()["customer_id"] == "other"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"customer_id": "other", "home_id": "villa"}, "/home_id"),
        ({"customer_id": "other", "area_id": "hall"}, "/home_id"),
        ({"home_id": "barn", "area_id": "hall"}, "/area_id"),
        ({"customer_id": "acme", "home_id": "villa", "area_id": "loft"}, "/area_id"),
    ],
)
def test_a_devices_customer_home_and_area_belong_together(
    two: Any, fields: dict[str, str], pointer: str
) -> None:
    told = refused(ReferencesDisagree, two.device, **fields)

    assert pointers(told) == [pointer]


def test_a_device_that_moves_out_of_its_areas_home_leaves_the_area(two: Any) -> None:
    two.device(area_id="hall")
    there = {"customer_id": "other", "home_id": "barn"}

    refused(ReferencesDisagree, two.patch, DEVICES, "lamp", **there)
    moved = two.patch(DEVICES, "lamp", **there, area_id=None).document()

    assert (moved["home_id"], moved.get("area_id")) == ("barn", None)


def test_a_parent_may_be_reached_by_its_child(admin: Any) -> None:
    admin.device("a")
    admin.device("b", parent_device="a")

    assert admin.patch(DEVICES, "a", via_device="b").document()["via_device"] == "b"


def test_chains_end_somewhere(admin: Any) -> None:
    admin.device("d0")
    for number in range(1, LONGEST_CHAIN + 1):
        admin.device(f"d{number}", via_device=f"d{number - 1}")

    told = refused(ReferenceCycle, admin.device, "last", via_device=f"d{LONGEST_CHAIN}")

    assert pointers(told) == ["/via_device"]


# How many


def test_a_customer_has_no_more_devices_than_it_may(admin: Any) -> None:
    admin.customer(max_devices=2)
    admin.device("a", customer_id="acme")
    admin.device("b")
    admin.patch(DEVICES, "b", customer_id="acme")

    refused(TooManyDevices, admin.device, "c", customer_id="acme")
    admin.device("c")
    told = refused(TooManyDevices, admin.patch, DEVICES, "c", customer_id="acme")

    assert str(told) == "The customer acme has 2 devices, and may have no more."
    assert admin.patch(DEVICES, "a", name="New").revision == 2
    admin.delete(DEVICES, "a")
    assert admin.patch(DEVICES, "c", customer_id="acme").revision == 2


def test_a_restored_device_counts(admin: Any) -> None:
    admin.customer(max_devices=1)
    admin.device("a", customer_id="acme")
    admin.delete(DEVICES, "a")
    admin.device("b", customer_id="acme")

    refused(TooManyDevices, admin.restore, "a")


def test_a_customer_may_have_no_devices_at_all(admin: Any) -> None:
    admin.customer(max_devices=0)

    refused(TooManyDevices, admin.device, customer_id="acme")


def test_a_limit_below_what_there_is_takes_nothing_away(admin: Any) -> None:
    admin.customer()
    admin.device("a", customer_id="acme")

    admin.patch(CUSTOMERS, "acme", max_devices=0)

    assert admin.patch(DEVICES, "a", name="New").revision == 2


# Deletion


@pytest.mark.parametrize(
    ("kind", "identifier", "fields", "users"),
    [
        (CUSTOMERS, "acme", {"customer_id": "acme"}, "devices"),
        (CUSTOMERS, "acme", {}, "homes"),
        (HOMES, "villa", {"home_id": "villa"}, "devices"),
        (HOMES, "villa", {"area_id": "hall"}, "devices"),
        (DEVICE_TYPES, "light", {}, "devices"),
    ],
)
def test_what_others_refer_to_is_not_deleted(
    two: Any, kind: Kind, identifier: str, fields: dict[str, str], users: str
) -> None:
    two.device_type()
    two.device(**fields)

    told = refused(StillInUse, two.delete, kind, identifier)

    assert str(told) == f"The {kind.noun} {identifier} still has {users}."
    assert two.document(identifier, kind)["revision"] == 1


def test_what_nobody_refers_to_is_deleted(admin: Any) -> None:
    admin.customer()
    admin.home()
    admin.device_type()

    for kind, identifier in ((HOMES, "villa"), (CUSTOMERS, "acme"), (DEVICE_TYPES, "light")):
        admin.delete(kind, identifier)

        refused(ResourceNotFound, admin.document, identifier, kind)


def test_a_home_that_is_in_use_stays_with_its_customer(two: Any) -> None:
    told = refused(StillInUse, two.patch, HOMES, "villa", customer_id="other")
    assert str(told) == "The home villa still has areas."

    two.device(area_id="hall")
    told = refused(StillInUse, two.patch, HOMES, "villa", customer_id="other")
    assert str(told) == "The home villa still has devices."


def test_an_empty_home_changes_hands(two: Any) -> None:
    two.delete(AREAS, "hall")

    assert two.patch(HOMES, "villa", customer_id="other").revision == 2


def test_an_area_that_is_in_use_stays_in_its_home(two: Any) -> None:
    two.device(area_id="hall")

    told = refused(StillInUse, two.patch, AREAS, "hall", home_id="barn")

    assert str(told) == "The area hall still has devices."
    assert two.patch(AREAS, "loft", home_id="villa").revision == 2


# Attributes


def test_attributes_are_as_the_devices_type_demands(admin: Any) -> None:
    admin.device_type(attribute_schema=WATTS)

    told = refused(AttributesDoNotFit, admin.device, attributes={"watts": "many"})

    assert pointers(told) == ["/attributes/watts"]
    assert str(told) == "The attributes are not as the device type light demands."
    assert admin.device(attributes={"watts": 7}).revision == 1


def test_a_device_without_attributes_has_an_empty_object_of_them(admin: Any) -> None:
    admin.device_type(attribute_schema=WATTS)

    told = refused(AttributesDoNotFit, admin.device)

    assert pointers(told) == ["/attributes"]


def test_a_device_of_a_type_that_nobody_described_may_have_any_attributes(admin: Any) -> None:
    admin.device_type("lock")

    assert admin.device(attributes={"watts": "many"}).revision == 1
    assert admin.device("door", device_type="lock", attributes={"watts": "many"}).revision == 1


def test_attributes_are_judged_when_they_or_the_type_change(admin: Any) -> None:
    admin.device(attributes={"watts": "many"})
    admin.device_type(attribute_schema=WATTS)

    assert admin.patch(DEVICES, "lamp", name="New").revision == 2
    refused(AttributesDoNotFit, admin.patch, DEVICES, "lamp", attributes={"a": 1})
    admin.device("door", device_type="lock")
    refused(AttributesDoNotFit, admin.patch, DEVICES, "door", device_type="light")


def test_a_schema_that_changes_is_the_one_that_judges(admin: Any) -> None:
    admin.device_type(attribute_schema=WATTS)
    refused(AttributesDoNotFit, admin.device)

    admin.patch(DEVICE_TYPES, "light", attribute_schema={"required": None})

    assert admin.device().revision == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no type"},
        {"required": "watts"},
        {"properties": {"a": {"minimum": "1"}}},
        {"pattern": "("},
        {"$ref": "#/definitions/gone"},
        {"properties": {"a": {"pattern": "a{1000}{1000}{1000}"}}},
    ],
)
def test_a_schema_that_is_none_is_refused(admin: Any, schema: dict[str, Any]) -> None:
    told = refused(SchemaFault, admin.device_type, attribute_schema=schema)

    assert pointers(told) == ["/attribute_schema"]
    assert str(told).startswith("attribute_schema is no JSON Schema (Draft 4): ")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"maximum": 9}}},
        {"allOf": [{"$ref": "#/definitions/d1"}, {"$ref": "#/definitions/d1"}]},
        {"description": "a" * 20_000},
    ],
)
def test_a_schema_that_could_take_long_is_refused(admin: Any, schema: Any) -> None:
    refused(SchemaFault, admin.device_type, attribute_schema=schema)


@pytest.fixture
def a_server() -> Iterator[socket.socket]:
    """Somebody who listens, and whom nobody may ask."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def url_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"


def was_left_alone(server: socket.socket) -> bool:
    with pytest.raises(BlockingIOError):
        server.accept()
    return True


@pytest.mark.parametrize(
    "around",
    [
        lambda url: {"$ref": url},
        lambda url: {"properties": {"a": {"$ref": f"{url}#/definitions/x"}}},
        lambda url: {"id": url, "properties": {"a": {"$ref": "other.json"}}},
    ],
    ids=["whole", "part", "relative"],
)
def test_nothing_is_fetched_for_a_schema(
    admin: Any, a_server: socket.socket, around: Callable[[str], dict[str, Any]]
) -> None:
    schema = around(url_of(a_server))

    told = refused(SchemaFault, admin.device_type, attribute_schema=schema)

    assert pointers(told) == ["/attribute_schema"]
    assert was_left_alone(a_server)


def test_whatever_dialect_a_schema_names_it_is_judged_as_draft_4(
    admin: Any, a_server: socket.socket
) -> None:
    admin.device_type(attribute_schema=WATTS | {"$schema": url_of(a_server)})

    refused(AttributesDoNotFit, admin.device)
    assert was_left_alone(a_server)


def test_no_file_is_read_for_a_schema(admin: Any, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"type": "string"}))

    for ref in (file.as_uri(), str(file), f"{file.as_uri()}#/type"):
        refused(SchemaFault, admin.device_type, attribute_schema={"$ref": ref})


def test_a_pattern_takes_linear_time(admin: Any) -> None:
    admin.device_type(attribute_schema={"properties": {"a": {"pattern": "^(a+)+$"}}})

    told = refused(AttributesDoNotFit, admin.device, attributes={"a": "a" * 30_000 + "b"})

    assert pointers(told) == ["/attributes/a"]


def test_attributes_and_lists_have_their_bounds(admin: Any) -> None:
    admin.device(labels=[f"l{n}" for n in range(50)])

    told = refused(TooManyItems, admin.patch, DEVICES, "lamp", labels=[f"l{n}" for n in range(51)])
    assert pointers(told) == ["/labels"]
    told = refused(AttributesTooLarge, admin.patch, DEVICES, "lamp", attributes={"a": "x" * 40_000})
    assert pointers(told) == ["/attributes"]


# Callers that are bound to a customer


def test_what_a_bound_caller_creates_is_its_customers(two: Any, a_caller: Any) -> None:
    acme = a_caller("acme")

    assert acme.device().document()["customer_id"] == "acme"
    home = acme.create(HOMES, identifier="shed", name="Shed").document()
    assert home["customer_id"] == "acme"
    assert acme.put(DEVICES, "lamp", name="New", device_type="light")[0].document()[
        "customer_id"
    ] == "acme"  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"customer_id": "other"}, "/customer_id"),
        ({"customer_id": "gone"}, "/customer_id"),
        ({"home_id": "barn"}, "/home_id"),
        ({"area_id": "loft"}, "/area_id"),
        ({"via_device": "theirs"}, "/via_device"),
        ({"parent_device": "nobodys"}, "/parent_device"),
    ],
)
def test_what_is_not_a_bound_callers_is_unknown_to_it(
    two: Any, a_caller: Any, fields: dict[str, str], pointer: str
) -> None:
    two.device("theirs", customer_id="other")
    two.device("nobodys")
    acme = a_caller("acme")
    acme.device("mine")

    created = refused(UnknownReference, acme.device, **fields)
    patched = refused(UnknownReference, acme.patch, DEVICES, "mine", **fields)

    assert pointers(created) == pointers(patched) == [pointer]
    assert str(created).startswith("There is no ")


def test_a_bound_caller_gives_nothing_away(two: Any, a_caller: Any) -> None:
    acme = a_caller("acme")
    acme.home("shed")

    told = refused(UnknownReference, acme.patch, HOMES, "shed", customer_id="other")
    assert pointers(told) == ["/customer_id"]
    told = refused(UnknownReference, acme.patch, AREAS, "hall", home_id="barn")
    assert pointers(told) == ["/home_id"]


def test_a_bound_caller_changes_what_its_own_customer_is_called(two: Any, a_caller: Any) -> None:
    acme = a_caller("acme")

    assert acme.patch(CUSTOMERS, "acme", name="ACME").document()["name"] == "ACME"


def test_a_bound_caller_does_not_change_what_is_everybodys(two: Any, a_caller: Any) -> None:
    two.device_type()
    acme = a_caller("acme")

    for act in (
        lambda: acme.customer("third"),
        lambda: acme.put(CUSTOMERS, "third", name="Third"),
        lambda: acme.put(CUSTOMERS, "other", name="Third"),  # which is there, as nobody is to know
        lambda: acme.patch(CUSTOMERS, "acme", max_devices=1000),
        lambda: acme.delete(CUSTOMERS, "acme"),
        lambda: acme.device_type("lock"),
        lambda: acme.patch(DEVICE_TYPES, "light", title="Glow"),
        lambda: acme.delete(DEVICE_TYPES, "light"),
    ):
        told = refused(NotYours, act)
        assert str(told).startswith("A credential of the customer acme alone cannot change ")
        assert "WWW-Authenticate" in problem_of(told).headers  # as of every 403
