"""Request ids and trace context are taken over when they are valid, and made when they are not."""

from __future__ import annotations

import re

import pytest

from telemetry.trace_context import RequestContext, request_context

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def the_context(traceparent: str | None = None, request_id: str | None = None) -> RequestContext:
    given = {b"accept": "*/*", b"traceparent": traceparent, b"x-request-id": request_id}
    return request_context([(n, v.encode("latin-1")) for n, v in given.items() if v is not None])


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
        f"fe-{TRACE}-{PARENT}-01-",
    ],
)
def test_a_valid_trace_goes_on_with_a_span_of_ours(traceparent: str) -> None:
    context = the_context(traceparent)

    assert context.traceparent == f"00-{TRACE}-{context.span_id}-01"
    assert re.fullmatch("[0-9a-f]{16}", context.span_id)
    assert context.span_id != PARENT


@pytest.mark.parametrize(
    "traceparent",
    [
        pytest.param(f"ff-{TRACE}-{PARENT}-01", id="version ff"),
        pytest.param(f"00-{'0' * 32}-{PARENT}-01", id="trace of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="parent of zeros"),
        pytest.param(f"00-{TRACE}-{PARENT}-01-extra", id="version 00 with extra"),
        pytest.param(f"00-{TRACE}-{PARENT}-01-", id="version 00 with a dash"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01.extra", id="future without a dash"),
        pytest.param(f"00-{TRACE.upper()}-{PARENT}-01", id="capitals"),
        pytest.param(f"00-{TRACE[1:]}-{PARENT}-01", id="short trace"),
        pytest.param(f"00-{TRACE}-{PARENT}0-01", id="long parent"),
        pytest.param(f"00-{TRACE}-{PARENT}-1", id="short flags"),
        pytest.param(f"00-{TRACE}-{PARENT}-0g", id="flags that are no number"),
        pytest.param(f"0-{TRACE}-{PARENT}-01", id="short version"),
        pytest.param(f" 00-{TRACE}-{PARENT}-01", id="a space before"),
        pytest.param(f"00-{TRACE}-{PARENT}-01\n", id="a line after"),
        pytest.param(f"00_{TRACE}_{PARENT}_01", id="underscores"),
        pytest.param("", id="empty"),
        pytest.param("\xff", id="no text"),
        pytest.param(None, id="none"),
    ],
)
def test_without_a_valid_trace_one_is_begun(traceparent: str | None) -> None:
    first, second = the_context(traceparent), the_context(traceparent)

    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", first.traceparent)
    assert TRACE not in (first.trace_id, second.trace_id)
    assert first.trace_id != second.trace_id


@pytest.mark.parametrize(
    ("given", "passed_on"), [("00", "00"), ("01", "01"), ("03", "03"), ("ff", "03"), ("fc", "00")]
)
def test_only_flags_that_mean_something_are_passed_on(given: str, passed_on: str) -> None:
    assert the_context(f"00-{TRACE}-{PARENT}-{given}").flags == passed_on


@pytest.mark.parametrize("request_id", ["a", "A-b_c.d:1", "x" * 128])
def test_a_request_id_is_taken_over(request_id: str) -> None:
    assert the_context(request_id=request_id).request_id == request_id


@pytest.mark.parametrize(
    "request_id", ["", "x" * 129, "a b", 'a"b', "a\nb", "a\n", "é", "a/b", None]
)
def test_a_request_id_that_is_none_is_made(request_id: str | None) -> None:
    first, second = the_context(request_id=request_id), the_context(request_id=request_id)

    assert re.fullmatch("[0-9a-f]{32}", first.request_id)
    assert first.request_id != second.request_id


def test_what_is_made_says_nothing_of_the_rest() -> None:
    context = the_context()

    assert len({context.request_id[:16], context.trace_id[:16], context.span_id}) == 3
