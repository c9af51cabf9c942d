"""The entry for gunicorn: ``inventory.asgi:application()``."""

from __future__ import annotations

import logging
import os
import sys

from starlette.types import ASGIApp

from inventory.app import create_app, open_store
from inventory.settings import read_settings
from telemetry.access_log import AccessLog


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment."""
    settings = read_settings(os.environ)
    return create_app(settings, open_store(settings), _access_log())


def _access_log() -> AccessLog | None:
    # LOG_LEVEL=WARNING and above leaves the requests out.
    wanted = logging.getLogger().isEnabledFor(logging.INFO)
    return AccessLog("inventory", sys.stdout) if wanted else None
