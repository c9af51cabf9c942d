"""The only wiring of the mock: the services' own machinery around a memory."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.contract import Contract
from contracts.mock import records
from contracts.mock.credentials import AnyCredential, kinds_of
from contracts.mock.declared import Declared
from contracts.mock.kinds import find_kinds
from contracts.mock.memory import Memory
from contracts.mock.refusals import Refusal, Refusals, to_problem
from contracts.mock.samples import NoSample
from contracts.mock.seeding import plant
from contracts.mock.service import MockService
from openapi.assembly import build, connexion_options, shared
from openapi.forwarded import FORWARDED_VALIDATORS
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.request import header
from openapi.routing import AllowedMethods
from openapi.selection import methods_by_path

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_KEY = "mock.request_id"


def create_app(
    file: Path, seeds: Any = None, seeds_name: str = "seeds", keys: Collection[str] = ()
) -> ASGIApp:
    """The mock of the contract in the file, as an ASGI application.

    ``seeds``: what is there at first (``seeding``). ``keys``: the only credentials that are good;
    any, when there is none. ``DocumentFault`` and ``SeedFault`` when it cannot be made.
    """
    contract = Contract(file)
    declared, memory = Declared(contract), Memory()
    plant(contract, memory, seeds or {}, seeds_name)
    service = MockService(contract, declared, memory)
    check_examples(contract, declared)
    stages: ASGIApp = _connexion(contract, service, keys)
    stages = ProblemMiddleware(
        stages,
        methods=AllowedMethods(methods_by_path(contract.document.operations)),
        translations={Refusal: to_problem},
        challenge=_challenge(contract),
        request_id=_request_id,
    )
    stages = FramingMiddleware(stages, _request_id)
    stages = RequestIds(stages)
    # Outside of all that makes problems, each of which the contract may have in words of its own.
    return Refusals(stages, contract, declared)


def check_examples(contract: Contract, declared: Declared) -> None:
    """``DocumentFault`` for an operation of which no answer can be made."""
    for kind in find_kinds(contract):
        create = next(name for name, role in kind.roles.items() if role == "create")
        try:
            records.check(kind)
        except NoSample as exc:
            raise contract.document.fault(contract.operations[create], str(exc)) from exc
    for operation in contract.document.operations:
        try:
            declared.success(operation).answer()
        except NoSample as exc:
            detail = f"{exc}: give its answer an example"
            raise contract.document.fault(operation, detail) from exc


def _connexion(contract: Contract, service: ASGIApp, keys: Collection[str]) -> ConnexionMiddleware:
    handler = shared(AnyCredential(_challenge(contract), keys))
    security = dict.fromkeys(kinds_of(contract), handler)
    operations = contract.document.operations
    connexion = ConnexionMiddleware(
        service,
        import_name=__name__,
        resolver=Resolver(lambda _operation_id: service),
        # What is not read by the services here is not checked, but taken.
        **connexion_options(operations, security, validators=FORWARDED_VALIDATORS),
    )
    build(connexion, contract.document, operations)
    return connexion


def _challenge(contract: Contract) -> str:
    """The first challenge that the contract has as an example."""
    headers = contract.document.content.get("components", {}).get("headers", {})
    for name, part in headers.items():
        if name.lower().replace("-", "") == "wwwauthenticate" and "example" in part:
            return str(part["example"])
    return "Bearer"


class RequestIds:
    """Gives each answer the id that its request has, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or ""
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("extensions", {})[_KEY] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"x-request-id", request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str | None:
    found: str | None = scope.get("extensions", {}).get(_KEY)
    return found
