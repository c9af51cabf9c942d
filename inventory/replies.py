"""Builds the handlers' responses: bytes as they are, the content type always said."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from flask import Response

from inventory.cursors import write_cursor
from inventory.devices import Page
from inventory.domain.device import StoredDevice, to_json
from inventory.domain.store import DeviceQuery

JSON = "application/json"


def device(stored: StoredDevice) -> Response:
    """200 with the device's own text."""
    return Response(stored.body, 200, {"ETag": stored.etag}, content_type=JSON)


def created(stored: StoredDevice) -> Response:
    """201 with the device and where it is."""
    location = f"/v1/devices/{quote(stored.identifier, safe=':')}"
    headers = {"ETag": stored.etag, "Location": location}
    return Response(stored.body, 201, headers, content_type=JSON)


def not_modified(stored: StoredDevice) -> Response:
    """304: the client has this text already."""
    response = Response(status=304, headers={"ETag": stored.etag})
    del response.headers["Content-Type"]
    return response


def no_content() -> Response:
    """204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def page(found: Page, query: DeviceQuery) -> Response:
    """200 with the devices' own texts joined, and where the next page is."""
    cursor = write_cursor(found.last) if found.last else None
    items = ",".join([stored.body for stored in found.devices])
    body = f'{{"items":[{items}],"next":{to_json(cursor)}}}'
    headers = {"Link": _next_link(query, cursor)} if cursor else {}
    return Response(body, 200, headers, content_type=JSON)


def _next_link(query: DeviceQuery, cursor: str) -> str:
    parameters = [("limit", str(query.limit))]
    parameters += [(name, value) for name, values in query.filters.items() for value in values]
    return f'</v1/devices?{urlencode([*parameters, ("cursor", cursor)])}>; rel="next"'


def json(value: object) -> Response:
    """200 with the value as JSON."""
    return Response(to_json(value), 200, content_type=JSON)
