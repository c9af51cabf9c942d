"""What the mock makes of a contract: kinds, records, lists, samples, and declared answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.contract import Contract
from contracts.mock import conditions, listing, records
from contracts.mock.app import create_app
from contracts.mock.declared import Declared, NotAcceptable, preferences
from contracts.mock.kinds import Kind, Shape, find_kinds, flat
from contracts.mock.memory import KeyReused, Memory
from contracts.mock.samples import NoSample, sample
from contracts.mock.seeding import SeedFault, plant, read_seeds
from contracts.services import ROOT
from openapi.document import DocumentFault
from openapi.problems import Answer

LIBRARY = ROOT / "tests" / "fixtures" / "mock" / "library.yaml"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract()


def test_the_kinds_of_a_contract_are_found_by_its_paths(contract: Contract) -> None:
    found = {kind.collection: kind for kind in find_kinds(contract)}

    collections = ("customers", "homes", "areas", "device-types", "devices", "api-keys")
    assert sorted(found) == sorted(f"/v1/{name}" for name in collections)
    devices = found["/v1/devices"]
    assert (devices.identity, devices.needed) == ("identifier", {"name", "device_type"})
    assert "uid" not in devices.writable and "labels" in devices.writable
    assert (devices.shape.items, devices.shape.next) == ("items", "next")
    assert devices.roles["replace_device"] == "replace"


def test_another_teams_kinds_may_be_called_otherwise_and_be_nested() -> None:
    (books,) = find_kinds(Contract(LIBRARY))

    assert (books.collection, books.identity) == ("/shelves/{shelf}/books", "id")
    assert (books.shape.items, books.shape.next) == ("results", "next_cursor")


def test_a_schema_of_several_is_one_of_their_members() -> None:
    parts = [
        {"required": ["a"], "properties": {"a": {"type": "string"}}},
        {"allOf": [{"properties": {"b": {"type": "integer"}}}]},
    ]

    whole = flat({"allOf": parts, "required": ["b"], "description": "Both."})

    assert sorted(whole["properties"]) == ["a", "b"]
    assert whole["required"] == ["a", "b"]
    assert whole["description"] == "Both."


def a_kind(**members: Any) -> Kind:
    """A kind whose clients give ``name``, and ``labels`` perhaps."""
    properties = {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "labels": {"type": "array"},
        "revision": {"type": "integer", "minimum": 1, "readOnly": True},
        "created_at": {"type": "string", "format": "date-time", "readOnly": True},
        "updated_at": {"type": "string", "format": "date-time", "readOnly": True},
        **members,
    }
    required = ["id", "name", "revision", "created_at", "updated_at"]
    schema = {"type": "object", "required": required, "properties": properties}
    writable = frozenset(("id", "name", "labels"))
    return Kind("/x", "id", schema, writable, frozenset(("name",)), Shape({}, {}), {})


def test_a_record_has_what_the_service_adds_and_nothing_that_is_not_set() -> None:
    record = records.create(a_kind(size={"default": 3}), {"name": "A", "labels": None}, "a")

    assert (record["id"], record["name"], record["revision"], record["size"]) == ("a", "A", 1, 3)
    assert "labels" not in record


def test_a_record_that_is_replaced_by_itself_is_the_same() -> None:
    record = records.create(a_kind(), {"name": "A"}, "a")

    assert records.replace(a_kind(), record, {"name": "A"}) is record
    changed = records.replace(a_kind(), record, {"name": "B", "labels": ["x"]})
    assert (changed["revision"], changed["created_at"]) == (2, record["created_at"])
    assert changed["updated_at"] > record["updated_at"]
    assert "labels" not in records.replace(a_kind(), changed, {"name": "B"})


# RFC 7396, Appendix A, as far as the target is an object.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_applied(target: Any, patch: Any, result: Any) -> None:
    assert records.merged(target, patch) == result


def test_an_answer_has_the_members_of_its_schema_alone() -> None:
    schema = {"required": ["key"], "additionalProperties": False,
              "properties": {"id": {}, "key": {"type": "string"}}}  # fmt: skip

    assert records.shown({"id": 1, "x": 2}, schema, {"key": "k"}) == {"id": 1, "key": "k"}


@pytest.mark.parametrize(
    ("condition", "weakly", "strongly"),
    [('"a"', True, True), ('W/"a"', True, False), ('"b", "a"', True, True), ("a", True, True),
     ("*", True, True), ('"b"', False, False)],
)  # fmt: skip
def test_entity_tags_are_compared(condition: str, weakly: bool, strongly: bool) -> None:
    assert conditions.matches(condition, '"a"', weakly=True) == weakly
    assert conditions.matches(condition, '"a"', weakly=False) == strongly
    assert not conditions.matches(condition, None, weakly=True)


def test_preconditions_hold_of_what_is_there_and_of_what_is_not() -> None:
    assert conditions.hold({"if_none_match": "*"}, None)
    assert not conditions.hold({"if_none_match": "*"}, '"a"')
    assert not conditions.hold({"if_match": "*"}, None)
    assert conditions.hold({"if_match": '"a"'}, '"a"')


ROWS = [
    {"id": "a", "name": "Hall light", "labels": ["x"], "created_at": "2026-01-01T00:00:00Z"},
    {"id": "b", "name": "Attic", "labels": ["x", "y"], "created_at": "2026-02-01T00:00:00Z"},
    {"id": "c", "name": "Hall", "created_at": "2026-03-01T00:00:00Z"},
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "abc"),
        ({"name": ["Hall", "Attic"]}, "bc"),
        ({"name": "Hall"}, "c"),
        ({"label": ["y"]}, "b"),
        ({"q": "hal"}, "ac"),
        ({"q": "hall li"}, "a"),
        ({"created_since": "2026-02-01T00:00:00Z"}, "bc"),
        ({"created_before": "2026-02-01T00:00:00Z"}, "a"),
        ({"sort": "-name"}, "acb"),
        ({"sort": "labels,-id"}, "abc"),
        ({"unheard_of": "x"}, "abc"),
    ],
)
def test_a_list_is_filtered_and_sorted(asked: dict[str, Any], found: str) -> None:
    page = listing.list_page(a_kind(), ROWS, asked)

    assert "".join(row["id"] for row in page.items) == found


@pytest.mark.parametrize("sort", ["id", "-name", "name", "labels"])
def test_pages_have_each_resource_once(sort: str) -> None:
    seen, cursor = [], None
    while True:
        page = listing.list_page(a_kind(), ROWS, {"sort": sort, "limit": 1, "cursor": cursor})
        seen += [row["id"] for row in page.items]
        if page.next is None:
            break
        cursor = page.next

    assert sorted(seen) == ["a", "b", "c"]


@pytest.mark.parametrize("cursor", ["AAAA", "x", "bnVsbA", listing.write_cursor([1, 2, 3])])
def test_a_cursor_of_another_list_is_foreign(cursor: str) -> None:
    with pytest.raises(listing.ForeignCursor):
        listing.list_page(a_kind(), ROWS, {"cursor": cursor})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "example": "x"}, "x"),
        ({"type": "integer", "minimum": 5, "multipleOf": 2}, 6),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1),
        ({"type": "integer", "maximum": -3}, -3),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}},
         {"a": True}),
        ({"type": "array", "minItems": 2, "items": {"type": "number"}}, [0, 0]),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, "AA"),
    ],
)  # fmt: skip
def test_a_sample_is_made_by_the_schema(schema: dict[str, Any], value: Any) -> None:
    assert sample(schema) == value


def test_what_cannot_be_made_up_is_told() -> None:
    with pytest.raises(NoSample, match="An odd one"):
        sample({"type": "string", "pattern": "^x[0-9]{7}y$", "description": "An odd one."})


def test_a_contract_whose_answer_cannot_be_made_up_is_told_with_its_place(tmp_path: Path) -> None:
    content = yaml.safe_load(LIBRARY.read_text())
    content["components"]["schemas"]["Book"]["properties"]["added"] = {
        "type": "string", "pattern": "^x[0-9]{7}y$", "readOnly": True,
    }  # fmt: skip
    file = tmp_path / "library.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))

    with pytest.raises(DocumentFault, match=r"library\.yaml:\d+: addBook: added: .*an example"):
        create_app(file)


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, {}),
        ("return=total-count", {}),
        ("code=404", {"code": "404"}),
        ("code=404, example=notFound", {"code": "404", "example": "notFound"}),
        ('respond-async; code="404"', {"code": "404"}),
    ],
)
def test_preferences_for_an_example_are_read(header: str | None, asked: dict[str, str]) -> None:
    assert preferences(header) == asked


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, b"application/json"),
        ("*/*", b"application/json"),
        ("text/csv", b"text/csv"),
        ("text/*;q=0.5, application/x-ndjson", b"application/x-ndjson"),
        ("application/json;q=0, */*", b"text/csv"),
    ],
)
def test_an_example_is_of_the_media_type_that_is_liked_best(
    contract: Contract, accept: str | None, media_type: bytes
) -> None:
    operation = contract.operations["export_devices"]

    answer = Declared(contract).success(operation).answer(accept)

    assert (b"content-type", media_type) in answer.headers


def test_no_media_type_that_is_taken_is_not_acceptable(contract: Contract) -> None:
    with pytest.raises(NotAcceptable, match="text/csv"):
        Declared(contract).success(contract.operations["export_devices"]).answer("image/png")


def test_the_key_of_another_request_is_refused() -> None:
    memory = Memory()
    memory.keep("ann", "key", "one", Answer(201))

    assert memory.answered("ann", "key", "one") == Answer(201)
    assert memory.answered("bob", "key", "two") is None
    with pytest.raises(KeyReused):
        memory.answered("ann", "key", "two")


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ("[]", "seeds.json: it is not an object of paths"),
        ('{"/v1/colours": []}', "/v1/colours: is no collection of the contract; there are: /v1/"),
        ('{"/v1/customers": [{"identifier": "a"}]}', "/v1/customers/0: name is required"),
        ('{"/v1/customers": [{"name": 3}]}', '/v1/customers/0/name: 3 is not of type "string"'),
        ('{"/v1/customers": {}}', "/v1/customers: is not a list"),
        ('{"/v1/customers": ["a"]}', "/v1/customers/0: is not an object"),
        (
            '{"/v1/customers": [{"identifier": "a", "name": "A"},'
            ' {"identifier": "a", "name": "B"}]}',
            "/v1/customers/1: a is there already",
        ),
        ("{", "Expecting property name"),
    ],
)
def test_seeds_that_cannot_be_are_told_with_their_place(
    contract: Contract, tmp_path: Path, seeds: str, told: str
) -> None:
    file = tmp_path / "seeds.json"
    file.write_text(seeds)

    with pytest.raises(SeedFault) as caught:
        plant(contract, Memory(), read_seeds(file), str(file))

    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)


def test_seeds_may_say_what_only_the_service_writes(contract: Contract) -> None:
    memory = Memory()

    plant(contract, memory, {"/v1/customers": [{"name": "Ann", "revision": 7}]})

    (customer,) = memory.collection("/v1/customers").values()
    assert (customer["name"], customer["revision"], customer["status"]) == ("Ann", 7, "active")
