"""The one table of the inventory's own errors: which problem each of them is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from inventory.domain import errors
from inventory.domain.store import StoreError
from openapi.problems import (
    CONTENT_TOO_LARGE,
    INVALID_REQUEST,
    NOT_FOUND,
    SERVICE_UNAVAILABLE,
    Problem,
    ProblemType,
)

logger = logging.getLogger(__name__)

IDENTIFIER_TAKEN = ProblemType("identifier-taken", 409, "The identifier is taken")
BAD_REFERENCE = ProblemType("bad-reference", 409, "What the resource refers to does not fit")
TOO_MANY_DEVICES = ProblemType("too-many-devices", 409, "The customer may have no more devices")
IN_USE = ProblemType("in-use", 409, "Others refer to the resource")
ATTRIBUTES_DO_NOT_FIT = ProblemType(
    "attributes-do-not-fit", 409, "The attributes are not as the device type demands"
)
BAD_SCHEMA = ProblemType("bad-schema", 409, "The attribute schema is none")
NOT_YOURS = ProblemType("not-yours", 403, "The credential is bound to a customer")
CHALLENGE = 'Bearer realm="doorstep", error="insufficient_scope"'
PRECONDITION_FAILED = ProblemType(
    "precondition-failed", 412, "The resource is not in the state that the request expects"
)
BATCH_REFUSED = ProblemType("batch-refused", 409, "An item of the batch failed")
UNUSABLE_FILE = ProblemType("unusable-file", 409, "Nothing in the file can be read")
JOB_IS_OVER = ProblemType("job-is-over", 409, "The job is over")
NOT_ACCEPTABLE = ProblemType("not-acceptable", 406, "No acceptable media type")
KEY_REUSED = ProblemType("key-reused", 422, "The key was used with another request")

TYPES: Mapping[type[errors.InventoryError], ProblemType] = {
    errors.ResourceNotFound: NOT_FOUND,
    errors.IdentifierTaken: IDENTIFIER_TAKEN,
    errors.ReferenceFault: BAD_REFERENCE,
    errors.TooManyDevices: TOO_MANY_DEVICES,
    errors.StillInUse: IN_USE,
    errors.AttributesDoNotFit: ATTRIBUTES_DO_NOT_FIT,
    errors.SchemaFault: BAD_SCHEMA,
    errors.AttributesTooLarge: CONTENT_TOO_LARGE,
    errors.TooManyItems: CONTENT_TOO_LARGE,
    errors.TooManyRows: CONTENT_TOO_LARGE,
    errors.PreconditionFailed: PRECONDITION_FAILED,
    errors.NotYours: NOT_YOURS,
    errors.KeyReused: KEY_REUSED,
    errors.BatchRefused: BATCH_REFUSED,
    errors.UnusableFile: UNUSABLE_FILE,
    errors.JobOver: JOB_IS_OVER,
}


def problem_of(exc: errors.InventoryError) -> Problem:
    """The problem that a rule's refusal is."""
    if isinstance(exc, errors.ForeignCursor):
        place = {"in": "query", "name": "cursor", "detail": str(exc)}
        return Problem(INVALID_REQUEST, str(exc), errors=[place])
    kind = next(TYPES[base] for base in type(exc).__mro__ if base in TYPES)
    places = [{"in": "body", "pointer": at, "detail": what} for at, what in exc.places]
    # The gateway hands it on as it is, so the realm is the one that clients know (RFC 6750 §3).
    headers = {"WWW-Authenticate": CHALLENGE} if kind is NOT_YOURS else None
    return Problem(kind, str(exc), errors=places, headers=headers)


def _of_rule(exc: Exception) -> Problem:
    assert isinstance(exc, errors.InventoryError)
    return problem_of(exc)


def _of_store(exc: Exception) -> Problem:
    # What the store says is for the operator, in the logs; not for the client.
    logger.error("the store failed: %s", exc, exc_info=exc.__cause__)
    return Problem(SERVICE_UNAVAILABLE, "The store does not answer.", headers={"Retry-After": "1"})


TRANSLATIONS: Mapping[type[Exception], Callable[[Exception], Problem]] = {
    errors.InventoryError: _of_rule,
    StoreError: _of_store,
}
