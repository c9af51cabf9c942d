"""The only wiring of the inventory: what depends on what, from the outside in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from connexion.resolver import Resolver
from starlette.types import ASGIApp

from inventory.bootstrap import real_sources
from inventory.bulk_handlers import BulkHandlers
from inventory.cursors import Cursors, load_secret
from inventory.device_bodies import DeviceBodies
from inventory.domain.caller import Caller
from inventory.domain.kinds import DEVICE_TYPES
from inventory.domain.store import ChangeQuery, Query, Store
from inventory.feed import FeedMiddleware
from inventory.flask_bridge import FlaskService, Instant
from inventory.handlers import Handlers
from inventory.health import HealthMiddleware
from inventory.identity import CHALLENGE, GatewayIdentity, KeySet
from inventory.job_loop import JobLoop
from inventory.problems import TRANSLATIONS
from inventory.settings import SHELVE, Settings
from inventory.vocabulary import DEVICE_TYPES_AT_FIRST
from inventory.work import Sources, Work
from openapi import CONTRACT
from openapi.assembly import build, connexion_options, shared
from openapi.changed_kinds import ChangedKinds
from openapi.document import load_document
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.routing import AllowedMethods
from openapi.selection import (
    check_security,
    countable,
    methods_by_path,
    operations_of,
    paths_of,
)
from telemetry.access_log import AccessLog
from telemetry.exposition import MetricsEndpoint
from telemetry.metrics import Metrics
from telemetry.middleware import TelemetryMiddleware, request_id_of
from telemetry.tracing import server_spans

if TYPE_CHECKING:
    from telemetry.spans import Tracing

SERVICE = "inventory"
SHORT_LIST = 100  # devices that a list may ask for and still be instant
# The parameters of a list that a short one may have, besides one value of one filter.
_SHORT = frozenset({"limit", "cursor", "fields"})
_ONE_INDEX = frozenset({"customer_id", "home_id", "area_id", "device_type", "status"})


def create_app(
    settings: Settings,
    store: Store,
    access_log: AccessLog | None = None,
    tracing: Tracing | None = None,
) -> ASGIApp:
    """The inventory as an ASGI application. It closes the store when it is shut down."""
    sources = real_sources()
    load_vocabulary(store, sources)
    cursors = Cursors(load_secret(settings.secret))
    document = load_document(CONTRACT)
    bodies = DeviceBodies(document.content)
    handling = (store, sources, cursors, bodies)
    handlers = {**Handlers(*handling).operations, **BulkHandlers(*handling).operations}
    operations = operations_of(document, SERVICE)
    identity = GatewayIdentity(KeySet(settings.key_set))
    security = {"oauth2": shared(identity), "apiKey": shared(identity)}
    check_security(document, operations, security)
    loop = None
    if settings.database_url.startswith(SHELVE):
        # No other process can open the store, so there is no worker for its jobs.
        loop = JobLoop(store, sources, bodies, settings.retention_days)
    service = FlaskService(
        __name__,
        threads=settings.threads,
        instant=INSTANT if store.reads_are_local else {},
        before=FeedMiddleware(store, cursors, ChangedKinds(document)),
        resolver=Resolver(handlers.__getitem__),
        lifespan=_lifespan(store, loop),
        **connexion_options(operations, security),
    )
    build(service.middleware, document, operations)
    metrics = Metrics(SERVICE, countable(operations))
    problems = ProblemMiddleware(
        MetricsEndpoint(HealthMiddleware(service.middleware, store), metrics),
        methods=AllowedMethods(methods_by_path(operations)),
        translations=TRANSLATIONS,
        challenge=CHALLENGE,
        request_id=request_id_of,
    )
    spans = server_spans(tracing, paths_of(operations))
    framing = FramingMiddleware(problems, request_id_of)
    return TelemetryMiddleware(framing, access_log, metrics, spans)


def load_vocabulary(store: Store, sources: Sources) -> None:
    """The starter vocabulary of device types, where there has never been one."""

    def load(transaction: Any) -> None:
        if transaction.find(DEVICE_TYPES.name, Query(limit=1)) or transaction.changes(_ANY_TYPE):
            return
        work = Work(transaction, Caller("doorstep", None, ""), sources)
        for fields in DEVICE_TYPES_AT_FIRST:
            work.create(DEVICE_TYPES, fields)

    store.write(load)


_ANY_TYPE = ChangeQuery(limit=1, kinds=[DEVICE_TYPES.name])


def _is_short(parameters: Mapping[str, Any]) -> bool:
    """Whether a list walks one index no further than its page: what it costs is bounded."""
    if parameters["limit"] > SHORT_LIST:
        return False
    given = {n: v for n, v in parameters.items() if v is not None and n not in _SHORT}
    return len(given) <= 1 and all(n in _ONE_INDEX and len(v) == 1 for n, v in given.items())


# Reads that a local store answers in the time that changing threads would take.
INSTANT: Mapping[str, Instant] = {
    "get_device": lambda parameters: parameters["at"] is None,
    "list_devices": _is_short,
}


def _lifespan(store: Store, loop: JobLoop | None) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        if loop is not None:
            loop.start()
        yield
        if loop is not None:
            await asyncio.to_thread(loop.stop)
        store.close()

    return lifespan
