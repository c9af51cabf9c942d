"""Connexion's request validation with everything built when the service starts.

Connexion builds a URI parser, a parameter validator and a body validator for each request. This
middleware takes the same classes from the same ``validator_map``, and builds them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexion.middleware.request_validation import (
    RequestValidationAPI,
    RequestValidationMiddleware,
    RequestValidationOperation,
)
from connexion.operations import AbstractOperation
from starlette.types import ASGIApp, Receive, Scope, Send

from openapi.bodies import BODY_VALIDATORS, has_body, media_type
from openapi.parameters import CompiledParameterValidator
from openapi.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from openapi.request import header
from openapi.schemas import shorten

VALIDATOR_MAP: Mapping[str, Any] = {
    "parameter": CompiledParameterValidator,
    "body": dict(BODY_VALIDATORS),
}


class UnsupportedBody(ValueError):
    """The document declares a request body of a media type that has no validator."""


class OperationFault(ValueError):
    """What the document declares of an operation cannot be checked; the message says why."""

    def __init__(self, operation_id: str, message: str) -> None:
        super().__init__(message)
        self.operation_id = operation_id


class CompiledValidation(RequestValidationOperation):
    """Checks the requests of one operation."""

    def __init__(self, next_app: ASGIApp, *, operation: AbstractOperation, **options: Any) -> None:
        super().__init__(next_app, operation=operation, **options)
        self._parameters = self._validator_map["parameter"](
            operation.parameters, security_query_params=self.security_query_params
        )
        content = operation.request_body.get("content", {}) if operation.request_body else {}
        self._required = operation.request_body.get("required", False) if content else False
        self._bodies = {_essence(name): self._body_validator(name) for name in content}
        self._ranges = sorted(r for r in self._bodies if r.endswith("/*"))[::-1]

    def _body_validator(self, name: str) -> Any:
        try:
            build = self._validator_map["body"][_essence(name)]
        except KeyError as exc:
            raise UnsupportedBody(f"bodies of type {name} are not read") from exc
        schema = self._operation.body_schema(name)
        return build(
            # Connexion adds all components to it, though its references are resolved.
            schema={key: part for key, part in schema.items() if key != "components"},
            required=self._required,
            encoding="utf-8",
            strict_validation=self.strict_validation,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._parameters.validate(scope)
        if not self._bodies:
            self._refuse_body(scope)
        elif has_body(scope):
            _refuse_coding(scope)
            validator = self._body(media_type(scope) or "")
            if validator is None:
                raise self._unsupported(scope)
            receive, scope = await validator.wrap_receive(receive, scope=scope)
        elif self._required:
            raise Problem(
                INVALID_REQUEST,
                f"A body of type {self._taken()} is required.",
                errors=[{"in": "body", "pointer": "", "detail": "is required"}],
            )
        await self.next_app(scope, receive, send)

    def _body(self, given: str) -> Any:
        """The validator of the media type, or of the narrowest range that it is in."""
        if given in self._bodies or not self._ranges:
            return self._bodies.get(given)
        for within in self._ranges:
            if within == "*/*" or given.startswith(within[:-1]):
                return self._bodies[within]
        return None

    def _refuse_body(self, scope: Scope) -> None:
        # A body that nobody reads is how requests are smuggled past a proxy (RFC 9110 §9.3.1).
        if has_body(scope):
            raise Problem(
                INVALID_REQUEST,
                "This operation takes no body.",
                errors=[{"in": "body", "pointer": "", "detail": "is not taken"}],
            )

    def _unsupported(self, scope: Scope) -> Problem:
        given = media_type(scope)
        said = f"not {given[:80]!a}" if given else "and Content-Type does not say what this is"
        return Problem(UNSUPPORTED_MEDIA_TYPE, f"This operation takes {self._taken()}, {said}.")

    def _taken(self) -> str:
        return " or ".join(self._bodies)


def _essence(name: str) -> str:
    """A media type as it is compared: in small letters, without parameters."""
    return name.partition(";")[0].strip().lower()


def _refuse_coding(scope: Scope) -> None:
    coding = header(scope, b"content-encoding")
    if coding is not None and coding.strip().lower() != "identity":
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            f"Bodies are read as they are, not in the coding {coding[:40]!a}.",
            headers={"Accept-Encoding": "identity"},  # RFC 9110 §15.5.16
        )


class CompiledValidationAPI(RequestValidationAPI):
    """Builds the validation of each operation of one document."""

    def make_operation(self, operation: AbstractOperation) -> CompiledValidation:
        try:
            return CompiledValidation(
                self.next_app,
                operation=operation,
                strict_validation=self.strict_validation,
                validator_map=self.validator_map,
            )
        except ValueError as exc:  # also of a schema that is none
            message = shorten(str(exc).partition("\n")[0])
            raise OperationFault(operation.operation_id, message) from exc


class CompiledValidationMiddleware(RequestValidationMiddleware):
    """Takes the place of Connexion's ``RequestValidationMiddleware``."""

    api_cls = CompiledValidationAPI
