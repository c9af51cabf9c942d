"""Connexion's security as OpenAPI 3.0.3 means it (§4.8.30): OR of ANDs, and ``{}`` for nobody.

Connexion drops an alternative with two OAuth 2.0 schemes, hands on no principal but a table of them
when credentials come together, takes ``{}`` where it stands and never looks at what follows it, and
lets a credential that is not good pass as nobody's.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from connexion.exceptions import OAuthProblem
from connexion.lifecycle import ConnexionRequest
from connexion.middleware.security import SecurityAPI, SecurityMiddleware, SecurityOperation
from connexion.security import NO_VALUE

from openapi.problems import InsufficientScope

Check = Callable[[ConnexionRequest], Any]
Principal = Mapping[str, Any]


class UnsupportedScheme(ValueError):
    """The document names a security scheme that nothing handles."""


class ContractSecurity(SecurityOperation):
    """Checks the credentials of the requests of one operation."""

    def _get_verification_fn(self) -> Callable[[ConnexionRequest], Awaitable[None]]:
        options = [self._checks(option) for option in self.security or () if option]
        optional = any(not option for option in self.security or ())

        async def verify(request: ConnexionRequest) -> None:
            try:
                found = await _first(options, request, optional)
            except InsufficientScope as exc:
                request.context["user"] = exc.sub
                raise
            again = partial(_first, options, request, optional)
            request.context.update(
                {"user": found.get("sub"), "token_info": found, "check_again": again}
            )

        return verify

    def _checks(self, option: Mapping[str, list[str]]) -> list[Check]:
        return [self._check(name, scopes) for name, scopes in option.items()]

    def _check(self, name: str, scopes: list[str]) -> Check:
        check = self.security_handler_factory.parse_security_scheme(
            self.security_schemes[name], scopes
        )
        if check is None:
            raise UnsupportedScheme(f"nothing handles the security scheme {name}")
        return check  # type: ignore[no-any-return]


async def _first(
    options: Sequence[Sequence[Check]], request: ConnexionRequest, optional: bool
) -> Principal:
    """The principal of the first alternative that holds; nobody's is empty."""
    refusals: list[Exception] = []
    for checks in options:
        try:
            found = await _together(checks, request)
        except Exception as exc:
            refusals.append(exc)
            continue
        if found is not None:
            return found
    refusals.sort(key=_precedence)
    # Who sends a credential that is not good believes to be somebody; one that is good, but not
    # for this, is not needed.
    if optional and (not refusals or _status(refusals[-1]) == 403 == _status(refusals[0])):
        return {}
    if refusals:
        raise refusals[0]
    raise OAuthProblem(detail="No credential was sent")


async def _together(checks: Sequence[Check], request: ConnexionRequest) -> Principal | None:
    """What all of the credentials come to; None when one was not sent."""
    principals: list[Principal] = []
    missing = False
    for check in checks:
        found = check(request)
        if inspect.isawaitable(found):
            found = await found
        if found is NO_VALUE:
            missing = True  # go on: another one may not be good, which is worth to be told
        else:
            principals.append(found)
    if missing:
        return None
    return principals[0] if len(principals) == 1 else _combined(principals)


def _combined(principals: Sequence[Principal]) -> Principal:
    """The first one, held to what all of them may."""
    tenants = {p["tenant"] for p in principals if p.get("tenant") is not None}
    if len(tenants) > 1:
        detail = "The credentials are bound to different customers."
        raise InsufficientScope(principals[0].get("sub"), detail)
    scopes = frozenset.intersection(*(frozenset(p["scopes"]) for p in principals))
    return {**principals[0], "scopes": scopes, "tenant": next(iter(tenants), None)}


def _precedence(exc: Exception) -> tuple[bool, bool, int]:
    """403 is told before 401, as it says more; and both before anything else."""
    status = _status(exc)
    return (status != 403, status != 401, status)


def _status(exc: Exception) -> int:
    return int(getattr(exc, "status_code", getattr(exc, "status", 600)))


class ContractSecurityAPI(SecurityAPI):
    """Builds the security of each operation of one document."""

    def make_operation(self, operation: Any) -> ContractSecurity:
        built = ContractSecurity.from_operation(
            operation,
            next_app=self.next_app,
            security_handler_factory=self.security_handler_factory,
        )
        assert isinstance(built, ContractSecurity)
        return built


class ContractSecurityMiddleware(SecurityMiddleware):
    """Takes the place of Connexion's ``SecurityMiddleware``."""

    api_cls = ContractSecurityAPI
