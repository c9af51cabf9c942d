"""The published contract, as Postman and SDK generators fetch it."""

from __future__ import annotations

import pytest
import requests
import yaml
from openapi_spec_validator import validate

from contracts.services import Services


def test_both_forms_are_one_valid_document(services: Services) -> None:
    as_json = requests.get(services.gateway_url + "/openapi.json", timeout=10)
    as_yaml = requests.get(services.gateway_url + "/openapi.yaml", timeout=10)

    assert as_json.headers["Content-Type"].startswith("application/json")
    assert as_yaml.headers["Content-Type"].startswith("application/yaml")
    assert as_json.json() == yaml.safe_load(as_yaml.text)
    assert "x-gateway" not in as_json.text
    validate(as_json.json())


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "/ui/"])
def test_a_document_has_get_head_and_options(services: Services, path: str) -> None:
    url = services.gateway_url + path

    whole = requests.get(url, timeout=10)
    head = requests.head(url, timeout=10)
    options = requests.options(url, timeout=10)
    refused = requests.post(url, timeout=10)

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.content)
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert refused.headers["Content-Type"] == "application/problem+json"
