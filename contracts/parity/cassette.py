"""Requests and what answered them, as they went over the wire, to be sent again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.wire import Answer, Request

VARIABLE = "DOORSTEP_CASSETTE"  # names the file to the hooks of Schemathesis


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its credential among the headers, and its answer."""

    request: Request
    answer: Answer


class Cassette:
    """A file of exchanges in the order in which they took place."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, exchange: Exchange) -> None:
        """Writes an exchange behind the others."""
        sent, got = exchange.request, exchange.answer
        line = {
            "method": sent.method,
            "target": sent.target,
            "headers": [(name, _text(value)) for name, value in sent.headers],
            "body": None if sent.body is None else base64.b64encode(sent.body).decode(),
            "status": got.status,
            "answer_headers": got.headers,
            "answer_body": base64.b64encode(got.body).decode(),
        }
        with self.file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def exchanges(self) -> Iterator[Exchange]:
        """All exchanges, in order."""
        with self.file.open() as lines:
            for line in lines:
                yield _exchange(line)


def _exchange(line: str) -> Exchange:
    kept = json.loads(line)
    body = None if kept["body"] is None else base64.b64decode(kept["body"])
    headers = tuple((name, value.encode("latin-1")) for name, value in kept["headers"])
    answered = tuple((name, value) for name, value in kept["answer_headers"])
    return Exchange(
        Request(kept["method"], kept["target"], headers, body),
        Answer(kept["status"], answered, base64.b64decode(kept["answer_body"])),
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
