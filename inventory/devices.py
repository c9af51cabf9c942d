"""What can be done with devices: the rules of the domain applied to what the store holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.domain import device as rules
from inventory.domain.device import Document, StoredDevice, store_form
from inventory.domain.errors import (
    Contention,
    DeviceNotFound,
    IdentifierMismatch,
    IdentifierTaken,
    PreconditionFailed,
)
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import Change, ChangeConflict, DeviceQuery, DeviceStore

ATTEMPTS = 10  # how often a change is tried again when others were faster


@dataclass(frozen=True, slots=True)
class Sources:
    """Where new devices get from what only the world knows: the time and chance."""

    now: Callable[[], str]
    """The time as RFC 3339 text in UTC."""
    uid: Callable[[], str]
    """A new UUID."""
    identifier: Callable[[], str]
    """A new identifier for a device that was sent without one."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some devices, and the identifier to go on after; None when there are no more."""

    devices: list[StoredDevice] = field(default_factory=list)
    last: str | None = None


class Devices:
    """The devices of the inventory."""

    def __init__(self, store: DeviceStore, sources: Sources) -> None:
        self._store = store
        self._sources = sources

    def get(self, identifier: str) -> StoredDevice:
        """The device, or ``DeviceNotFound``."""
        stored = self._store.get(identifier)
        if stored is None:
            raise DeviceNotFound(identifier)
        return stored

    def page(self, query: DeviceQuery) -> Page:
        """The first ``query.limit`` devices that it asks for."""
        one_more = DeviceQuery(query.limit + 1, query.after, query.filters)
        found = self._store.find(one_more)
        if len(found) <= query.limit:
            return Page(found)
        found.pop()
        return Page(found, found[-1].identifier)

    def create(self, fields: Mapping[str, Any]) -> StoredDevice:
        """A new device, or ``IdentifierTaken``."""
        identifier = fields.get("identifier") or self._sources.identifier()
        document = self._new(identifier, fields)
        try:
            self._store.apply([Change(identifier, None, document)])
        except ChangeConflict as exc:
            raise IdentifierTaken(identifier) from exc
        return store_form(document)

    def put(
        self, identifier: str, fields: Mapping[str, Any], preconditions: Preconditions
    ) -> tuple[StoredDevice, bool]:
        """The device under this identifier made so, and whether it is new."""
        given = fields.get("identifier") or identifier
        if given != identifier:
            raise IdentifierMismatch(identifier, given)

        def change(current: Document | None) -> Document:
            if current is None:
                return self._new(identifier, fields)
            return rules.replace(current, _writable(fields), now=self._sources.now())

        return self._change(identifier, change, preconditions)

    def patch(
        self, identifier: str, patch: Mapping[str, Any], preconditions: Preconditions
    ) -> StoredDevice:
        """The device with the merge patch applied, or ``DeviceNotFound``."""

        def change(current: Document | None) -> Document:
            if current is None:
                raise DeviceNotFound(identifier)
            return rules.merge(current, patch, now=self._sources.now())

        return self._change(identifier, change, preconditions)[0]

    def delete(self, identifier: str, preconditions: Preconditions) -> None:
        """Deletes the device, or ``DeviceNotFound``."""
        for _ in range(ATTEMPTS):
            current = self.get(identifier)
            _hold(preconditions, current)
            if self._applied(Change(identifier, current.revision, None)):
                return
        raise Contention

    def _change(
        self,
        identifier: str,
        change: Callable[[Document | None], Document],
        preconditions: Preconditions,
    ) -> tuple[StoredDevice, bool]:
        for _ in range(ATTEMPTS):
            stored = self._store.get(identifier)
            current = stored.document() if stored else None
            document = change(current)
            _hold(preconditions, stored)
            if stored is not None and document is current:
                return stored, False
            expected = stored.revision if stored else None
            if self._applied(Change(identifier, expected, document)):
                return store_form(document), stored is None
        raise Contention

    def _applied(self, change: Change) -> bool:
        try:
            self._store.apply([change])
        except ChangeConflict:
            return False
        return True

    def _new(self, identifier: str, fields: Mapping[str, Any]) -> Document:
        uid, now = self._sources.uid(), self._sources.now()
        return rules.create(fields, identifier=identifier, uid=uid, now=now)


def _hold(preconditions: Preconditions, current: StoredDevice | None) -> None:
    etag = current.etag if current else None
    if not preconditions.hold(etag):
        raise PreconditionFailed(etag)


def _writable(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in fields.items() if member != "identifier"}
