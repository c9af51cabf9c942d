"""The one table of the inventory's own errors: which problem each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inventory.domain import errors
from inventory.domain.store import StoreError
from openapi.problems import (
    CONTENT_TOO_LARGE,
    NOT_FOUND,
    SERVICE_UNAVAILABLE,
    Problem,
    ProblemType,
)

IDENTIFIER_TAKEN = ProblemType("identifier-taken", 409, "The identifier is taken")
IDENTIFIER_MISMATCH = ProblemType("identifier-mismatch", 409, "An identifier never changes")
SELF_REFERENCE = ProblemType("self-reference", 409, "A device cannot refer to itself")
CONTENTION = ProblemType("contention", 409, "Others are changing the same devices")
PRECONDITION_FAILED = ProblemType(
    "precondition-failed", 412, "The resource is not in the state that the request expects"
)

TYPES: Mapping[type[errors.InventoryError], ProblemType] = {
    errors.DeviceNotFound: NOT_FOUND,
    errors.IdentifierTaken: IDENTIFIER_TAKEN,
    errors.IdentifierMismatch: IDENTIFIER_MISMATCH,
    errors.SelfReference: SELF_REFERENCE,
    errors.AttributesTooLarge: CONTENT_TOO_LARGE,
    errors.PreconditionFailed: PRECONDITION_FAILED,
    errors.Contention: CONTENTION,
}


def _of_rule(exc: Exception) -> Problem:
    assert isinstance(exc, errors.InventoryError)
    place = [{"in": "body", "pointer": exc.pointer, "detail": str(exc)}] if exc.pointer else []
    return Problem(TYPES[type(exc)], str(exc), errors=place)


def _of_store(_exc: Exception) -> Problem:
    # What the store says is for the operator, in the logs; not for the client.
    return Problem(
        SERVICE_UNAVAILABLE, "The device store does not answer.", headers={"Retry-After": "1"}
    )


TRANSLATIONS: Mapping[type[Exception], Callable[[Exception], Problem]] = {
    errors.InventoryError: _of_rule,
    StoreError: _of_store,
}
