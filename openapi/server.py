"""What gunicorn is told for both services, and how a start that fails says why."""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from openapi.document import DocumentFault
from openapi.environment import SettingFault
from openapi.schemas import shorten

APP_LOAD_ERROR = 4  # the exit code of a worker after which gunicorn gives up

logger = logging.getLogger(__name__)


def bind_address(host: str, port: int) -> str:
    """The address in gunicorn's words; an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def refuse_taken_port(variable: str, host: str, port: int) -> Callable[[Any], None]:
    """gunicorn's hook ``on_starting``, which ends a start that could not listen with one line.

    gunicorn would try five times, a second apart, and not say which setting to change.
    """

    def on_starting(_server: object) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    sys.exit(f"{host} port {port} is in use: set {variable} to another one")

    return on_starting


def or_exit(build: Callable[[], ASGIApp], *faults: type[Exception]) -> ASGIApp:
    """The application. One of ``faults``, or of a setting, ends the start with its message alone.

    The worker ends with the code that makes gunicorn give up instead of trying again.
    """
    told: tuple[type[Exception], ...] = (*faults, SettingFault, DocumentFault, OSError)
    try:
        return build()
    except told as exc:
        logger.critical("cannot start: %s", shorten(str(exc)))
        sys.exit(APP_LOAD_ERROR)
