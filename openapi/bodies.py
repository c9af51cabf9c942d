"""Checks request bodies with validators compiled once, and hands on what they parsed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connexion.validators import AbstractRequestBodyValidator
from starlette.types import Message, Receive, Scope

from openapi import strict_json
from openapi.parameters import parse_query
from openapi.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from openapi.request import header, validated
from openapi.schemas import compile_schema, faults

# Parsing a body of this many bytes takes long enough to be felt by the other requests of the
# worker, so it leaves the event loop.
LARGE = 256 * 1024


class CompiledBodyValidator(AbstractRequestBodyValidator):
    """Connexion's body validator, built once an operation and media type.

    It reads the whole body, checks it, and leaves it in the request's ``Validated``.
    """

    def __init__(self, *, schema: dict[str, Any], required: bool = False, **options: Any) -> None:
        super().__init__(schema=schema, required=required, **options)
        self._validator = compile_schema(schema)
        self._declared = schema.get("properties", {})

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
        return await asyncio.get_running_loop().run_in_executor(None, self.check, raw)

    def check(self, raw: bytes) -> Any:
        """The body's value; a problem that names each place at fault when it is not valid."""
        body = self.parse(raw)
        if self._validator.is_valid(body):
            return body
        found = faults(self._validator, body)
        where, what = found[0]
        raise Problem(
            INVALID_REQUEST,
            f"The body is not valid: {where or 'at its top'}: {what}.",
            errors=[_at(at, detail) for at, detail in found],
        )

    def parse(self, raw: bytes) -> Any:
        """The body's value, not yet checked."""
        raise NotImplementedError


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
    """Bodies of ``application/x-www-form-urlencoded``: each field once, as text."""

    def parse(self, raw: bytes) -> Any:
        fields = parse_query(raw)
        for name, texts in fields.items():
            if len(texts) > 1:
                raise Problem(
                    INVALID_REQUEST,
                    f"The body is not valid: the field {name[:80]} is given more than once.",
                    errors=[_at("/" + name[:80], "is given more than once")],
                )
        return {name: texts[0] for name, texts in fields.items()}


BODY_VALIDATORS: Mapping[str, type[CompiledBodyValidator]] = {
    "application/json": JSONBody,
    "application/merge-patch+json": JSONBody,
    "application/x-www-form-urlencoded": FormBody,
}


def _at(pointer: str, detail: str) -> dict[str, str]:
    return {"in": "body", "pointer": pointer, "detail": detail}


async def read_body(receive: Receive) -> bytes:
    """The whole body. A client that goes away while sending it ends the request."""
    message = await receive()
    if not message.get("more_body", False) and message["type"] == "http.request":
        return bytes(message.get("body", b""))
    chunks = []
    while message["type"] == "http.request":
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
    raise ClientDisconnected


class ClientDisconnected(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


def replay(raw: bytes, receive: Receive) -> Receive:
    """A receive channel that gives the body first, then what else the client does."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": raw, "more_body": False}

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
