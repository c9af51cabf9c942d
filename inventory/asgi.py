"""The entry for gunicorn: ``inventory.asgi:application()``."""

from __future__ import annotations

import os

from starlette.types import ASGIApp

from inventory.app import create_app
from inventory.bootstrap import open_store
from inventory.domain.store import StoreError
from inventory.flask_bridge import UPLOADS
from inventory.settings import read_settings
from openapi.server import or_exit
from telemetry.access_log import access_log
from telemetry.tracing import TracingFault, start_tracing


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment."""
    return or_exit(_build, StoreError, TracingFault)


def _build() -> ASGIApp:
    settings = read_settings(os.environ)
    tracing = start_tracing("inventory", os.environ)
    store = open_store(settings, threads=settings.threads + UPLOADS)
    return create_app(settings, store, access_log("inventory"), tracing)
