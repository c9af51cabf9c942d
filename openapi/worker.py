"""The gunicorn worker of both services."""

from __future__ import annotations

import asyncio
import mmap
import socket
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.config import Config
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

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._serving = mmap.mmap(-1, 1)  # memory that is shared with the arbiter

    @property
    def is_serving(self) -> bool:
        """Whether it takes requests; the arbiter may ask."""
        return bool(self._serving[0])

    async def _serve(self) -> None:
        # As in UvicornWorker, which has no place for a server of another class.
        self.config.app = self.wsgi
        server = DrainingServer(self.config, self._tell)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(WORKER_BOOT_ERROR)

    def _tell(self) -> None:
        self._serving[0] = 1


class DrainingServer(Server):
    """uvicorn's server, which serves those too whom the kernel has let in when it ends."""

    def __init__(self, config: Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says when requests are taken."""
        await super().startup(sockets)
        if self.started:
            self._on_start()

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
