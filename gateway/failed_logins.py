"""Limits how many credentials that are not good one client address may try."""

from __future__ import annotations

import time
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any, Protocol

from connexion.lifecycle import ConnexionRequest
from starlette.types import Scope

from gateway.addresses import Networks, client_address
from gateway.api_keys import FRESH, REMEMBERED
from gateway.counters import Clock, Count, Counters
from gateway.credentials import Check, ClientRefused
from gateway.limits import tell, too_many_requests
from openapi.document import Document, DocumentFault
from openapi.policy import RateLimit
from openapi.problems import UNAUTHORIZED, Problem


class Credential(Protocol):
    """One of Connexion's security handlers."""

    def get_fn(self, scheme: Mapping[str, Any], required_scopes: list[str]) -> Check:
        """The check of one operation; called once, when the gateway starts."""
        ...


class FailedLogins:
    """Counts failures by address. A request whose credential is good does not count."""

    def __init__(
        self,
        limit: RateLimit,
        counters: Counters,
        unlimited: Networks,
        clock: Clock = time.monotonic,
    ) -> None:
        """``unlimited``: clients whose failures are not counted."""
        self._limit = limit
        self._counters = counters
        self._unlimited = unlimited
        self._clock = clock
        self._lately: dict[str, tuple[float, Count]] = {}

    async def refuse_blocked(self, scope: Scope) -> None:
        """Raises the problem when the address has used up its failures.

        What another process counted is seen ``FRESH`` seconds later at the latest.
        """
        if self._unlimited.have(scope):
            return
        address = client_address(scope)
        until, count = self._lately.get(address, (0.0, None))
        if count is None or until <= self._clock():
            count = self._remember(address, await self._counters.look(_key(address)))
        if count.number >= self._limit.limit:
            tell(scope, [self._limit], [count])
            raise too_many_requests(self._limit, count)

    async def count(self, scope: Scope) -> None:
        """Counts a failure; raises the problem when it was more than there may be."""
        if self._unlimited.have(scope):
            return
        address = client_address(scope)
        count = await self._counters.add(_key(address), self._limit.window)
        tell(scope, [self._limit], [self._remember(address, count)])
        if count.number > self._limit.limit:
            raise too_many_requests(self._limit, count)

    def _remember(self, address: str, count: Count) -> Count:
        if len(self._lately) >= REMEMBERED:
            self._lately.clear()
        fresh = min(FRESH, count.left) if count.number else FRESH
        self._lately[address] = (self._clock() + fresh, count)
        return count


class Guarded:
    """A security handler that lets no address try credentials without end."""

    def __init__(self, credential: Credential, failures: FailedLogins) -> None:
        self._credential = credential
        self._failures = failures

    def get_fn(self, scheme: Mapping[str, Any], required_scopes: list[str]) -> Check:
        """The check of one operation; called once, when the gateway starts."""
        check = self._credential.get_fn(scheme, required_scopes)
        header = scheme["name"] if scheme["type"] == "apiKey" else "authorization"

        async def guarded(request: ConnexionRequest) -> Any:
            if request.headers.get(header) is None:
                return check(request)
            # Before the credential is looked at: who is blocked learns nothing more about it.
            await self._failures.refuse_blocked(request.scope)
            try:
                found = check(request)
                # An outside issuer's keys may have to be fetched.
                return await found if isawaitable(found) else found
            except ClientRefused:
                await self._failures.count(request.scope)
                raise
            except Problem as problem:
                if problem.kind is UNAUTHORIZED:
                    await self._failures.count(request.scope)
                raise

        return guarded


def guard(credential: Credential, failures: FailedLogins | None) -> Credential:
    """The credential, with its failures limited if they are to be."""
    return Guarded(credential, failures) if failures else credential


def failed_logins_of(document: Document) -> RateLimit | None:
    """The document's one limit of failed logins, or None.

    ``DocumentFault`` when an operation says otherwise: it counts over all operations.
    """
    root = next((op.policy.failed_logins for op in document.operations), None)
    for operation in document.operations:
        if operation.policy.failed_logins != root:
            raise DocumentFault(
                f"{document.file}:{operation.line}: {operation.operation_id}: failed-logins stands"
                " at the document's root alone"
            )
    return root


def _key(address: str) -> str:
    return f"failed-logins:address:{address}"
