"""Puts Connexion together for a service: the middlewares it needs, built when it starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from connexion.middleware import ConnexionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.security import SecurityMiddleware

from openapi.body_limit import BodyLimitMiddleware
from openapi.document import Operation
from openapi.routing import StrictRoutingMiddleware
from openapi.validation import VALIDATOR_MAP, CompiledValidationMiddleware


def connexion_options(
    operations: Collection[Operation], security: Mapping[str, Any]
) -> dict[str, Any]:
    """The options for ``ConnexionMiddleware`` or ``FlaskApp`` that serves these operations.

    ``security``: scheme type to its handler, as Connexion's ``security_map`` has it.
    """
    limits = {op.operation_id: op.policy.body_limit for op in operations}
    return {
        "middlewares": [
            StrictRoutingMiddleware,
            SecurityMiddleware,  # before anything of the request is looked at
            partial(BodyLimitMiddleware, limits=limits),
            CompiledValidationMiddleware,
            LifespanMiddleware,
        ],
        "strict_validation": True,
        "validator_map": dict(VALIDATOR_MAP),
        "security_map": dict(security),
    }


def build(middleware: ConnexionMiddleware) -> None:
    """Builds the stack now. Connexion would at the first request, where a fault is a 500."""
    middleware.app, middleware.middleware_stack = middleware._build_middleware_stack()
