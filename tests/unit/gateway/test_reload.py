"""What the arbiter keeps when the documents change; with real workers: tests/service."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.reload import Reloader
from gateway.services.contract import plugged_in
from openapi.document import Document, DocumentFault

PETS = Path(__file__).parents[2] / "fixtures/services/pets.yaml"


class Worker:
    """A process that serves at once, or ends without having served."""

    def __init__(self, is_good: bool) -> None:
        self.is_serving = is_good
        self.tmp = SimpleNamespace(close=lambda: None)
        self.pid = os.fork()
        if self.pid == 0:
            signal.pause() if is_good else os._exit(4)

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Arbiter:
    """As much of gunicorn's as a reload needs."""

    num_workers = 2

    def __init__(self, are_good: bool) -> None:
        self.are_good = are_good
        self.WORKERS: dict[int, Any] = {1: "old"}
        self.were_managed = False

    def spawn_worker(self) -> None:
        worker = Worker(self.are_good)
        self.WORKERS[worker.pid] = worker

    def manage_workers(self) -> None:
        self.were_managed = True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_SERVICES", str(tmp_path))
    monkeypatch.setenv("DOORSTEP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PETS_URL", "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture
def reloader(folder: Path) -> Reloader:
    reloader = Reloader()
    reloader.read(os.environ)
    (folder / "pets.yaml").write_text(PETS.read_text())
    return reloader


def document_of(reloader: Reloader) -> Document:
    assert reloader.document is not None
    return reloader.document


def test_a_start_with_a_bad_document_is_refused_by_its_line(folder: Path) -> None:
    (folder / "pets.yaml").write_text("openapi: [\n")

    with pytest.raises(DocumentFault, match=r"pets\.yaml:2: "):
        Reloader().read(os.environ)


def test_new_workers_get_what_the_documents_say_now(reloader: Reloader) -> None:
    arbiter = Arbiter(are_good=True)

    reloader.reload(arbiter)

    assert plugged_in(document_of(reloader)) == {"pets"}
    assert arbiter.were_managed
    for worker in list(arbiter.WORKERS.values())[1:]:
        worker.end()


def test_a_document_with_an_error_is_not_given_to_anybody(
    reloader: Reloader, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arbiter, before = Arbiter(are_good=True), reloader.document
    (folder / "pets.yaml").write_text("openapi: [\n")

    reloader.reload(arbiter)

    assert reloader.document is before
    assert arbiter.WORKERS == {1: "old"}
    assert f"{folder / 'pets.yaml'}:2: " in caplog.text


def test_a_document_that_cannot_be_built_is_not_either(
    reloader: Reloader, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arbiter, before = Arbiter(are_good=True), reloader.document
    (folder / "pets.yaml").write_text(PETS.read_text().replace("minLength: 1", "pattern: '('"))

    reloader.reload(arbiter)

    assert reloader.document is before
    assert "pets.yaml:48: pets_addCat: " in caplog.text


def test_workers_that_do_not_start_leave_the_old_ones(
    reloader: Reloader, caplog: pytest.LogCaptureFixture
) -> None:
    arbiter, before = Arbiter(are_good=False), reloader.document

    reloader.reload(arbiter)

    assert reloader.document is before
    assert arbiter.WORKERS == {1: "old"}
    assert not arbiter.were_managed
    assert "the old ones go on" in caplog.text
