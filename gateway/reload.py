"""SIGHUP: has new workers serve the documents as they are now, if they can be served.

gunicorn's own way ends the old workers before it knows that new ones will start, and ends
altogether when they do not.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping
from multiprocessing.connection import Connection
from typing import Any

from openapi.document import Document, DocumentFault
from openapi.environment import SettingFault

PATIENCE = 60.0  # seconds for the documents to be read, and for the workers to start

logger = logging.getLogger(__name__)


class Reloader:
    """What the arbiter keeps between its workers: the document that all of them serve.

    It is read once, by a process of its own: the workers inherit it, so that one that is started
    anew serves what the others do, whatever has become of the files.
    """

    def __init__(self) -> None:
        self.document: Document | None = None

    def read(self, environ: Mapping[str, str]) -> None:
        """Reads the documents at the start; ``DocumentFault`` or ``SettingFault``."""
        self.document = _in_a_process(_read, environ)

    def reload(self, arbiter: Any) -> None:
        """In the place of ``Arbiter.handle_hup``: nothing changes unless everything is right."""
        before = self.document
        try:
            self.document = _in_a_process(_read_and_rehearse, os.environ)
        except (DocumentFault, SettingFault, OSError) as exc:
            for line in str(exc).splitlines():
                logger.error("SIGHUP: %s", line)
            logger.error("SIGHUP: what was served before is served further")
            return
        if _replace_workers(arbiter):
            logger.warning("SIGHUP: the documents are served as they are now")
        else:
            self.document = before
            logger.error("SIGHUP: the new workers did not start; the old ones go on")


reloader = Reloader()  # of this arbiter, and of the workers that are forked from it


def _read(environ: Mapping[str, str]) -> Document:
    from gateway.services.contract import load_contract
    from gateway.settings import read_settings

    return load_contract(read_settings(environ).services)


def _read_and_rehearse(environ: Mapping[str, str]) -> Document:
    from gateway.app import rehearse
    from gateway.settings import read_settings

    document = _read(environ)
    rehearse(read_settings(environ), document)
    return document


def _in_a_process(act: Callable[[Mapping[str, str]], Document], environ: Mapping[str, str]) -> Any:
    """What ``act`` returns or raises.

    The arbiter must neither hang nor break by what a file has, and stays as small as it is.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_act, args=(theirs, act, environ))
    process.start()
    theirs.close()
    try:
        result = ours.recv() if ours.poll(PATIENCE) else DocumentFault("to read it takes too long")
    except EOFError:
        result = DocumentFault("the process that reads the documents has broken off")
    finally:
        process.kill()
        process.join()
    if isinstance(result, Exception):
        raise result
    return result


def _act(
    back: Connection, act: Callable[[Mapping[str, str]], Document], environ: Mapping[str, str]
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # the arbiter's own only take notes
    try:
        back.send(act(environ))
    except (DocumentFault, SettingFault) as exc:
        back.send(type(exc)(str(exc)))
    except OSError as exc:
        back.send(DocumentFault(str(exc)))


def _replace_workers(arbiter: Any) -> bool:
    """Starts as many new workers, and ends the old ones when all of them serve."""
    old = set(arbiter.WORKERS)
    for _ in range(arbiter.num_workers):
        arbiter.spawn_worker()
    new = {pid: worker for pid, worker in arbiter.WORKERS.items() if pid not in old}
    if _all_serve(new.values()):
        arbiter.manage_workers()  # which ends the oldest, and leaves as many as there shall be
        return True
    for pid in new:
        arbiter.WORKERS.pop(pid).tmp.close()  # or the arbiter would end because they did
        _end(pid)
    return False


def _all_serve(workers: Collection[Any]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not all(worker.is_serving for worker in workers):
        if time.monotonic() > deadline or any(_has_ended(worker.pid) for worker in workers):
            return False
        time.sleep(0.05)  # between looks at them
    return True


def _has_ended(pid: int) -> bool:
    """Leaves its end to be reaped, so that its id is not another process's."""
    status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return status is not None


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
