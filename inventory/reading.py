"""What a caller can read: one resource, pages, counts, history, and how things stood before."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.device import in_utc
from inventory.domain.errors import ResourceNotFound
from inventory.domain.kinds import DEVICE_TYPES, DEVICES, Kind
from inventory.domain.resource import Document, store_form, timestamp
from inventory.domain.rules import visible
from inventory.domain.store import Change, ChangeQuery, Query, Reader, Stored

MAX_LIMIT = 1000  # resources of a page
MAX_PAGE = 4 * 1024 * 1024  # characters of a page, from which on it takes no further portion
PORTION = 100  # resources that are read at once


@dataclass(frozen=True, slots=True)
class Page:
    """Some resources. ``last``: the texts to go on after; empty when there are no more."""

    items: list[Stored] = field(default_factory=list)
    last: tuple[str, ...] = ()


class Reading:
    """Reads for one caller."""

    def __init__(self, reader: Reader, caller: Caller, now: Callable[[], str]) -> None:
        self._reader = reader
        self._caller = caller
        self._now = now

    def get(self, kind: Kind, identifier: str) -> Stored:
        """The resource, or ``ResourceNotFound``."""
        stored = self._reader.get(kind.name, identifier)
        tenant = self._caller.tenant
        if stored is None or (
            tenant is not None and visible(self._reader, kind, identifier, tenant) is None
        ):
            raise ResourceNotFound(kind.noun, identifier)
        return stored

    def get_at(self, kind: Kind, identifier: str, at: str) -> Stored:
        """The resource as it stood at this moment, or ``ResourceNotFound``."""
        moment = in_utc(at)
        stored = self._reader.get(kind.name, identifier)
        document = stored.document() if stored else None
        seen = stored is None or visible(self._reader, kind, identifier, self._caller.tenant)
        if not seen:
            raise ResourceNotFound(kind.noun, identifier, at)
        for change in self._since(kind, identifier, moment):
            document = _before(document, change, kind)
        if document is None or document["created_at"] > moment:
            raise ResourceNotFound(kind.noun, identifier, at)
        return store_form(document)

    def page(self, kind: Kind, query: Query) -> Page:
        """The first ``query.limit`` resources, or as many as ``MAX_PAGE`` holds."""
        asked = self._bound(kind, query)
        found: list[Stored] = []
        size, after = 0, tuple(query.after)
        while len(found) < query.limit and size < MAX_PAGE:
            wanted = min(query.limit - len(found), PORTION)
            portion = self._reader.find(kind.name, replace(asked, limit=wanted + 1, after=after))
            found += portion[:wanted]
            size += sum(len(stored.body) for stored in portion[:wanted])
            if len(portion) <= wanted:
                return Page(found)
            after = _position(found[-1], query)
        return Page(found, after)

    def count(self, kind: Kind, query: Query) -> int:
        """How many there are."""
        return self._reader.count(kind.name, self._bound(kind, query))

    def summarize(self, query: Query, by: Sequence[str]) -> list[tuple[tuple[str, ...], int]]:
        """How many devices there are for each combination."""
        asked = self._bound(DEVICES, query)
        if "stale" in by and not asked.cutoffs:
            asked = replace(asked, cutoffs=self._cutoffs())
        return self._reader.summarize(DEVICES.name, asked, by)

    def history(self, kind: Kind, identifier: str, before: int, limit: int) -> list[Change]:
        """The changes of a resource that is there, the newest first."""
        self.get(kind, identifier)
        tenant = None if kind is DEVICE_TYPES else self._caller.tenant
        return self._reader.changes(
            ChangeQuery(
                limit=limit,
                before=before,
                tenant=tenant,
                kinds=[kind.name],
                identifier=identifier,
                newest_first=True,
            )
        )

    def changes(self, after: int, kinds: Sequence[str], limit: int) -> tuple[list[Change], int]:
        """Changes in order, and the sequence to go on after."""
        query = ChangeQuery(limit=limit, after=after, tenant=self._caller.tenant, kinds=kinds)
        found = self._reader.changes(query)
        return found, found[-1].sequence if found else after

    def _since(self, kind: Kind, identifier: str, moment: str) -> list[Change]:
        """The changes after the moment, the newest first."""
        since: list[Change] = []
        before = 0
        while True:
            query = ChangeQuery(
                limit=PORTION,
                before=before,
                kinds=[kind.name],
                identifier=identifier,
                tenant=None if kind is DEVICE_TYPES else self._caller.tenant,
                newest_first=True,
            )
            portion = self._reader.changes(query)
            # What is purged was gone before; one that lives under its identifier is another.
            since += [c for c in portion if c.at > moment and c.action != "purged"]
            if len(portion) < PORTION or portion[-1].at <= moment:
                return since
            before = portion[-1].sequence

    def _bound(self, kind: Kind, query: Query) -> Query:
        tenant = None if kind is DEVICE_TYPES else self._caller.tenant
        cutoffs = self._cutoffs() if query.stale is not None else query.cutoffs
        return replace(query, tenant=tenant, cutoffs=cutoffs)

    def _cutoffs(self) -> Mapping[str, str]:
        """Since when a device of each type should have been seen."""
        now = datetime.datetime.fromisoformat(self._now())
        cutoffs: dict[str, str] = {}
        after: tuple[str, ...] = ()
        while True:
            portion = self._reader.find(DEVICE_TYPES.name, Query(limit=PORTION, after=after))
            for stored in portion:
                seconds = stored.document().get("stale_after")
                if seconds is not None:
                    cutoff = now - datetime.timedelta(seconds=seconds)
                    cutoffs[stored.identifier] = timestamp(cutoff)
            if len(portion) < PORTION:
                return cutoffs
            after = (portion[-1].identifier,)


def _position(stored: Stored, query: Query) -> tuple[str, ...]:
    """The texts that ``Query.after`` wants."""
    if not query.sort:
        return (stored.identifier,)
    document = stored.document()
    texts = [document.get(by.column) for by in query.sort]
    return (*("" if text is None else str(text) for text in texts), stored.identifier)


def _before(document: Document | None, change: Change, kind: Kind) -> Document | None:
    patch: Any = json.loads(change.before)
    if patch is None:
        return None
    if change.action in ("deleted", "merged", "purged") and change.after == "null":
        return dict(patch)
    merged = resource.merge_patch(document, patch)
    return {member: merged[member] for member in kind.all_members if member in merged}
