"""One row for each kind of change of a value, and its grade where clients send it, and get it."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.changes import Change, Grade, compare

B, C, D = Grade.BREAKING, Grade.COMPATIBLE, Grade.DOCUMENTATION
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def an_object(*required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*required], **more}


ONE = {"properties": {"name": TEXT}}
TWO = {"properties": {"name": TEXT, "room": TEXT}}

# What the schema was and is; the grade in a request, and in an answer.
ROWS = [
    ("enum member gone", {"enum": ["on", "off"]}, {"enum": ["on"]}, B, C),
    ("enum member new", {"enum": ["on"]}, {"enum": ["on", "off"]}, C, B),
    ("enum put in", {}, {"enum": ["on"]}, B, C),
    ("enum taken out", {"enum": ["on"]}, {}, C, B),
    ("enum in another order", {"enum": ["on", "off"]}, {"enum": ["off", "on"]}, D, D),
    ("maximum lowered", {"maximum": 9}, {"maximum": 8}, B, C),
    ("maximum raised", {"maximum": 8}, {"maximum": 9}, C, B),
    ("maximum taken out", {"maximum": 8}, {}, C, B),
    ("minimum raised", {"minimum": 1}, {"minimum": 2}, B, C),
    ("minimum lowered", {"minimum": 2}, {"minimum": 1}, C, B),
    ("maximum itself excluded", {"maximum": 9}, {"maximum": 9, "exclusiveMaximum": True}, B, C),
    ("minimum itself excluded", {"minimum": 9}, {"minimum": 9, "exclusiveMinimum": True}, B, C),
    ("maxLength lowered", {"maxLength": 9}, {"maxLength": 8}, B, C),
    ("maxLength put in", {}, {"maxLength": 8}, B, C),
    ("minLength put in", {}, {"minLength": 1}, B, C),
    ("minLength of nothing put in", {}, {"minLength": 0}, C, C),
    ("maxItems lowered", {"maxItems": 9}, {"maxItems": 8}, B, C),
    ("minItems raised", {"minItems": 1}, {"minItems": 2}, B, C),
    ("minItems lowered", {"minItems": 1}, {"minItems": 0}, C, B),
    ("maxProperties lowered", {"maxProperties": 9}, {"maxProperties": 8}, B, C),
    ("minProperties raised", {"minProperties": 1}, {"minProperties": 2}, B, C),
    ("uniqueItems put in", {}, {"uniqueItems": True}, B, C),
    ("uniqueItems taken out", {"uniqueItems": True}, {}, C, B),
    ("multipleOf put in", {}, {"multipleOf": 2}, B, C),
    ("multipleOf coarser", {"multipleOf": 2}, {"multipleOf": 4}, B, C),
    ("multipleOf finer", {"multipleOf": 4}, {"multipleOf": 2}, C, B),
    ("multipleOf another", {"multipleOf": 4}, {"multipleOf": 6}, B, B),
    ("pattern put in", {}, {"pattern": "^a"}, B, C),
    ("pattern taken out", {"pattern": "^a"}, {}, C, B),
    ("pattern another", {"pattern": "^a"}, {"pattern": "^b"}, B, B),
    ("format put in", TEXT, {"type": "string", "format": "date"}, B, C),
    ("format taken out", {"format": "date"}, {}, C, B),
    ("format another", {"format": "date"}, {"format": "uuid"}, B, B),
    ("format wider", {"format": "int32"}, {"format": "int64"}, C, B),
    ("type another", TEXT, NUMBER, B, B),
    ("type wider", NUMBER, {"type": "number"}, C, B),
    ("type narrower", {"type": "number"}, NUMBER, B, C),
    ("nullable put in", TEXT, {**TEXT, "nullable": True}, C, B),
    ("nullable taken out", {**TEXT, "nullable": True}, TEXT, B, C),
    ("nullable said to be false", TEXT, {**TEXT, "nullable": False}, C, C),
    ("default another", {"default": 1}, {"default": 2}, B, B),
    ("default put in", {}, {"default": 2}, B, B),
    ("member gone", an_object(**TWO), an_object(**ONE), B, B),
    ("required member gone", an_object("room", **TWO), an_object(**ONE), B, B),
    ("optional member new", an_object(**ONE), an_object(**TWO), C, C),
    ("required member new", an_object(**ONE), an_object("room", **TWO), B, C),
    ("member now required", an_object(**TWO), an_object("room", **TWO), B, C),
    ("member now optional", an_object("room", **TWO), an_object(**TWO), C, B),
    ("member now read-only", ONE, {"properties": {"name": {**TEXT, "readOnly": True}}}, B, C),
    ("member now write-only", ONE, {"properties": {"name": {**TEXT, "writeOnly": True}}}, C, B),
    ("object closed", {}, {"additionalProperties": False}, B, C),
    ("object opened", {"additionalProperties": False}, {}, C, C),
    ("map closed", {"additionalProperties": TEXT}, {"additionalProperties": False}, B, B),
    ("map of other values", {"additionalProperties": TEXT}, {"additionalProperties": {}}, C, B),
    ("items narrower", {"items": {"maximum": 9}}, {"items": {"maximum": 8}}, B, C),
    ("items put in", {"type": "array"}, {"type": "array", "items": TEXT}, B, C),
    ("allOf longer", {"allOf": [TEXT]}, {"allOf": [TEXT, {"maxLength": 1}]}, B, C),
    ("allOf shorter", {"allOf": [TEXT, {"maxLength": 1}]}, {"allOf": [TEXT]}, C, B),
    ("oneOf longer", {"oneOf": [TEXT]}, {"oneOf": [TEXT, NUMBER]}, C, B),
    ("oneOf shorter", {"oneOf": [TEXT, NUMBER]}, {"oneOf": [NUMBER]}, B, C),
    ("oneOf in another order", {"oneOf": [TEXT, NUMBER]}, {"oneOf": [NUMBER, TEXT]}, D, D),
    ("anyOf longer", {"anyOf": [TEXT]}, {"anyOf": [TEXT, NUMBER]}, C, B),
    ("anyOf narrower inside", {"anyOf": [{"maximum": 9}]}, {"anyOf": [{"maximum": 8}]}, B, C),
    ("not put in", {}, {"not": TEXT}, B, C),
    ("not taken out", {"not": TEXT}, {}, C, B),
    ("not another", {"not": TEXT}, {"not": NUMBER}, B, B),
    ("discriminator another", {"discriminator": {"propertyName": "a"}},
     {"discriminator": {"propertyName": "b"}}, B, B),
    ("keyword that nobody knows", {}, {"x-unit": "lux"}, B, B),
    ("schema deprecated", {}, {"deprecated": True}, C, C),
    ("description another", {"description": "A"}, {"description": "B"}, D, D),
    ("example another", {"example": 1}, {"example": 2}, D, D),
    ("title put in", {}, {"title": "Lamp"}, D, D),
    ("member called description gone", {"properties": {"description": TEXT}},
     {"properties": {}}, B, B),
]  # fmt: skip


def changes_of(a_document: Any, way: str, was: object, now: object) -> list[Change]:
    def of(schema: object) -> Any:
        content = {"content": {"application/json": {"schema": schema}}}
        if way == "request":
            return a_document(requestBody=content)
        return a_document(responses={"200": {"description": "Done.", **content}})

    return compare(of(was), of(now))


@pytest.mark.parametrize(
    ("was", "now", "sent", "got"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_each_change_of_a_value_is_graded_by_who_sends_it(
    a_document: Any, was: object, now: object, sent: Grade, got: Grade
) -> None:
    graded = [
        {change.grade for change in changes_of(a_document, way, was, now)}
        for way in ("request", "response")
    ]

    assert graded == [{sent}, {got}]


@pytest.mark.parametrize(("was", "now"), [r[1:3] for r in ROWS], ids=[r[0] for r in ROWS])
def test_one_thing_that_changed_is_one_change(a_document: Any, was: object, now: object) -> None:
    assert len(changes_of(a_document, "request", was, now)) == 1
    assert len(changes_of(a_document, "response", was, now)) == 1


def test_a_change_tells_what_a_client_sends_and_what_becomes_of_it(a_document: Any) -> None:
    was = {"properties": {"level": {"maximum": 2000}}}
    now = {"properties": {"level": {"maximum": 1000}}}

    assert changes_of(a_document, "request", was, now) == [
        Change(
            Grade.BREAKING,
            "POST /v1/lamps/{identifier}, request body, application/json, /level, maximum",
            "2000",
            "1000",
            "a client that sends level above 1000 was served, and is now refused with 400",
            ("switch_lamp",),
        )
    ]


def test_a_schema_within_itself_is_compared_once(a_document: Any) -> None:
    def of(longest: int) -> Any:
        node = {
            "properties": {
                "name": {"maxLength": longest},
                "below": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            }
        }
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}
        return a_document(requestBody={"content": content}, components={"schemas": {"Node": node}})

    (change,) = compare(of(9), of(8))

    assert (change.place.split(", ")[-2:], change.now) == (["/name", "maxLength"], "8")


def test_a_reference_that_leads_in_a_circle_or_nowhere_is_still_compared(a_document: Any) -> None:
    circle = {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    was = a_document(requestBody={"content": content}, components=circle)
    now = a_document(requestBody={"content": content})

    assert compare(was, was) == []
    assert compare(was, now)
