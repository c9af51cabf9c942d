"""Imports of devices: rows that are applied, rows that are rejected, and what stays of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inventory.device_bodies import DeviceBodies
from inventory.device_imports import Importing, checked_rows, import_now
from inventory.domain.errors import KeyReused, ResourceNotFound, UnusableFile
from inventory.idempotency import Once
from openapi import CONTRACT
from openapi.document import load_document

BODIES = DeviceBodies(load_document(CONTRACT).content)
CSV, NDJSON = "text/csv", "application/x-ndjson"
Report = dict[str, Any]


def import_(
    who: Any,
    content: str,
    media_type: str = NDJSON,
    mode: str = "upsert",
    dry_run: bool = False,
    once: Once | None = None,
) -> Report:
    importing = Importing(who.caller, who.sources, BODIES, mode)
    found = checked_rows(importing, media_type, [content.encode()])
    answer = import_now(who.store, importing, found, dry_run=dry_run, once=once)
    return json.loads(answer.body)  # type: ignore[no-any-return]


def rows(*fields: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, fields))


def a_row(identifier: str = "lamp", **fields: Any) -> dict[str, Any]:
    return {"identifier": identifier, "name": "Lamp", "device_type": "light"} | fields


def counts(report: Report) -> tuple[int, int, int, int]:
    said = report["counts"]
    return said["created"], said["updated"], said["unchanged"], said["rejected"]


def test_a_second_import_changes_nothing(admin: Any) -> None:
    content = rows(a_row("a"), a_row("b", labels=["x"]))

    assert counts(import_(admin, content)) == (2, 0, 0, 0)
    changes = len(admin.changes)
    assert counts(import_(admin, content)) == (0, 0, 2, 0)
    assert len(admin.changes) == changes


def test_a_row_changes_the_fields_that_it_has_and_a_null_unsets(admin: Any) -> None:
    admin.device("lamp", model="M", sw_version="1", labels=["kept"])

    report = import_(admin, rows(a_row("lamp", sw_version="2", model=None)))

    assert counts(report) == (0, 1, 0, 0)
    lamp = admin.document()
    assert (lamp["sw_version"], lamp["labels"], "model" in lamp) == ("2", ["kept"], False)


def test_a_row_need_not_repeat_what_a_device_has_already(admin: Any) -> None:
    admin.device("lamp", name="Lamp", model="M")
    content = "identifier,sw_version,model,revision\r\nlamp,2,,7\r\nnew,2,,7\r\n,2,,7\r\n"

    report = import_(admin, content, CSV)

    assert counts(report) == (0, 1, 0, 2)
    lamp = admin.document()
    assert (lamp["name"], lamp["sw_version"], lamp["model"]) == ("Lamp", "2", "M")
    assert [(row["row"], row["column"]) for row in report["rows"]] == [(2, "name"), (3, "name")]
    assert report["rows"][0]["reason"] == "is required, as there is no such device yet"


def test_what_a_row_changes_is_held_to_the_contract(admin: Any) -> None:
    admin.device("lamp")

    report = import_(admin, rows({"identifier": "lamp", "status": "lost"}))

    assert [row["column"] for row in report["rows"]] == ["status"]


def test_create_takes_whole_devices_alone(admin: Any) -> None:
    admin.device("lamp")

    report = import_(admin, rows({"identifier": "lamp", "sw_version": "2"}), mode="create")

    assert [(row["column"], row["reason"]) for row in report["rows"]] == [("name", "is required")]


@pytest.mark.parametrize("separator", [",", ";", ", "])
def test_labels_that_are_separated_otherwise_are_told_how(admin: Any, separator: str) -> None:
    content = f'identifier,name,device_type,labels\r\na,A,light,"one{separator}two"\r\n'

    report = import_(admin, content, CSV)

    assert [(row["column"], row["reason"]) for row in report["rows"]] == [
        ("labels", "labels are separated by spaces")
    ]


def test_create_rejects_what_exists(admin: Any) -> None:
    admin.device("lamp")

    report = import_(admin, rows(a_row("lamp"), a_row("new")), mode="create")

    assert counts(report) == (1, 0, 0, 1)
    assert report["rows"] == [
        {"row": 1, "identifier": "lamp", "column": "identifier", "result": "rejected",
         "reason": "The device identifier lamp is taken."}
    ]  # fmt: skip


def test_a_row_that_is_not_valid_says_its_column_and_the_others_are_applied(admin: Any) -> None:
    content = (
        "identifier,name,device_type,labels,home_id\r\n"
        "a,A,light,,\r\n"
        "b,,light,,\r\n"
        "c,C,Bad Type,,\r\n"
        "=1+1,D,light,,\r\n"
        "e,E,light,,nowhere\r\n"
        "f,F\r\n"
        ",G,light,,\r\n"
    )

    report = import_(admin, content, CSV)

    assert counts(report) == (2, 0, 0, 5)
    told = [(row["row"], row.get("identifier"), row.get("column")) for row in report["rows"]]
    assert told == [
        (2, "b", "name"),
        (3, "c", "device_type"),
        (4, None, "identifier"),
        (5, "e", "home_id"),
        (6, None, None),
    ]


def test_devices_may_stand_before_what_they_are_connected_by(admin: Any) -> None:
    chain = [a_row(f"d{n:04}", via_device=f"d{n + 1:04}") for n in range(60)]
    # More than one piece of work lies between the two.
    content = rows(*chain, *(a_row(f"x{n}") for n in range(600)), a_row("d0060"))

    assert counts(import_(admin, content)) == (661, 0, 0, 0)
    assert admin.document("d0000")["via_device"] == "d0001"


def test_a_device_that_nothing_brings_is_told_of(admin: Any) -> None:
    report = import_(admin, rows(a_row("a", via_device="nobody"), a_row("b", via_device="b")))

    assert counts(report) == (0, 0, 0, 2)
    assert [row["column"] for row in report["rows"]] == ["via_device", "via_device"]


def test_a_dry_run_tells_the_same_and_changes_nothing(admin: Any) -> None:
    admin.customer("acme", max_devices=3)
    admin.device("old", customer_id="acme")
    admin.device("same")
    content = rows(
        a_row("a", via_device="b", customer_id="acme"),
        a_row("b", customer_id="acme"),
        a_row("c", customer_id="acme"),
        a_row("a", name="Twice", customer_id="acme"),
        a_row("old", name="New", customer_id=None),
        a_row("d", customer_id="acme"),
        a_row("same", name="Hall light"),
        a_row("e", name=""),
    )
    before = admin.changes

    dry = import_(admin, content, dry_run=True)

    assert admin.changes == before
    with pytest.raises(ResourceNotFound):
        admin.document("a")
    real = import_(admin, content)
    assert counts(real) == counts(dry)
    assert dry["rows"] == real["rows"]
    assert (dry["dry_run"], real["dry_run"]) == (True, False)


def test_of_a_thousand_and_more_rejected_rows_the_first_thousand_are_told(admin: Any) -> None:
    report = import_(admin, rows(*(a_row(f"d{n}", name="") for n in range(1100))))

    assert counts(report) == (0, 0, 0, 1100)
    assert [row["row"] for row in report["rows"]] == list(range(1, 1001))


def test_a_header_that_cannot_be_read_is_told_of_before_anything_is_done(admin: Any) -> None:
    with pytest.raises(UnusableFile, match="colour"):
        import_(admin, "identifier,colour\na,red\n", CSV)


def test_a_customers_principal_imports_for_its_customer_alone(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("theirs", customer_id="other")

    report = import_(a_caller("acme"), rows(a_row("mine"), a_row("theirs"),
                                            a_row("new", customer_id="other")))  # fmt: skip

    assert counts(report) == (1, 0, 0, 2)
    assert admin.document("mine")["customer_id"] == "acme"
    assert admin.document("theirs")["name"] == "Hall light"


def test_the_same_request_again_gets_the_same_answer(admin: Any) -> None:
    content, once = rows(a_row("a"), a_row("b")), Once("me", "key", "print")

    first = import_(admin, content, once=once)
    again = import_(admin, content, once=once)

    assert first == again
    assert counts(again) == (2, 0, 0, 0)
    with pytest.raises(KeyReused):
        import_(admin, content, once=Once("me", "key", "other"))


def test_a_row_waits_for_its_hub_to_move_to_its_customer(admin: Any) -> None:
    admin.customer("acme")
    admin.device("hub")

    content = rows(a_row("bulb", customer_id="acme", via_device="hub"),
                   a_row("hub", customer_id="acme"))  # fmt: skip

    assert counts(import_(admin, content)) == (1, 1, 0, 0)


def test_a_device_cannot_leave_its_hub_behind_at_another_customer(admin: Any) -> None:
    admin.customer("acme")
    admin.device("hub")
    admin.device("bulb", via_device="hub")

    report = import_(admin, rows(a_row("bulb", customer_id="acme")))

    assert [row["column"] for row in report["rows"]] == ["via_device"]
