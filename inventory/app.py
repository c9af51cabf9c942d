"""The only wiring of the inventory: what depends on what, from the outside in."""

from __future__ import annotations

import datetime
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connexion.resolver import Resolver
from starlette.types import ASGIApp

from inventory.devices import Devices, Sources
from inventory.domain.device import timestamp
from inventory.domain.store import FILTERS, DeviceStore
from inventory.flask_bridge import FlaskService, Instant
from inventory.handlers import Handlers
from inventory.health import HealthMiddleware
from inventory.identity import CHALLENGE, GatewayIdentity, KeySet, NoCredential
from inventory.imports import Imports
from inventory.problems import TRANSLATIONS
from inventory.settings import SHELVE, SQLITE, Settings
from inventory.stores.shelve_store import ShelveDeviceStore
from inventory.stores.sql_store import SQLiteDeviceStore
from openapi import CONTRACT
from openapi.assembly import build, connexion_options
from openapi.document import load_document
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.routing import AllowedMethods
from openapi.selection import check_security, methods_by_path, operations_of, select
from telemetry.access_log import AccessLog
from telemetry.middleware import TelemetryMiddleware, request_id_of

SERVICE = "inventory"
SHORT_LIST = 100  # devices that a list may ask for and still be instant


def open_store(settings: Settings) -> DeviceStore:
    """The store that ``DATABASE_URL`` names."""
    url = settings.database_url
    if url.startswith(SHELVE):
        return ShelveDeviceStore(Path(url.removeprefix(SHELVE)))
    return SQLiteDeviceStore(Path(url.removeprefix(SQLITE)), threads=settings.threads)


def create_app(
    settings: Settings, store: DeviceStore, access_log: AccessLog | None = None
) -> ASGIApp:
    """The inventory as an ASGI application. It closes the store when it is shut down."""
    sources = Sources(now=_now, uid=lambda: str(uuid.uuid4()), identifier=_identifier)
    handlers = Handlers(Devices(store, sources), Imports(store, sources))
    document = load_document(CONTRACT)
    operations = operations_of(document, SERVICE)
    security = {"oauth2": _once(GatewayIdentity(KeySet(settings.key_set))), "apiKey": NoCredential}
    check_security(document, operations, security)
    service = FlaskService(
        __name__,
        threads=settings.threads,
        instant=INSTANT if store.reads_are_local else {},
        resolver=Resolver(lambda operation_id: getattr(handlers, operation_id)),
        lifespan=_lifespan(store),
        **connexion_options(operations, security),
    )
    service.add_api(select(document, operations))
    build(service.middleware)
    problems = ProblemMiddleware(
        HealthMiddleware(service.middleware, store),
        methods=AllowedMethods(methods_by_path(operations)),
        translations=TRANSLATIONS,
        challenge=CHALLENGE,
        request_id=request_id_of,
    )
    return TelemetryMiddleware(FramingMiddleware(problems), access_log)


def _is_short(parameters: Mapping[str, Any]) -> bool:
    """Whether a list walks one index no further than its page: what it costs is bounded."""
    filters = [parameters[member] for member in FILTERS if parameters[member]]
    return parameters["limit"] <= SHORT_LIST and [len(values) for values in filters] in ([], [1])


# Reads that a local store answers in the time that changing threads would take.
INSTANT: Mapping[str, Instant] = {"get_device": lambda _: True, "list_devices": _is_short}


def _once(handler: object) -> Any:
    """Connexion calls the entries of its security map for each scheme; all share one handler."""
    return lambda: handler


def _lifespan(store: DeviceStore) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        yield
        store.close()

    return lifespan


def _now() -> str:
    return timestamp(datetime.datetime.now(datetime.UTC))


def _identifier() -> str:
    return secrets.token_hex(12)
