"""The answers that a contract gives as examples, as they are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from contracts.contract import Contract
from contracts.examples.places import Example
from contracts.mock.samples import NoSample, sample
from contracts.samples.sample import body_of
from openapi.document import Operation
from openapi.problems import Answer, Headers

EVENTS = "text/event-stream"
_PREFERENCE = re.compile(r'(code|example)\s*=\s*"?([A-Za-z0-9_.-]+)"?', re.IGNORECASE)
_ASYNC = re.compile(r"respond-async\b", re.IGNORECASE)
_GIVEN_ELSEWHERE = ("content-type", "content-length", "x-request-id")


class NotDeclared(ValueError):
    """What a request prefers is not in the contract; the message says what there is."""


class NotAcceptable(ValueError):
    """No media type that there is is one that the request takes."""


def preferences(header: str | None) -> dict[str, str]:
    """``code`` and ``example`` of a ``Prefer`` header (RFC 7240), as they are asked for."""
    return {name.lower(): value for name, value in _PREFERENCE.findall(header or "")}


def prefers_a_job(header: str | None) -> bool:
    """Whether ``Prefer`` asks for 202 (RFC 7240 §4.1)."""
    return _ASYNC.search(header or "") is not None


class Declared:
    """The answers of a contract's operations."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._responses: dict[tuple[str, str], Response] = {}

    def response(self, operation: Operation, status: str) -> Response | None:
        """What the operation declares for the status, by itself, its hundred or ``default``."""
        declared = operation.spec["responses"]
        hundred = (f"{status[0]}XX", f"{status[0]}xx")
        name = next((n for n in (status, *hundred, "default") if n in declared), None)
        if name is None:
            return None
        key = (operation.operation_id, status)
        if key not in self._responses:
            part = self._contract.resolve(declared[name])
            self._responses[key] = Response(self._contract, part, int(status))
        return self._responses[key]

    def success(self, operation: Operation, *wanted: int) -> Response:
        """The wanted one of the answers that are no errors, or else the first of all."""
        codes = [status for status in operation.spec["responses"] if status.startswith("2")]
        for status in (*map(str, wanted), *sorted(s for s in codes if s.isdigit()), "200"):
            if status in operation.spec["responses"] or status == "200":
                found = self.response(operation, status)
                if found is not None:
                    return found
        return Response(self._contract, {}, 200)

    def preferred(
        self, operation: Operation, asked: Mapping[str, str], accept: str | None, *wanted: int
    ) -> Answer:
        """The answer that ``Prefer`` names, or that of a status that is wanted; ``NotDeclared``."""
        if "code" in asked:
            found = self.response(operation, asked["code"]) if _is_status(asked["code"]) else None
            if found is None:
                there = ", ".join(operation.spec["responses"])
                raise NotDeclared(f"{operation.operation_id} has: {there}; not {asked['code']}")
        else:
            found = self.success(operation, *wanted)
        return found.answer(accept, asked.get("example", ""))


def _is_status(text: str) -> bool:
    return text.isdigit() and 200 <= int(text) <= 599


class Response:
    """One status of an operation, and what it may be answered with."""

    def __init__(self, contract: Contract, part: Mapping[str, Any], status: int) -> None:
        self.status = status
        self._contract = contract
        self._part = part

    @cached_property
    def examples(self) -> list[Example]:
        """Its bodies: the examples of each media type, or what can be made by its schema."""
        return [each for name in self._part.get("content", {}) for each in self._of(name)]

    def _of(self, media_type: str) -> Iterator[Example]:
        """The examples by the names that they have here; one without a name comes first."""
        part = self._part["content"][media_type]
        schema = self._contract.resolved(part.get("schema", {}))
        named = {"": part["example"]} if "example" in part else {}
        for name, each in part.get("examples", {}).items():
            example = self._contract.resolve(each)
            if "value" in example:  # an `externalValue` is somewhere else
                named[name] = example["value"]
        for name, value in (named or {"": sample(schema)}).items():
            yield Example((name,), value, schema, media_type)

    @property
    def object(self) -> Mapping[str, Any]:
        """The first example that is an object of JSON; empty when none is."""
        try:
            found = [e.value for e in self.examples if isinstance(e.value, Mapping)]
        except NoSample:
            found = []
        return found[0] if found else {}

    def schema(self) -> Mapping[str, Any]:
        """The schema of its JSON; empty when it has none."""
        for name, media_type in self._part.get("content", {}).items():
            if "json" in name.lower():
                found: Mapping[str, Any] = self._contract.resolved(media_type.get("schema", {}))
                return found
        return {}

    @property
    def media_type(self) -> str:
        """The first media type that it has, or nothing."""
        return next(iter(self._part.get("content", {})), "")

    def answer(self, accept: str | None = None, name: str = "") -> Answer:
        """An example as an answer.

        ``NotAcceptable``, ``NotDeclared``, ``NoSample`` where the contract has no example.
        """
        headers = self.headers(all_of_them=True)
        if not self._part.get("content"):
            return Answer(self.status, headers)
        fitting = [each for each in self.examples if not name or each.at == (name,)]
        if not fitting:
            there = ", ".join(each.at[0] for each in self.examples if each.at[0]) or "none"
            raise NotDeclared(f"the examples of {self.status} are: {there}; there is no {name}")
        example = _negotiated(fitting, accept)
        body = encode(example)
        headers.append((b"content-type", example.media_type.encode()))
        headers.append((b"content-length", b"%d" % len(body)))
        return Answer(self.status, headers, body)

    def headers(self, *, all_of_them: bool = False) -> Headers:
        """The headers that it has to have, or all whose value is known, as examples say."""
        return [
            (name.lower().encode(), _text(value).encode("latin-1"))
            for name, part in self._part.get("headers", {}).items()
            if name.lower() not in _GIVEN_ELSEWHERE
            for value in self._values(self._contract.resolve(part), all_of_them)
        ]

    def _values(self, header: Mapping[str, Any], also_optional: bool) -> Iterator[Any]:
        if not (header.get("required") or also_optional):
            return
        named = (each["value"] for each in header.get("examples", {}).values() if "value" in each)
        stated = [header["example"]] if "example" in header else list(named)
        if stated:
            yield stated[0]
        elif header.get("required"):
            yield sample(self._contract.resolved(header.get("schema", {})))


def encode(example: Example) -> bytes:
    """The example as bytes of its media type."""
    essence = example.media_type.partition(";")[0].strip().lower()
    if essence == EVENTS and isinstance(example.value, Mapping):
        return "".join(f"{n}: {_text(v)}\n" for n, v in example.value.items()).encode() + b"\n"
    return body_of(example.value, example.media_type)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _negotiated(examples: list[Example], accept: str | None) -> Example:
    """The one that ``Accept`` likes best (RFC 9110 §12.5.1), the first of them where none is."""
    if accept is None:
        return examples[0]
    ranges = [_range(part) for part in accept.split(",")]
    liked = [(max(_quality(each.media_type, ranges)), each) for each in examples]
    best = max(quality for quality, _ in liked)
    if best <= 0:
        raise NotAcceptable(", ".join(dict.fromkeys(each.media_type for each in examples)))
    return next(each for quality, each in liked if quality == best)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip().lower() for each in part.split(";"))
    weights = [each[2:] for each in parameters if each.startswith("q=")]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 1.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> list[float]:
    """How well each of the ranges likes it; the narrowest range that it is in has the word."""
    essence = media_type.partition(";")[0].strip().lower()
    for wanted in (essence, essence.partition("/")[0] + "/*", "*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return found
    return [0.0]
