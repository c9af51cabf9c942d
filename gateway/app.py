"""The only wiring of the gateway: its stages, from the outside in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import TraceConfig
from connexion.exceptions import InvalidSpecification
from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from connexion.security import NO_VALUE
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import documents
from gateway.addresses import Networks
from gateway.admin import PortDispatch, admin_app
from gateway.api_keys import ApiKeys
from gateway.caching.keys import cached_operations
from gateway.caching.stage import CacheMiddleware
from gateway.caching.store import MemoryStore
from gateway.change_feed import ChangeFeed
from gateway.change_stream import ChangeStream
from gateway.compression import CompressionMiddleware
from gateway.cors import CorsMiddleware
from gateway.cors_contract import PathHeaders
from gateway.counters import Counters, LocalCounters
from gateway.credentials import (
    BASIC_CHALLENGE,
    CHALLENGE,
    ApiKeyCredential,
    BearerCredential,
    ClientCredential,
)
from gateway.deprecation import DeprecationMiddleware, deprecated
from gateway.discovery import Lookup
from gateway.edge_settings import EdgeSettings
from gateway.explain import Explanations
from gateway.failed_logins import FailedLogins, failed_logins_of, guard
from gateway.forward import Forwarder
from gateway.hosts import HostsMiddleware, open_paths
from gateway.identity import Identities
from gateway.key_admin import KeyAdmin
from gateway.key_uses import writing_uses
from gateway.limits import RateLimitMiddleware, limits_of
from gateway.operations import Dispatch, OwnOperations
from gateway.outside_tokens import OutsideTokens
from gateway.problems import TRANSLATIONS
from gateway.proxies import behind_proxies
from gateway.readiness import Readiness
from gateway.response_validation import ResponseValidationMiddleware, checked_operations
from gateway.security_headers import SecurityHeadersMiddleware
from gateway.services.contract import load_contract, plugged_in, upstreams_of
from gateway.settings import Settings
from gateway.shared_counters import redis_counters
from gateway.signing import Signer, keeping_up, load_signer
from gateway.token_errors import TokenErrorMiddleware
from gateway.tokens import Tokens
from gateway.upstreams import Upstreams
from openapi.assembly import build, connexion_options, shared
from openapi.document import Document, DocumentFault
from openapi.forwarded import FORWARDED_VALIDATORS
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.routing import AllowedMethods
from openapi.selection import (
    check_security,
    countable,
    methods_by_path,
    operations_with_header,
    paths_of,
    scopes_of,
    select,
)
from openapi.validation import OperationFault
from telemetry.access_log import AccessLog
from telemetry.metrics import Metrics
from telemetry.middleware import TelemetryMiddleware, request_id_of
from telemetry.tracing import server_spans

if TYPE_CHECKING:
    from telemetry.spans import Tracing

logger = logging.getLogger(__name__)


def create_app(
    settings: Settings,
    access_log: AccessLog | None = None,
    tracing: Tracing | None = None,
    document: Document | None = None,
) -> ASGIApp:
    """The gateway as an ASGI application. ``document``: what it serves, when it is loaded."""
    document = document or load_contract(settings.services)
    services = upstreams_of(document)
    keys = ApiKeys(settings.database, scopes_of(document))
    _make_admin_key(keys, settings)
    signer = load_signer(settings.signing_key, settings.key_set)
    plugged = plugged_in(document)
    urls = settings.upstream_urls(services)
    upstreams = Upstreams(urls, _lookup(settings), _observers(tracing), plugged)
    counters = _counters(settings)
    unlimited = Networks(settings.unlimited_networks)
    failures = _failed_logins(document, counters, unlimited)
    outside = OutsideTokens(settings.issuers, scopes_of(document))
    own = OwnOperations(
        Readiness(upstreams, services - plugged), Tokens(signer), KeyAdmin(keys), signer
    )
    identities = Identities(signer)
    keyed = operations_with_header(document, "Idempotency-Key")
    metrics = Metrics("gateway", countable(document.operations))
    cached = cached_operations(document) if settings.cache_bytes else {}
    forwarder: ASGIApp = Forwarder(
        document.operations,
        upstreams,
        identities,
        keyed=keyed,
        dated=cached,
        credentials=settings.credentials(plugged),
    )
    if checked := checked_operations(document, metrics):
        # Before answers are kept: one that is blocked is not.
        forwarder = ResponseValidationMiddleware(forwarder, checked)
    cache = CacheMiddleware(forwarder, cached, MemoryStore(settings.cache_bytes))
    policies = {op.operation_id: op.policy for op in document.operations}
    feed = ChangeFeed(upstreams, identities, policies["list_changes"])
    streams = {"stream_changes": ChangeStream(feed)}
    forward = cache if cached else forwarder  # which is after security, limits and validation
    dispatch = Dispatch(_own_operations(document, own, streams), streams, forward)
    security = {
        "apiKey": shared(guard(ApiKeyCredential(keys), failures)),
        "oauth2": shared(guard(BearerCredential(keys, signer, outside), failures)),
        "basic": shared(guard(ClientCredential(keys), failures)),
    }
    limits = partial(
        RateLimitMiddleware,
        limits=limits_of(document),
        counters=counters,
        unlimited=unlimited,
    )
    lifespan = _lifespan(upstreams, keys, signer, counters, cache)
    connexion = _connexion(document, dispatch, security, [limits], lifespan)
    telemetry = partial(
        TelemetryMiddleware,
        access_log=access_log,
        metrics=metrics,
        spans=server_spans(tracing, paths_of(document.operations)),
    )
    public = _stages(document, connexion, settings.edge, telemetry)
    # Outside of all: the log, the limits and the services are told the same client.
    public = behind_proxies(public, settings.trusted_proxies)
    admin = admin_app(metrics, upstreams.states, Explanations(document, documents.METHODS))
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
    try:
        connexion.add_api(select(document, document.operations))
        build(connexion)
    except OperationFault as exc:
        operation = next(op for op in document.operations if op.operation_id == exc.operation_id)
        raise document.fault(operation, str(exc)) from exc
    except InvalidSpecification as exc:
        raise DocumentFault(f"{document.file}: it is not OpenAPI 3.0: {exc}") from exc
    return connexion


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


def _make_admin_key(keys: ApiKeys, settings: Settings) -> None:
    if keys.create_first("admin", settings.admin_key):
        logger.warning("the admin's API key was written to %s", settings.admin_key)


def _counters(settings: Settings) -> Counters:
    return redis_counters(settings.redis_url) if settings.redis_url else LocalCounters()


def _lookup(settings: Settings) -> Callable[[], Lookup]:
    def lookup() -> Lookup:
        # Here, as its import takes a while and few services are found by name.
        from gateway.dns_lookup import DnsLookup

        return DnsLookup(settings.dns_servers)

    return lookup


def _observers(tracing: Tracing | None) -> list[TraceConfig]:
    if tracing is None:
        return []
    # Here, as it imports what need not be installed.
    from gateway.client_spans import ClientSpans

    return [ClientSpans(tracing).config]


def _failed_logins(
    document: Document, counters: Counters, unlimited: Networks
) -> FailedLogins | None:
    limit = failed_logins_of(document)
    return FailedLogins(limit, counters, unlimited) if limit else None


def _lifespan(
    upstreams: Upstreams,
    keys: ApiKeys,
    signer: Signer,
    counters: Counters,
    cache: CacheMiddleware,
) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await upstreams.open()
        async with writing_uses(keys), keeping_up(signer):
            yield
        await cache.close()
        await upstreams.close()
        await counters.close()
        keys.close()

    return lifespan
