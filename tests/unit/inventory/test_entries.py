"""What each resource is found by."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.domain import resource
from inventory.domain.entries import device_keys, entry_of, tenant_of, words
from inventory.domain.kinds import AREAS, CUSTOMERS, DEVICES, HOMES, KINDS, Kind
from inventory.domain.store import Entry

NOW = "2026-05-01T10:00:00.000000Z"


def a_document(kind: Kind = DEVICES, **fields: Any) -> resource.Document:
    return resource.create(kind, {"name": "Lamp"} | fields, identifier="a-1", uid="u", now=NOW)


def an_entry(kind: Kind = DEVICES, **fields: Any) -> Entry:
    return entry_of(kind, a_document(kind, **fields))


def test_an_entry_is_of_its_document() -> None:
    document = a_document(customer_id="acme")

    entry = entry_of(DEVICES, document)

    assert (entry.stored, entry.uid) == (resource.store_form(document), "u")
    assert entry.tenant == "acme"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_column_has_a_text_and_what_is_not_set_an_empty_one(kind: Kind) -> None:
    bare = entry_of(kind, resource.create(kind, {}, identifier="a", uid="u", now=NOW))
    stamped = {name: NOW for name in ("created_at", "updated_at") if name in kind.columns}

    assert bare.columns == {
        name: kind.defaults.get(name, stamped.get(name, "")) for name in kind.columns
    }


def test_columns_are_the_texts_of_members() -> None:
    columns = an_entry(device_type="light", home_id="villa").columns

    assert (columns["name"], columns["device_type"]) == ("Lamp", "light")
    assert (columns["home_id"], columns["status"]) == ("villa", "active")


@pytest.mark.parametrize(
    ("kind", "fields", "tenant"),
    [
        (DEVICES, {"customer_id": "acme"}, "acme"),
        (DEVICES, {}, ""),
        (DEVICES, {"customer_id": None}, ""),
        (HOMES, {"customer_id": "acme"}, "acme"),
        (CUSTOMERS, {"identifier": "acme"}, "acme"),
        (AREAS, {"home_id": "villa"}, ""),
    ],
)
def test_a_resource_is_its_customers(kind: Kind, fields: dict[str, Any], tenant: str) -> None:
    assert tenant_of(kind, fields) == tenant


def test_whose_an_area_is_has_to_be_said() -> None:
    assert entry_of(AREAS, a_document(AREAS, home_id="villa"), "acme").tenant == "acme"


def test_a_device_is_looked_up_by_what_it_has_in_lists_and_by_its_serial_number() -> None:
    keys = device_keys(
        {
            "labels": ["attic", "spare"],
            "connections": [{"type": "mac", "value": "aa:bb"}],
            "identifiers": [{"domain": "hue", "value": "x:1"}],
            "external_refs": [{"system": "home_assistant", "id": "7"}],
            "manufacturer": "ACME",
            "serial_number": "Sn-1",
        }
    )

    assert set(keys) == {
        "label:attic",
        "label:spare",
        "connection:mac:aa:bb",
        "identifier:hue:x:1",
        "external_ref:home_assistant:7",
        "serial_number:acme:sn-1",
    }


@pytest.mark.parametrize("member", ["manufacturer", "serial_number"])
def test_a_serial_number_is_one_makers(member: str) -> None:
    assert list(device_keys({member: "x"})) == []


def test_only_devices_have_keys() -> None:
    document = resource.create(HOMES, {"name": "x"}, identifier="a", uid="u", now=NOW)

    assert entry_of(HOMES, document | {"labels": ["attic"]}).keys == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hall light", ["hall", "light"]),
        ("  ÉTAGE-2: Küche ", ["étage", "2", "küche"]),
        ("Straße", ["strasse"]),
        ("\uff28\uff41ll \ufb01lter", ["hall", "filter"]),
        ("小米 🏠", ["小米"]),
        ("a_b", ["a_b"]),
        ("- / %", []),
        ("", []),
    ],
)
def test_words_have_neither_case_nor_compatibility_forms(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_words_are_those_of_the_texts_that_people_look_for_each_once() -> None:
    entry = an_entry(
        name="Hall lamp",
        manufacturer="Acme",
        model="Lamp 2",
        serial_number="SN/7",
        identifiers=[{"domain": "hue", "value": "x:y"}],
        labels=["attic"],
    )

    assert entry.words == " a 1 hall lamp acme 2 sn 7 x y "


def test_a_device_types_words_are_its_titles() -> None:
    kind = KINDS["device_types"]
    document = resource.create(kind, {"title": "Light"}, identifier="glow", uid="u", now=NOW)

    assert " light " in entry_of(kind, document).words
