"""The only wiring of the gateway: its stages, from the outside in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from starlette.types import ASGIApp

from gateway.api_keys import ApiKeys
from gateway.credentials import (
    BASIC_CHALLENGE,
    CHALLENGE,
    ApiKeyCredential,
    BearerCredential,
    ClientCredential,
)
from gateway.documents import DocumentsMiddleware
from gateway.forward import Forwarder
from gateway.identity import Identities
from gateway.operations import Dispatch, OwnOperations
from gateway.problems import TRANSLATIONS
from gateway.readiness import Readiness
from gateway.settings import Settings
from gateway.signing import load_signer
from gateway.token_errors import TokenErrorMiddleware
from gateway.tokens import Tokens
from gateway.upstreams import Upstreams
from openapi import CONTRACT
from openapi.assembly import build, connexion_options
from openapi.document import Document, DocumentFault, load_document
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.routing import AllowedMethods
from openapi.selection import check_security, methods_by_path, scopes_of, select
from telemetry.access_log import AccessLog
from telemetry.middleware import TelemetryMiddleware, request_id_of

logger = logging.getLogger(__name__)


def create_app(settings: Settings, access_log: AccessLog | None = None) -> ASGIApp:
    """The gateway as an ASGI application."""
    document = load_document(CONTRACT)
    services = {op.policy.upstream for op in document.operations if op.policy.upstream}
    keys = ApiKeys(settings.database)
    _make_admin_key(keys, document, settings)
    signer = load_signer(settings.signing_key, settings.key_set)
    upstreams = Upstreams(settings.upstream_urls(services))
    own = OwnOperations(Readiness(upstreams, services), Tokens(signer))
    forwarder = Forwarder(document.operations, upstreams, Identities(signer))
    dispatch = Dispatch(_own_operations(document, own), forwarder)
    security = {
        "apiKey": _once(ApiKeyCredential(keys)),
        "oauth2": _once(BearerCredential(keys, signer)),
        "basic": _once(ClientCredential(keys)),
    }
    connexion = _connexion(document, dispatch, security, _lifespan(upstreams, keys))
    return _stages(document, connexion, access_log)


def _stages(
    document: Document, connexion: ConnexionMiddleware, access_log: AccessLog | None
) -> ASGIApp:
    """What a request goes through; the first to see it is the last here."""
    stages: ASGIApp = connexion  # routes, secures and validates by the contract, then dispatches
    stages = DocumentsMiddleware(stages, document)
    # Outside of Connexion, whose errors it tells too.
    stages = TokenErrorMiddleware(stages, BASIC_CHALLENGE)
    stages = ProblemMiddleware(
        stages,
        methods=AllowedMethods(methods_by_path(document.operations)),
        translations=TRANSLATIONS,
        challenge=CHALLENGE,
        request_id=request_id_of,
    )
    # Before anything that could be misled by a request that is not plain.
    stages = FramingMiddleware(stages)
    # Outermost: a refusal has a request id and a log line as well.
    return TelemetryMiddleware(stages, access_log)


def _connexion(
    document: Document, dispatch: ASGIApp, security: dict[str, Any], lifespan: Any
) -> ConnexionMiddleware:
    check_security(document, document.operations, security)
    connexion = ConnexionMiddleware(
        dispatch,
        import_name=__name__,
        lifespan=lifespan,
        # Connexion resolves a function for each operation, though this application is not made of
        # functions; what serves an operation is checked in _own_operations.
        resolver=Resolver(lambda _operation_id: dispatch),
        **connexion_options(document.operations, security),
    )
    connexion.add_api(select(document, document.operations))
    build(connexion)
    return connexion


def _own_operations(document: Document, own: OwnOperations) -> dict[str, Any]:
    serving = {}
    for operation in document.operations:
        if operation.policy.upstream is None:
            serve = getattr(own, operation.operation_id, None)
            if serve is None:
                raise DocumentFault(
                    f"{document.file}:{operation.line}: {operation.operation_id} has no upstream,"
                    " and the gateway has no operation of this name"
                )
            serving[operation.operation_id] = serve
    return serving


def _make_admin_key(keys: ApiKeys, document: Document, settings: Settings) -> None:
    scopes: Collection[str] = scopes_of(document)
    if keys.create_first("admin", scopes, settings.admin_key):
        logger.warning("the admin's API key was written to %s", settings.admin_key)


def _once(handler: object) -> Any:
    """Connexion calls the entries of its security map for each scheme; all share one handler."""
    return lambda: handler


def _lifespan(upstreams: Upstreams, keys: ApiKeys) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await upstreams.open()
        yield
        await upstreams.close()
        keys.close()

    return lifespan
