"""The entry for gunicorn: ``gateway.asgi:application()``."""

from __future__ import annotations

import os

from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.settings import read_settings


def application() -> ASGIApp:
    """The application of one worker process, set up from the environment."""
    return create_app(read_settings(os.environ))
