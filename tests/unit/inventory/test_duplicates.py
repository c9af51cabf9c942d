"""Duplicates: values that several devices of one customer have, and that say something."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.duplicates import PREFIXES, find_duplicates


def mac(value: str) -> dict[str, Any]:
    return {"connections": [{"type": "mac", "value": value}]}


def found(
    admin: Any, *kinds: str, tenant: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = find_duplicates(admin.store, tenant, kinds or tuple(PREFIXES), after, limit)
        items += page.items
        after = page.last
        if not after:
            return items


def test_devices_that_share_an_address_a_serial_number_or_an_identifier(admin: Any) -> None:
    admin.device("a", **mac("001122334455"), serial_number="S1", manufacturer="Acme")
    admin.device("b", **mac("00:11:22:33:44:55"), identifiers=[{"domain": "hue", "value": "7"}])
    admin.device("c", serial_number="s1", manufacturer="ACME",
                 identifiers=[{"domain": "hue", "value": "7"}])  # fmt: skip

    assert found(admin, "mac") == [
        {"by": "mac", "value": "00:11:22:33:44:55", "devices": ["a", "b"]}
    ]
    assert found(admin, "serial_number") == [
        {"by": "serial_number", "value": "acme:s1", "devices": ["a", "c"]}
    ]
    assert found(admin, "identifier") == [
        {"by": "identifier", "value": "hue:7", "devices": ["b", "c"]}
    ]
    assert len(found(admin)) == 3


@pytest.mark.parametrize("serial", ["0", "000-000", "unknown", "N/A", "None", "--"])
def test_a_serial_number_that_says_nothing_makes_no_duplicates(admin: Any, serial: str) -> None:
    admin.device("a", serial_number=serial, manufacturer="Acme")
    admin.device("b", serial_number=serial, manufacturer="Acme")

    assert found(admin) == []


@pytest.mark.parametrize("address", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"])
def test_an_address_that_is_none_makes_no_duplicates(admin: Any, address: str) -> None:
    admin.device("a", **mac(address))
    admin.device("b", **mac(address))

    assert found(admin) == []


def test_devices_of_different_customers_are_different(admin: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("a", **mac("001122334455"), customer_id="acme")
    admin.device("b", **mac("001122334455"), customer_id="other")
    admin.device("c", **mac("001122334455"))

    assert found(admin) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_no_value_is_lost_or_told_twice_between_pages(admin: Any, limit: int) -> None:
    for customer in ("acme", "bravo", "corp"):
        admin.customer(customer)
    for number in range(4):
        for customer in ("acme", "bravo", "corp"):
            for twin in ("x", "y"):
                admin.device(
                    f"{customer}-{number}-{twin}",
                    customer_id=customer,
                    **mac(f"00112233440{number}"),
                )

    told = [(item["value"], item["customer_id"]) for item in found(admin, limit=limit)]

    assert len(told) == len(set(told)) == 12


def test_a_customers_principal_sees_its_own_alone(admin: Any) -> None:
    admin.customer("acme")
    admin.device("a", **mac("001122334455"), customer_id="acme")
    admin.device("b", **mac("001122334455"), customer_id="acme")
    admin.device("c", **mac("001122334466"))
    admin.device("d", **mac("001122334466"))

    assert [item["devices"] for item in found(admin, tenant="acme")] == [["a", "b"]]
