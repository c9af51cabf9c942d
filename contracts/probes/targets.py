"""Odd paths, parameters and headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from contracts.probes.probe import NOT_FOUND, REFUSED, Probe
from contracts.samples.sample import Sample
from contracts.wire import Request

_PATH = "a path is refused that different readers would read differently"
# By JSON type: texts that lax readers take for a value of it.
_ODD: Mapping[str, Mapping[str, str]] = {
    "integer": {
        "an underscore in a number": "1_0", "a space before a number": " 1", "a plus": "+1",
        "a digit of another alphabet": "\u0661", "a fraction": "1.0", "an exponent": "1e1",
        "a hexadecimal number": "0x1", "a leading zero": "01", "nothing for a number": "",
        "a number of 5,000 digits": "9" * 5000, "NaN": "NaN",
    },
    "boolean": {
        "True": "True", "yes": "yes", "1 for true": "1", "nothing for a boolean": "",
        "a space after a boolean": "true ",
    },
}  # fmt: skip


def path_probes(sample: Sample) -> Iterator[Probe]:
    """Odd forms of the operation's path."""
    request = sample.request()
    path, mark, query = request.target.partition("?")
    rest = mark + query
    yield Probe("a slash at the end of its path", replace(request, target=f"{path}/{rest}"),
                NOT_FOUND, "the contract has no such path")  # fmt: skip
    ends = {
        "an encoded slash": "%2f", "an encoded backslash": "%5C", "an encoded NUL": "%00",
        "a path that is not UTF-8": "%ff",
    }  # fmt: skip
    for name, end in ends.items():
        yield Probe(name, replace(request, target=path + end + rest), REFUSED, _PATH)
    head, _, last = path.rpartition("/")
    for name, dots in (("a dot segment", "."), ("an encoded dot segment", "%2e%2E")):
        target = f"{head}/{dots}/{last}{rest}"
        yield Probe(name, replace(request, target=target), REFUSED, _PATH)
    yield Probe("a fragment", replace(request, target=f"{request.target}#a"), REFUSED, _PATH)


def identifier_probes(sample: Sample, parameter: Mapping[str, Any]) -> Iterator[Probe]:
    """Values of a path's parameter that are no identifiers."""
    why = f"{parameter['name']} has to be of its schema"
    for name, value in (
        ("an identifier that is a space", "%20"),
        ("an identifier that is too long", "a" * 300),
        ("an identifier in another alphabet", quote("é")),
        ("a newline after an identifier", "a%0a"),
        ("half an escape", "a%2"),
    ):
        at = sample.operation.path.replace(f"{{{parameter['name']}}}", value)
        yield Probe(name, replace(sample.request(), target=at), REFUSED, why)


def query_probes(sample: Sample, declared: Sequence[Mapping[str, Any]]) -> Iterator[Probe]:
    """Odd query strings. ``declared``: the operation's parameters, without references."""
    request = sample.request()
    why = "the contract declares every parameter that this operation has"
    yield Probe("an undeclared parameter", _and(request, "nothing=1"), REFUSED, why)
    for parameter in (p for p in declared if p["in"] == "query"):
        name, schema = parameter["name"], parameter["schema"]
        why = f"{name} has to be of its schema, and written as JSON writes it"
        if schema.get("type") != "array":
            value = quote(str(parameter.get("example", "a")))
            twice = _and(_without(sample, name), f"{name}={value}&{name}={value}")
            yield Probe(f"{name} twice", twice, REFUSED, f"{name} is one value")
        for what, text in _ODD.get(_kind(schema), {}).items():
            odd = _and(_without(sample, name), f"{name}={quote(text)}")
            yield Probe(f"{what} in {name}", odd, REFUSED, why)
        if schema.get("format") == "date-time":
            moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
            now = _and(_without(sample, name), f"{name}={moment}")
            yield Probe(f"this moment in {name}", now)
        not_utf8 = _and(_without(sample, name), f"{name}=%ff")
        yield Probe(f"{name} that is not UTF-8", not_utf8, REFUSED, why)


def header_probes(sample: Sample) -> Iterator[Probe]:
    """Odd headers."""
    request = sample.request()
    why = "what stands between would read it differently (RFC 9112)"
    yield Probe("an underscore in a header's name",
                request.with_headers(("X_Auth_User", "admin")), REFUSED, why)  # fmt: skip
    yield Probe("a control character in a header",
                request.with_headers(("X-A", b"a\x01b")), REFUSED, why)  # fmt: skip
    both = request.with_headers(("Content-Length", "5"), ("Transfer-Encoding", "chunked"))
    yield Probe("a length and chunks", both, REFUSED, why)
    yield Probe("two hosts", request.with_headers(("Host", "a"), ("Host", "b")), REFUSED, why)
    user = request.with_headers(("Host", "admin@localhost"))
    yield Probe("a user in Host", user, REFUSED, why)


def _kind(schema: Mapping[str, Any]) -> str:
    return str(schema.get("items", schema).get("type", ""))


def _without(sample: Sample, name: str) -> Request:
    query = {known: value for known, value in sample.query.items() if known != name}
    return replace(sample, query=query).request()


def _and(request: Request, query: str) -> Request:
    mark = "&" if "?" in request.target else "?"
    return replace(request, target=f"{request.target}{mark}{query}")
