"""The device types that an inventory knows from its first start."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inventory.app import load_vocabulary
from inventory.domain.home_assistant import device_type
from inventory.domain.kinds import DEVICE_TYPES
from inventory.domain.store import Query
from inventory.vocabulary import DEVICE_TYPES_AT_FIRST

KNOWN = {fields["identifier"]: fields for fields in DEVICE_TYPES_AT_FIRST}


def test_every_type_is_described_once() -> None:
    assert len(KNOWN) == len(DEVICE_TYPES_AT_FIRST)
    assert len({fields["title"] for fields in DEVICE_TYPES_AT_FIRST}) == len(KNOWN)


def test_types_are_written_as_the_contract_has_them() -> None:
    assert all(re.fullmatch("[a-z][a-z0-9_]{0,63}", identifier) for identifier in KNOWN)
    assert all(0 < len(fields["title"]) <= 200 for fields in DEVICE_TYPES_AT_FIRST)


def test_codes_are_of_sixteen_bits() -> None:
    codes = [fields["matter_device_type"] for fields in DEVICE_TYPES_AT_FIRST]

    assert all(code is None or 0 <= code <= 65535 for code in codes)
    assert any(codes)


@pytest.mark.parametrize("entry_type", ["device", "service"])
def test_whatever_an_import_calls_a_device_is_in_the_vocabulary(entry_type: str) -> None:
    ranks = [None, *range(2 * len(device_type._TABLE))]

    given = {device_type.device_type(rank, entry_type) for rank in ranks}

    assert len(given) > 20
    assert given <= KNOWN.keys()


def test_an_inventory_begins_with_the_vocabulary(admin: Any) -> None:
    load_vocabulary(admin.store, admin.sources)

    assert admin.reading.count(DEVICE_TYPES, Query()) == len(KNOWN)
    light = admin.document("light", DEVICE_TYPES)
    assert (light["title"], light["matter_device_type"]) == ("Light", 0x0100)
    assert {change.principal for change in admin.changes} == {"doorstep"}


def test_the_vocabulary_is_loaded_once(admin: Any) -> None:
    load_vocabulary(admin.store, admin.sources)
    for identifier in KNOWN:
        admin.delete(DEVICE_TYPES, identifier)

    load_vocabulary(admin.store, admin.sources)

    assert admin.reading.count(DEVICE_TYPES, Query()) == 0


def test_who_has_types_already_keeps_them(admin: Any) -> None:
    admin.device_type("light", title="Glow")

    load_vocabulary(admin.store, admin.sources)

    assert admin.reading.count(DEVICE_TYPES, Query()) == 1
