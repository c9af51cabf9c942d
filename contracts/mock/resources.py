"""Serves a contract's resources from memory: lists them, makes, gets, changes and deletes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from contracts.mock import conditions, listing, records
from contracts.mock.asked import Asked
from contracts.mock.declared import Declared, Response
from contracts.mock.kinds import JSON, Kind
from contracts.mock.memory import Memory
from contracts.mock.records import Record
from contracts.mock.refusals import Refusal
from contracts.mock.samples import NoSample
from openapi.problems import INVALID_REQUEST, Answer, Headers, Problem
from openapi.schemas import compile_schema, faults


class Resources:
    """What the operations of every kind do. Each is asked in its turn."""

    def __init__(self, declared: Declared, memory: Memory) -> None:
        self._declared = declared
        self._memory = memory

    def list(self, kind: Kind, asked: Asked) -> Answer:
        """A page of the resources that the filters ask for."""
        there = self._memory.collection(asked.path).values()
        try:
            page = listing.list_page(kind, there, asked.parameters)
        except listing.ForeignCursor as exc:
            place = {"in": "query", "name": "cursor", "detail": "is not from this list"}
            detail = "The cursor is not from this list; begin again without one."
            raise Problem(INVALID_REQUEST, detail, errors=[place]) from exc
        return self._page(kind, asked, page)

    def _page(self, kind: Kind, asked: Asked, page: listing.Page) -> Answer:
        fields, shape = asked.parameters.get("fields"), kind.shape
        items = [listing.only(self._item(kind, record), kind, fields) for record in page.items]
        link = [] if page.next is None else [(b"link", _link(asked, page.next))]
        response = self._declared.success(asked.operation, 200)
        if not shape.items:
            return self._json(response, items, link)
        body: Record = {shape.items: items} | ({shape.next: page.next} if shape.next else {})
        counted = {"total": page.total, "count": page.total}  # where the contract wants them told
        return self._json(response, records.shown(body, shape.schema, counted), link)

    def _item(self, kind: Kind, record: Record) -> Record:
        return records.shown(record, kind.shape.item, record)

    def create(self, kind: Kind, asked: Asked) -> Answer:
        """A new resource."""
        there = self._memory.collection(asked.path)
        said = _said(kind, asked)
        identity = said.get(kind.identity) or self._free(kind, there)
        if str(identity) in there:
            raise Refusal(409, f"There is a resource {identity} already.")
        record = self._kept(kind, asked.path, records.create(kind, said, identity))
        return self._written(kind, asked, asked.path, record, 201)

    def _free(self, kind: Kind, there: Mapping[str, Any]) -> Any:
        try:
            return records.free_identity(kind, there)
        except NoSample as exc:
            raise Refusal(409, f"Give the {kind.identity} yourself: {exc}.") from exc

    def get(self, kind: Kind, asked: Asked) -> Answer:
        """The resource, or 304."""
        record = self._found(asked)
        tag = conditions.entity_tag(record)
        condition = asked.parameters.get("if_none_match")
        unchanged = self._declared.response(asked.operation, "304")
        if condition and unchanged and conditions.matches(condition, tag, weakly=True):
            return Answer(304, [(b"etag", tag.encode())])
        response = self._declared.success(asked.operation, 200)
        body = records.shown(record, response.schema(), response.object)
        return self._json(response, body, [(b"etag", tag.encode())])

    def replace(self, kind: Kind, asked: Asked) -> Answer:
        """The resource created, or replaced."""
        collection, name = _split(asked.path)
        record = self._memory.collection(collection).get(name)
        self._expect(asked, record)
        if record is not None:
            new = self._kept(kind, collection, records.replace(kind, record, _said(kind, asked)))
            return self._written(kind, asked, collection, new, 200)
        declared = asked.operation.spec["responses"]
        if "201" not in declared and "404" in declared:  # it replaces, and creates nothing
            self._found(asked)
        identity = _as_declared(kind, name)
        new = self._kept(kind, collection, records.create(kind, _said(kind, asked), identity))
        return self._written(kind, asked, collection, new, 201)

    def patch(self, kind: Kind, asked: Asked) -> Answer:
        """The resource changed."""
        record = self._found(asked)
        self._expect(asked, record)
        collection, _ = _split(asked.path)
        new = self._kept(kind, collection, records.patch(kind, record, _said(kind, asked)))
        return self._written(kind, asked, collection, new, 200)

    def delete(self, _kind: Kind, asked: Asked) -> Answer:
        """The resource gone."""
        record = self._found(asked)
        self._expect(asked, record)
        collection, name = _split(asked.path)
        del self._memory.collection(collection)[name]
        response = self._declared.success(asked.operation, 204)
        return response.answer() if response.media_type else _empty(response)

    def _found(self, asked: Asked) -> Record:
        collection, name = _split(asked.path)
        record = self._memory.collection(collection).get(name)
        if record is None:
            raise Refusal(404, f"There is no resource {name[:128]}.")
        return record

    def _expect(self, asked: Asked, record: Record | None) -> None:
        tag = None if record is None else conditions.entity_tag(record)
        if not conditions.hold(asked.parameters, tag):
            told = "does not exist" if tag is None else f"has the entity tag {tag} now"
            raise Refusal(412, f"The resource {told}.")

    def _kept(self, kind: Kind, collection: str, record: Record) -> Record:
        """Keeps what is as the contract says a resource is; else it is a conflict."""
        validator = compile_schema(kind.schema)
        record = records.shown(record, {**kind.schema, "additionalProperties": True}, {})
        visible = records.shown(record, kind.schema, {})
        if found := faults(validator, visible):
            where, what = found[0]
            raise Refusal(409, f"It would be no valid resource: {where}: {what}.")
        self._memory.collection(collection)[str(record[kind.identity])] = record
        return record

    def _written(
        self, kind: Kind, asked: Asked, collection: str, record: Record, status: int
    ) -> Answer:
        response = self._declared.success(asked.operation, status)
        headers = [(b"etag", conditions.entity_tag(record).encode())]
        if status == 201:
            where = f"{collection}/{quote(str(record[kind.identity]), safe=':')}"
            headers.append((b"location", where.encode()))
        if not response.media_type:
            return Answer(response.status, [*headers, *_others(response, headers)])
        body = records.shown(record, response.schema(), response.object)
        return self._json(response, body, headers)

    def _json(self, response: Response, body: Any, headers: Headers) -> Answer:
        raw = json.dumps(body, ensure_ascii=False).encode()
        media_type = (response.media_type or JSON).encode()
        described = [(b"content-type", media_type), (b"content-length", b"%d" % len(raw))]
        given = [*headers, *_others(response, headers), *described]
        return Answer(response.status, given, raw)


def _others(response: Response, headers: Headers) -> Headers:
    """The further headers that the response has to have."""
    names = {name for name, _ in headers}
    return [(name, value) for name, value in response.headers() if name not in names]


def _said(kind: Kind, asked: Asked) -> Mapping[str, Any]:
    """What the client says of a resource; what only the service says is passed over."""
    ours = kind.members.keys() - kind.writable
    return {name: value for name, value in asked.body.items() if name not in ours}


def _empty(response: Response) -> Answer:
    return Answer(response.status, response.headers())


def _split(path: str) -> tuple[str, str]:
    """The path of a resource's collection, and the resource's name."""
    collection, _, name = path.rpartition("/")
    return collection, unquote(name)


def _as_declared(kind: Kind, name: str) -> Any:
    is_number = kind.members[kind.identity].get("type") == "integer"
    return int(name) if is_number else name


def _link(asked: Asked, cursor: str) -> bytes:
    pairs = [pair for pair in asked.query.split("&") if pair and not pair.startswith("cursor=")]
    query = "&".join([*pairs, urlencode({"cursor": cursor})])
    return f'<{asked.path}?{query}>; rel="next"'.encode()
