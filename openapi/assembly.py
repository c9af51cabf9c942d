"""Puts Connexion together for a service: the middlewares it needs, built when it starts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from connexion.middleware import ConnexionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.main import API
from starlette.types import ASGIApp

from openapi.body_limit import BodyLimitMiddleware
from openapi.document import Document, Operation
from openapi.form import CheckedSpecification, FormFault, check_form
from openapi.routing import StrictRoutingMiddleware
from openapi.security import ContractSecurityMiddleware
from openapi.selection import select
from openapi.validation import VALIDATOR_MAP, CompiledValidationMiddleware, OperationFault


def connexion_options(
    operations: Collection[Operation],
    security: Mapping[str, Any],
    after_security: Collection[Callable[[ASGIApp], ASGIApp]] = (),
    validators: Mapping[str, Any] = VALIDATOR_MAP,
) -> dict[str, Any]:
    """The options for ``ConnexionMiddleware`` or ``FlaskApp`` that serves these operations.

    ``security``: scheme type to its handler, as Connexion's ``security_map`` has it.
    ``after_security``: stages that see who asks, before anything of the body is read.
    ``validators``: what reads parameters and bodies, as Connexion's ``validator_map`` has it.
    """
    limits = {op.operation_id: op.policy.body_limit for op in operations}
    return {
        "middlewares": [
            StrictRoutingMiddleware,
            ContractSecurityMiddleware,  # before anything of the request is looked at
            *after_security,
            partial(BodyLimitMiddleware, limits=limits),
            CompiledValidationMiddleware,
            LifespanMiddleware,
        ],
        "strict_validation": True,
        "validator_map": dict(validators),
        "security_map": dict(security),
    }


def shared(handler: object) -> Callable[[], object]:
    """An entry of the security map; Connexion calls it for each scheme, and gets one handler."""
    return lambda: handler


def build(
    middleware: ConnexionMiddleware, document: Document, operations: Collection[Operation]
) -> None:
    """Has the middleware serve these operations; ``DocumentFault`` when it cannot.

    The stack is built now. Connexion would at the first request, where a fault is a 500.
    """
    content = select(document, operations)
    try:
        check_form(content)
    except FormFault as exc:
        raise document.fault_at(exc.place, str(exc)) from exc
    # As `add_api` would, which takes no specification that is loaded.
    options = vars(middleware.options)
    middleware.apis.append(API(CheckedSpecification(content), base_path=None, **options))
    try:
        middleware.app, middleware.middleware_stack = middleware._build_middleware_stack()
    except OperationFault as exc:
        operation = next(op for op in operations if op.operation_id == exc.operation_id)
        raise document.fault(operation, str(exc)) from exc
