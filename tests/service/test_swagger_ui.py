"""Swagger UI in a real browser: "Authorize" and "Try it out" work, and nothing is on the console.

The browser is driven by its own protocol (Chrome DevTools) over a websocket.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from contracts.services import Services, free_port, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--window-size=1280,1600", "--remote-allow-origins=*",
)  # fmt: skip

AUTHORIZE = """
const open = document.querySelector('.auth-wrapper .btn.authorize'); open.click();
"""
ENTER_KEY = """
const input = [...document.querySelectorAll('.auth-container')]
  .find(c => c.innerText.includes('X-API-Key')).querySelector('input');
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, KEY);
input.dispatchEvent(new Event('input', {bubbles: true}));
input.closest('form').querySelector('.btn.authorize').click();
document.querySelector('.btn-done').click();
"""
LIST = "#operations-devices-list_devices"
OPEN_LIST = f"document.querySelector('{LIST} button').click()"
FIRST_FIELD_IS_READY = """
document.activeElement === document.querySelector('.auth-container input')
  && document.querySelector('.modal-ux-content').scrollTop === 0
"""
# No optional filter is filled in: what is there would be hidden.
FILLED_IN = f"""
[...document.querySelectorAll('{LIST} .parameters input[type=text]')]
  .filter((input) => input.value)
  .map((input) => input.closest('tr').dataset.paramName)
"""
EXECUTE = f"document.querySelector('{LIST} .btn.execute').click()"
STATUS = """
document.querySelector(
  '#operations-devices-list_devices .live-responses-table tbody .response-col_status'
)?.innerText
"""


class Browser:
    """One page of a headless Chromium."""

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
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, condition: str) -> None:
        wait_for(lambda: bool(self.run(condition)), condition)

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI has to have Chromium"
        pytest.skip("Chromium is not installed")
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()


def test_authorize_and_try_it_out_work(services: Services, browser: Browser) -> None:
    browser.call("Page.navigate", url=services.gateway_url + "/ui/")
    browser.wait("document.querySelectorAll('.opblock').length >= 10")
    browser.run("{" + AUTHORIZE + "}")
    browser.wait("document.querySelectorAll('.auth-container').length >= 2")
    browser.wait(FIRST_FIELD_IS_READY)
    browser.run("{" + ENTER_KEY.replace("KEY", json.dumps(services.admin_key)) + "}")

    browser.run(OPEN_LIST)
    # "Execute" is there before the operation is resolved, and hangs when it is pressed until then.
    browser.wait(f"!!document.querySelector('{LIST} tr[data-param-name=limit] input')")
    browser.wait(f"!!document.querySelector('{LIST} .responses-table .response')")
    assert set(browser.run(FILLED_IN)) <= {"limit", "sort", "Prefer"}
    browser.run(EXECUTE)
    browser.wait(f"!!({STATUS.strip().rstrip(';')})")

    picture = os.environ.get("SCREENSHOT")
    if picture:
        data = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        Path(picture).write_bytes(base64.b64decode(data))
    assert browser.run(STATUS).startswith("200")
    assert browser.complaints == []
