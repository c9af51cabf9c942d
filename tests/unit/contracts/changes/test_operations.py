"""One row for each kind of change of an operation beside its values, and its grade."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.changes import Grade, compare

B, L, C, D = Grade.BREAKING, Grade.LOOSENED, Grade.COMPATIBLE, Grade.DOCUMENTATION


def a_parameter(name: str = "room", where: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "schema": {"type": "array"}, **more}


def with_parameters(*parameters: Any) -> dict[str, Any]:
    return {"parameters": [*parameters]}


def with_body(*types: str, **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {name: {} for name in types}, **more}}


def with_responses(*statuses: str, **more: Any) -> dict[str, Any]:
    return {"responses": {status: {"description": "", **more} for status in statuses}}


def with_header(**more: Any) -> dict[str, Any]:
    return with_responses("200", headers={"ETag": {"schema": {}, **more}})


def with_answer(*types: str) -> dict[str, Any]:
    return with_responses("200", content={name: {} for name in types})


def with_policy(**policy: Any) -> dict[str, Any]:
    return {"x-gateway": {key.replace("_", "-"): value for key, value in policy.items()}}


def with_rate(limit: int, window: int = 1, name: str = "default") -> dict[str, Any]:
    return with_policy(
        rate_limit={"name": name, "limit": limit, "window": window, "by": "principal"}
    )


def with_items(item: Any) -> dict[str, Any]:
    return {"item": item}


def with_root(**root: Any) -> dict[str, Any]:
    return {"root": {key.replace("_", "-"): value for key, value in root.items()}}


ROWS = [
    # parameters
    ("query parameter gone", with_parameters(a_parameter()), with_parameters(), {B}),
    ("header gone", with_parameters(a_parameter(where="header")), with_parameters(), {B}),
    ("query parameter new", with_parameters(), with_parameters(a_parameter()), {C}),
    ("required one new", with_parameters(), with_parameters(a_parameter(required=True)), {B}),
    ("one now required", with_parameters(a_parameter()),
     with_parameters(a_parameter(required=True)), {B}),
    ("one now optional", with_parameters(a_parameter(required=True)),
     with_parameters(a_parameter()), {C}),
    ("another style", with_parameters(a_parameter()),
     with_parameters(a_parameter(style="pipeDelimited")), {B}),
    ("not exploded", with_parameters(a_parameter()),
     with_parameters(a_parameter(explode=False)), {B}),
    ("default style said", with_parameters(a_parameter()),
     with_parameters(a_parameter(style="form", explode=True)), {C}),
    ("may not be empty any more", with_parameters(a_parameter(allowEmptyValue=True)),
     with_parameters(a_parameter()), {B}),
    ("may be empty", with_parameters(a_parameter()),
     with_parameters(a_parameter(allowEmptyValue=True)), {C}),
    ("reserved characters refused", with_parameters(a_parameter(allowReserved=True)),
     with_parameters(a_parameter()), {B}),
    ("parameter deprecated", with_parameters(a_parameter()),
     with_parameters(a_parameter(deprecated=True)), {C}),
    ("described otherwise", with_parameters(a_parameter()),
     with_parameters(a_parameter(description="Where.")), {D}),
    ("moved to a header", with_parameters(a_parameter()),
     with_parameters(a_parameter(where="header")), {B, C}),
    ("header in capitals", with_parameters(a_parameter("if-match", "header")),
     with_parameters(a_parameter("If-Match", "header")), {C}),
    ("parameters in another order",
     with_parameters(a_parameter("a"), a_parameter("b")),
     with_parameters(a_parameter("b"), a_parameter("a")), {D}),
    ("parameter moved to the path's", with_parameters(a_parameter()),
     with_items({"parameters": [a_parameter()]}), {C}),
    # bodies
    ("body gone", with_body("application/json"), {}, {B}),
    ("optional body new", {}, with_body("application/json"), {C}),
    ("required body new", {}, with_body("application/json", required=True), {B}),
    ("body now required", with_body("text/csv"), with_body("text/csv", required=True), {B}),
    ("body now optional", with_body("text/csv", required=True), with_body("text/csv"), {C}),
    ("type of bodies gone", with_body("text/csv", "application/json"), with_body("text/csv"), {B}),
    ("type of bodies new", with_body("text/csv"), with_body("text/csv", "application/json"), {C}),
    ("parts of a body written otherwise",
     {"requestBody": {"content": {"multipart/form-data": {}}}},
     {"requestBody": {"content": {"multipart/form-data": {"encoding": {"a": {}}}}}}, {B}),
    # answers
    ("2xx gone", with_responses("200", "204"), with_responses("200"), {B}),
    ("2xx new", with_responses("200"), with_responses("200", "202"), {B}),
    ("3xx new", with_responses("200"), with_responses("200", "304"), {B}),
    ("4xx gone", with_responses("200", "404"), with_responses("200"), {B}),
    ("4xx new", with_responses("200"), with_responses("200", "404"), {C}),
    ("5xx gone", with_responses("200", "504"), with_responses("200"), {C}),
    ("5xx new", with_responses("200"), with_responses("200", "504"), {C}),
    ("any status new", with_responses("200"), with_responses("200", "default"), {B}),
    ("header of an answer gone", with_header(), with_responses("200"), {B}),
    ("header of an answer new", with_responses("200"), with_header(), {C}),
    ("header of an answer now optional", with_header(required=True), with_header(), {B}),
    ("header of an answer now always", with_header(), with_header(required=True), {C}),
    ("header of an answer of another type", with_header(schema={"type": "string"}),
     with_header(schema={"type": "integer"}), {B}),
    ("header of an answer exploded", with_header(), with_header(explode=True), {B}),
    ("type of answers gone", with_answer("text/csv", "text/html"), with_answer("text/csv"), {B}),
    ("type of answers new", with_answer("text/csv"), with_answer("text/csv", "text/html"), {C}),
    ("link gone", with_responses("200", links={"Next": {"operationId": "switch_lamp"}}),
     with_responses("200"), {C}),
    # the operation
    ("operation gone", {"method": "post"}, {"method": "get", "operationId": "see"}, {B, C}),
    ("method another", {"method": "post"}, {"method": "put"}, {B}),
    ("path another", {}, {"path": "/v2/lamps/{identifier}"}, {B}),
    ("name in the path another", with_parameters(a_parameter("identifier", "path")),
     {"path": "/v1/lamps/{id}", **with_parameters(a_parameter("id", "path"))}, {C}),
    ("operationId another", {}, {"operationId": "switch"}, {B}),
    ("operation deprecated", {}, {"deprecated": True}, {C}),
    ("tags another", {"tags": ["a"]}, {"tags": ["b"]}, {D}),
    ("summary another", {"summary": "A"}, {"summary": "B"}, {D}),
    ("callback new", {}, {"callbacks": {"on": {}}}, {B}),
    ("extension that nobody knows", {}, {"x-quota": 5}, {B}),
    # servers
    ("server another", with_root(servers=[{"url": "/a"}]), with_root(servers=[{"url": "/b"}]), {B}),
    ("server new", with_root(servers=[{"url": "/a"}]),
     with_root(servers=[{"url": "/a"}, {"url": "/b"}]), {C}),
    ("server of the operation", with_root(servers=[{"url": "/a"}]),
     {**with_root(servers=[{"url": "/a"}]), "servers": [{"url": "/b"}]}, {B}),
    # the gateway's policy
    ("less time", with_policy(timeout={"connect": 1, "total": 9}),
     with_policy(timeout={"connect": 1, "total": 8}), {B}),
    ("less time than the default", {}, with_policy(timeout={"connect": 2, "total": 9}), {B}),
    ("more time", with_policy(timeout={"connect": 1, "total": 8}),
     with_policy(timeout={"connect": 1, "total": 9}), {C}),
    ("smaller bodies", with_policy(limits={"body": 9}), with_policy(limits={"body": 8}), {B}),
    ("larger bodies", with_policy(limits={"body": 8}), with_policy(limits={"body": 9}), {C}),
    ("fewer requests", with_rate(9), with_rate(8), {B}),
    ("more requests", with_rate(8), with_rate(9), {C}),
    ("as many requests in more time", with_rate(9, 1), with_rate(9, 2), {B}),
    ("rate limit new", {}, with_rate(9), {B}),
    ("rate limit gone", with_rate(9), {}, {L}),
    ("fewer at once", with_policy(concurrency={"name": "a", "limit": 9}),
     with_policy(concurrency={"name": "a", "limit": 8}), {B}),
    ("more bad credentials", with_root(x_gateway={"failed-logins": {"limit": 8, "window": 1}}),
     with_root(x_gateway={"failed-logins": {"limit": 9, "window": 1}}), {L}),
    ("older answers", with_policy(cache={"max-age": 1}), with_policy(cache={"max-age": 2}), {B}),
    ("answers shared", with_policy(cache={"by": "principal"}),
     with_policy(cache={"by": "tenant"}), {L}),
    ("another service", with_policy(upstream="a"), with_policy(upstream="b"), {C}),
    ("gone sooner", with_policy(deprecation={"at": "2026-01-01", "sunset": "2027-01-02"}),
     with_policy(deprecation={"at": "2026-01-01", "sunset": "2027-01-01"}), {B}),
    ("gone later", with_policy(deprecation={"at": "2026-01-01", "sunset": "2027-01-01"}),
     with_policy(deprecation={"at": "2026-01-01", "sunset": "2027-01-02"}), {C}),
    ("setting that nobody knows", {}, with_policy(mood="bad"), {B}),
    ("setting that is overridden",
     {**with_root(x_gateway={"limits": {"body": 9}}), **with_policy(limits={"body": 5})},
     {**with_root(x_gateway={"limits": {"body": 8}}), **with_policy(limits={"body": 5})}, {C}),
]  # fmt: skip


@pytest.mark.parametrize(("was", "now", "grades"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_each_change_of_an_operation_has_its_grade(
    a_document: Any, was: dict[str, Any], now: dict[str, Any], grades: set[Grade]
) -> None:
    changes = compare(a_document(**was), a_document(**now))

    assert {change.grade for change in changes} == grades


@pytest.mark.parametrize(("was", "now"), [r[1:3] for r in ROWS], ids=[r[0] for r in ROWS])
def test_a_change_says_where_and_why(
    a_document: Any, was: dict[str, Any], now: dict[str, Any]
) -> None:
    for change in compare(a_document(**was), a_document(**now)):
        assert change.place and change.was != change.now
        assert len(change.why) > 20 and "{" not in change.why


def test_a_shared_component_is_told_once_for_all_its_operations(contract: Any, copied: Any) -> None:
    copied["components"]["parameters"]["Limit"]["schema"]["maximum"] = 1000

    (change,) = compare(contract, copied)

    assert change.place == "GET /v1/customers, query parameter limit, maximum"
    assert change.why == (
        "a client that sends limit above 1000 was served, and is now refused with 400"
    )
    assert len(change.operations) == 10 and "list_devices" in change.operations


def test_the_same_change_of_several_operations_is_told_once(contract: Any, copied: Any) -> None:
    for path in ("/v1/customers", "/v1/homes"):
        del copied["paths"][path]["get"]["parameters"][0]

    (change,) = compare(contract, copied)

    assert change.operations == ("list_customers", "list_homes")


def test_an_enum_is_told_apart_by_who_sends_it(contract: Any, copied: Any) -> None:
    copied["components"]["schemas"]["DeviceStatus"]["enum"].append("lost")

    changes = compare(contract, copied)

    assert [change.grade for change in changes] == [B, C, C]
    assert "get_device" in changes[0].operations and "create_device" in changes[2].operations


def test_a_component_by_another_name_is_the_same_on_the_wire(contract: Any, copied: Any) -> None:
    schemas = copied["components"]["schemas"]
    schemas["CustomersPage"] = schemas.pop("CustomerPage")
    answer = copied["paths"]["/v1/customers"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"]["$ref"] = "#/components/schemas/CustomersPage"

    changes = compare(contract, copied)

    assert {change.grade for change in changes} == {C}
    assert any("SDKs" in change.why for change in changes)
