"""Conditions, keys of requests and references, where the contract says what they lead to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from contracts.probes.probe import Probe
from contracts.samples import EXISTING, Sample
from contracts.seeded import SEEDED
from contracts.wire import Header, Request

NOT_MODIFIED, CONFLICT, FAILED, TOO_LONG, REUSED = 304, 409, 412, 414, 422
LONG = 33_000  # characters; no server's limit is above
_KEY = "Idempotency-Key"


def condition_probes(
    new: Callable[[], Sample], declared: Collection[int], headers: Collection[str]
) -> Iterator[Probe]:
    """The probes for the statuses that an operation declares. ``headers``: its parameters."""
    if NOT_MODIFIED in declared:
        yield Probe("If-None-Match: *", _with(new(), ("If-None-Match", "*")), (NOT_MODIFIED,),
                    "what exists has one of all entity tags (RFC 9110 §13.1.2)")  # fmt: skip
    if FAILED in declared and "If-Match" in headers:
        never = ("If-Match", '"AAAAAAAAAAAAAAAA"')
        yield Probe("the entity tag of another state", _with(_existing(new()), never), (FAILED,),
                    "it was not in that state (RFC 9110 §13.1.1)")  # fmt: skip
    if TOO_LONG in declared:
        request = new().request()
        mark = "&" if "?" in request.target else "?"
        long = replace(request, target=f"{request.target}{mark}nothing={'a' * LONG}")
        yield Probe("a URL that is too long", long, (TOO_LONG,), "no URL has to be so long")
    if REUSED in declared and _KEY in headers:
        yield from _reused_keys(new)
    if CONFLICT in declared:
        yield from _bad_references(new())


def _existing(sample: Sample) -> Sample:
    """The same of what is there, where the sample is of what is not."""
    collection = sample.operation.path.partition("{")[0]
    if sample.operation.method != "delete" or collection not in EXISTING:
        return sample
    return replace(sample, path=collection + EXISTING[collection])


def _reused_keys(new: Callable[[], Sample]) -> Iterator[Probe]:
    first, second = new(), new()
    if not isinstance(second.body, dict):
        return
    key = (_KEY, f"probe-{id(first)}-{first.path}"[:200])
    another = _with(replace(second, body=_changed(second.body)), key)
    if another.body != _with(first, key).body or another.target != first.request().target:
        yield Probe(
            "the key of another request", another, (REUSED,),
            "a key is one request's (draft-ietf-httpapi-idempotency-key-header)",
            before=_with(first, key),
        )  # fmt: skip


def _bad_references(sample: Sample) -> Iterator[Probe]:
    body = sample.body
    if sample.operation.method not in ("put", "patch") or not isinstance(body, dict):
        return
    for member in SEEDED:
        if isinstance(body.get(member), str):
            nobody = replace(sample, body={**body, member: "probe-nobody"})
            yield Probe(f"a {member} that there is not", nobody.request(), (CONFLICT,),
                        "what it refers to has to be there")  # fmt: skip
            return


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Another body that is valid too: one more of the same in a list, or another text."""
    for name, value in body.items():
        if isinstance(value, list) and value:
            return {**body, name: [*value, value[-1]]}
        if name in ("name", "title"):
            return {**body, name: f"{value}, changed"}
    return dict(body)


def _with(sample: Sample, *headers: Header) -> Request:
    return sample.request().with_headers(*headers)
