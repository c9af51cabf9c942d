"""The only wiring of the gateway: its stages, from the outside in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from connexion.security import NO_VALUE
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import documents
from gateway.admin import PortDispatch, admin_app
from gateway.caching.keys import cached_operations
from gateway.caching.stage import CacheMiddleware
from gateway.caching.store import MemoryStore
from gateway.change_feed import ChangeFeed
from gateway.change_stream import ChangeStream
from gateway.compression import CompressionMiddleware
from gateway.concurrency import ConcurrencyMiddleware, concurrency_of
from gateway.cors import CorsMiddleware
from gateway.cors_contract import PathHeaders
from gateway.credentials import (
    BASIC_CHALLENGE,
    CHALLENGE,
    ApiKeyCredential,
    BearerCredential,
    ClientCredential,
)
from gateway.deprecation import DeprecationMiddleware, deprecated
from gateway.edge_settings import EdgeSettings
from gateway.explain import Explanations
from gateway.failed_logins import FailedLogins, failed_logins_of, guard
from gateway.forward import Forwarder
from gateway.hosts import HostsMiddleware, open_paths
from gateway.key_admin import KeyAdmin
from gateway.limits import RateLimitMiddleware, limits_of
from gateway.operations import Dispatch, OwnOperations
from gateway.outside_tokens import OutsideTokens
from gateway.parts import Parts, lifespan_of, make_parts
from gateway.problems import TRANSLATIONS
from gateway.proxies import behind_proxies
from gateway.response_validation import ResponseValidationMiddleware, checked_operations
from gateway.security_headers import SecurityHeadersMiddleware
from gateway.services.contract import load_contract, plugged_in, upstreams_of
from gateway.settings import Settings
from gateway.token_errors import TokenErrorMiddleware
from gateway.tokens import Tokens
from openapi.assembly import build, connexion_options, shared
from openapi.changed_kinds import ChangedKinds
from openapi.document import Document
from openapi.forwarded import FORWARDED_VALIDATORS
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.routing import AllowedMethods
from openapi.selection import (
    check_security,
    methods_by_path,
    operations_with_header,
    paths_of,
    scopes_of,
)
from telemetry.access_log import AccessLog
from telemetry.middleware import TelemetryMiddleware, request_id_of
from telemetry.tracing import server_spans

if TYPE_CHECKING:
    from telemetry.spans import Tracing


def create_app(
    settings: Settings,
    access_log: AccessLog | None = None,
    tracing: Tracing | None = None,
    document: Document | None = None,
) -> ASGIApp:
    """The gateway as an ASGI application. ``document``: what it serves, when it is loaded."""
    document = document or load_contract(settings.services)
    parts = make_parts(settings, document, tracing)
    cached = cached_operations(document) if settings.cache_bytes else {}
    forward = _forward(parts, cached)
    cache = CacheMiddleware(forward, cached, MemoryStore(settings.cache_bytes)) if cached else None
    dispatch = _dispatch(parts, cache or forward)
    limits = partial(
        RateLimitMiddleware,
        limits=limits_of(document),
        counters=parts.counters,
        unlimited=parts.unlimited,
    )
    # Behind the rate limits, which are cheaper to be told of.
    at_once = partial(ConcurrencyMiddleware, limits=concurrency_of(document))
    lifespan = lifespan_of(parts, cache)
    connexion = _connexion(document, dispatch, _credentials(parts), [limits, at_once], lifespan)
    telemetry = partial(
        TelemetryMiddleware,
        access_log=access_log,
        metrics=parts.metrics,
        spans=server_spans(tracing, paths_of(document.operations)),
    )
    public = _stages(document, connexion, settings.edge, telemetry)
    # Outside of all: the log, the limits and the services are told the same client.
    public = behind_proxies(public, settings.trusted_proxies)
    explanations = Explanations(document, documents.METHODS)
    admin = admin_app(parts.metrics, parts.upstreams.states, explanations)
    return PortDispatch(public, admin, settings.admin_port)


def rehearse(settings: Settings, document: Document) -> None:
    """``DocumentFault`` or ``SettingFault`` where ``create_app`` would raise it.

    Nothing is opened or written.
    """
    services = upstreams_of(document)
    settings.upstream_urls(services)
    settings.credentials(services)
    limits_of(document)
    security = dict.fromkeys(("apiKey", "oauth2", "basic"), shared(_NoCredential()))
    _connexion(document, _serve_nothing, security, (), None)


class _NoCredential:
    def get_fn(self, _scheme: Any, _scopes: Any) -> Callable[[Any], Any]:
        return lambda _request: NO_VALUE


async def _serve_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stands where the operations are served."""


