"""The entry for gunicorn: ``inventory.asgi:application()``."""

from __future__ import annotations

import os

from starlette.types import ASGIApp

from inventory.app import create_app, open_store
from inventory.settings import read_settings


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment."""
    settings = read_settings(os.environ)
    return create_app(settings, open_store(settings))
