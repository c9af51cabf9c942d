"""The instances of a service: which are in use, and which of them the next request goes to."""

from __future__ import annotations

import enum
import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from gateway.endpoints import Endpoint

WINDOW = 10.0  # seconds over which failures are counted
LEAST = 5  # failures in a window below which their share says nothing
SHARE = 0.5  # of the requests in a window: an instance that fails as many is left out
FIRST_PAUSE = 0.5  # seconds; twice as long each time
LONGEST_PAUSE = 30.0
CALM = 60.0  # seconds in use after which the pause is the first one again
BAD_CHECKS = 3  # in a row

logger = logging.getLogger(__name__)


class Cause(enum.StrEnum):
    """Why an instance is left out, which says what brings it back."""

    NEW = "new"  # until a health check finds it ready
    UNREACHABLE = "unreachable"  # the same
    FAILING = "failing"  # until one request, as a trial, goes well


class Instance:
    """One address of a service, and a circuit breaker for it.

    Closed is in use, open is left out for a growing time, half-open is on trial.
    """

    def __init__(
        self, service: str, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.service = service
        self.url = endpoint.url
        self.host = endpoint.host
        self.server_name = endpoint.server_name
        self.rank(endpoint)
        self.outstanding = 0  # requests
        self.left_out: Cause | None = None
        self._clock = clock
        self._until = 0.0  # it is not tried again before
        self._since = clock()
        self._pause = FIRST_PAUSE
        self._why = ""
        self._on_trial = False
        self._window_ends = 0.0
        self._requests = 0  # that ended well or badly in this window
        self._failures = 0
        self._bad_checks = 0

    @property
    def address(self) -> tuple[str, str]:
        """What tells it from the others of its service."""
        return self.url, self.host

    def rank(self, endpoint: Endpoint) -> None:
        """Takes over what is said of it now: its priority and weight."""
        self.priority = endpoint.priority
        self.weight = endpoint.weight

    def wait_for_check(self) -> None:
        """It is new: others are asked until a health check finds it ready."""
        self.left_out = Cause.NEW

    def begin(self) -> bool:
        """A request goes out, which the caller ends by ``end``; whether it is the trial."""
        self.outstanding += 1
        if self.left_out is None or self._on_trial or self._clock() < self._until:
            return False
        self._on_trial = True
        return True

    def end(self, is_trial: bool) -> None:
        """The request is over, however it went."""
        self.outstanding -= 1
        if is_trial:
            self._on_trial = False

    def succeeded(self, is_trial: bool = False) -> None:
        """It answered as it should."""
        self._requests += 1
        if is_trial and self.left_out is not None:
            self._take_back()

    def failed(self, why: str, is_trial: bool = False) -> None:
        """It broke off, answered what is not HTTP, took too long, or asked to be left alone."""
        if self._clock() >= self._window_ends:
            self._window_ends = self._clock() + WINDOW
            self._requests = self._failures = 0
        self._requests += 1
        self._failures += 1
        are_too_many = self._failures >= LEAST and self._failures >= SHARE * self._requests
        if is_trial or are_too_many:
            self._leave_out(Cause.FAILING, why)

    def refused(self, why: str) -> None:
        """It takes no connections: nothing speaks for trying it again at once."""
        self._leave_out(Cause.UNREACHABLE, why)

    def checked_well(self) -> None:
        """A health check found it ready."""
        self._bad_checks = 0
        if self.left_out in (Cause.NEW, Cause.UNREACHABLE) and self._clock() >= self._until:
            self._take_back()

    def checked_badly(self, why: str) -> None:
        """A health check was answered too late or badly, which one slow moment may explain."""
        self._bad_checks += 1
        if self._bad_checks >= BAD_CHECKS:
            self._leave_out(Cause.UNREACHABLE, f"{self._bad_checks} health checks failed: {why}")

    def is_due(self) -> bool:
        """Whether it waits for a request as its trial."""
        return (
            self.left_out is Cause.FAILING and not self._on_trial and self._clock() >= self._until
        )

    def state(self) -> dict[str, Any]:
        """For operators. ``state``: ``in use``, ``left out`` or ``on trial``; ``for``: seconds."""
        name = "in use" if self.left_out is None else "left out"
        return {
            "service": self.service,
            "url": self.url,
            "host": self.host,
            "state": "on trial" if self._on_trial else name,
            "cause": self.left_out and self.left_out.value,
            "detail": self._why,
            "for": round(self._clock() - self._since, 1),
            "outstanding": self.outstanding,
        }

    def _leave_out(self, cause: Cause, why: str) -> None:
        now = self._clock()
        if self.left_out is Cause.UNREACHABLE or (self.left_out and now < self._until):
            return  # it is known
        if self.left_out is None and now - self._since >= CALM:
            self._pause = FIRST_PAUSE
        self._until = now + self._pause * random.uniform(1, 1.2)  # not all workers at one moment
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.left_out, self._why, self._since = cause, why, now
        logger.warning(
            "%s at %s is left out for %.1f s or longer: %s",
            self.service, self.url, self._until - now, why,
        )  # fmt: skip

    def _take_back(self) -> None:
        now = self._clock()
        if self.left_out is Cause.NEW:
            logger.info("%s at %s is ready", self.service, self.url)
        else:
            seconds = now - self._since
            logger.warning("%s at %s is back after %.1f s", self.service, self.url, seconds)
        self.left_out, self._why, self._since = None, "", now
        self._bad_checks = self._requests = self._failures = 0


class Instances:
    """All instances of one service; none, as long as DNS has not said where they are."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._turn = 0
        self.replace(instances)

    def replace(self, instances: Sequence[Instance]) -> None:
        """These are all of them from now on, with the priorities and weights that they have."""
        self.all = tuple(instances)
        self._only = self.all[0] if len(self.all) == 1 else None
        self._are_equals = len({(each.priority, each.weight) for each in self.all}) < 2

    def choose(self, tried: Collection[Instance] = ()) -> Instance:
        """The one with the least outstanding requests, ties by turns; rather not one of ``tried``.

        One that waits for its trial comes first. When all that are in use were tried, the others
        are: better an instance that may fail than no answer at all. There has to be one.
        """
        if self._only is not None:
            return self._only
        self._turn = (self._turn + 1) % len(self.all)
        in_turn = self.all[self._turn :] + self.all[: self._turn]
        rest = [each for each in in_turn if each not in tried] or in_turn
        usable = [each for each in rest if each.left_out is None]
        for each in rest:
            if each.left_out is not None and each.is_due():
                return each
        if self._are_equals:
            return min(usable or rest, key=_outstanding)
        return _choose_by_rank(usable or rest)


def _outstanding(instance: Instance) -> int:
    return instance.outstanding


def _choose_by_rank(instances: Sequence[Instance]) -> Instance:
    """Of the lowest priority, the one with the least to do for its weight (RFC 2782).

    Equals by chance, in proportion to their weights: over many requests, weights are shares.
    """
    first = min(each.priority for each in instances)
    group = [each for each in instances if each.priority == first]
    least = min(each.outstanding / each.weight for each in group)
    equals = [each for each in group if each.outstanding / each.weight == least]
    return random.choices(equals, [each.weight for each in equals])[0]
