"""Checks answers by the contract: status, media type, headers and body, all compiled at start."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import jsonschema_rs

from openapi.components import resolve, resolved
from openapi.parameters import header_reader
from openapi.problems import Headers
from openapi.schemas import Validator, compile_schema, pointer

PARTS = ("status", "media-type", "header", "body")
MAX_POINTER = 200  # characters that a log says of a place in a body
_WITHOUT_BODY = frozenset(("204", "304"))
_BODY = frozenset(("", "identity"))  # the codings in which a body can be read


class Fault(NamedTuple):
    """How an answer is not as declared, for a log: ``where`` and ``what``, never a value of it.

    ``part`` is one of ``PARTS``.
    """

    part: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.part} {self.where}: {self.what}"


BodyCheck = Callable[[bytes], "Fault | None"]


class Responses:
    """What one operation may answer."""

    def __init__(self, by_status: Mapping[str, Response]) -> None:
        self._by_status = dict(by_status)

    def check_head(
        self, method: str, status: int, headers: Headers
    ) -> tuple[Fault | None, BodyCheck | None]:
        """The first fault of an answer's head, and what checks its body.

        Nothing does where there is none (HEAD, 204, 304), and where it is no JSON: CSV, NDJSON and
        events are streams, whose parts are no documents.
        """
        response = self._find(str(status))
        if response is None:
            return Fault("status", str(status), "is not declared"), None
        lines = _by_name(headers)
        has_body = method != "HEAD" and str(status) not in _WITHOUT_BODY
        fault, check = response.check_body_type(lines) if has_body else (None, None)
        return fault or response.check_headers(lines), check

    def _find(self, status: str) -> Response | None:
        return (
            self._by_status.get(status)
            or self._by_status.get(f"{status[0]}XX")
            or self._by_status.get("default")
        )


@dataclass(frozen=True, slots=True)
class Response:
    """What an answer of one status may be. ``bodies``: media type to what checks such a body."""

    headers: tuple[ResponseHeader, ...]
    bodies: Mapping[str, BodyCheck | None]

    def check_headers(self, lines: Mapping[bytes, str]) -> Fault | None:
        """The first header that is missing, or not of its schema."""
        for declared in self.headers:
            if fault := declared.check(lines.get(declared.name)):
                return fault
        return None

    def check_body_type(self, lines: Mapping[bytes, str]) -> tuple[Fault | None, BodyCheck | None]:
        """The fault of a body's type, or what checks the body itself."""
        if not self.bodies:
            return None, _no_body
        given = lines.get(b"content-type")
        if given is None:
            return Fault("media-type", "Content-Type", "is missing"), None
        essence = given.partition(";")[0].strip().lower()
        for name in (essence, essence.partition("/")[0] + "/*", "*/*"):
            if name in self.bodies:
                return _coding_fault(lines), self.bodies[name]
        return Fault("media-type", "Content-Type", "is not declared"), None


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """One declared header of an answer."""

    name: bytes
    required: bool
    read: Callable[[str], Any]
    validator: Validator

    def check(self, text: str | None) -> Fault | None:
        """Its fault, if it has one."""
        if text is None:
            return Fault("header", self.name.decode(), "is missing") if self.required else None
        if self.validator.is_valid(self.read(text)):
            return None
        return Fault("header", self.name.decode(), "is not of its schema")


class ResponseCompiler:
    """Compiles the responses of a document's operations; what they share, once."""

    def __init__(self, content: Mapping[str, Any], passed_over: Collection[str] = ()) -> None:
        """``passed_over``: headers that do not come from whom the answers are taken of."""
        self._content = content
        # OpenAPI 3.0.3, "Response Object": a declared Content-Type is ignored.
        self._passed_over = frozenset(name.lower() for name in passed_over) | {"content-type"}
        self._validators: dict[str, Validator] = {}

    def compile(self, spec: Mapping[str, Any]) -> Responses:
        """The responses that an operation declares."""
        declared = spec["responses"]
        return Responses({s.replace("x", "X"): self._response(r) for s, r in declared.items()})

    def _response(self, part: Mapping[str, Any]) -> Response:
        response = resolve(self._content, part)
        headers = response.get("headers", {}).items()
        return Response(
            tuple(self._header(n, h) for n, h in headers if n.lower() not in self._passed_over),
            {name.lower(): self._body(name, m) for name, m in response.get("content", {}).items()},
        )

    def _header(self, name: str, part: Mapping[str, Any]) -> ResponseHeader:
        header = resolve(self._content, part)
        schema = header.get("schema", {})
        return ResponseHeader(
            name.lower().encode(),
            header.get("required", False),
            header_reader(resolved(self._content, schema)),
            self._validator(schema),
        )

    def _body(self, name: str, media_type: Mapping[str, Any]) -> BodyCheck | None:
        essence = name.partition(";")[0].strip().lower()
        if essence != "application/json" and not essence.endswith("+json"):
            return None
        validator = self._validator(media_type.get("schema", {}))
        return lambda raw: _check_json(validator, raw)

    def _validator(self, schema: Mapping[str, Any]) -> Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = compile_schema(resolved(self._content, schema))
        return self._validators[key]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# Ten times as fast as ``strict_json``, whose care is for what clients send.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _by_name(headers: Headers) -> dict[bytes, str]:
    """The headers' values; several lines of one name are one list (RFC 9110 §5.3)."""
    lines: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        lines[name] = f"{lines[name]}, {text}" if name in lines else text
    return lines


def _coding_fault(lines: Mapping[bytes, str]) -> Fault | None:
    if lines.get(b"content-encoding", "").strip().lower() in _BODY:
        return None
    return Fault("body", "Content-Encoding", "is not what was asked for")


def _no_body(raw: bytes) -> Fault | None:
    return Fault("body", "/", "is there, and none is declared") if raw else None


def _check_json(validator: Validator, raw: bytes) -> Fault | None:
    try:
        body = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return Fault("body", "/", "is not valid JSON")
    try:
        validator.validate(body)  # the first fault alone: all of a large body's take long to find
    except jsonschema_rs.ValidationError as error:
        # The keyword that does not hold: the library's own message quotes the value.
        what = f"does not hold to {error.schema_path[-1]}"
        return Fault("body", pointer(error.instance_path)[:MAX_POINTER] or "/", what)
    return None
