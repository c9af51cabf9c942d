"""Swagger UI in a real browser: "Authorize" and "Try it out" work, and its console is empty."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.services import Services
from tests.browser import Browser, a_browser

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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with a_browser(tmp_path / "profile") as browser:
        yield browser


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
        browser.picture(Path(picture))
    assert browser.run(STATUS).startswith("200")
    assert browser.complaints == []
