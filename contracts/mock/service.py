"""Serves every operation of a contract: those of its resources from memory, others by example."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

from starlette.types import Receive, Scope, Send

from contracts.contract import Contract
from contracts.mock import conditions, listing, records
from contracts.mock.declared import (
    Declared,
    NotAcceptable,
    NotDeclared,
    Response,
    preferences,
    prefers_a_job,
)
from contracts.mock.kinds import JSON, Kind, find_kinds
from contracts.mock.memory import KeyReused, Memory
from contracts.mock.records import Record
from contracts.mock.refusals import Refusal
from contracts.mock.samples import NoSample
from openapi.document import Operation
from openapi.problems import INVALID_REQUEST, Answer, Headers, Problem
from openapi.request import header, operation_id, principal, validated
from openapi.schemas import compile_schema, faults


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that passed validation. ``path``: as it was sent; ``query``: its pairs."""

    operation: Operation
    path: str
    parameters: Mapping[str, Any]
    body: Any
    raw: bytes
    query: str
    accept: str | None
    prefer: Mapping[str, str]
    wants_job: bool
    principal: str


class MockService:
    """The innermost ASGI application: what it is given was routed, let in and validated."""

    def __init__(self, contract: Contract, declared: Declared, memory: Memory) -> None:
        self._contract = contract
        self._declared = declared
        self._memory = memory
        self._kinds = {
            name: (kind, role) for kind in find_kinds(contract) for name, role in kind.roles.items()
        }
        self._roles: Mapping[str, Callable[[Kind, Asked], Answer]] = {
            "list": self._list,
            "create": self._create,
            "get": self._get,
            "replace": self._replace,
            "patch": self._patch,
            "delete": self._delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await self._asked(scope, receive)
        with self._memory.turn():
            answer = self._once(asked)
        start = {"status": answer.status, "headers": answer.headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": answer.body})

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        request = validated(scope)
        raw = await _rest(receive) if request.raw is None else request.raw
        return Asked(
            operation=self._contract.operations[operation_id(scope) or ""],
            path=scope["raw_path"].decode().partition("?")[0],
            parameters=request.parameters,
            body=request.body,
            raw=raw,
            query=scope["query_string"].decode(),
            accept=header(scope, b"accept"),
            prefer=preferences(header(scope, b"prefer")),
            wants_job=prefers_a_job(header(scope, b"prefer")),
            principal=str(principal(scope).get("sub", "")),
        )

    def _once(self, asked: Asked) -> Answer:
        """The answer; of a request whose ``Idempotency-Key`` came before, the same again."""
        key = asked.parameters.get("idempotency_key")
        if key is None or asked.prefer:
            return self._answer(asked)
        request = hashlib.sha256(
            f"{asked.operation.operation_id} {asked.path}?{asked.query}\n".encode() + asked.raw
        ).hexdigest()
        try:
            before = self._memory.answered(asked.principal, key, request)
        except KeyReused as exc:
            raise Refusal(422, "Send a new Idempotency-Key with each new request.") from exc
        answer = before or self._answer(asked)
        self._memory.keep(asked.principal, key, request, answer)
        return answer

    def _answer(self, asked: Asked) -> Answer:
        kind, role = self._kinds.get(asked.operation.operation_id, (None, ""))
        is_plain = role in ("list", "get", "delete") or isinstance(asked.body, Mapping)
        try:
            if kind is not None and is_plain and not asked.prefer:
                return self._roles[role](kind, asked)
            wanted = (202,) if asked.wants_job else ()
            return self._declared.preferred(asked.operation, asked.prefer, asked.accept, *wanted)
        except NotDeclared as exc:
            detail = f"Prefer asks for what is not in the contract: {exc}."
            place = {"in": "header", "name": "Prefer", "detail": str(exc)}
            raise Problem(INVALID_REQUEST, detail, errors=[place]) from exc
        except NotAcceptable as exc:
            raise Refusal(406, f"This operation answers {exc}.") from exc

    def _list(self, kind: Kind, asked: Asked) -> Answer:
        there = self._memory.collection(asked.path).values()
        try:
            page = listing.list_page(kind, there, asked.parameters)
        except listing.ForeignCursor as exc:
            place = {"in": "query", "name": "cursor", "detail": "is not from this list"}
            detail = "The cursor is not from this list; begin again without one."
            raise Problem(INVALID_REQUEST, detail, errors=[place]) from exc
        return self._page(kind, asked, page, len(there))

    def _page(self, kind: Kind, asked: Asked, page: listing.Page, total: int) -> Answer:
        fields, shape = asked.parameters.get("fields"), kind.shape
        items = [listing.only(self._item(kind, record), kind, fields) for record in page.items]
        link = [] if page.next is None else [(b"link", _link(asked, page.next))]
        response = self._declared.success(asked.operation, 200)
        if not shape.items:
            return self._json(response, items, link)
        body: Record = {shape.items: items} | ({shape.next: page.next} if shape.next else {})
        counted = {"total": total, "count": total}  # where the contract wants them told
        return self._json(response, records.shown(body, shape.schema, counted), link)

    def _item(self, kind: Kind, record: Record) -> Record:
        return records.shown(record, kind.shape.item, record)

    def _create(self, kind: Kind, asked: Asked) -> Answer:
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

    def _get(self, kind: Kind, asked: Asked) -> Answer:
        record = self._found(asked)
        tag = conditions.entity_tag(record)
        condition = asked.parameters.get("if_none_match")
        unchanged = self._declared.response(asked.operation, "304")
        if condition and unchanged and conditions.matches(condition, tag, weakly=True):
            return Answer(304, [(b"etag", tag.encode())])
        response = self._declared.success(asked.operation, 200)
        body = records.shown(record, response.schema(), response.object)
        return self._json(response, body, [(b"etag", tag.encode())])

    def _replace(self, kind: Kind, asked: Asked) -> Answer:
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

    def _patch(self, kind: Kind, asked: Asked) -> Answer:
        record = self._found(asked)
        self._expect(asked, record)
        collection, _ = _split(asked.path)
        new = self._kept(kind, collection, records.patch(kind, record, _said(kind, asked)))
        return self._written(kind, asked, collection, new, 200)

    def _delete(self, _kind: Kind, asked: Asked) -> Answer:
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


async def _rest(receive: Receive) -> bytes:
    """A body that nobody has read yet, whole."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)
