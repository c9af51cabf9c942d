"""What browsers are told."""

from __future__ import annotations

from typing import Any

from gateway.security_headers import API_POLICY, PAGE_POLICY, SecurityHeadersMiddleware


def test_an_answer_of_the_api_lets_a_browser_do_nothing(application: Any, exchange: Any) -> None:
    headers = exchange(SecurityHeadersMiddleware(application(), 0)).headers

    assert headers["content-security-policy"] == API_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


def test_swagger_ui_and_its_files_may_run(application: Any, exchange: Any) -> None:
    app = SecurityHeadersMiddleware(application(), 0)

    for path in ("/ui/", "/ui/swagger-ui.css"):
        assert exchange(app, path=path).headers["content-security-policy"] == PAGE_POLICY


def test_tls_is_demanded_for_as_long_as_is_set(application: Any, exchange: Any) -> None:
    headers = exchange(SecurityHeadersMiddleware(application(), 3600)).headers

    assert headers["strict-transport-security"] == "max-age=3600"


def test_what_a_service_says_of_itself_stays(application: Any, exchange: Any) -> None:
    app = application(headers=[("referrer-policy", "origin")])

    headers = exchange(SecurityHeadersMiddleware(app, 0)).headers

    assert headers["referrer-policy"] == "origin"
    assert headers["x-content-type-options"] == "nosniff"
