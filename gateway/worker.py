"""The gateway's gunicorn worker: its connections are limited, its refusals dressed as answers."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from gateway.addresses import Networks, client_address
from gateway.security_headers import api_headers
from gateway.settings import Settings, read_settings
from openapi.connection_limits import ConnectionLimits
from openapi.protocol import StrictProtocol
from openapi.worker import Worker


class GatewayWorker(Worker):
    """Reads the settings once more, before the application is there: uvicorn comes first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        settings = read_settings(os.environ)
        protocol = partial(
            StrictProtocol,
            limits=connection_limits(settings),
            headers=api_headers(settings.edge.hsts_max_age),
        )
        self.CONFIG_KWARGS = {**Worker.CONFIG_KWARGS, "http": protocol}  # type: ignore[misc]
        super().__init__(*args, **kwargs)


def connection_limits(settings: Settings) -> ConnectionLimits:
    """Those of one process. Operators come in when nobody else does."""
    exempt = Networks(settings.unlimited_networks + settings.trusted_proxies)

    def client_of(address: str) -> str | None:
        scope = {"client": (address, 0)}
        return None if exempt.have(scope) else client_address(scope)

    return ConnectionLimits(
        settings.edge.connections,
        settings.edge.connections_of_one,
        client_of,
        open_port=settings.admin_port,
    )
