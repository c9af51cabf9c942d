from __future__ import annotations

from typing import Any

import pytest

from contracts.changes import Change, Grade, compare

B, L, C = Grade.BREAKING, Grade.LOOSENED, Grade.COMPATIBLE
SCHEMES = {
    "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "Token": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {"read": "", "write": ""}}},
    },
}
TOKEN, KEY = {"Token": ["read"]}, {"Key": []}

ROWS = [
    ("scope new", [TOKEN], [{"Token": ["read", "write"]}], {B}),
    ("scope gone", [{"Token": ["read", "write"]}], [TOKEN], {L}),
    ("scope another", [TOKEN], [{"Token": ["write"]}], {B, L}),
    ("scope gone that keys were held to", [KEY, TOKEN], [KEY, {"Token": []}], {L}),
    ("alternative gone", [KEY, TOKEN], [TOKEN], {B}),
    ("alternative new", [TOKEN], [TOKEN, KEY], {L}),
    ("alternatives in another order", [KEY, TOKEN], [TOKEN, KEY], {Grade.DOCUMENTATION}),
    ("both needed", [TOKEN], [{**TOKEN, **KEY}], {B}),
    ("opened for all", [TOKEN], [], {L}),
    ("nobody's request taken too", [TOKEN], [TOKEN, {}], {L}),
    ("closed", [], [TOKEN], {B}),
]


def a_guarded(a_document: Any, security: object, schemes: object = None) -> Any:
    return a_document(security=security, components={"securitySchemes": schemes or SCHEMES})


@pytest.mark.parametrize(("was", "now", "grades"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_who_is_let_in_is_graded(
    a_document: Any, was: object, now: object, grades: set[Grade]
) -> None:
    changes = compare(a_guarded(a_document, was), a_guarded(a_document, now))

    assert {change.grade for change in changes} == grades


def test_a_dropped_scope_is_told_for_the_operation(contract: Any, copied: Any) -> None:
    copied["paths"]["/v1/customers"]["post"]["security"] = [{"ApiKey": []}, {"OAuth2": []}]

    assert compare(contract, copied) == [
        Change(
            Grade.LOOSENED,
            "POST /v1/customers, security",
            "ApiKey (customers:write) or OAuth2 (customers:write)",
            "ApiKey or OAuth2",
            "a credential without the scope customers:write was refused with 403, and is now let"
            " in: the guard is looser than what was released",
            ("create_customer",),
        )
    ]


def test_the_document_guards_what_says_nothing_itself(a_document: Any) -> None:
    components = {"securitySchemes": SCHEMES}
    was = a_document(root={"security": [TOKEN]}, components=components)
    now = a_document(root={"security": []}, components=components)

    (change,) = compare(was, now)

    assert change.grade is Grade.LOOSENED
    assert change.why == "everybody is let in now, without any credential"


def test_a_scheme_by_another_name_is_the_same_on_the_wire(a_document: Any) -> None:
    renamed = {"ApiKey": SCHEMES["Key"], "Token": SCHEMES["Token"]}
    was = a_guarded(a_document, [KEY])
    now = a_guarded(a_document, [{"ApiKey": []}], renamed)

    assert {change.grade for change in compare(was, now)} <= {C, Grade.DOCUMENTATION}
    assert compare(was, now)


def scheme_with(scheme: str, /, **changed: object) -> dict[str, Any]:
    return {**SCHEMES, scheme: {**SCHEMES[scheme], **changed}}


def flows(address: str = "/token", **scopes: str) -> dict[str, Any]:
    return {"clientCredentials": {"tokenUrl": address, "scopes": scopes}}


@pytest.mark.parametrize(
    ("schemes", "grade"),
    [
        (scheme_with("Key", name="X-Other"), B),
        (scheme_with("Token", flows=flows("/other", read="", write="")), B),
        (scheme_with("Token", flows=flows(read="")), B),
        (scheme_with("Token", flows=flows(read="", write="", more="")), C),
        (scheme_with("Token", flows=flows(read="To see.", write="")), Grade.DOCUMENTATION),
        (scheme_with("Token", flows={}), B),
    ],
)
def test_a_scheme_that_changed_is_told_once(a_document: Any, schemes: Any, grade: Grade) -> None:
    changes = compare(
        a_guarded(a_document, [KEY, TOKEN]), a_guarded(a_document, [KEY, TOKEN], schemes)
    )

    assert [change.grade for change in changes] == [grade]
