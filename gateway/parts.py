"""What the gateway's stages share: made once in each worker, opened and closed with its loop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import TraceConfig

from gateway.addresses import Networks
from gateway.api_keys import ApiKeys
from gateway.caching.stage import CacheMiddleware
from gateway.counters import Counters, LocalCounters
from gateway.discovery import Lookup
from gateway.identity import Identities
from gateway.key_uses import writing_uses
from gateway.readiness import Readiness, announcing
from gateway.services.contract import plugged_in, upstreams_of
from gateway.settings import Settings
from gateway.shared_counters import redis_counters
from gateway.signing import Signer, keeping_up, load_signer
from gateway.upstreams import Upstreams
from openapi.document import Document
from openapi.selection import countable, scopes_of
from openapi.server import bind_address
from telemetry.metrics import Metrics

if TYPE_CHECKING:
    from telemetry.spans import Tracing

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that more than one stage needs."""

    document: Document
    settings: Settings
    keys: ApiKeys
    signer: Signer
    upstreams: Upstreams
    readiness: Readiness
    counters: Counters
    unlimited: Networks
    identities: Identities
    metrics: Metrics


def make_parts(settings: Settings, document: Document, tracing: Tracing | None) -> Parts:
    """The parts of one worker. Makes the keys that are not there yet."""
    keys = ApiKeys(settings.database, scopes_of(document))
    if keys.create_first("admin", settings.admin_key):
        logger.warning("the admin's API key was written to %s", settings.admin_key)
    signer = load_signer(settings.signing_key, settings.key_set)
    services, plugged = upstreams_of(document), plugged_in(document)
    urls = settings.upstream_urls(services)
    upstreams = Upstreams(urls, _lookup(settings), _observers(tracing), plugged)
    return Parts(
        document=document,
        settings=settings,
        keys=keys,
        signer=signer,
        upstreams=upstreams,
        readiness=Readiness(upstreams, services - plugged),
        counters=redis_counters(settings.redis_url) if settings.redis_url else LocalCounters(),
        unlimited=Networks(settings.unlimited_networks),
        identities=Identities(signer),
        metrics=Metrics("gateway", countable(document.operations)),
    )


def lifespan_of(parts: Parts, cache: CacheMiddleware | None) -> Any:
    """Opens the parts when the application starts, and closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await parts.upstreams.open()
        announcement = announcing(parts.readiness, _ready_line(parts.settings))
        async with writing_uses(parts.keys), keeping_up(parts.signer), announcement:
            yield
        if cache is not None:
            await cache.close()
        await parts.upstreams.close()
        await parts.counters.close()
        parts.keys.close()

    return lifespan


def _ready_line(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    line = f"ready: http://{bind_address(host, settings.port)}/ui/"
    is_there = settings.admin_key.exists()
    return f"{line}, the admin's key is in {settings.admin_key}" if is_there else line


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
