"""Postman imports the contract, and every request that it makes of it is granted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.services import Services
from openapi import CONTRACT
from openapi.document import load_document
from tests.contract import postman

OPERATIONS = load_document(CONTRACT).operations


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("postman")) as services:
        yield services


def test_every_request_of_the_collection_is_granted(services: Services, tmp_path: Path) -> None:
    collection = postman.convert(CONTRACT, tmp_path)
    postman.prepare(collection, CONTRACT, postman.plant(services))

    report = postman.run(collection, services, services.admin_key, tmp_path)

    assert report.failures == []
    assert report.statuses.keys() == {op.operation_id for op in OPERATIONS}


def of_some(document: Path, folder: Path, *names: str) -> dict[str, Any]:
    """The collection with the requests of these operations alone."""
    collection = postman.convert(document, folder)
    postman.prepare(collection, document, identifiers={})
    collection["item"] = [each for each in collection["item"] if each["name"] in names]
    return collection


def test_a_wrong_key_fails_the_run(services: Services, tmp_path: Path) -> None:
    names = ("list_devices", "create_device", "issue_token", "get_liveness")
    collection = of_some(CONTRACT, tmp_path, *names)

    report = postman.run(collection, services, services.admin_key + "x", tmp_path)

    assert report.statuses == dict.fromkeys(names[:3], 401) | {"get_liveness": 200}
    assert {each.split(":")[0] for each in report.failures} == set(names[:3])


def test_an_answer_that_is_not_as_the_contract_has_it_fails_the_run(
    services: Services, tmp_path: Path
) -> None:
    content = yaml.safe_load(CONTRACT.read_text())
    content["components"]["schemas"]["DeviceTypeItem"]["required"].append("colour")
    document = tmp_path / "openapi.yaml"
    document.write_text(yaml.safe_dump(content, sort_keys=False))
    collection = of_some(document, tmp_path, "list_device_types")

    report = postman.run(collection, services, services.admin_key, tmp_path)

    assert report.statuses == {"list_device_types": 200}
    assert ["colour" in each for each in report.failures] == [True]
