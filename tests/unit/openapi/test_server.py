"""What gunicorn is told, and how a start that fails says why."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from openapi.environment import SettingFault
from openapi.server import APP_LOAD_ERROR, bind_address, or_exit, refuse_taken_port


class Fault(Exception):
    pass


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("a.b", "a.b:80")]
)
def test_an_address_is_in_gunicorns_words(host: str, address: str) -> None:
    assert bind_address(host, 80) == address


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_ends_the_start_with_the_setting_to_change(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SystemExit, match=f"port {port} is in use: set A_PORT"):
            refuse_taken_port("A_PORT", host, port)(None)

    refuse_taken_port("A_PORT", host, port)(None)


@pytest.mark.parametrize("fault", [SettingFault("why"), OSError("why"), Fault("why")])
def test_a_fault_that_names_itself_ends_the_start_without_a_traceback(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def build() -> Any:
        raise fault

    with pytest.raises(SystemExit) as ended, caplog.at_level(logging.CRITICAL):
        or_exit(build, Fault)

    assert ended.value.code == APP_LOAD_ERROR
    assert [(r.getMessage(), r.exc_info) for r in caplog.records] == [("cannot start: why", None)]


def test_a_fault_that_nobody_expected_is_told_whole() -> None:
    def build() -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        or_exit(build, Fault)
