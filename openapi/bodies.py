"""Checks request bodies with validators compiled once, and hands on what they parsed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connexion.validators import AbstractRequestBodyValidator
from starlette.types import Message, Receive, Scope

from openapi import strict_json
from openapi.body_limit import too_large
from openapi.parameters import parse_query, read_text
from openapi.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from openapi.request import header, validated
from openapi.schemas import MAX_ERRORS, compile_request_schema, faults, first_faults

# Parsing a body of this many bytes takes long enough to be felt by the other requests of the
# worker, so it leaves the event loop.
LARGE = 256 * 1024
HELD = 32 * 1024 * 1024  # bytes of a body that is read whole, whatever its operation may take
ALL_FAULTS = 16 * 1024  # bytes of a body up to which all of its faults are told


@functools.cache
def _large_bodies() -> ThreadPoolExecutor:
    """One at a time: more would share the interpreter, and only take more memory."""
    return ThreadPoolExecutor(1, thread_name_prefix="large-body")


class CompiledBodyValidator(AbstractRequestBodyValidator):
    """Connexion's body validator, built once an operation and media type.

    It reads the whole body, checks it, and leaves it in the request's ``Validated``.
    """

    def __init__(self, *, schema: dict[str, Any], required: bool = False, **options: Any) -> None:
        super().__init__(schema=schema, required=required, **options)
        self._validator = compile_request_schema(schema)
        members = schema.get("properties", {})
        # What is read-only need not be sent.
        self._needed = [
            name for name in schema.get("required", []) if not members.get(name, {}).get("readOnly")
        ]

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """Checks the body; the receive channel that is returned gives its bytes again."""
        raw = await read_body(receive)
        request = validated(scope)
        request.raw = raw
        if raw:
            request.body = await self._checked_in_its_place(raw)
        elif self._required:
            raise Problem(INVALID_REQUEST, "A body is required.", errors=[_at("", "is required")])
        return replay(raw, receive), scope

    async def _checked_in_its_place(self, raw: bytes) -> Any:
        if len(raw) < LARGE:
            return self.check(raw)
        return await asyncio.get_running_loop().run_in_executor(_large_bodies(), self.check, raw)

    def check(self, raw: bytes) -> Any:
        """The body's value; a problem that names each place at fault when it is not valid."""
        body = self.parse(raw)
        if self._validator.is_valid(body):
            return body
        found = faults(self._validator, body) if len(raw) <= ALL_FAULTS else self._main_faults(body)
        where, what = found[0]
        raise Problem(
            INVALID_REQUEST,
            f"The body is not valid: {where or 'at its top'}: {what}.",
            errors=[_at(at, detail) for at, detail in found],
        )

    def parse(self, raw: bytes) -> Any:
        """The body's value, not yet checked."""
        raise NotImplementedError

    def _main_faults(self, body: Any) -> list[tuple[str, str]]:
        """What is missing at the top, which tells of another document; or else the first fault."""
        given = body if isinstance(body, dict) else self._needed
        missing = [name for name in self._needed if name not in given]
        told = [("", f'"{name}" is a required property') for name in missing[:MAX_ERRORS]]
        return told or first_faults(self._validator, body)


class JSONBody(CompiledBodyValidator):
    """Bodies of ``application/json`` and ``…+json``."""

    def parse(self, raw: bytes) -> Any:
        try:
            return strict_json.parse(raw)
        except strict_json.JSONFault as exc:
            detail = f"it is not valid JSON: {exc}"
            raise Problem(
                INVALID_REQUEST, f"The body is not valid: {detail}.", errors=[_at("", detail)]
            ) from exc


