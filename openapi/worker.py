"""The gunicorn worker of both services."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any, ClassVar

from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from openapi.protocol import StrictProtocol

WORKER_BOOT_ERROR = 3  # the exit code of a worker that did not start, to gunicorn


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

    async def _serve(self) -> None:
        # As in UvicornWorker, which has no place for a server of another class.
        self.config.app = self.wsgi
        server = DrainingServer(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(WORKER_BOOT_ERROR)


class DrainingServer(Server):
    """uvicorn's server, which serves those too whom the kernel has let in when it ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes in every connection that is made, then stops to listen, then lets all finish.

        To close a socket resets the connections that wait in its backlog.
        """
        await self._turn()
        for server in self.servers:
            server.close()
        await self._turn()  # in which the protocols of the last ones are made
        await super().shutdown(sockets)

    async def _turn(self) -> None:
        """Lets the loop look at its sockets, and do what comes of it."""
        for _ in range(3):
            await asyncio.sleep(0)
