"""The connections to the services behind the gateway: one pooled client for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
from yarl import URL

from gateway.discovery import Discovery, Lookup
from gateway.endpoints import Endpoint, Name
from gateway.health_checks import HealthChecks
from gateway.instances import Instance, Instances
from gateway.outgoing import Outgoing
from gateway.pools import Pool
from gateway.retries import RetryBudget
from openapi.policy import Policy

CONNECTIONS = 256  # to one instance, of one worker
SPARE = 4  # connections besides, for what has to be known however busy the others are
MAX_HEADER = 32 * 1024  # bytes of one header of an answer
IDLE = 30  # seconds; shorter than the services keep theirs, so none is closed under a request
SHORT = 256 * 1024  # bytes up to which an answer is read whole before any of it is used

logger = logging.getLogger(__name__)


class UpstreamError(Exception):
    """An upstream did not answer as it should. ``was_sent``: it may have got the request."""

    was_sent = True


class UpstreamUnreachable(UpstreamError):
    """No connection could be made; nothing was sent."""

    was_sent = False


class UpstreamTimeout(UpstreamError):
    """It took longer than the contract allows."""


class UpstreamConnectTimeout(UpstreamTimeout):
    """No connection was made in time; nothing was sent."""

    was_sent = False


class UpstreamBroken(UpstreamError):
    """It closed the connection, or what it sent is not HTTP."""


class Upstreams:
    """Sends requests to the services. Opened and closed with the event loop that uses it."""

    def __init__(
        self,
        urls: Mapping[str, Sequence[str]],
        lookup: Callable[[], Lookup] | None = None,
        observers: Sequence[aiohttp.TraceConfig] = (),
        plugged: Collection[str] = frozenset(),
    ) -> None:
        """``lookup``: makes what finds names; None: the operating system does, as it connects.

        ``observers`` are told of every try. ``plugged``: services that do not tell whether they are
        ready as ours do.
        """
        self._lookup = lookup
        self._observers = list(observers)
        self._plugged = frozenset(plugged)
        self._pools = {service: Pool(service, places) for service, places in urls.items()}
        self._budgets = {service: RetryBudget() for service in urls}
        self._session: aiohttp.ClientSession | None = None
        self._spare: aiohttp.ClientSession | None = None
        self._checks: HealthChecks | None = None
        self._discoveries: list[Discovery] = []
        self._timeouts: dict[Policy, aiohttp.ClientTimeout] = {}

    async def open(self) -> None:
        """Makes the clients."""
        self._session = _client(CONNECTIONS, self._observers)
        self._spare = _client(SPARE, self._observers)
        self._checks = HealthChecks(self._plugged)
        await self._discover()
        self._checks.watch(self._all())

    async def close(self) -> None:
        """Ends the health checks and closes every connection."""
        for discovery in self._discoveries:
            await discovery.close()
        if self._checks is not None:
            await self._checks.close()
        for session in (self._session, self._spare):
            if session is not None:
                await session.close()

    def states(self) -> list[dict[str, Any]]:
        """What this worker knows of every instance; the members are those of ``Instance.state``."""
        return [each.state() for each in self._all()]

    def _all(self) -> list[Instance]:
        return [each for pool in self._pools.values() for each in pool.instances.all]

    async def _discover(self) -> None:
        """Begins to follow the names, and waits for the first answers."""
        named = [(pool, name) for pool in self._pools.values() for name in pool.names]
        if named and self._lookup is not None:
            lookup = self._lookup()
            self._discoveries = [
                Discovery(name, lookup, partial(self._found, pool, name)) for pool, name in named
            ]
            await asyncio.gather(*(each.start() for each in self._discoveries))

    def _found(self, pool: Pool, name: Name, endpoints: Sequence[Endpoint]) -> None:
        pool.found(name, endpoints)
        assert self._checks is not None
        self._checks.watch(self._all())

    def send(self, request: Outgoing) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The answer. A short one was read whole; a long one may still break off."""
        assert self._session is not None
        return self._exchange(self._session, request)

    def probe(self, request: Outgoing) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As ``send``, over the spare connections."""
        assert self._spare is not None
        return self._exchange(self._spare, request)

    @asynccontextmanager
    async def _exchange(
        self, session: aiohttp.ClientSession, request: Outgoing
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        attempt, response = await self._answer(session, request)
        try:
            async with response:
                yield response
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as exc:
            raise _told(request, attempt.failure(request, exc)) from exc
        finally:
            attempt.end()

    async def _answer(
        self, session: aiohttp.ClientSession, request: Outgoing
    ) -> tuple[_Attempt, aiohttp.ClientResponse]:
        policy = request.policy
        assert policy.upstream is not None
        instances = self._pools[policy.upstream].instances
        budget = self._budgets[policy.upstream]
        budget.earn()
        tries = _Tries(request, instances, budget)
        try:
            # A long answer may take its time afterwards, as long as some of it keeps coming.
            async with asyncio.timeout(policy.total_timeout):
                return await self._try(session, request, tries)
        except UpstreamError as exc:
            raise _told(request, exc) from exc.__cause__
        except TimeoutError as exc:
            raise _told(request, tries.last.failure(request, exc)) from exc

    async def _try(
        self, session: aiohttp.ClientSession, request: Outgoing, tries: _Tries
    ) -> tuple[_Attempt, aiohttp.ClientResponse]:
        timeout = self._timeout(request.policy)
        while True:
            attempt = tries.begin()
            try:
                response = await attempt.run(session, request, timeout)
                if not (_turns_away(response) and tries.may_go_on_after_turned_away()):
                    return attempt, response
                response.release()
            except UpstreamError as exc:
                if not tries.may_go_on_after(exc):
                    attempt.end()
                    raise
                logger.info("%s is sent again: %s", request.policy.upstream, exc)
            except BaseException:
                attempt.end()
                raise
            attempt.end()

    def _timeout(self, policy: Policy) -> aiohttp.ClientTimeout:
        if policy not in self._timeouts:
            self._timeouts[policy] = aiohttp.ClientTimeout(
                sock_connect=policy.connect_timeout, sock_read=policy.total_timeout
            )
        return self._timeouts[policy]


def _client(connections: int, observers: Sequence[aiohttp.TraceConfig]) -> aiohttp.ClientSession:
    """Keeps so many connections to an instance, no cookies, and looks at no proxy variables."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections, keepalive_timeout=IDLE),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        trust_env=False,
        trace_configs=list(observers),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )
    # Tries are counted here alone. aiohttp has no public switch for its own; its test client
    # sets this too, and a unit test notices when it does nothing any more.
    session._retry_connection = False
    return session


