"""What a stock Connexion 3.3 does wrong with a request or a document, and that ours does not.

Each fault is shown twice over the same document: without our assembly, where it must still be
there (else what we do about it has become needless), and with it.
"""

from __future__ import annotations

import importlib.util
import logging
import operator
import warnings
from collections.abc import Callable
from typing import Any

import connexion
import pytest
from connexion.exceptions import InvalidSpecification
from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from connexion.validators import JSONRequestBodyValidator, ParameterValidator
from starlette.exceptions import StarletteDeprecationWarning

import openapi
import openapi.bodies
import openapi.parameters
from openapi.bodies import JSONBody
from openapi.document import DocumentFault, load_document
from openapi.parameters import CompiledParameterValidator
from openapi.problems import INVALID_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED
from openapi.publication import publish
from openapi.selection import check_security

Ask = Callable[..., Any]
App = Callable[..., Any]

INVALID = (INVALID_REQUEST.status, INVALID_REQUEST.slug)


def an_operation(operation_id: str, **members: Any) -> dict[str, Any]:
    ok = {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"operationId": operation_id, "responses": {"200": ok}, **members}


def a_document(path: str = "/things", **methods: Any) -> dict[str, Any]:
    info = {"title": "Things", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "security": [], "paths": {path: methods}}


def that_reads(**parameters: dict[str, Any]) -> dict[str, Any]:
    declared = [{"name": n, "in": "query", "schema": schema} for n, schema in parameters.items()]
    return a_document(get=an_operation("list_things", parameters=declared))


def that_takes(media_types: str = "application/json", **properties: dict[str, Any]) -> Any:
    schema = {"type": "object", "properties": properties}
    content = {media_type: {"schema": schema} for media_type in media_types.split()}
    body = {"required": True, "content": content}
    return a_document(post=an_operation("create_thing", requestBody=body))


def that_is_secured(**scheme: Any) -> dict[str, Any]:
    document = a_document(get=an_operation("list_things", security=[{"Key": []}]))
    key = {"type": "apiKey", "in": "header", "name": "X-Key", **scheme}
    return document | {"components": {"securitySchemes": {"Key": key}}}


INTEGER = {"type": "integer"}


@pytest.fixture(autouse=True)
def what_connexion_says(caplog: pytest.LogCaptureFixture) -> None:
    """A command that was tested in this process may have had enough of it."""
    caplog.set_level(logging.WARNING, "connexion")


# Loading


def test_stock_refuses_openapi_3_1_without_saying_where(stock: App) -> None:
    document = a_document(get=an_operation("list_things")) | {"openapi": "3.1.0"}

    with pytest.raises(InvalidSpecification) as refused:
        stock(document)

    assert "line" not in str(refused.value)


def test_ours_refuses_openapi_3_1_by_its_line(load: App) -> None:
    with pytest.raises(DocumentFault, match=r"document\.yaml:2: openapi: .*not '3\.1\.0'"):
        load("info: {title: Things, version: '1'}\nopenapi: 3.1.0\npaths: {}\n")


def test_stock_starts_though_a_security_function_is_missing(
    ask: Ask, stock: App, caplog: pytest.LogCaptureFixture
) -> None:
    """It then answers 401 to everybody: the scheme is dropped, not the demand."""
    reply = ask(stock(that_is_secured()), target="/things", headers={"X-Key": "good"})

    assert reply.status == 401
    assert "x-apikeyInfoFunc missing" in caplog.text


def test_ours_does_not_start_when_nothing_handles_a_scheme(load: App) -> None:
    document = load(that_is_secured())

    with pytest.raises(DocumentFault, match=r":\d+: list_things: nothing handles .* Key"):
        check_security(document, document.operations, handled={"oauth2"})


def test_stock_takes_lines_of_json_for_one_json(ask: Ask, stock: App) -> None:
    app = stock(that_takes("application/x-ndjson"))

    reply = ask(app, "POST", "/things", {"Content-Type": "application/x-ndjson"}, b"{}\n{}\n")

    assert (reply.status, reply.json["detail"][:10]) == (400, "Extra data")


