"""Operations on resources: each takes parsed input, calls one thing, replies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import flask
from flask import Response

from inventory import replies
from inventory.domain.kinds import (
    AREAS,
    CUSTOMERS,
    DEVICE_TYPES,
    DEVICES,
    HOMES,
    KINDS,
    Kind,
)
from inventory.domain.preconditions import EntityTags, Preconditions
from inventory.domain.resource import to_json
from inventory.domain.store import Change, Transaction
from inventory.duplicates import PREFIXES, find_duplicates
from inventory.feed_positions import read_position, write_position
from inventory.handling import Handler, Handling, caller
from inventory.merging import merge_devices
from inventory.queries import read_filters, read_list
from inventory.reading import MAX_LIMIT
from inventory.replies import Answer
from inventory.work import Work

PUBLIC = (CUSTOMERS, HOMES, AREAS, DEVICE_TYPES, DEVICES)


class Handlers(Handling):
    """What reads and changes one resource, or finds some."""

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The handlers by operationId."""
        return {
            **{name: each for kind in PUBLIC for name, each in self._of_kind(kind).items()},
            "restore_device": self.restore_device,
            "list_device_history": self.list_device_history,
            "list_changes": self.list_changes,
            "summarize_devices": self.summarize_devices,
            "merge_devices": self.merge_devices,
            "list_duplicate_devices": self.list_duplicate_devices,
        }

    def _of_kind(self, kind: Kind) -> dict[str, Handler]:
        noun = kind.noun.replace(" ", "_")
        return {
            f"list_{kind.name}": partial(self._list, kind),
            f"create_{noun}": partial(self._create, kind),
            f"get_{noun}": partial(self._get, kind),
            f"replace_{noun}": partial(self._replace, kind),
            f"patch_{noun}": partial(self._patch, kind),
            f"delete_{noun}": partial(self._delete, kind),
        }

    def _list(self, kind: Kind, /, *, cursor: str | None, **parameters: Any) -> Response:
        """A page of resources."""
        asked = read_list(kind, caller().tenant, **parameters)
        after = self.cursors.read(asked.of, cursor)
        reading = self.reading()
        page = reading.page(kind, asked.after(after))
        total = reading.count(kind, asked.query) if asked.wants_total else None
        return replies.page(
            [replies.only(stored, asked.fields) for stored in page.items],
            self.cursors.write(asked.of, page.last) if page.last else None,
            flask.request.path,
            asked.parameters,
            total,
        )

    def _create(
        self, kind: Kind, /, *, body: dict[str, Any], idempotency_key: str | None
    ) -> Response:
        """A new resource."""
        return self.write(
            lambda work: Answer.created(kind, work.create(kind, body)), idempotency_key
        )

    def _get(
        self, kind: Kind, /, *, identifier: str, at: str | None, if_none_match: str | None
    ) -> Response:
        """The resource, as it is or was, or 304."""
        reading = self.reading()
        stored = reading.get_at(kind, identifier, at) if at else reading.get(kind, identifier)
        if if_none_match and EntityTags.parse(if_none_match).match_weakly(stored.etag):
            return replies.not_modified(stored)
        return replies.resource(stored)

    def _replace(
        self,
        kind: Kind,
        /,
        *,
        identifier: str,
        body: dict[str, Any],
        if_match: str | None,
        if_none_match: str | None,
    ) -> Response:
        """The resource created, or replaced."""
        preconditions = Preconditions.parse(if_match, if_none_match)

        def put(work: Work) -> Answer:
            stored, is_new = work.put(kind, identifier, body, preconditions)
            return Answer.created(kind, stored) if is_new else Answer.of(stored)

        return self.write(put)

    def _patch(
        self, kind: Kind, /, *, identifier: str, body: dict[str, Any], if_match: str | None
    ) -> Response:
        """The resource changed."""
        preconditions = Preconditions.parse(if_match)
        return self.write(lambda work: Answer.of(work.patch(kind, identifier, body, preconditions)))

    def _delete(self, kind: Kind, /, *, identifier: str, if_match: str | None) -> Response:
        """The resource gone."""

        def delete(work: Work) -> Answer:
            work.delete(kind, identifier, Preconditions.parse(if_match))
            return Answer(204)

        return self.write(delete)

    def restore_device(self, identifier: str, idempotency_key: str | None) -> Response:
        """The device that was deleted, back."""
        return self.write(
            lambda work: Answer.of(work.restore(DEVICES, identifier)), idempotency_key
        )

    def list_device_history(self, identifier: str, limit: int, cursor: str | None) -> Response:
        """What became of a device, the newest first."""
        of = {"history": identifier, "tenant": caller().tenant}
        position = self.cursors.read(of, cursor)
        limit = min(limit, MAX_LIMIT)
        before = position[0] if position else 0
        found = self.reading().history(DEVICES, identifier, before, limit + 1)
        more = len(found) > limit
        cursor = self.cursors.write(of, [found[limit - 1].sequence]) if more else None
        items = [to_json(_event(change)) for change in found[:limit]]
        return replies.page(items, cursor, flask.request.path, [("limit", str(limit))])

    def list_changes(
        self, after: str | None, wait: int, limit: int, kind: tuple[str, ...]
    ) -> Response:
        """The feed of changes. ``feed`` has waited, and held ``kind`` to what the caller sees."""
        start = read_position(self.cursors, self.store, after)
        found, last = self.reading().changes(start, kind, min(limit, MAX_LIMIT))
        items = [
            _event(change) | {"cursor": write_position(self.cursors, change.sequence)}
            for change in found
        ]
        return replies.json({"items": items, "next": write_position(self.cursors, last)})

    def summarize_devices(self, by: str, **filters: Any) -> Response:
        """How many devices there are for each combination of values."""
        columns = list(dict.fromkeys(by.split(",")))
        rows = self.reading().summarize(read_filters(DEVICES, filters), columns)
        groups = [
            {"values": dict(zip(columns, (text or None for text in texts), strict=True)),
             "count": count}
            for texts, count in rows
        ]  # fmt: skip
        total = sum(count for _, count in rows)
        return replies.json({"by": columns, "total": total, "groups": groups})

    def merge_devices(
        self,
        identifier: str,
        body: dict[str, Any],
        if_match: str | None,
        idempotency_key: str | None,
    ) -> Response:
        """The device with what it took over from its duplicate."""
        preconditions = Preconditions.parse(if_match)

        def merge(work: Work, transaction: Transaction) -> Answer:
            duplicate = body["duplicate"]
            return Answer.of(merge_devices(work, transaction, identifier, duplicate, preconditions))

        return self.transact(merge, idempotency_key)

    def list_duplicate_devices(
        self, limit: int, cursor: str | None, by: list[str] | None
    ) -> Response:
        """Values that several devices have."""
        tenant = caller().tenant
        of = {"duplicates": sorted(by or ()), "tenant": tenant}
        position = self.cursors.read(of, cursor)
        after = position[0] if position else ""
        found = find_duplicates(
            self.store, tenant, by or list(PREFIXES), after, min(limit, MAX_LIMIT)
        )
        cursor = self.cursors.write(of, [found.last]) if found.last else None
        parameters = [("limit", str(limit)), *(("by", kind) for kind in by or ())]
        items = [to_json(item) for item in found.items]
        return replies.page(items, cursor, flask.request.path, parameters)


def _event(change: Change) -> dict[str, Any]:
    kind = KINDS[change.kind]
    return replies.event(change, kind.noun, replies.path_of(kind, change.identifier))
