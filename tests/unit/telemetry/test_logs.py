"""Logs are lines of JSON that name the request they belong to."""

from __future__ import annotations

import contextvars
import json
import logging
import logging.config
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.logs import JSONFormatter, log_config
from telemetry.trace_context import current, request_context

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def a_record(message: str = "hello", *args: Any, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord("a.logger", logging.WARNING, "", 0, message, args, None)
    vars(record).update(more)
    return record


def line(record: logging.LogRecord) -> Any:
    text = JSONFormatter("inventory").format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_says_when_where_and_what() -> None:
    assert line(a_record("%s is %d", "it", 7, created=1_767_225_600.0625)) == {
        "time": "2026-01-01T00:00:00.062Z",
        "level": "warning",
        "service": "inventory",
        "logger": "a.logger",
        "message": "it is 7",
    }


@settings(max_examples=50, deadline=None)
@given(message=TEXT)
def test_a_message_is_json_whatever_it_says(message: str) -> None:
    assert line(a_record("%s", message))["message"] == message


def test_a_line_names_the_request_that_it_belongs_to() -> None:
    context = request_context([(b"x-request-id", b"id-1")])

    def within() -> Any:
        current.set(context)
        return line(a_record())

    found = contextvars.copy_context().run(within)

    assert (found["request_id"], found["trace_id"]) == ("id-1", context.trace_id)
    assert "request_id" not in line(a_record())


def test_a_line_of_later_work_names_the_request_that_asked_for_it() -> None:
    assert line(a_record(request_id="id-1"))["request_id"] == "id-1"
    assert "request_id" not in line(a_record(request_id=None))


def test_an_exception_is_told_in_the_same_line() -> None:
    try:
        raise ValueError("no\nway")
    except ValueError:
        found = line(a_record(exc_info=sys.exc_info()))

    assert found["exception"].startswith("Traceback")
    assert found["exception"].endswith("ValueError: no\nway\n")


def test_an_exception_that_is_none_is_not_told() -> None:
    assert "exception" not in line(a_record(exc_info=(None, None, None)))


def test_the_configuration_can_be_used() -> None:
    config = log_config("inventory", "INFO")

    configured = logging.config.DictConfigurator(config)

    formatter = configured.configure_formatter(config["formatters"]["json"])
    assert isinstance(formatter, JSONFormatter)
    assert json.loads(formatter.format(a_record()))["service"] == "inventory"
    assert config["root"] == {"handlers": ["stdout"], "level": "INFO"}