class _Attempt:
    """One try of a request, at one instance."""

    __slots__ = ("_instance", "_is_trial")

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._is_trial = instance.begin()

    def end(self) -> None:
        """It is over, and so is what it took of the instance."""
        self._instance.end(self._is_trial)

    async def run(
        self, session: aiohttp.ClientSession, request: Outgoing, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """The answer, or ``UpstreamError``."""
        request.headers["Host"] = self._instance.host
        try:
            response = await session.request(
                request.method,
                URL(self._instance.url + request.target, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=timeout,
                server_hostname=self._instance.server_name,
            )
            if response.status < 200:
                response.close()
                raise aiohttp.ClientError(f"it answered {response.status}")  # which is no answer
            if is_short(request.method, response):
                await response.read()
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as exc:
            raise self.failure(request, exc) from exc
        if _turns_away(response):
            self._instance.failed("it answered 503", self._is_trial)
        else:
            self._instance.succeeded(self._is_trial)
        return response

    def failure(self, request: Outgoing, exc: Exception) -> UpstreamError:
        """What the exception means, which the instance has to answer for, if it was not us."""
        error = _error(exc)
        if request.client_failure is not None:
            return error
        if error.was_sent:
            self._instance.failed(str(error), self._is_trial)
        else:
            self._instance.refused(str(error))
        return error


class _Tries:
    """The tries of one request: where the next one goes, and whether there is one."""

    def __init__(self, request: Outgoing, instances: Instances, budget: RetryBudget) -> None:
        self._request = request
        self._instances = instances
        self._budget = budget
        self._tried: list[Instance] = []
        self.last: _Attempt

    def begin(self) -> _Attempt:
        """The next try."""
        if not self._instances.all:
            raise UpstreamUnreachable("DNS has not said yet where it is")
        instance = self._instances.choose(self._tried)
        self._tried.append(instance)
        self.last = _Attempt(instance)
        return self.last

    def may_go_on_after(self, error: UpstreamError) -> bool:
        """Never after a timeout: who waited that long is not helped by waiting once more.

        The same instance is tried again only when it had closed a connection.
        """
        if error.was_sent and isinstance(error, UpstreamTimeout):
            return False
        return (error.was_sent or self._has_another) and self._may_go_on(error.was_sent)

    def may_go_on_after_turned_away(self) -> bool:
        """After a 503 with ``Retry-After``, at another instance."""
        return self._has_another and self._may_go_on(was_sent=True)

    @property
    def _has_another(self) -> bool:
        return any(each not in self._tried for each in self._instances.all)

    def _may_go_on(self, was_sent: bool) -> bool:
        return (
            len(self._tried) < self._request.policy.attempts
            and self._request.may_go_again(was_sent)
            and self._budget.spend()
        )


def is_short(method: str, response: aiohttp.ClientResponse) -> bool:
    """Whether an answer is read before anything of it is sent, so that it can become a 502."""
    length = response.content_length
    if length is not None and length <= SHORT:
        return True
    return method == "HEAD" or response.status in (204, 304)


def _turns_away(response: aiohttp.ClientResponse) -> bool:
    return response.status == 503 and "Retry-After" in response.headers


def _error(exc: Exception) -> UpstreamError:
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return UpstreamConnectTimeout(str(exc))
    if isinstance(exc, aiohttp.ClientConnectorError):
        return UpstreamUnreachable(str(exc))
    if isinstance(exc, TimeoutError):
        return UpstreamTimeout("no answer in time")
    return UpstreamBroken(repr(exc))


def _told(request: Outgoing, error: UpstreamError) -> UpstreamError:
    logger.warning("upstream %s: %s %s", request.policy.upstream, type(error).__name__, error)
    return error
