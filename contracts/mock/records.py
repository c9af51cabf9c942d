"""What is kept of a resource: what a client gave, and what the service adds by the schema."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.mock.kinds import Kind
from contracts.mock.samples import NoSample, now, sample
from openapi.schemas import compile_schema

Record = dict[str, Any]
_TOUCHED = ("updated", "modified", "changed")  # how moments of the last change are called
_COUNTED = ("revision", "version")  # members that count the changes


def check(kind: Kind) -> None:
    """``NoSample`` when there is a member that nobody gives, and that cannot be made up."""
    for name in kind.required - kind.needed:
        try:
            _first(kind.members.get(name, {}))
        except NoSample as exc:
            raise NoSample(f"{name}: {exc}; give it an example") from exc


def create(kind: Kind, body: Mapping[str, Any], identity: Any) -> Record:
    """A new resource of what a client gave."""
    record = _given(kind, body)
    record[kind.identity] = identity
    for name, schema in kind.members.items():
        if name in record:
            continue
        if name in kind.required:
            record[name] = _first(schema)
        elif "default" in schema:
            record[name] = schema["default"]
    return record


def replace(kind: Kind, record: Record, body: Mapping[str, Any]) -> Record:
    """The resource with what a client gave instead; the same when it is nothing new."""
    new = create(kind, body, record[kind.identity])
    kept = {n: v for n, v in record.items() if n not in kind.writable or n == kind.identity}
    return _changed(kind, record, new | kept)


def patch(kind: Kind, record: Record, body: Mapping[str, Any]) -> Record:
    """The resource changed by a merge patch (RFC 7396); the same when nothing is new."""
    return _changed(kind, record, _given(kind, merged(record, body)))


def merged(target: Any, changes: Any) -> Any:
    """``target`` with a merge patch applied (RFC 7396 §2)."""
    if not isinstance(changes, Mapping):
        return changes
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def shown(
    record: Mapping[str, Any], schema: Mapping[str, Any], example: Mapping[str, Any]
) -> Record:
    """The record as an answer of this schema has it: its members, and all that there have to be.

    ``example``: of such an answer, for what the record does not have.
    """
    members = schema.get("properties", {})
    is_open = schema.get("additionalProperties", True) is not False
    record = {name: value for name, value in record.items() if is_open or name in members}
    lacking = [name for name in schema.get("required", ()) if name not in record]
    return record | {
        name: example[name] if name in example else _first(members.get(name, {}))
        for name in lacking
    }


def free_identity(kind: Kind, taken: Mapping[str, Any]) -> Any:
    """A name that no resource has yet; ``NoSample`` when the schema lets none be made."""
    schema = kind.members[kind.identity]
    validator = compile_schema(schema)
    for candidate in _identities(schema, len(taken)):
        if str(candidate) not in taken and validator.is_valid(candidate):
            return candidate
    raise NoSample(f"no {kind.identity} can be made for {kind.collection}")


def _identities(schema: Mapping[str, Any], count: int) -> Iterator[Any]:
    if schema.get("type") == "integer":
        yield from range(1, count + 2)
        return
    yield str(uuid.uuid4())
    new = uuid.uuid4().hex
    # What other forms there may be: shorter, or beginning with a letter.
    yield from (new, new[:16], new[:8], f"a{new[:7]}", new.upper(), f"A{new[:3]}".upper())
    if "example" in schema:
        example = str(schema["example"])
        yield example[: -len(new[:4])] + new[:4]
        yield example


def _given(kind: Kind, body: Mapping[str, Any]) -> Record:
    """Null is what is not set."""
    return {n: v for n, v in body.items() if v is not None or n in kind.required}


def _changed(kind: Kind, old: Record, new: Record) -> Record:
    if new == old:
        return old
    for name, schema in kind.members.items():
        if name in kind.writable or name not in new:
            continue
        if name in _COUNTED and isinstance(new[name], int):
            new[name] += 1
        elif schema.get("format") == "date-time" and name.startswith(_TOUCHED):
            new[name] = now()
    return new


def _first(schema: Mapping[str, Any]) -> Any:
    """What a member is when nobody has said it. What should be new is not the example's."""
    if schema.get("readOnly"):
        schema = {k: v for k, v in schema.items() if k != "example" or not _is_new(schema)}
    return sample(schema)


def _is_new(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") in ("uuid", "date-time", "date") or schema.get("type") == "integer"
