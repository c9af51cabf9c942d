"""What the suite reads of a contract."""

from __future__ import annotations

import pytest

from contracts.contract import Contract

CONTRACT = Contract()


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/v1/devices", "list_devices"),
        ("HEAD", "/v1/devices?limit=1", "list_devices"),
        ("POST", "/v1/devices/a%20b/restore", "restore_device"),
        ("PUT", "/v1/devices", None),
        ("GET", "/v1/devices/a/b", None),
        ("GET", "/v1/devices/", None),
    ],
)
def test_a_request_is_for_an_operation(method: str, target: str, operation: str | None) -> None:
    found = CONTRACT.find(method, target)

    assert (found.operation_id if found else None) == operation


def test_the_declared_parameters_of_a_request_are_found() -> None:
    operation = CONTRACT.operations["replace_device"]
    headers = {"if-match": '"a"', "X-Nothing": "1"}

    sent = CONTRACT.sent(operation, "/v1/devices/a?nothing=1", headers)

    assert sent == {"path.identifier", "header.If-Match"}


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ({"x-api-key": "a"}, "ApiKey"),
        ({"Authorization": "bearer a"}, "OAuth2"),
        ({"Authorization": "Basic a"}, ""),
        ({}, ""),
    ],
)
def test_the_scheme_of_a_credential_is_found(headers: dict[str, str], scheme: str) -> None:
    assert CONTRACT.scheme_of(CONTRACT.operations["list_devices"], headers) == scheme


def test_the_inventory_does_not_owe_what_the_gateway_puts_on_answers() -> None:
    operation = CONTRACT.operations["list_devices"]
    head = [(b"content-type", b"application/json"), (b"x-request-id", b"a" * 32)]

    by_gateway, _ = CONTRACT.responses(operation).check_head("GET", 200, [])
    by_inventory, _ = CONTRACT.responses(operation, "inventory").check_head("GET", 200, head)

    assert by_gateway is not None
    assert by_inventory is None
