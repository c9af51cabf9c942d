"""Services' documents: what is refused and where, and what becomes of them in the one document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from gateway.hosts import open_paths
from gateway.services.answers import gateway_statuses, undeclared, with_answers
from gateway.services.contract import load_contract, plugged_in, read_contract
from gateway.services.findings import Finding
from gateway.services.folder import documents_in
from gateway.services.naming import Naming
from openapi import CONTRACT
from openapi.document import Document, DocumentFault, Operation, load_document
from openapi.publication import publish
from openapi.selection import scopes_of

PETS = Path(__file__).parents[3] / "fixtures/services/pets.yaml"
HEAD = "openapi: 3.0.3\ninfo: {title: Shop, version: '1'}\n"
ANSWERS = "responses: {'200': {description: ok}}"
GET = f"    get: {{operationId: look, {ANSWERS}}}\n"

Plug = Callable[..., tuple[Document, list[Finding]]]


@pytest.fixture
def plug(tmp_path: Path) -> Plug:
    """``plug(shop=text, …)``: the contract with services of these documents, and the findings."""

    def plug(**documents: str) -> tuple[Document, list[Finding]]:
        for name, text in documents.items():
            (tmp_path / f"{name.replace('_', '-')}.yaml").write_text(text)
        return read_contract(documents_in(tmp_path))

    return plug


def errors(findings: list[Finding]) -> list[str]:
    return [f"{f.file.name}:{f.line}: {f.what}: {f.message}" for f in findings if f.is_error]


def operation(document: Document, name: str) -> Operation:
    return next(op for op in document.operations if op.operation_id == name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("openapi: [\n", "shop.yaml:2: the document: it is not YAML: "),
        ("swagger: '2.0'\npaths: {}\n", "shop.yaml:1: swagger: Swagger 2.0 is not read: convert"),
        ("info: {}\nopenapi: 3.1.0\n", "shop.yaml:2: openapi: OpenAPI 3.1 is not read: "),
        (HEAD + "paths:\n", "shop.yaml:3: paths: it is not a mapping"),
        (HEAD + "paths:\n  things:\n" + GET, "shop.yaml:4: paths/things: a path begins with /"),
        (
            HEAD + "paths:\n  /a:\n    get: {$ref: 'http://example.org/a.yaml'}\n",
            "shop.yaml:5: paths//a/get: http://example.org/a.yaml points out of the document",
        ),
        (
            HEAD + "paths:\n  /{a}:\n" + GET + "  /{b}:\n    post: {responses: {}}\n",
            "shop.yaml:6: paths//{b}: /{a} is the same path by another name",
        ),
        (
            HEAD + "paths:\n  /{a.b}:\n" + GET,
            "shop.yaml:4: paths//{a.b}: the parameter 'a.b' is not of letters, digits, _ and -",
        ),
        (
            HEAD + "paths:\n  /a:\n" + GET + "  /b:\n" + GET,
            "shop.yaml:7: paths//b/get/operationId: the operationId look stands at line 5 too",
        ),
        (
            HEAD + "paths:\n  /a:\n    get:\n      responses: {'200': {}}\n",
            "shop.yaml:6: paths//a/get/responses/200: it is not OpenAPI 3.0: ",
        ),
        (
            HEAD + "x-gateway: {upstream: inventory}\npaths: {}\n",
            "shop.yaml:3: x-gateway/upstream: it is for the contract alone",
        ),
        (
            HEAD + "x-gateway: {prefix: shop}\npaths: {}\n",
            'shop.yaml:3: x-gateway/prefix: x-gateway: "shop" does not match',
        ),
        (
            HEAD + "paths:\n  /a:\n    x-gateway: {prefix: /b}\n" + GET,
            "shop.yaml:5: paths//a/x-gateway/prefix: it holds for all of the service: put it at",
        ),
        (
            HEAD + "x-gateway: {scopes: ['devises:read']}\npaths: {}\n",
            "shop.yaml:3: x-gateway/scopes: the contract has no scope devises:read, and it is not",
        ),
        (
            HEAD + "paths:\n  /v1/devices/mine:\n" + GET,
            "shop.yaml:4: paths//v1/devices/mine: openapi.yaml has /v1/devices/{identifier}, which",
        ),
        (
            HEAD + "paths:\n  /ui/help:\n" + GET,
            "shop.yaml:4: paths//ui/help: the gateway has /ui/, which matches",
        ),
    ],
)
def test_a_document_is_refused_by_its_line(plug: Plug, text: str, said: str) -> None:
    document, findings = plug(shop=text)

    (told,) = errors(findings)
    assert told.startswith(said)
    assert plugged_in(document) == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shop.yaml", "no service can be called 'Shop'"),
        ("gateway.yaml", "GATEWAY_URL is taken"),
        ("inventory.yml", "inventory is a service of the contract already"),
        ("shop.json", "shop.json is of the same service"),
    ],
)
def test_a_name_that_no_service_can_have_is_refused(
    plug: Plug, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / name).write_text(HEAD + "paths: {}\n")
    _, findings = plug(shop=HEAD + "paths: {}\n")

    assert [said in text for text in errors(findings)] == [True]


def test_the_first_of_two_services_has_a_path(plug: Plug) -> None:
    document, findings = plug(
        a=HEAD + "paths:\n  /x/{one}:\n" + GET, b=HEAD + "paths:\n  /x/{two}:\n" + GET
    )

    (told,) = errors(findings)
    assert told.startswith("b.yaml:4: paths//x/{two}: a.yaml has /x/{one}, which matches")
    assert plugged_in(document) == {"a"}


def test_every_error_of_a_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("openapi: 3.1.0\n")
    (tmp_path / "b.yaml").write_text("openapi: [\n")

    with pytest.raises(DocumentFault, match=r"(?s)a\.yaml:1: .*b\.yaml:2: "):
        load_contract(tmp_path)


def test_the_contracts_own_folder_has_no_service() -> None:
    assert documents_in(CONTRACT.parent) == []
    assert load_contract(CONTRACT.parent).content == load_document(CONTRACT).content


def test_a_json_document_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(
        '{"openapi": "3.0.0", "info": {"title": "S", "version": "1"}, "paths": {"/a": {"get":'
        ' {"responses": {"200": {"description": "ok"}}}}}}'
    )

    assert operation(load_contract(tmp_path), "shop_get_a").path == "/a"


@pytest.fixture
def pets(plug: Plug) -> Document:
    document, findings = plug(pets=PETS.read_text())
    assert errors(findings) == []
    return document


def test_the_published_document_is_valid_and_leads_nowhere_else(pets: Document) -> None:
    published: Any = publish(pets)

    validate(published)
    cat = published["components"]["schemas"]["pets_Cat"]
    assert cat["properties"]["kittens"]["items"] == {"$ref": "#/components/schemas/pets_Cat"}
    mapping = published["components"]["schemas"]["pets_Fault"]["discriminator"]["mapping"]
    assert set(mapping.values()) == {
        "#/components/schemas/pets_Cat", "#/components/schemas/pets_Fault",
    }  # fmt: skip
    links = published["paths"]["/pets/cats/{cat-id}"]["get"]["responses"]["200"]["links"]
    assert links["delete"]["operationId"] == "pets_deleteCat"


def test_nothing_of_the_contract_changes_by_a_service(pets: Document) -> None:
    contract = load_document(CONTRACT)

    assert pets.operations[: len(contract.operations)] == contract.operations
    for path, item in contract.content["paths"].items():
        assert pets.content["paths"][path] == item


def test_a_service_is_reached_by_its_own_paths(pets: Document) -> None:
    policy = operation(pets, "pets_getCat").policy

    assert (policy.upstream, policy.prefix, policy.base_path) == ("pets", "/pets", "/api/v3")
    assert policy.rate_limits  # of the contract's root
    assert plugged_in(pets) == {"pets"}


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("pets_getCat", ["pets:read"]),
        ("pets_get_cats", ["pets:read"]),  # its own document says `security: []`
        ("pets_addCat", ["pets:write"]),
        ("pets_putPicture", ["pets:pictures"]),
    ],
)
def test_every_operation_wants_a_credential_of_ours(
    pets: Document, name: str, scopes: list[str]
) -> None:
    assert operation(pets, name).spec["security"] == [{"ApiKey": []}, {"OAuth2": scopes}]


def test_only_what_the_operator_opens_is_open_and_it_is_told(plug: Plug) -> None:
    document, findings = plug(pets=PETS.read_text())
    public = [op.operation_id for op in document.operations if op.spec.get("security") == []]

    assert [name for name in public if name.startswith("pets_")] == ["pets_get_opening_hours"]
    assert [f.line for f in findings if "open to everybody" in f.message] == [68]


def test_the_services_own_schemes_are_not_served(pets: Document) -> None:
    contract = load_document(CONTRACT)

    schemes = pets.content["components"]["securitySchemes"]
    assert schemes.keys() == contract.content["components"]["securitySchemes"].keys()
    assert scopes_of(pets) - scopes_of(contract) == {"pets:read", "pets:write", "pets:pictures"}
    assert scopes_of(pets) == set(pets.content["components"]["schemas"]["Scope"]["enum"])


def test_what_the_gateway_adds_or_leaves_out_is_told(plug: Plug) -> None:
    _, findings = plug(pets=PETS.read_text())
    told = {f"{f.line}: {f.message}" for f in findings}

    assert "22: the cookie session is not passed on, and left out" in told
    assert "32: the gateway's own answers are added: 400, 401, 403, 429, 500, 502, 503, 504" in told


def test_what_a_service_says_of_a_status_stays_beside_what_the_gateway_says() -> None:
    content = {"components": {"responses": {"a_Bad": {"description": "Bad.", "content": JSON}}}}
    declared = {"400": {"$ref": "#/components/responses/a_Bad"}, "5XX": {"description": "Down."}}

    both = with_answers(content, declared, ["400", "401", "502"])

    assert both["400"]["content"].keys() == {"application/json", "application/problem+json"}
    assert both["401"] == {"$ref": "#/components/responses/Unauthorized"}
    assert both["502"] == {"description": "Down."}
    assert undeclared(declared, ["400", "401", "502"]) == ["401"]


JSON = {"application/json": {"schema": {"type": "object"}}}


def test_a_problem_of_the_services_own_is_one_of_two() -> None:
    theirs = {"application/problem+json": {"schema": {"required": ["code"]}}}

    both = with_answers({}, {"default": {"description": "Bad.", "content": theirs}}, ["403"])

    schema = both["403"]["content"]["application/problem+json"]["schema"]
    assert schema["anyOf"] == [{"required": ["code"]}, {"$ref": "#/components/schemas/Problem"}]


def test_an_open_operation_without_a_body_is_answered_less() -> None:
    closed = set(gateway_statuses({"requestBody": {}}, is_public=False))

    assert closed - set(gateway_statuses({}, is_public=True)) == {"401", "403", "413", "415"}


def test_references_into_paths_follow_the_prefix() -> None:
    renamed = Naming("a", "/b").rename([{"$ref": "#/paths/~1x/get"}])

    assert renamed == [{"$ref": "#/paths/~1b~1x/get"}]


@pytest.mark.parametrize("key", ["prefix: /a", "public: true", "base-path: /a", "scopes: ['a:b']"])
def test_the_contract_has_no_keys_of_services(tmp_path: Path, key: str) -> None:
    file = tmp_path / "openapi.yaml"
    file.write_text(HEAD + f"x-gateway: {{{key}}}\npaths: {{}}\n")

    with pytest.raises(DocumentFault, match=r"openapi.yaml:3: .* plugged-in services"):
        load_document(file)


def test_a_service_is_not_open_to_every_host_by_its_name_or_tags(plug: Plug) -> None:
    tagged = f"    get: {{tags: [health], {ANSWERS}}}\n"
    document, findings = plug(
        health=HEAD + "paths:\n  /a:\n" + GET, shop=HEAD + "paths:\n  /b:\n" + tagged
    )

    assert errors(findings) == []
    assert open_paths(document.operations) == {"/health/live", "/health/ready"}
