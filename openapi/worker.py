"""The gunicorn worker of both services."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from openapi.framing import StrictProtocol


class Worker(UvicornWorker):
    """uvicorn with the strict HTTP/1.1 protocol, without websockets and version headers."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": StrictProtocol,
        "ws": "none",
        "lifespan": "on",  # "auto" would start a service whose start-up failed
        "server_header": False,
        "proxy_headers": False,
        "access_log": False,  # telemetry has it
    }
