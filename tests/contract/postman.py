"""Imports the contract into Postman, by its own converter, and runs the collection it makes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from contracts.services import Services
from openapi.document import METHODS
from tests.contract import node

# As a user imports: only the parameters that have to be are selected, and examples are filled in.
IMPORT = "folderStrategy=Tags,parametersResolution=Example,enableOptionalParameters=false"
# The optional parameters that are selected besides.
SELECTED: Mapping[str, Mapping[str, str]] = {"stream_changes": {"duration": "0"}}
ASSERTIONS = node.NODE / "postman.js"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run: the status of each operation, and each assertion that failed."""

    statuses: Mapping[str, int]
    failures: Collection[str]


def convert(document: Path, folder: Path) -> dict[str, Any]:
    """The collection that Postman makes of the document."""
    file = folder / "collection.json"
    result = node.run("openapi2postmanv2", "-s", document, "-o", file, "-O", IMPORT)
    assert "Conversion successful" in result.stdout, result.stdout + result.stderr
    collection: dict[str, Any] = json.loads(file.read_text())
    return collection


def prepare(collection: dict[str, Any], document: Path, identifiers: Mapping[str, str]) -> None:
    """Gives the collection its assertions, and an order in which each request can be granted.

    ``identifiers``: what the operations' paths name, where it is not the contract's example.
    """
    content = yaml.safe_load(document.read_text())
    operations = {_place(path, method): op for path, method, op in _operations(content)}
    items = list(_requests(collection["item"]))
    for item in items:
        name = operations[_place(_path(item), item["request"]["method"])]["operationId"]
        item["name"] = name
        _select(item, name)
        for variable in item["request"]["url"]["variable"]:
            variable["value"] = identifiers.get(name, variable["value"])
    collection["item"] = _ordered(items)
    told = {
        "operations": {op["operationId"]: _told(content, op) for op in operations.values()},
        "components": {"schemas": content["components"]["schemas"]},
    }
    collection["variable"].append({"key": "contract", "value": json.dumps(told)})
    script = {"type": "text/javascript", "exec": ASSERTIONS.read_text().splitlines()}
    collection["event"] = [{"listen": "test", "script": script}]


def run(collection: dict[str, Any], services: Services, key: str, folder: Path) -> Report:
    """Sends every request of the collection, in its order, with that API key."""
    file, report = folder / "prepared.json", folder / "report.json"
    file.write_text(json.dumps(collection))
    _, client_id, secret = key.split("_", 2)
    variables = {
        "baseUrl": services.gateway_url,
        "apiKey": key,
        "basicAuthUsername": client_id,
        "basicAuthPassword": secret,
    }
    given = [part for item in variables.items() for part in ("--env-var", "=".join(item))]
    reporter = ("--reporters", "json", "--reporter-json-export", report)
    result = node.run("newman", "run", file, *given, *reporter, "--timeout-request", "30000")
    assert report.exists(), result.stdout + result.stderr
    told = json.loads(report.read_text())["run"]
    assert (result.returncode == 0) is not bool(told["failures"]), result.stdout
    return Report(
        {each["item"]["name"]: each["response"]["code"] for each in told["executions"]},
        [
            f"{each['source']['name']}: {each['at']}: {each['error']['message']}"
            for each in told["failures"]
        ],
    )


def plant(services: Services) -> dict[str, str]:
    """Makes what the requests refer to beside what they make themselves; its identifiers."""
    with requests.Session() as session:
        session.headers["X-API-Key"] = services.admin_key

        def ask(method: str, path: str, **options: Any) -> dict[str, Any]:
            response = session.request(method, services.gateway_url + path, timeout=30, **options)
            response.raise_for_status()
            answer: dict[str, Any] = response.json() if response.content else {}
            return answer

        sensor = {"name": "Sensor", "device_type": "sensor"}
        ask("PUT", "/v1/devices/hall-light-2", json=sensor)
        ask("PUT", "/v1/devices/deleted", json=sensor)
        ask("DELETE", "/v1/devices/deleted")
        key = ask("POST", "/v1/api-keys", json={"name": "mine", "scopes": ["devices:read"]})
        services.kill("worker")  # so that the job is still waiting when it is to be cancelled
        rows, later = {"items": [sensor]}, {"Prefer": "respond-async"}
        job = ask("POST", "/v1/imports/devices", json=rows, headers=later)
    names = dict.fromkeys(("get_job", "cancel_job"), job["identifier"])
    of_keys = ("get_api_key", "patch_api_key", "rotate_api_key", "revoke_api_key")
    return {"restore_device": "deleted", **names, **dict.fromkeys(of_keys, key["identifier"])}


def _requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        if "item" in item:
            yield from _requests(item["item"])
        else:
            yield item


def _operations(content: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in content["paths"].items():
        for method in (each for each in METHODS if each in item):
            yield path, method, item[method]


def _place(path: str, method: str) -> tuple[str, str]:
    return path, method.upper()


def _path(item: Mapping[str, Any]) -> str:
    """The request's path as the contract writes it: Postman has ``:name`` for ``{name}``."""
    parts = item["request"]["url"]["path"]
    return "".join(f"/{{{part[1:]}}}" if part.startswith(":") else f"/{part}" for part in parts)


def _select(item: dict[str, Any], name: str) -> None:
    for parameter in item["request"]["url"]["query"]:
        if parameter["key"] in SELECTED.get(name, {}):
            parameter.update(value=SELECTED[name][parameter["key"]], disabled=False)


def _ordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is made first, as the contract has it; away with it at the end, last things first."""
    away = [item for item in items if item["request"]["method"] == "DELETE"]
    return [item for item in items if item not in away] + away[::-1]


def _told(content: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """What the assertions hold the operation's answer to: a status that grants, and its body."""
    responses = {
        status: _response(content, response).get("content", {})
        for status, response in operation["responses"].items()
    }
    granted = [int(status) for status in responses if int(status) < 400]
    return {"expected": granted, "responses": responses}


def _response(content: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in response:
        return response
    shared: Mapping[str, Any] = content["components"]["responses"][response["$ref"].split("/")[-1]]
    return shared
