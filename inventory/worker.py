"""The worker: ``python -m inventory.worker`` goes on with jobs until SIGTERM."""

from __future__ import annotations

import logging
import logging.config
import os
import signal
import sys
import threading
from collections.abc import Callable

from inventory.bootstrap import open_store, real_sources
from inventory.device_bodies import DeviceBodies
from inventory.domain.store import StoreError
from inventory.job_loop import JobLoop
from inventory.settings import SHELVE, Settings, read_settings
from openapi import CONTRACT
from openapi.document import DocumentFault, load_document
from openapi.environment import SettingFault
from openapi.schemas import shorten
from telemetry.logs import log_config

THREADS = 1  # one job at a time

logger = logging.getLogger(__name__)


def main() -> None:
    """Runs until it is told to end; exits with one line when it cannot start."""
    try:
        settings = read_settings(os.environ)
        logging.config.dictConfig(log_config("worker", settings.log_level))
        if settings.database_url.startswith(SHELVE):
            _wait_idle()
        else:
            _work(settings)
    except (SettingFault, DocumentFault, StoreError, OSError) as exc:
        sys.exit(f"worker: {shorten(str(exc))}")


def _wait_idle() -> None:
    # To end would end the services that were started together with this one.
    logger.info("a shelve: store is one process's; the inventory does this work itself")
    ended = threading.Event()
    _on_end(ended.set)
    ended.wait()


def _work(settings: Settings) -> None:
    bodies = DeviceBodies(load_document(CONTRACT).content)
    store = open_store(settings, THREADS)
    loop = JobLoop(store, real_sources(), bodies, settings.retention_days)
    _on_end(loop.ask_to_stop)
    logger.info("the worker looks for jobs")
    loop.run()
    store.close()


def _on_end(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: act())


if __name__ == "__main__":
    main()
