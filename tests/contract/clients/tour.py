"""The README's tour, by the Python client that is generated of the contract (``doorstep_client``).

Its types are checked before it is run. Arguments: the gateway's URL, an API key, and a file with
what a Home Assistant knows.
"""

from __future__ import annotations

import base64
import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from doorstep_client import AuthenticatedClient, Client
from doorstep_client.api.access import issue_token
from doorstep_client.api.areas import list_areas
from doorstep_client.api.changes import list_changes
from doorstep_client.api.customers import create_customer
from doorstep_client.api.devices import (
    create_device,
    delete_device,
    get_device,
    list_device_history,
    list_devices,
    patch_device,
    restore_device,
)
from doorstep_client.api.duplicates import list_duplicate_devices
from doorstep_client.api.exports import export_devices
from doorstep_client.api.health import get_readiness
from doorstep_client.api.homes import replace_home
from doorstep_client.api.imports import import_devices, import_home_assistant
from doorstep_client.api.summaries import summarize_devices
from doorstep_client.models import (
    ChangedKind,
    ChangeFeed,
    ChangePage,
    Connection,
    Customer,
    Device,
    DeviceExport,
    DeviceImport,
    DeviceImportReport,
    DevicePage,
    DevicePatch,
    DeviceSummary,
    DuplicatePage,
    Home,
    HomeAssistantImport,
    HomeFields,
    ImportReport,
    NewCustomer,
    NewDevice,
    Problem,
    Token,
    TokenRequest,
    TokenRequestGrantType,
)
from doorstep_client.types import UNSET, Response, Unset

Model = TypeVar("Model")


def told(response: Response[Any], status: HTTPStatus, model: type[Model]) -> Model:
    """The answer as the model that the client made of it."""
    assert response.status_code == status, response.content
    assert isinstance(response.parsed, model), response.parsed
    return response.parsed


def a_device(client: AuthenticatedClient) -> None:
    body = NewDevice(
        identifier="hall-light-1",
        name="Hall light",
        device_type="light",
        manufacturer="Signify",
        connections=[Connection(type_="mac", value="00-17-88-0A-0B-0C")],
    )
    made = told(create_device.sync_detailed(client=client, body=body), HTTPStatus.CREATED, Device)
    assert [each.to_dict() for each in made.connections or []] == [
        {"type": "mac", "value": "00:17:88:0a:0b:0c"}
    ]

    read = get_device.sync_detailed("hall-light-1", client=client)
    assert told(read, HTTPStatus.OK, Device) == made
    change = DevicePatch(sw_version="1.110.0", manufacturer=None)
    tag = read.headers["ETag"]
    patched = told(
        patch_device.sync_detailed("hall-light-1", client=client, body=change, if_match=tag),
        HTTPStatus.OK,
        Device,
    )
    assert (patched.revision, patched.sw_version) == (2, "1.110.0")
    assert isinstance(patched.manufacturer, Unset)
    assert patched.updated_at > made.updated_at
    late = patch_device.sync_detailed(
        "hall-light-1", client=client, body=DevicePatch(name="x"), if_match=tag
    )
    told(late, HTTPStatus.PRECONDITION_FAILED, Problem)


def a_mistake(client: AuthenticatedClient) -> None:
    body = NewDevice(name="", device_type="Light")
    problem = told(
        create_device.sync_detailed(client=client, body=body), HTTPStatus.BAD_REQUEST, Problem
    )
    assert {each.pointer for each in problem.errors or []} == {"/name", "/device_type"}


def a_home(client: AuthenticatedClient) -> None:
    ann = NewCustomer(identifier="ann", name="Ann")
    for _ in range(2):  # the key makes a request that is sent twice happen once
        sent = create_customer.sync_detailed(client=client, body=ann, idempotency_key="tour-1")
        assert told(sent, HTTPStatus.CREATED, Customer).revision == 1
    home = HomeFields(name="Ann at home", customer_id="ann", country_code="NL")
    told(replace_home.sync_detailed("ann-home", client=client, body=home), HTTPStatus.CREATED, Home)
    there = DevicePatch(home_id="ann-home")
    told(
        patch_device.sync_detailed("hall-light-1", client=client, body=there),
        HTTPStatus.OK,
        Device,
    )


def home_assistant(client: AuthenticatedClient, file: Path) -> None:
    body = HomeAssistantImport.from_dict(json.loads(file.read_text()))
    for dry_run in (True, False):
        sent = import_home_assistant.sync_detailed(
            client=client, body=body, home_id="ann-home", dry_run=dry_run
        )
        report = told(sent, HTTPStatus.OK, ImportReport)
        assert (report.dry_run, report.counts.created) == (dry_run, 4)
    areas = list_areas.sync(client=client, home_id=["ann-home"])
    assert not isinstance(areas, Problem | None)
    assert areas.items
    twice = told(list_duplicate_devices.sync_detailed(client=client), HTTPStatus.OK, DuplicatePage)
    assert "hall-light-1" in twice.items[0].devices