class FormBody(CompiledBodyValidator):
    """Bodies of ``application/x-www-form-urlencoded``: each field once, but for arrays.

    A field is text, or what its schema says that its text is.
    """

    def __init__(self, *, schema: dict[str, Any], **options: Any) -> None:
        super().__init__(schema=schema, **options)
        self._types: dict[str, Any] = {
            name: member.get("items", {}).get("type") if _is_array(member) else member.get("type")
            for name, member in schema.get("properties", {}).items()
        }
        self._arrays = {
            name for name, member in schema.get("properties", {}).items() if _is_array(member)
        }

    def parse(self, raw: bytes) -> Any:
        try:
            fields = parse_query(raw)
        except UnicodeDecodeError as exc:
            detail = "it is not UTF-8 when its percent-escapes are decoded"
            raise Problem(
                INVALID_REQUEST, f"The body is not valid: {detail}.", errors=[_at("", detail)]
            ) from exc
        for name, texts in fields.items():
            if len(texts) > 1 and name not in self._arrays:
                raise Problem(
                    INVALID_REQUEST,
                    f"The body is not valid: the field {name[:80]} is given more than once.",
                    errors=[_at("/" + name[:80], "is given more than once")],
                )
        return {name: self._read(name, texts) for name, texts in fields.items()}

    def _read(self, name: str, texts: list[str]) -> Any:
        values = [read_text(text, self._types.get(name)) for text in texts]
        return values if name in self._arrays else values[0]


def _is_array(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array"


class StreamedBody:
    """Bodies that are handed on as they come: that there is one is all that is checked of them.

    The request's ``Validated`` has neither ``body`` nor ``raw``.
    """

    def __init__(self, *, required: bool = False, **_options: Any) -> None:
        self._required = required

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """The receive channel that is returned gives the body from its beginning."""
        first = await receive()
        while first["type"] == "http.request" and not first.get("body") and first.get("more_body"):
            first = await receive()
        if first["type"] != "http.request":
            raise ClientDisconnected
        if self._required and not first.get("body"):
            raise Problem(INVALID_REQUEST, "A body is required.", errors=[_at("", "is required")])
        return replay_message(first, receive), scope


BODY_VALIDATORS: Mapping[str, Any] = {
    "application/json": JSONBody,
    "application/merge-patch+json": JSONBody,
    "application/x-www-form-urlencoded": FormBody,
    "application/x-ndjson": StreamedBody,
    "text/csv": StreamedBody,
}


def _at(pointer: str, detail: str) -> dict[str, str]:
    return {"in": "body", "pointer": pointer, "detail": detail}


async def read_body(receive: Receive, limit: int = HELD) -> bytes:
    """The whole body. A client that goes away while sending it ends the request."""
    chunks, size = [], 0
    message = await receive()
    while message["type"] == "http.request":
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else bytes(chunks[0])
        message = await receive()
    raise ClientDisconnected


class ClientDisconnected(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


def replay(raw: bytes, receive: Receive) -> Receive:
    """A receive channel that gives the body first, then what else the client does."""
    return replay_message({"type": "http.request", "body": raw, "more_body": False}, receive)


def replay_message(message: Message, receive: Receive) -> Receive:
    """A receive channel that gives this message before the others."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return message

    return receive_again


def media_type(scope: Scope) -> str | None:
    """The body's media type in lower case without its parameters; None when there is none.

    JSON is UTF-8 (RFC 8259 §8.1): another charset is refused here, before it is misread.
    """
    value = header(scope, b"content-type")
    if value is None:
        return None
    essence, _, parameters = value.partition(";")
    for parameter in parameters.split(";"):
        key, _, charset = parameter.strip().partition("=")
        if key.lower() == "charset" and charset.strip('"').lower() not in ("utf-8", "utf8"):
            raise Problem(
                UNSUPPORTED_MEDIA_TYPE, f"Bodies are read as UTF-8, not {charset[:40]!a}."
            )
    return essence.strip().lower()


def has_body(scope: Scope) -> bool:
    """Whether the request's framing announces a body (RFC 9112 §6.3)."""
    length = header(scope, b"content-length")
    if length is not None:
        return length.strip() != "0"
    return header(scope, b"transfer-encoding") is not None
