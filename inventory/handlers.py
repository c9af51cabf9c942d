"""One method an operation: takes parsed input, calls one thing, replies."""

from __future__ import annotations

from typing import Any

from flask import Response

from inventory import replies
from inventory.cursors import read_cursor
from inventory.devices import Devices
from inventory.domain.preconditions import EntityTags, Preconditions
from inventory.domain.store import DeviceQuery
from inventory.imports import Imports


class Handlers:
    """The operations of the inventory, by their operationId."""

    def __init__(self, devices: Devices, imports: Imports) -> None:
        self._devices = devices
        self._imports = imports

    def list_devices(self, limit: int, cursor: str | None, **filters: list[str] | None) -> Response:
        """A page of devices."""
        given = {name: values for name, values in filters.items() if values}
        query = DeviceQuery(limit, read_cursor(cursor) if cursor else "", given)
        return replies.page(self._devices.page(query), query)

    def create_device(self, body: dict[str, Any]) -> Response:
        """A new device."""
        return replies.created(self._devices.create(body))

    def get_device(self, identifier: str, if_none_match: str | None) -> Response:
        """The device, or 304."""
        stored = self._devices.get(identifier)
        if if_none_match and EntityTags.parse(if_none_match).match_weakly(stored.etag):
            return replies.not_modified(stored)
        return replies.device(stored)

    def replace_device(
        self,
        identifier: str,
        body: dict[str, Any],
        if_match: str | None,
        if_none_match: str | None,
    ) -> Response:
        """The device created, or replaced."""
        preconditions = Preconditions.parse(if_match, if_none_match)
        stored, is_new = self._devices.put(identifier, body, preconditions)
        return replies.created(stored) if is_new else replies.device(stored)

    def patch_device(self, identifier: str, body: dict[str, Any], if_match: str | None) -> Response:
        """The device changed."""
        preconditions = Preconditions.parse(if_match)
        return replies.device(self._devices.patch(identifier, body, preconditions))

    def delete_device(self, identifier: str, if_match: str | None) -> Response:
        """The device gone."""
        self._devices.delete(identifier, Preconditions.parse(if_match))
        return replies.no_content()

    def import_home_assistant(self, body: dict[str, Any], dry_run: bool) -> Response:
        """What became of each device of a Home Assistant's registry."""
        return replies.json(self._imports.home_assistant(body, dry_run=dry_run))
