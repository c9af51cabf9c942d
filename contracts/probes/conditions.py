"""Conditions, keys of requests and references, where the contract says what they lead to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from contracts.probes.probe import Probe
from contracts.samples.place import kind_of
from contracts.samples.sample import Sample
from contracts.samples.seeded import PLACE
from contracts.seeds.names import SEEDED
from contracts.wire import Header, Request

NOT_MODIFIED, NOT_ACCEPTABLE, CONFLICT, FAILED, TOO_LONG, REUSED = 304, 406, 409, 412, 414, 422
LONG = 33_000  # characters; no server's limit is above
KEY = "Idempotency-Key"


def condition_probes(
    new: Callable[[], Sample],
    other: Callable[[], Sample],
    declared: Collection[int],
    headers: Collection[str],
) -> Iterator[Probe]:
    """The probes for the statuses that an operation declares.

    ``headers``: its parameters there. ``other``: makes a sample of another operation, which is
    accepted and takes a key.
    """
    if NOT_MODIFIED in declared:
        yield Probe("If-None-Match: *", _with(new(), ("If-None-Match", "*")), (NOT_MODIFIED,),
                    "what exists has one of all entity tags (RFC 9110 §13.1.2)")  # fmt: skip
    if FAILED in declared and new().operation.method != "post":
        never = ("If-Match", '"AAAAAAAAAAAAAAAA"')
        yield Probe("the entity tag of another state", _with(_existing(new()), never), (FAILED,),
                    "it was not in that state (RFC 9110 §13.1.1)")  # fmt: skip
    if NOT_ACCEPTABLE in declared:
        nothing = _with(new(), ("Accept", "text/x-nothing"))
        yield Probe("a media type that nobody has in Accept", nothing, (NOT_ACCEPTABLE,),
                    "the operation has none of those (RFC 9110 §12.5.1)")  # fmt: skip
    if TOO_LONG in declared:
        request = new().request()
        mark = "&" if "?" in request.target else "?"
        long = replace(request, target=f"{request.target}{mark}nothing={'a' * LONG}")
        yield Probe("a URL that is too long", long, (TOO_LONG,), "no URL has to be so long")
    if REUSED in declared and KEY in headers:
        yield _reused_key(new(), other())
    if CONFLICT in declared:
        yield from _bad_references(new())


def _existing(sample: Sample) -> Sample:
    """The same of what is there, where the sample is of what is not."""
    kind = kind_of(sample.operation)
    if sample.operation.method not in ("delete", "post") or kind not in PLACE:
        return sample
    there = sample.operation.path.replace("{identifier}", PLACE[kind])
    return replace(sample, path=there)


def _reused_key(sample: Sample, other: Sample) -> Probe:
    key = (KEY, f"probe-{secrets.token_hex(8)}")
    return Probe(
        "the key of another request", _with(sample, key), (REUSED,),
        "a key is one request's (draft-ietf-httpapi-idempotency-key-header)",
        before=_with(other, key),
    )  # fmt: skip


def _bad_references(sample: Sample) -> Iterator[Probe]:
    body = sample.body
    if sample.operation.method not in ("put", "patch") or not isinstance(body, dict):
        return
    for member in SEEDED:
        if isinstance(body.get(member), str):
            nobody = sample.with_member(member, "probe-nobody")
            yield Probe(f"a {member} that there is not", nobody.request(), (CONFLICT,),
                        "what it refers to has to be there")  # fmt: skip
            return


def _with(sample: Sample, *headers: Header) -> Request:
    return sample.request().with_headers(*headers)
