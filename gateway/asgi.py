"""The entry for gunicorn: ``gateway.asgi:application()``."""

from __future__ import annotations

import logging
import os
import sys

from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.settings import read_settings
from telemetry.access_log import AccessLog


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment."""
    return create_app(read_settings(os.environ), _access_log())


def _access_log() -> AccessLog | None:
    # LOG_LEVEL=WARNING and above leaves the requests out.
    wanted = logging.getLogger().isEnabledFor(logging.INFO)
    return AccessLog("gateway", sys.stdout) if wanted else None
