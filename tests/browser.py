"""A real browser for tests, driven by its own protocol (Chrome DevTools) over a websocket."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from contracts.services import free_port, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--window-size=1280,1600", "--remote-allow-origins=*",
)  # fmt: skip


class Browser:
    """One page of a headless Chromium. ``complaints``: what went wrong, by its console."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._process = subprocess.Popen(
            [CHROMIUM or "", *FLAGS, f"--remote-debugging-port={port}",
             f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._ids = itertools.count(1)
        self.complaints: list[str] = []
        self._socket = websocket.create_connection(self._page(port), timeout=30)
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                return dict(message.get("result", {}))
            self._note(message)

    def run(self, script: str) -> Any:
        """What the script's last expression comes to, run as if the user had just acted."""
        result = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, condition: str) -> None:
        wait_for(lambda: bool(self.run(condition)), condition)

    def press(self, key: str, code: int) -> None:
        """A key that makes text, or Enter: pressed where the focus is."""
        pressed = {"key": key, "windowsVirtualKeyCode": code, "text": chr(code)}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **pressed)

    def picture(self, file: Path) -> None:
        """Writes the whole page as a PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def _note(self, message: dict[str, Any]) -> None:
        called = message.get("method") == "Runtime.consoleAPICalled"
        if message.get("method") == "Runtime.exceptionThrown" or (
            called and message["params"]["type"] in ("error", "assert")
        ):
            self.complaints.append(json.dumps(message["params"]))
        entry = message.get("params", {}).get("entry", {})
        if entry.get("level") == "error":
            self.complaints.append(entry.get("text", "") + entry.get("url", ""))

    def _page(self, port: int) -> str:
        pages: list[dict[str, str]] = []

        def listed() -> bool:
            try:
                found = requests.get(f"http://127.0.0.1:{port}/json", timeout=5).json()
            except requests.RequestException:
                return False
            pages[:] = [page for page in found if page["type"] == "page"]
            return bool(pages)

        wait_for(listed, "the browser")
        return pages[0]["webSocketDebuggerUrl"]


@contextmanager
def a_browser(folder: Path) -> Iterator[Browser]:
    """A fresh browser with its profile in the folder; a skip where there is none, but not in CI."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI has to have Chromium"
        pytest.skip("Chromium is not installed")
    browser = Browser(folder)
    try:
        yield browser
    finally:
        browser.close()
