"""JSON logs: one object a line, with the request's id in every line that belongs to one."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any

from telemetry.trace_context import current


class JSONFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = current.get()
        if request is not None:
            line["request_id"] = request.request_id
            line["trace_id"] = request.trace_id
        elif request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id  # of a request that was answered long ago
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, separators=(",", ":"))


def _timestamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def log_config(service: str, level: str) -> dict[str, Any]:
    """A ``logging.config`` dictionary that sends all logs to standard output as JSON."""
    direct = {"handlers": ["stdout"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONFormatter, "service": service}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            "gunicorn.error": direct,
            "gunicorn.access": {"handlers": [], "propagate": False},
            "uvicorn.error": direct,
            # Connexion tells every refusal as a warning; the access log has them all.
            "connexion": {"level": "CRITICAL"},
            # A line for every migration that is looked at is noise when there is none to run.
            "alembic": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }
