"""Changes what Schemathesis sends such that more of it is accepted (``hooks`` of its settings).

A generator of valid requests does not know which identifiers are taken and which things there are;
nearly all that it sends would be a conflict, or not found, and would prove little.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import schemathesis

from contracts import ledger
from contracts.fuzzing.plausible import make_alike_for_twins, make_plausible
from contracts.parity import cassette
from contracts.parity.cassette import Cassette, Exchange
from contracts.wire import Answer, Request

_numbers = itertools.count(1)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Changes the request that is about to be sent."""
    number = next(_numbers)
    make_plausible(case, number)
    if _cassette():
        make_alike_for_twins(case, number)


@schemathesis.hook
def after_call(_context: Any, _case: Any, response: Any) -> None:
    """Writes down what was sent and answered, where the suite asks for it."""
    request = response.request
    url = urlsplit(request.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    if note := _recorder():
        note(request.method, target, request.headers, response.status_code)
    if tape := _cassette():
        body = request.body.encode() if isinstance(request.body, str) else request.body
        sent = Request(request.method, target, tuple(request.headers.items()), body)
        headers = tuple((name, values[0]) for name, values in response.headers.items())
        tape.add(Exchange(sent, Answer(response.status_code, headers, response.content)))


@cache
def _recorder() -> Callable[..., None] | None:
    file = os.environ.get(ledger.VARIABLE)
    if not file:
        return None
    # A bare `schemathesis run` has neither a ledger nor, perhaps, what reads the contract here.
    from contracts.contract import Contract
    from contracts.recorder import Recorder

    part, service = os.environ[ledger.PART_VARIABLE], os.environ[ledger.SERVICE_VARIABLE]
    contract = Contract(Path(os.environ[ledger.CONTRACT_VARIABLE]))
    return Recorder(contract, ledger.Ledger(Path(file)), part=part, service=service).note


@cache
def _cassette() -> Cassette | None:
    file = os.environ.get(cassette.VARIABLE)
    return Cassette(Path(file)) if file else None


@schemathesis.serializer("application/x-ndjson")
def write_ndjson(_context: Any, value: Any) -> bytes:
    """A body of NDJSON, which is text to the contract. What is none cannot be sent: nothing is."""
    return value.encode() if isinstance(value, str) else b""
