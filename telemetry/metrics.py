"""Prometheus metrics of a service, by operation: every label is looked up once, not per request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

UNMATCHED = "unmatched"  # the operation of requests that no operation of the contract takes
OTHER = "other"  # the method of such a request, when it is none of METHODS
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# Seconds: from a read out of memory to a wait for the feed of changes.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Countable = tuple[str, str, tuple[int, ...]]

_LABELS = ("service", "operation_id", "method")


class UpstreamCall(NamedTuple):
    """One call of a service. ``outcome``: ``2xx`` to ``5xx``, or what went wrong.

    ``seconds`` last from the request's first byte to the answer's headers, or to the failure.
    """

    upstream: str
    outcome: str
    seconds: float


class AnswerChecks(NamedTuple):
    """Counts the answers of one operation that were looked at, and by part those not valid."""

    checked: Counter
    invalid: Mapping[str, Counter]


class Metrics:
    """What one process counts; ``registry`` has it. Built once, before the first request."""

    def __init__(self, service: str, operations: Iterable[Countable]) -> None:
        """``operations``: their ids, methods, and the statuses that they declare."""
        self.service = service
        self.registry = CollectorRegistry()
        self._families = _Families(self.registry)
        self.in_flight = self._families.in_flight.labels(service)
        self._upstreams: dict[tuple[str, str], Histogram] = {}
        self._cache: dict[tuple[str, str], Counter] = {}
        self._operations: dict[tuple[str | None, str], _Operation] = {}
        for operation_id, method, statuses in operations:
            # Series that begin at nought: the first failure is an increase that rate() can see.
            self._add(operation_id, method.upper(), statuses)
            if method.upper() == "GET":
                self._add(operation_id, "HEAD", ())

    def count(
        self, operation_id: str | None, method: str, status: int, seconds: float
    ) -> _Operation:
        """Counts a request that is over; ``status`` 0: nothing was answered.

        The operation that is returned counts the bytes.
        """
        operation = self._operations.get((operation_id, method))
        if operation is None:
            operation = self._unmatched(method)
        operation.count(status, seconds)
        return operation

    def count_upstream(self, call: UpstreamCall) -> None:
        """Counts a call of another service."""
        key = call[:2]
        series = self._upstreams.get(key)
        if series is None:
            series = self._upstreams[key] = self._families.upstream.labels(self.service, *key)
        series.observe(call.seconds)

    def answer_checks(self, operation_id: str, parts: Iterable[str]) -> AnswerChecks:
        """The series of one operation's answers that are held to the contract.

        ``parts``: what of an answer can be at fault.
        """
        labels = (self.service, operation_id)
        invalid = {part: self._families.invalid.labels(*labels, part) for part in parts}
        return AnswerChecks(self._families.checked.labels(*labels), invalid)

    def count_cache(self, operation_id: str, outcome: str) -> None:
        """Counts what a cache did with a request: ``hit``, ``miss``…"""
        key = (operation_id, outcome)
        series = self._cache.get(key)
        if series is None:
            series = self._cache[key] = self._families.cache.labels(self.service, *key)
        series.inc()

    def _unmatched(self, method: str) -> _Operation:
        # Neither a path nor a word for a method that a client makes up becomes a series.
        method = method if method in METHODS else OTHER
        return self._operations.get((None, method)) or self._add(None, method, ())

    def _add(self, operation_id: str | None, method: str, statuses: Iterable[int]) -> _Operation:
        labels = (self.service, operation_id or UNMATCHED, method)
        operation = _Operation(self._families, labels, statuses)
        self._operations[operation_id, method] = operation
        return operation


class _Families:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "doorstep_http_requests",
            "Requests that are over, by the status of the answer.",
            (*_LABELS, "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "doorstep_http_request_duration_seconds",
            "Seconds from a request's head to the end of its answer.",
            _LABELS,
            buckets=BUCKETS,
            registry=registry,
        )
        self.received = Counter(
            "doorstep_http_request_body_bytes",
            "Bytes of requests' bodies, as far as they were read.",
            _LABELS,
            registry=registry,
        )
        self.sent = Counter(
            "doorstep_http_response_body_bytes",
            "Bytes of answers' bodies.",
            _LABELS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "doorstep_http_requests_in_flight",
            "Requests that are being served now.",
            ("service",),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.upstream = Histogram(
            "doorstep_upstream_duration_seconds",
            "Seconds from a request's first byte to a service to the headers of its answer.",
            ("service", "upstream", "outcome"),
            buckets=BUCKETS,
            registry=registry,
        )
        self.checked = Counter(
            "doorstep_checked_responses",
            "Answers of services that were held to the contract.",
            ("service", "operation_id"),
            registry=registry,
        )
        self.invalid = Counter(
            "doorstep_invalid_responses",
            "Answers of services that are not as the contract says, by the part at fault.",
            ("service", "operation_id", "part"),
            registry=registry,
        )
        self.cache = Counter(
            "doorstep_cache_requests",
            "Requests to operations whose answers are kept, by what became of them.",
            ("service", "operation_id", "outcome"),
            registry=registry,
        )


class _Operation:
    """The series of one operation and method."""

    __slots__ = ("_by_status", "_labels", "_requests", "_seconds", "received", "sent")

    def __init__(
        self, families: _Families, labels: tuple[str, str, str], statuses: Iterable[int]
    ) -> None:
        self._labels = labels
        self._requests = families.requests
        self._seconds = families.seconds.labels(*labels)
        self.received = families.received.labels(*labels)
        self.sent = families.sent.labels(*labels)
        self._by_status: dict[int, Counter] = {}
        for status in statuses:
            self._series(status)

    def count(self, status: int, seconds: float) -> None:
        (self._by_status.get(status) or self._series(status)).inc()
        self._seconds.observe(seconds)

    def _series(self, status: int) -> Counter:
        label = str(status) if status else "none"
        series = self._by_status[status] = self._requests.labels(*self._labels, label)
        return series
