"""Request ids and W3C Trace Context (https://www.w3.org/TR/trace-context/), read and made."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

_FLAGS = 0b11  # sampled, random trace id


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who a request is: its id, its trace (32 hex digits), our own span in it (16 hex digits).

    ``parent_id``: the caller's span, when it sent one.
    """

    request_id: str
    trace_id: str
    span_id: str
    flags: str
    parent_id: str | None = None

    @property
    def traceparent(self) -> str:
        """The header for whoever is called next: our span is its parent."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def request_context(headers: Iterable[tuple[bytes, bytes]]) -> RequestContext:
    """The context that the caller sent, gone on with; what is missing or not valid is made."""
    given = traceparent = None
    for name, value in headers:
        if name == b"x-request-id":
            given = value
        elif name == b"traceparent":
            traceparent = value
    made = os.urandom(40).hex()  # one system call for all three
    trace_id, parent_id, flags = _trace(traceparent) or (made[:32], None, "01")
    is_usable = given is not None and _REQUEST_ID.fullmatch(given)
    request_id = given.decode() if given and is_usable else made[32:64]
    return RequestContext(request_id, trace_id, made[64:], flags, parent_id)


def _trace(header: bytes | None) -> tuple[str, str | None, str] | None:
    match = _TRACEPARENT.fullmatch(header) if header else None
    if match is None or not _is_valid(match):
        return None
    # Bits that no version gives a meaning are not passed on (Trace Context Level 2, §3.2.2.5).
    return match[2].decode(), match[3].decode(), f"{int(match[4], 16) & _FLAGS:02x}"


def _is_valid(match: re.Match[bytes]) -> bool:
    version, trace_id, parent_id, _, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest):
        return False
    return bool(trace_id.strip(b"0")) and bool(parent_id.strip(b"0"))