def test_ours_does_not_start_with_a_media_type_that_it_cannot_read(ours: App) -> None:
    with pytest.raises(DocumentFault, match=r":\d+: create_thing: .* application/cbor"):
        ours(that_takes("application/cbor"))


def load_anew(name: str) -> None:
    """Runs the module as its first import does, without a change to the one that is loaded."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_importing_stock_warns_of_starlettes_test_client() -> None:
    assert connexion.apps.abstract.TestClient.__module__ == "starlette.testclient"

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.warns(StarletteDeprecationWarning, match=r"httpx.*is deprecated"):
            load_anew("starlette.testclient")


def test_importing_ours_first_keeps_that_quiet() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        load_anew("openapi")
        load_anew("starlette.testclient")

    assert said == []


def test_stock_demands_what_a_client_may_not_send(ask: Ask, stock: App) -> None:
    document = that_takes(uid={"type": "string", "readOnly": True})
    body = document["paths"]["/things"]["post"]["requestBody"]
    body["content"]["application/json"]["schema"]["required"] = ["uid"]

    reply = ask(stock(document), "POST", "/things", body={})

    assert (reply.status, reply.json["detail"]) == (400, "'uid' is a required property")


def test_our_contract_has_nothing_read_only_in_a_request() -> None:
    """The schemas of requests are schemas of their own: ``NewDevice`` beside ``Device``."""
    document = load_document(openapi.CONTRACT)

    for operation in document.operations:
        for media in operation.spec.get("requestBody", {}).get("content", {}).values():
            assert "readOnly" not in repr(resolved(media["schema"], document.content))


def resolved(schema: Any, root: Any) -> Any:
    if isinstance(schema, list):
        return [resolved(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return resolved(target, root)
    return {name: resolved(part, root) for name, part in schema.items()}


# Built once


def counted(monkeypatch: pytest.MonkeyPatch, validator: type) -> list[str]:
    """A list that grows by one at each construction."""
    built: list[str] = []
    construct = validator.__init__  # type: ignore[misc]

    def construct_and_count(self: Any, *args: Any, **options: Any) -> None:
        built.append(validator.__name__)
        construct(self, *args, **options)

    monkeypatch.setattr(validator, "__init__", construct_and_count)
    return built


def test_stock_builds_its_validators_for_each_request(
    ask: Ask, stock: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = counted(monkeypatch, ParameterValidator)
    schemas = counted(monkeypatch, JSONRequestBodyValidator)
    app = stock(that_takes(n=INTEGER))

    for _ in range(3):
        assert ask(app, "POST", "/things", body={"n": 1}).status == 200

    assert (len(parameters), len(schemas)) == (3, 3)


def test_ours_builds_its_validators_when_it_starts(
    ask: Ask, ours: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = counted(monkeypatch, CompiledParameterValidator)
    bodies = counted(monkeypatch, JSONBody)
    compiled: list[Any] = []
    for name in ("bodies.compile_request_schema", "parameters.compile_schema"):
        real = operator.attrgetter(name)(openapi)
        monkeypatch.setattr(f"openapi.{name}", lambda s, real=real: compiled.append(s) or real(s))

    app = ours(that_takes(n=INTEGER))
    before = (len(parameters), len(bodies), len(compiled))
    for _ in range(3):
        assert ask(app, "POST", "/things", body={"n": 1}).status == 200

    assert (len(parameters), len(bodies), len(compiled)) == before == (1, 1, 1)


TWO_TYPES = "application/json application/merge-patch+json"


def test_stock_logs_lines_for_each_request_when_there_are_two_media_types(
    ask: Ask, stock: App, caplog: pytest.LogCaptureFixture
) -> None:
    app = stock(that_takes(TWO_TYPES, n=INTEGER))
    ask(app, "POST", "/things", body={"n": 1})
    caplog.clear()

    ask(app, "POST", "/things", body={"n": 1})

    assert "accepts multiple content types" in caplog.text


def test_ours_logs_nothing_for_such_a_request(
    ask: Ask, ours: App, caplog: pytest.LogCaptureFixture
) -> None:
    app = ours(that_takes(TWO_TYPES, n=INTEGER))
    caplog.set_level(logging.INFO)
    caplog.clear()

    assert ask(app, "POST", "/things", body={"n": 1}).status == 200
    assert caplog.records == []


# Bodies

UUID_AND_DATE = {
    "id": {"type": "string", "format": "uuid"},
    "on": {"type": "string", "format": "date"},
}


def test_stock_does_not_enforce_formats(ask: Ask, stock: App) -> None:
    body = {"id": "not a uuid", "on": "2026-02-30"}

    assert ask(stock(that_takes(**UUID_AND_DATE)), "POST", "/things", body=body).status == 200
    target = "/things?id=nope&on=tomorrow"
    assert ask(stock(that_reads(**UUID_AND_DATE)), target=target).status == 200


@pytest.mark.parametrize("body", [{"id": "not a uuid"}, {"on": "2026-02-30"}])
def test_ours_enforces_formats_in_bodies(ask: Ask, ours: App, body: dict[str, str]) -> None:
    reply = ask(ours(that_takes(**UUID_AND_DATE)), "POST", "/things", body=body)

    assert reply.problem == INVALID
    assert reply.json["errors"][0]["pointer"] == "/" + next(iter(body))


@pytest.mark.parametrize("query", ["id=nope", "on=tomorrow"])
def test_ours_enforces_formats_in_parameters(ask: Ask, ours: App, query: str) -> None:
    assert ask(ours(that_reads(**UUID_AND_DATE)), target=f"/things?{query}").problem == INVALID


# Bytes that stock fails at, each with a word of what ours says.
NOT_READ = [
    pytest.param(b'{"n":"\xff"}', "not UTF-8 at byte 6", id="not UTF-8"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, "deeper than 64", id="100,000 deep"),
    pytest.param(b'{"n":' + b"9" * 5000 + b"}", "more than 308 digits", id="5,000 digits"),
]


@pytest.mark.parametrize(("body", "_said"), NOT_READ)
def test_stock_fails_at_json_that_python_cannot_read(
    ask: Ask, stock: App, body: bytes, _said: str
) -> None:
    assert ask(stock(that_takes()), "POST", "/things", body=body).status == 500


@pytest.mark.parametrize(("body", "said"), NOT_READ)
def test_ours_refuses_json_that_cannot_be_read(ask: Ask, ours: App, body: bytes, said: str) -> None:
    reply = ask(ours(that_takes()), "POST", "/things", body=body)

    assert reply.problem == INVALID
    assert said in reply.json["detail"]


def test_stock_takes_the_last_of_two_members_of_one_name(
    ask: Ask, stock: App, handler: Any
) -> None:
    reply = ask(stock(that_takes(n=INTEGER), handler), "POST", "/things", body=b'{"n":1,"n":2}')

    assert reply.status == 200
    assert handler.calls == [{"body": {"n": 2}}]


def test_ours_refuses_two_members_of_one_name(ask: Ask, ours: App) -> None:
    reply = ask(ours(that_takes(n=INTEGER)), "POST", "/things", body=b'{"n":1,"n":2}')

    assert reply.problem == INVALID
    assert "stands twice" in reply.json["detail"]


MIXED_CASE = {"Content-Type": "Application/JSON"}


def test_stock_hands_a_body_of_a_mixed_case_media_type_on_unread(
    ask: Ask, stock: App, handler: Any
) -> None:
    """The handler gets unchecked bytes where it expects an object, and fails: 500."""
    app = stock(that_takes(n=INTEGER), handler)

    ask(app, "POST", "/things", MIXED_CASE, b'{"n":"not a number"}')

    assert handler.calls == [{"body": b'{"n":"not a number"}'}]


def test_ours_reads_a_media_type_in_any_case(ask: Ask, ours: App) -> None:
    app = ours(that_takes(n=INTEGER))

    refused = ask(app, "POST", "/things", MIXED_CASE, b'{"n":"not a number"}')
    assert refused.problem == INVALID
    assert ask(app, "POST", "/things", MIXED_CASE, b'{"n":1}').json["body"] == {"n": 1}


def test_stock_takes_a_chunked_body_for_none(ask: Ask, stock: App) -> None:
    reply = ask(stock(that_takes()), "POST", "/things", body=[b'{"n":', b"1}"])

    assert (reply.status, reply.json["detail"]) == (400, "RequestBody is required")


def test_ours_reads_a_chunked_body(ask: Ask, ours: App) -> None:
    app = ours(that_takes(n=INTEGER))

    assert ask(app, "POST", "/things", body=[b'{"n":', b"1}"]).json["body"] == {"n": 1}
    assert ask(app, "POST", "/things", body=[b'{"n":', b'"x"}']).problem == INVALID


# Parameters

NOT_INTEGERS = ["1_0", "%201", "%D9%A1", "+1", "01"]


@pytest.mark.parametrize("text", NOT_INTEGERS)
def test_stock_reads_integers_as_python_does(ask: Ask, stock: App, handler: Any, text: str) -> None:
    reply = ask(stock(that_reads(limit=INTEGER), handler), target=f"/things?limit={text}")

    assert reply.status == 200
    assert handler.calls[0]["limit"] in (1, 10)


@pytest.mark.parametrize("text", NOT_INTEGERS)
def test_ours_reads_integers_as_json_does(ask: Ask, ours: App, text: str) -> None:
    assert ask(ours(that_reads(limit=INTEGER)), target=f"/things?limit={text}").problem == INVALID


def test_stock_takes_the_last_of_two_parameters_of_one_name(
    ask: Ask, stock: App, handler: Any
) -> None:
    ask(stock(that_reads(limit=INTEGER), handler), target="/things?limit=1&limit=2")

    assert handler.calls == [{"limit": 2}]


def test_ours_refuses_two_parameters_of_one_name(ask: Ask, ours: App) -> None:
    reply = ask(ours(that_reads(limit=INTEGER)), target="/things?limit=1&limit=2")

    assert reply.problem == INVALID
    assert reply.json["errors"] == [
        {"in": "query", "name": "limit", "detail": "is given more than once"}
    ]


def test_stock_lets_unknown_parameters_pass_unless_it_is_strict(ask: Ask, stock: App) -> None:
    document = that_reads(limit=INTEGER)

    assert ask(stock(document), target="/things?limti=1").status == 200
    assert ask(stock(document, strict_validation=True), target="/things?limti=1").status == 400


def test_ours_refuses_unknown_parameters(ask: Ask, ours: App) -> None:
    reply = ask(ours(that_reads(limit=INTEGER)), target="/things?limti=1")

    assert reply.problem == INVALID
    assert "This operation has: limit." in reply.json["detail"]


# Routing

TWO_METHODS = a_document(get=an_operation("list_things"), post=an_operation("create_thing"))


@pytest.mark.parametrize("method", ["PUT", "OPTIONS"])
def test_stock_names_one_route_in_allow(ask: Ask, stock: App, method: str) -> None:
    reply = ask(stock(TWO_METHODS), method, "/things")

    # Starlette joins a set: the order differs from process to process.
    assert (reply.status, set(reply.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_ours_names_every_method_in_allow(ask: Ask, ours: App) -> None:
    reply = ask(ours(TWO_METHODS), "PUT", "/things")

    assert reply.problem == (METHOD_NOT_ALLOWED.status, METHOD_NOT_ALLOWED.slug)
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_ours_answers_options(ask: Ask, ours: App) -> None:
    reply = ask(ours(TWO_METHODS), "OPTIONS", "/things")

    assert (reply.status, reply.headers["allow"], reply.body) == (
        204,
        "GET, HEAD, OPTIONS, POST",
        b"",
    )


def test_stock_redirects_a_path_with_a_slash_too_many(ask: Ask, stock: App) -> None:
    reply = ask(stock(TWO_METHODS), target="/things/")

    assert (reply.status, reply.headers["location"]) == (307, "http://here/things")


def test_ours_has_nothing_under_a_path_with_a_slash_too_many(ask: Ask, ours: App) -> None:
    reply = ask(ours(TWO_METHODS), target="/things/")

    assert reply.problem == (NOT_FOUND.status, NOT_FOUND.slug)
    assert "location" not in reply.headers


def test_stock_lets_an_unknown_path_fall_through(ask: Ask) -> None:
    async def teapot(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = ConnexionMiddleware(teapot, import_name="connexion", resolver=Resolver(lambda _: teapot))
    app.add_api(TWO_METHODS)

    assert ask(app, target="/nothing").status == 418


def test_ours_ends_an_unknown_path(ask: Ask, ours: App) -> None:
    assert ask(ours(TWO_METHODS), target="/nothing").problem == (NOT_FOUND.status, NOT_FOUND.slug)


def test_stock_fails_at_head_when_it_validates_responses(ask: Ask) -> None:
    """With FlaskApp, which takes the body away first; AsyncApp leaves that to the server."""
    app = connexion.FlaskApp(
        "connexion", resolver=Resolver(lambda _: lambda: {}), validate_responses=True
    )
    app.add_api(TWO_METHODS)

    assert ask(app, "GET", "/things").status == 200
    assert ask(app, "HEAD", "/things").status == 500


def test_ours_answers_head(ask: Ask, ours: App) -> None:
    assert ask(ours(TWO_METHODS), "HEAD", "/things").status == 200


# Answers


def that_answers(*media_types: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "object"}} for media_type in media_types}
    ok = {"description": "ok", "content": content}
    return a_document(get=an_operation("list_things", responses={"200": ok}))


def test_stock_fails_at_a_plain_answer_when_two_media_types_are_declared(
    ask: Ask, stock: App
) -> None:
    document = that_answers("application/json", "application/problem+json")

    assert ask(stock(document), target="/things").status == 500


def test_ours_leaves_the_media_type_to_whoever_answers(ask: Ask, ours: App) -> None:
    reply = ask(
        ours(that_answers("application/json", "application/problem+json")), "GET", "/things"
    )

    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")


def test_stock_answers_401_without_a_challenge(ask: Ask, stock: App) -> None:
    app = stock(that_is_secured(**{"x-apikeyInfoFunc": "builtins.len"}))

    reply = ask(app, target="/things")

    assert reply.status == 401
    assert "www-authenticate" not in reply.headers


class NoKey:
    """A handler that never finds a key."""

    def get_fn(self, _scheme: Any, _scopes: Any) -> Any:
        return lambda _request: connexion.security.NO_VALUE


def test_ours_answers_401_with_a_challenge(ask: Ask, ours: App) -> None:
    reply = ask(ours(that_is_secured(), {"apiKey": NoKey}), target="/things")

    assert reply.problem == (UNAUTHORIZED.status, UNAUTHORIZED.slug)
    assert reply.headers["www-authenticate"] == 'Bearer realm="test"'


# Publication


def with_a_model() -> dict[str, Any]:
    document = that_is_secured(**{"x-apikeyInfoFunc": "builtins.len"})
    document["components"]["schemas"] = {"Thing": {"type": "object"}}
    operation = document["paths"]["/things"]["get"]
    operation["x-gateway"] = {"upstream": "things"}
    media = operation["responses"]["200"]["content"]["application/json"]
    media["schema"] = {"$ref": "#/components/schemas/Thing"}
    return document


def test_stock_publishes_a_document_without_references_and_with_secrets(
    ask: Ask, stock: App
) -> None:
    published = ask(stock(with_a_model()), target="/openapi.json").body

    assert b"$ref" not in published
    assert b"x-apikeyInfoFunc" in published
    assert b"x-gateway" in published


def test_ours_publishes_references_and_nothing_private(load: App) -> None:
    published = repr(publish(load(with_a_model())))

    assert "#/components/schemas/Thing" in published
    assert "x-gateway" not in published


def test_ours_lets_connexion_publish_nothing(ask: Ask, ours: App) -> None:
    app = ours(with_a_model(), {"apiKey": NoKey})

    assert ask(app, target="/openapi.json").status == 404
