"""The entry for gunicorn: ``gateway.asgi:application()``."""

from __future__ import annotations

import os

from starlette.types import ASGIApp

from gateway.api_keys import KeyDatabaseFault
from gateway.app import create_app
from gateway.reload import reloader
from gateway.settings import read_settings
from gateway.signing import SigningKeyFault
from openapi.server import or_exit
from telemetry.access_log import access_log
from telemetry.tracing import TracingFault, start_tracing


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment.

    It serves the document that the arbiter has read for all of its workers.
    """
    return or_exit(_build, KeyDatabaseFault, SigningKeyFault, TracingFault)


def _build() -> ASGIApp:
    settings = read_settings(os.environ)
    tracing = start_tracing("gateway", os.environ)
    return create_app(settings, access_log("gateway"), tracing, reloader.document)
