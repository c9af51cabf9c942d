"""What one caller does in one transaction: the rules, the store and the history in one place."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.entries import entry_of
from inventory.domain.errors import (
    IdentifierTaken,
    PreconditionFailed,
    ReferenceFault,
    ResourceNotFound,
)
from inventory.domain.kinds import AREAS, DEVICE_LINKS, DEVICES, HOMES, Kind
from inventory.domain.preconditions import Preconditions
from inventory.domain.resource import Document, difference, store_form, timestamp, to_json
from inventory.domain.rules import AttributeSchemas, Rules, owner, visible
from inventory.domain.store import Change, Entry, Query, Stored, Tombstone, Transaction

_LOOSE = ("area_id", "home_id", *DEVICE_LINKS)  # what a device can do without
PORTION = 500  # resources that are changed along with another, read at once


@dataclass(frozen=True, slots=True)
class Sources:
    """Where new resources get from what only the world knows: the time and chance."""

    now: Callable[[], str]
    """The time as RFC 3339 text in UTC."""
    uid: Callable[[], str]
    """A new UUID."""
    identifier: Callable[[], str]
    """A new identifier for a resource that was sent without one."""
    schemas: AttributeSchemas


class Work:
    """Changes resources on behalf of a caller. Whatever it does is recorded."""

    def __init__(self, transaction: Transaction, caller: Caller, sources: Sources) -> None:
        self._transaction = transaction
        self._caller = caller
        self._sources = sources
        self._rules = Rules(transaction, sources.schemas, caller.tenant)
        self.now = sources.now()
        self._moments = 0  # that were asked for

    def create(self, kind: Kind, fields: Mapping[str, Any]) -> Stored:
        """A new resource, or ``IdentifierTaken``."""
        # First: or else the answer tells a tenant which customers there are.
        self._rules.check_creation(kind)
        identifier = fields.get("identifier") or self._sources.identifier()
        if self._transaction.get(kind.name, identifier) is not None:
            raise IdentifierTaken(kind.noun, identifier)
        return self._insert(kind, identifier, fields)

    def put(
        self, kind: Kind, identifier: str, fields: Mapping[str, Any], preconditions: Preconditions
    ) -> tuple[Stored, bool]:
        """The resource under this identifier made so, and whether it is new."""
        current = self._seen(kind, identifier)
        _hold(kind, preconditions, current)
        if current is None:
            return self.create(kind, {**fields, "identifier": identifier}), True
        return self.update(kind, current, fields), False

    def patch(
        self, kind: Kind, identifier: str, patch: Mapping[str, Any], preconditions: Preconditions
    ) -> Stored:
        """The resource with the merge patch applied, or ``ResourceNotFound``."""
        current = self.existing(kind, identifier)
        _hold(kind, preconditions, current)
        fields = resource.merge_patch(resource.writable(current), patch)
        return self.update(kind, current, fields)

    def delete(self, kind: Kind, identifier: str, preconditions: Preconditions) -> None:
        """Deletes the resource, or ``ResourceNotFound``. A device can be restored."""
        current = self.existing(kind, identifier)
        _hold(kind, preconditions, current)
        self._rules.check_deletion(kind, current)
        self._let_go(kind, identifier)
        self.remove(kind, current, "deleted")

    def restore(self, kind: Kind, identifier: str) -> Stored:
        """The resource that was deleted last under this identifier, as it was."""
        if self._seen(kind, identifier) is not None:
            raise IdentifierTaken(kind.noun, identifier)  # it is not deleted, or there again
        tombstone = self._transaction.tombstone(kind.name, identifier, self._caller.tenant)
        if tombstone is None:
            raise ResourceNotFound(f"deleted {kind.noun}", identifier)
        if self._transaction.get(kind.name, identifier) is not None:
            raise IdentifierTaken(kind.noun, identifier)
        before = tombstone.entry.stored.document()
        document = before | {"updated_at": self.now, "revision": before["revision"] + 1}
        self._loosen(kind, document)
        self._transaction.exhume(kind.name, tombstone.entry.uid)
        return self._save_new(kind, document, "restored")

    def _loosen(self, kind: Kind, document: Document) -> None:
        """Drops what the document cannot refer to any more: a deleted device cannot be mended."""
        while True:
            try:
                return self._rules.check(kind, document, None)
            except ReferenceFault as fault:
                if fault.member not in _LOOSE or fault.member not in document:
                    raise
                del document[fault.member]

    def existing(self, kind: Kind, identifier: str) -> Document:
        """The resource as the caller sees it, or ``ResourceNotFound``."""
        document = self._seen(kind, identifier)
        if document is None:
            raise ResourceNotFound(kind.noun, identifier)
        return document

    def update(
        self, kind: Kind, current: Document, fields: Mapping[str, Any], action: str = "updated"
    ) -> Stored:
        """The resource with these fields and no others. No change is no revision."""
        document = resource.replace(kind, current, self._rules.complete(kind, fields), now=self.now)
        if document is current:
            return store_form(current)
        self._rules.check(kind, document, current)
        entry = self._entry(kind, document)
        self._transaction.replace(kind.name, entry)
        self._record(kind, current, document, action)
        return entry.stored

    def remove(self, kind: Kind, current: Document, action: str) -> None:
        """Takes the resource away, whatever refers to it."""
        entry = self._entry(kind, current)
        if kind is DEVICES:
            self._transaction.bury(Tombstone(kind.name, self._moment(), entry))
        self._transaction.remove(kind.name, entry.stored.identifier)
        self._record(kind, current, None, action)

    def keep(self, kind: Kind, identifier: str, fields: Mapping[str, Any]) -> None:
        """Keeps what is the inventory's own, without rules and history."""
        stored = self._transaction.get(kind.name, identifier)
        if stored is None:
            document = resource.create(
                kind, fields, identifier=identifier, uid=self._sources.uid(), now=self.now
            )
            self._transaction.insert(kind.name, entry_of(kind, document))
            return
        current = stored.document()
        document = resource.replace(kind, current, fields, now=self.now)
        if document is not current:
            self._transaction.replace(kind.name, entry_of(kind, document))

    def _seen(self, kind: Kind, identifier: str) -> Document | None:
        return visible(self._transaction, kind, identifier, self._caller.tenant)

    def _insert(self, kind: Kind, identifier: str, fields: Mapping[str, Any]) -> Stored:
        given = {member: value for member, value in fields.items() if member in kind.members}
        document = resource.create(
            kind,
            self._rules.complete(kind, given),
            identifier=identifier,
            uid=self._sources.uid(),
            now=self.now,
        )
        self._rules.check(kind, document, None)
        return self._save_new(kind, document, "created")

    def _save_new(self, kind: Kind, document: Document, action: str) -> Stored:
        entry = self._entry(kind, document)
        self._transaction.insert(kind.name, entry)
        self._record(kind, None, document, action)
        return entry.stored

    def _entry(self, kind: Kind, document: Document) -> Entry:
        return entry_of(kind, document, owner(self._transaction, kind, document))

    def _moment(self) -> str:
        """Now, and later than the moment before: what is deleted in one work has an order."""
        moment = datetime.datetime.fromisoformat(self.now)
        self._moments += 1
        return timestamp(moment + datetime.timedelta(microseconds=self._moments))

    def _let_go(self, kind: Kind, identifier: str) -> None:
        """What belonged to it belongs to nothing; the areas of a home go with it."""
        members = {AREAS.name: ("area_id",), DEVICES.name: DEVICE_LINKS}
        for member in members.get(kind.name, ()):
            for device in self._members(DEVICES, member, identifier):
                fields = resource.writable(device)
                del fields[member]
                self.update(DEVICES, device, fields)
        if kind is HOMES:
            for area in self._members(AREAS, "home_id", identifier):
                self.remove(AREAS, area, "deleted")

    def _members(self, kind: Kind, member: str, identifier: str) -> list[Document]:
        found: list[Document] = []
        after: tuple[str, ...] = ()
        while True:
            query = Query(limit=PORTION, filters={member: [identifier]}, after=after)
            portion = self._transaction.find(kind.name, query)
            found += [stored.document() for stored in portion]
            if len(portion) < PORTION:
                return found
            after = (portion[-1].identifier,)

    def _record(
        self, kind: Kind, before: Document | None, after: Document | None, action: str
    ) -> None:
        either: Document = after or before or {}
        change = Change(
            kind=kind.name,
            identifier=either["identifier"],
            uid=either["uid"],
            tenant=owner(self._transaction, kind, either),
            revision=either["revision"],
            action=action,
            at=self.now,
            principal=self._caller.principal,
            request_id=self._caller.request_id,
            before=to_json(difference(after, before)),
            after=to_json(difference(before, after)),
        )
        moved_from = owner(self._transaction, kind, before) if before and after else change.tenant
        if moved_from == change.tenant:
            self._transaction.record(change)
            return
        # Neither customer may see what the other's resource was or becomes.
        gone = replace(change, tenant=moved_from, action="deleted")
        self._transaction.record(replace(gone, before=to_json(before), after="null"))
        self._transaction.record(
            replace(change, action="created", before="null", after=to_json(after))
        )


def _hold(kind: Kind, preconditions: Preconditions, current: Document | None) -> None:
    etag = store_form(current).etag if current else None
    if not preconditions.hold(etag):
        raise PreconditionFailed(kind.noun, etag)
