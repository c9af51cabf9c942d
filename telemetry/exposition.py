"""``/metrics``: the text that Prometheus fetches, of all worker processes together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from telemetry.metrics import Metrics
from telemetry.sharing import shared_folder

PATH = "/metrics"
MEDIA_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def exposition(metrics: Metrics) -> bytes:
    """Every metric of the service in Prometheus' text format.

    Of all workers when gunicorn runs them; else of this process.
    """
    folder = shared_folder()
    if folder is None:
        return generate_latest(metrics.registry)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(WorkerProcesses(metrics.service, folder))
    return generate_latest(registry)


class MetricsEndpoint:
    """Answers ``GET /metrics`` and lets everything else through."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)  # ProblemMiddleware says the rest
        # In a thread: it reads a file or two of every worker that there ever was.
        body = await asyncio.to_thread(exposition, self._metrics)
        headers = [(b"content-type", MEDIA_TYPE), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class WorkerProcesses(Collector):
    """Memory, processor time and open files of each worker that lives."""

    def __init__(self, service: str, folder: Path) -> None:
        self._service = service
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """The library's own process metrics, with the worker's ``pid`` as a label."""
        families: dict[str, Metric] = {}
        for pid in self._living():
            labels = {"service": self._service, "pid": str(pid)}
            for metric in _process(pid):
                family = families.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type)
                )
                for sample in metric.samples:
                    family.add_sample(sample.name, labels, sample.value)
        yield from families.values()

    def _living(self) -> list[int]:
        # The file of its requests in flight is there while a worker lives.
        files = self._folder.glob("gauge_livesum_*.db")
        return sorted(int(file.stem.rpartition("_")[2]) for file in files)


def _process(pid: int) -> list[Metric]:
    return list(ProcessCollector("doorstep", pid=lambda: pid, registry=None).collect())
