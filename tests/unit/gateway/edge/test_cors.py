"""Who may read answers, and what a preflight is told."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cors import CorsMiddleware
from gateway.cors_contract import PathHeaders
from openapi import CONTRACT
from openapi.document import load_document

PAGE = "https://app.example"
PATHS = PathHeaders(load_document(CONTRACT), {"/openapi.json": ["get"]})
ALLOW = "access-control-allow-origin"


def around(app: Any, *origins: str) -> CorsMiddleware:
    return CorsMiddleware(app, origins=origins or (PAGE,), max_age=60, paths=PATHS)


def preflight(exchange: Any, app: Any, path: str = "/v1/devices/lamp", origin: str = PAGE) -> Any:
    asked = [("Origin", origin), ("Access-Control-Request-Method", "PUT")]
    return exchange(app, "OPTIONS", path, asked)


def names(value: str) -> set[str]:
    return set(value.split(", "))


def test_a_preflight_is_told_what_the_contract_has_for_the_path(
    application: Any, exchange: Any
) -> None:
    app = application()

    reply = preflight(exchange, around(app))

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers[ALLOW] == PAGE
    assert reply.headers["access-control-max-age"] == "60"
    assert names(reply.headers["access-control-allow-methods"]) == {
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT",
    }  # fmt: skip
    assert names(reply.headers["access-control-allow-headers"]) == {
        "Authorization", "Content-Type", "If-Match", "If-None-Match", "X-API-Key", "X-Request-Id",
        "traceparent", "tracestate",
    }  # fmt: skip
    assert reply.headers["vary"] == "Origin"
    assert not app.scope, "nothing below is asked"


def test_what_no_operation_of_the_path_takes_is_not_allowed(
    application: Any, exchange: Any
) -> None:
    on_list = preflight(exchange, around(application()), "/v1/devices").headers
    on_document = preflight(exchange, around(application()), "/openapi.json").headers

    assert "Idempotency-Key" in names(on_list["access-control-allow-headers"])
    assert "If-Match" not in names(on_list["access-control-allow-headers"])
    assert "X-API-Key" not in names(on_document["access-control-allow-headers"])
    assert names(on_document["access-control-allow-methods"]) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.evil", "http://app.example", "null", ""]
)
def test_another_origin_is_allowed_nothing(application: Any, exchange: Any, origin: str) -> None:
    app = around(application())

    for reply in (
        preflight(exchange, app, origin=origin),
        exchange(app, headers=[("Origin", origin)]),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        assert reply.headers["vary"] == "Origin"


def test_a_preflight_for_no_path_goes_on_to_the_404(application: Any, exchange: Any) -> None:
    reply = preflight(exchange, around(application(status=404)), "/v1/nothing")

    assert reply.status == 404


def test_options_that_are_no_preflight_go_on(application: Any, exchange: Any) -> None:
    app = application(status=204)

    exchange(around(app), "OPTIONS", "/v1/devices", [("Origin", PAGE)])

    assert app.scope["method"] == "OPTIONS"


def test_an_answer_can_be_read_with_the_headers_that_matter(
    application: Any, exchange: Any
) -> None:
    headers = exchange(around(application()), headers=[("Origin", PAGE)]).headers

    assert (headers[ALLOW], headers["access-control-allow-credentials"]) == (PAGE, "true")
    assert names(headers["access-control-expose-headers"]) >= {
        "ETag", "Link", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy",
        "Retry-After", "X-Request-Id",
    }  # fmt: skip


def test_an_answer_without_an_origin_varies_too(application: Any, exchange: Any) -> None:
    reply = exchange(around(application(headers=[("vary", "Accept")])))

    assert reply.headers == {"vary": "Accept, Origin"}


def test_every_origin_reads_without_credentials_and_one_answer_is_good_for_all(
    application: Any, exchange: Any
) -> None:
    app = around(application(), "*")

    with_origin = exchange(app, headers=[("Origin", "https://any.example")]).headers

    assert with_origin == exchange(app).headers
    assert with_origin[ALLOW] == "*"
    assert "access-control-allow-credentials" not in with_origin
    assert "vary" not in with_origin
    assert preflight(exchange, app, origin="https://any.example").headers[ALLOW] == "*"


def test_a_service_behind_has_no_say(application: Any, exchange: Any) -> None:
    app = application(headers=[(ALLOW, "https://evil.example")])

    assert ALLOW not in exchange(around(app)).headers
    assert exchange(around(app), headers=[("Origin", PAGE)]).headers[ALLOW] == PAGE
