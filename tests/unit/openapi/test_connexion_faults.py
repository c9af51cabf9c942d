"""What a stock Connexion 3.3 does wrong with a request or a document, and that ours does not.

Each fault is shown twice over the same document: without our assembly, where it must still be
there (else what we do about it has become needless), and with it.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable
from typing import Any

import connexion
import pytest
from connexion.exceptions import InvalidSpecification
from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from connexion.validators import ParameterValidator
from connexion.validators import json as json_validators

import openapi
from openapi.bodies import JSONBody
from openapi.document import DocumentFault, load_document
from openapi.parameters import CompiledParameterValidator
from openapi.problems import INVALID_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED
from openapi.publication import publish
from openapi.selection import check_security
from openapi.validation import UnsupportedBody

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
    with pytest.raises(UnsupportedBody, match="create_thing: .*application/x-ndjson"):
        ours(that_takes("application/x-ndjson"))


def importing(name: str) -> list[warnings.WarningMessage]:
    """What importing the module for the first time warns of."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if name != openapi.__name__:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return said


def test_importing_stock_warns_of_starlettes_test_client() -> None:
    assert "starlette.testclient" in vars(connexion.apps.abstract)["TestClient"].__module__

    assert "StarletteDeprecationWarning" in {w.category.__name__ for w in importing(TEST_CLIENT)}