def lists(client: AuthenticatedClient) -> None:
    seen: list[str] = []
    cursor: str | Unset | None = UNSET
    while cursor is not None:
        sent = list_devices.sync_detailed(
            client=client, device_type=["light", "lock"], limit=1, cursor=cursor
        )
        page = told(sent, HTTPStatus.OK, DevicePage)
        seen += [each.identifier for each in page.items]
        cursor = page.next_
    assert len(seen) == len(set(seen)) > 1
    some = list_devices.sync_detailed(
        client=client, q="hall", sort="-updated_at", fields="name,sw_version"
    )
    first = told(some, HTTPStatus.OK, DevicePage).items[0]
    assert isinstance(first.device_type, Unset)


def out_and_in(client: AuthenticatedClient) -> None:
    sent = export_devices.sync_detailed(client=client, device_type=["light"])
    devices = told(sent, HTTPStatus.OK, DeviceExport).items
    body = DeviceImport.from_dict({"items": [each.to_dict() for each in devices]})
    report = told(
        import_devices.sync_detailed(client=client, body=body), HTTPStatus.OK, DeviceImportReport
    )
    assert report.counts.unchanged == len(devices) > 0
    # What the client has no types for goes by hand, with the same credential.
    by_hand = client.get_httpx_client()
    table = by_hand.get("/v1/exports/devices", headers={"Accept": "text/csv"})
    assert table.text.startswith("identifier,")
    answer = by_hand.post(
        "/v1/imports/devices", content=table.content, headers={"Content-Type": "text/csv"}
    )
    assert DeviceImportReport.from_dict(answer.json()).counts.rejected == 0


def what_changed(client: AuthenticatedClient) -> None:
    counted = summarize_devices.sync_detailed(client=client, by="device_type,status")
    assert told(counted, HTTPStatus.OK, DeviceSummary).total > 1
    history = list_device_history.sync_detailed("hall-light-1", client=client)
    revisions = [each.data.revision for each in told(history, HTTPStatus.OK, ChangePage).items]
    assert set(revisions) == {1, 2, 3}
    changes = list_changes.sync_detailed(client=client, kind=[ChangedKind.DEVICES], limit=2)
    assert len(told(changes, HTTPStatus.OK, ChangeFeed).items) == 2
    # OpenAPI 3.0 has the schema of one event, and the client takes it for that of the whole stream.
    question = {"after": "start", "kind": "devices", "duration": "0"}
    stream = client.get_httpx_client().get("/v1/changes/stream", params=question)
    assert '"hall-light-1"' in stream.text


def a_token(url: str, key: str) -> AuthenticatedClient:
    """The client of somebody who may only read."""
    basic = base64.b64encode(key.partition("_")[2].replace("_", ":", 1).encode()).decode()
    body = TokenRequest(TokenRequestGrantType.CLIENT_CREDENTIALS, scope="devices:read")
    with AuthenticatedClient(url, basic, prefix="Basic") as client:
        sent = issue_token.sync_detailed(client=client, body=body)
    return AuthenticatedClient(url, told(sent, HTTPStatus.OK, Token).access_token)


def away_and_back(client: AuthenticatedClient, reader: AuthenticatedClient) -> None:
    told(get_device.sync_detailed("hall-light-1", client=reader), HTTPStatus.OK, Device)
    refused = delete_device.sync_detailed("hall-light-1", client=reader)
    told(refused, HTTPStatus.FORBIDDEN, Problem)
    gone = delete_device.sync_detailed("hall-light-1", client=client)
    assert gone.status_code == HTTPStatus.NO_CONTENT
    told(get_device.sync_detailed("hall-light-1", client=client), HTTPStatus.NOT_FOUND, Problem)
    back = restore_device.sync_detailed("hall-light-1", client=client)
    assert told(back, HTTPStatus.OK, Device).home_id == "ann-home"


def tour(url: str, key: str, file: Path) -> None:
    with Client(url) as anybody:
        assert get_readiness.sync_detailed(client=anybody).status_code == HTTPStatus.OK
    with AuthenticatedClient(url, key, prefix="", auth_header_name="X-API-Key") as client:
        a_device(client)
        a_mistake(client)
        a_home(client)
        home_assistant(client, file)
        lists(client)
        out_and_in(client)
        what_changed(client)
        with a_token(url, key) as reader:
            away_and_back(client, reader)


if __name__ == "__main__":
    tour(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
