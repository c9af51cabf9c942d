"""Odd bodies for an operation that takes one, and a body for one that takes none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from contracts.probes.probe import REFUSED, TOO_LARGE, UNSUPPORTED, Probe
from contracts.samples.sample import FORM, Sample
from contracts.wire import Request

DEEP = 100_000
DIGITS = 5_000
_SENT = 2 * 1024 * 1024  # bytes; a limit above is tried by the length that is announced alone
_JSON = "a body has to be JSON in UTF-8 (RFC 8259), each of its members there once"
_TYPE = "the contract names the media types that this operation takes"
_CODING = "no content coding is taken"


def body_probes(new: Callable[[], Sample], limit: int) -> Iterator[Probe]:
    """The probes of an operation's body; ``limit``: the bytes that it may have.

    ``new``: makes a sample; what is accepted is one of its own.
    """
    sample = new()
    if not sample.media_type:
        yield Probe("a body where none is taken", _with_body(sample.request(), b"{}"), REFUSED,
                    "the contract declares no body for this operation")  # fmt: skip
        return
    yield Probe("a body in chunks", replace(new().request(), chunked=True))
    yield from _framing(sample, limit)
    yield from _media_types(new)
    if sample.media_type == FORM:
        yield from _forms(sample)
    elif isinstance(sample.body, dict):
        yield from _json(sample)


def _framing(sample: Sample, limit: int) -> Iterator[Probe]:
    request = sample.request()
    announced = request.with_headers(("Content-Length", str(limit + 1)))
    why = f"the contract lets this body have {limit} bytes"
    # Nothing of it has to come for the answer.
    yield Probe("a length over the limit", announced, TOO_LARGE, why)
    if limit <= _SENT:
        large = replace(request, body=b"1" * (limit + 100), chunked=True,
                        made_by=f"head -c {limit + 100} /dev/zero | tr '\\0' 1")  # fmt: skip
        yield Probe("chunks over the limit", large, TOO_LARGE, why)
    if not isinstance(sample.body, str):
        yield Probe("no body", replace(request, body=None), REFUSED, "the body is required")
        yield Probe("an empty body", replace(request, body=b""), REFUSED, "the body is required")
        empty = replace(request, body=b"", chunked=True)
        yield Probe("no body in chunks", empty, REFUSED, "the body is required")


def _media_types(new: Callable[[], Sample]) -> Iterator[Probe]:
    sample = new()
    plain = sample.media_type
    yield Probe("a media type in mixed case", _of_type(new(), plain.title()))
    yield Probe("another media type", _of_type(sample, "text/x-nothing"), UNSUPPORTED, _TYPE)
    yield Probe("no media type", _of_type(sample, ""), UNSUPPORTED, _TYPE)
    if isinstance(sample.body, dict) and plain != FORM:
        yield Probe("its own charset", _of_type(new(), f"{plain}; charset=UTF-8"))
        utf16 = f"{plain}; charset=utf-16"
        yield Probe("another charset", _of_type(sample, utf16), UNSUPPORTED, _TYPE)
    gzip = sample.request().with_headers(("Content-Encoding", "gzip"))
    yield Probe("a coded body", gzip, UNSUPPORTED, _CODING)
    identity = new().request().with_headers(("Content-Encoding", "identity"))
    yield Probe("the coding that is none", identity)


def _json(sample: Sample) -> Iterator[Probe]:
    request = sample.request()
    plain = request.body or b""
    name, value = next(iter(sample.body.items()))
    member = f"{json.dumps(name)}:{json.dumps(value)}".encode()
    for what, body in {
        "a body that is not UTF-8": plain.replace(b'"', b'"\xff', 1),
        "a byte order mark": b"\xef\xbb\xbf" + plain,
        "a member that stands twice": b"{" + member + b"," + plain[1:],
        "a member that stands twice, once escaped":
            b"{" + member.replace(name[0].encode(), b"\\u%04x" % ord(name[0]), 1) + b","
            + plain[1:],
        "a lone surrogate": b'{"\\ud800":1,' + plain[1:],
        "a NUL in a name": b'{"\\u0000":1,' + plain[1:],
        "NaN": _any_member(name, b"NaN"),
        "1e999": _any_member(name, b"1e999"),
        "null": b"null",
        "an array for an object": b"[" + plain + b"]",
        "half a body": plain[: len(plain) // 2],
        "something behind the body": plain + b"{}",
        "a trailing comma": plain[:-1] + b",}",
    }.items():  # fmt: skip
        yield Probe(what, replace(request, body=body), REFUSED, _JSON)
    yield from _huge(request, name)


def _huge(request: Request, name: str) -> Iterator[Probe]:
    opened = f"python3 -c \"print('[' * {DEEP}, end='')\""
    both = f"python3 -c \"print('[' * {DEEP} + ']' * {DEEP}, end='')\""
    number = f"python3 -c \"print('{{\\\"{name}\\\":' + '9' * {DIGITS} + '}}', end='')\""
    for what, body, made_by in (
        (f"{DEEP:,} brackets that open", b"[" * DEEP, opened),
        (f"{DEEP:,} brackets that open and close", b"[" * DEEP + b"]" * DEEP, both),
        (f"a number of {DIGITS:,} digits", _any_member(name, b"9" * DIGITS), number),
    ):
        yield Probe(what, replace(request, body=body, made_by=made_by), REFUSED, _JSON)


def _forms(sample: Sample) -> Iterator[Probe]:
    request = sample.request()
    plain = request.body or b""
    for what, body in {
        "a field twice": plain + b"&" + plain,
        "a field that is not UTF-8": plain + b"&a=%ff",
        "a field that is not declared": plain + b"&nothing=1",
    }.items():
        yield Probe(what, replace(request, body=body), REFUSED, "the form is not as declared")


def _any_member(name: str, value: bytes) -> bytes:
    return b"{" + json.dumps(name).encode() + b":" + value + b"}"


def _with_body(request: Request, body: bytes) -> Request:
    return replace(request.with_headers(("Content-Type", "application/json")), body=body)


def _of_type(sample: Sample, media_type: str) -> Request:
    request = sample.request()
    others = tuple(header for header in request.headers if header[0] != "Content-Type")
    kind = (("Content-Type", media_type),) if media_type else ()
    return replace(request, headers=(*kind, *others))
