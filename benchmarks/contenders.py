"""What is measured: how each contender is started, and the key that it takes."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds to get ready
UVICORN = "gunicorn --workers 1 --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:"
THREADS = "gunicorn --workers 1 --worker-class gthread --threads 8 --bind 127.0.0.1:"


@dataclass(slots=True)
class Contender:
    """A pair of services: commands, environment, and how to reach them once started."""

    name: str
    commands: list[str]
    environ: Mapping[str, str]
    url: str
    folder: Path
    key_file: Path | None = None
    key: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Starts both services and waits until they are ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number, command in enumerate(self.commands):
            with (self.folder / f"{number}.log").open("wb") as log:
                self.processes.append(
                    subprocess.Popen(
                        _with_interpreter(shlex.split(command)),
                        cwd=ROOT,
                        env={**os.environ, **self.environ},
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        self._wait()
        if self.key_file:
            self.key = self.key_file.read_text().strip()

    def stop(self) -> None:
        """Ends what was started."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            process.wait(30)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if requests.get(self.url + "/health/ready", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.1)  # between looks
        raise RuntimeError(f"{self.name} did not get ready; see the logs in {self.folder}")


def _with_interpreter(command: list[str]) -> list[str]:
    """The command by the interpreter that runs this, as the Procfile's lines are meant."""
    if command[0] == "python":
        return [sys.executable, *command[1:]]
    return [sys.executable, "-m", *command]


def contenders(folder: Path) -> dict[str, Contender]:
    """All of them by name, with free ports and folders of their own below ``folder``."""
    return {c.name: c for c in (_doorstep(folder), _fastapi(folder), _flask(folder))}


def _doorstep(folder: Path) -> Contender:
    gateway, inventory = _free_port(), _free_port()
    lines = (ROOT / "Procfile").read_text().splitlines()
    environ = {
        "DOORSTEP_DATA": str(folder / "doorstep"),
        "GATEWAY_PORT": str(gateway),
        "GATEWAY_ADMIN_PORT": str(_free_port()),
        "INVENTORY_PORT": str(inventory),
        "GATEWAY_WORKERS": "1",
        "INVENTORY_WORKERS": "1",
    }
    return Contender(
        name="doorstep",
        commands=[line.split(": ", 1)[1] for line in lines],
        environ=environ,
        url=f"http://127.0.0.1:{gateway}",
        folder=folder / "doorstep",
        key_file=folder / "doorstep" / "admin.key",
    )


def _fastapi(folder: Path) -> Contender:
    return _peer("fastapi", "fastapi_pair", UVICORN, ":app", folder)


def _flask(folder: Path) -> Contender:
    return _peer("flask", "flask_pair", THREADS, ":app", folder)


def _peer(name: str, package: str, server: str, app: str, folder: Path) -> Contender:
    own = folder / name
    own.mkdir(parents=True)
    gateway, inventory, key = _free_port(), _free_port(), secrets.token_hex(16)
    _write_keys(own)
    environ = {
        "PEER_API_KEY": key,
        "PEER_PRIVATE_KEY": str(own / "private.pem"),
        "PEER_PUBLIC_KEY": str(own / "public.pem"),
        "PEER_DATABASE_URL": f"sqlite:///{own / 'devices.db'}",
        "PEER_SHELF": str(own / "shelf"),
        "PEER_INVENTORY_URL": f"http://127.0.0.1:{inventory}",
    }
    module = f"benchmarks.peers.{package}"
    return Contender(
        name=name,
        commands=[
            f"{server}{inventory} {module}.inventory{app}",
            f"{server}{gateway} {module}.gateway{app}",
        ],
        environ=environ,
        url=f"http://127.0.0.1:{gateway}",
        folder=own,
        key=key,
    )


def _write_keys(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "private.pem").write_bytes(private)
    (folder / "public.pem").write_bytes(public)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
