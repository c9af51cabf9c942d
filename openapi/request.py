"""What validation found in a request, handed to whoever serves it: nothing is parsed twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.types import Scope

KEY = "openapi"


@dataclass(slots=True)
class Validated:
    """The request's parameters by argument name, its parsed body, and the body's bytes.

    ``raw`` is None when the operation takes no body, or one that is streamed.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None


def validated(scope: Scope) -> Validated:
    """The request's ``Validated``, made at the first call."""
    extensions = scope.setdefault("extensions", {})
    if KEY not in extensions:
        extensions[KEY] = Validated()
    return cast(Validated, extensions[KEY])


def operation_id(scope: Scope) -> str | None:
    """The operation that Connexion's routing found, or None."""
    routing = scope.get("extensions", {}).get("connexion_routing", {})
    return cast("str | None", routing.get("operation_id"))


def principal(scope: Scope) -> Mapping[str, Any]:
    """Who sent the request, as Connexion's security left it: the claims; empty when nobody."""
    context = scope.get("extensions", {}).get("connexion_context", {})
    return cast("Mapping[str, Any]", context.get("token_info") or {})


async def principal_now(scope: Scope) -> Mapping[str, Any]:
    """Who the request's credential stands for by now, for answers that take long.

    Raises what a request with that credential would be refused with.
    """
    context = scope["extensions"]["connexion_context"]
    return cast("Mapping[str, Any]", await context["check_again"]())


def header(scope: Scope, name: bytes) -> str | None:
    """The header's first value, by its lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return cast(bytes, value).decode("latin-1")
    return None