def _stages(
    document: Document,
    connexion: ConnexionMiddleware,
    edge: EdgeSettings,
    telemetry: Callable[[ASGIApp], ASGIApp],
) -> ASGIApp:
    """What a request goes through; the first to see it is the last here."""
    stages: ASGIApp = connexion  # routes, secures and validates by the contract, then dispatches
    stages = documents.DocumentsMiddleware(stages, document, coded=edge.compression)
    # Outside of Connexion, whose errors it tells too.
    stages = TokenErrorMiddleware(stages, BASIC_CHALLENGE)
    stages = ProblemMiddleware(
        stages,
        methods=AllowedMethods(methods_by_path(document.operations) | documents.METHODS),
        translations=TRANSLATIONS,
        challenge=CHALLENGE,
        request_id=request_id_of,
    )
    if headers := deprecated(document.operations):
        # Outside of the problems, which are told of it too.
        stages = DeprecationMiddleware(stages, headers)
    stages = _edge(document, stages, edge)
    # Before anything that could be misled by a request that is not plain.
    stages = FramingMiddleware(stages, request_id_of)
    # Outside of every refusal: a browser may show any of them.
    stages = SecurityHeadersMiddleware(stages, edge.hsts_max_age)
    # Outermost: a refusal has a request id and a log line as well.
    return telemetry(stages)


def _edge(document: Document, stages: ASGIApp, edge: EdgeSettings) -> ASGIApp:
    """What the settings turn on; what is off is no stage at all."""
    if edge.compression:
        # Outside of the problems, which can be long as well.
        stages = CompressionMiddleware(stages)
    if edge.cors_origins:
        # Outside of Connexion's security: a preflight has no credential.
        stages = CorsMiddleware(
            stages,
            origins=edge.cors_origins,
            max_age=edge.cors_max_age,
            paths=PathHeaders(document, documents.METHODS),
        )
    if edge.allowed_hosts:
        # Before CORS: a page is not told anything under a name that is not ours.
        stages = HostsMiddleware(
            stages,
            allowed=edge.allowed_hosts,
            open_paths=open_paths(document.operations),
            request_id=request_id_of,
        )
    return stages


def _connexion(
    document: Document,
    dispatch: ASGIApp,
    security: dict[str, Any],
    after_security: Collection[Callable[[ASGIApp], ASGIApp]],
    lifespan: Any,
) -> ConnexionMiddleware:
    check_security(document, document.operations, security)
    connexion = ConnexionMiddleware(
        dispatch,
        import_name=__name__,
        lifespan=lifespan,
        # Connexion resolves a function for each operation, though this application is not made of
        # functions; what serves an operation is checked in _own_operations.
        resolver=Resolver(lambda _operation_id: dispatch),
        **connexion_options(document.operations, security, after_security, FORWARDED_VALIDATORS),
    )
    build(connexion, document, document.operations)
    return connexion


def _credentials(parts: Parts) -> dict[str, Any]:
    """What checks each kind of credential, by the names of security schemes' types."""
    limit = failed_logins_of(parts.document)
    failures = FailedLogins(limit, parts.counters, parts.unlimited) if limit else None
    outside = OutsideTokens(parts.settings.issuers, scopes_of(parts.document))
    return {
        "apiKey": shared(guard(ApiKeyCredential(parts.keys), failures)),
        "oauth2": shared(guard(BearerCredential(parts.keys, parts.signer, outside), failures)),
        "basic": shared(guard(ClientCredential(parts.keys), failures)),
    }


def _dispatch(parts: Parts, forward: ASGIApp) -> Dispatch:
    """Where operations are served; security, limits and validation have let them through."""
    document = parts.document
    own = OwnOperations(parts.readiness, Tokens(parts.signer), KeyAdmin(parts.keys), parts.signer)
    policies = {op.operation_id: op.policy for op in document.operations}
    feed = ChangeFeed(parts.upstreams, parts.identities, policies["list_changes"])
    streams = {"stream_changes": ChangeStream(feed, ChangedKinds(document))}
    return Dispatch(_own_operations(document, own, streams), streams, forward)


def _forward(parts: Parts, cached: Collection[str]) -> ASGIApp:
    document = parts.document
    forwarder = Forwarder(
        document.operations,
        parts.upstreams,
        parts.identities,
        keyed=operations_with_header(document, "Idempotency-Key"),
        dated=cached,
        credentials=parts.settings.credentials(plugged_in(document)),
    )
    checked = checked_operations(document, parts.metrics)
    # Before answers are kept: one that is blocked is not.
    return ResponseValidationMiddleware(forwarder, checked) if checked else forwarder


def _own_operations(
    document: Document, own: OwnOperations, streams: Collection[str]
) -> dict[str, Any]:
    serving = {}
    for operation in document.operations:
        if operation.policy.upstream is None and operation.operation_id not in streams:
            serve = getattr(own, operation.operation_id, None)
            if serve is None:
                raise document.fault(
                    operation, "has no upstream, and the gateway has no operation of this name"
                )
            serving[operation.operation_id] = serve
    return serving
