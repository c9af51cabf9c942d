"""Serves the mock: in the foreground for a person, in a thread for a test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from contracts.services import wait_for
from openapi.protocol import StrictProtocol

_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; any free port for 0. ``OSError`` where it cannot."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Where the socket is asked."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_of(app: ASGIApp) -> uvicorn.Server:
    """What serves the application, with the strict HTTP/1.1 of the services."""
    options: dict[str, Any] = {"ws": "none", "lifespan": "off", "log_level": "warning"}
    options |= dict.fromkeys(("server_header", "proxy_headers", "access_log"), False)
    return uvicorn.Server(uvicorn.Config(app, http=StrictProtocol, **options))


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """Serves the application from a thread while the block runs; where it is asked."""
    server = server_of(app)
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_for(lambda: server.started, "the mock to be ready")
            yield url_of(listening)
        finally:
            server.should_exit = True
            thread.join()
