"""The connections to the services behind the gateway: one pooled client for all of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from openapi.policy import Policy

CONNECTIONS = 256  # to one upstream, of one worker
IDLE = 30  # seconds; shorter than the services keep theirs, so none is closed under a request

logger = logging.getLogger(__name__)


class UpstreamError(Exception):
    """An upstream did not answer as it should."""


class UpstreamUnreachable(UpstreamError):
    """No connection could be made; nothing was sent."""


class UpstreamTimeout(UpstreamError):
    """It took longer than the contract allows."""


class UpstreamBroken(UpstreamError):
    """It closed the connection, or what it sent is not HTTP."""


class Upstreams:
    """Sends requests to the services. Opened and closed with the event loop that uses it."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[Policy, aiohttp.ClientTimeout] = {}

    async def open(self) -> None:
        """Makes the client. It keeps no cookies and looks at no proxy variables."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=CONNECTIONS, keepalive_timeout=IDLE
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def send(
        self,
        policy: Policy,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a request; ``target`` is path and query as they were received."""
        assert self._session is not None and policy.upstream is not None
        url = URL(self._urls[policy.upstream] + target, encoded=True)
        timeout = self._timeout(policy)
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False, timeout=timeout
            ) as response:
                yield response
        except TimeoutError as exc:
            raise self._told(policy, UpstreamTimeout()) from exc
        except aiohttp.ClientConnectorError as exc:
            raise self._told(policy, UpstreamUnreachable(str(exc))) from exc
        except (aiohttp.ClientError, ConnectionError) as exc:
            raise self._told(policy, UpstreamBroken(repr(exc))) from exc

    def _timeout(self, policy: Policy) -> aiohttp.ClientTimeout:
        if policy not in self._timeouts:
            self._timeouts[policy] = aiohttp.ClientTimeout(
                total=policy.total_timeout, sock_connect=policy.connect_timeout
            )
        return self._timeouts[policy]

    def _told(self, policy: Policy, error: UpstreamError) -> UpstreamError:
        logger.warning("upstream %s: %s %s", policy.upstream, type(error).__name__, error)
        return error
