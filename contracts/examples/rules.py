"""What an example has to be where it stands: of its schema, and of its status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.examples.places import Example
from openapi.components import resolved
from openapi.problems import MEDIA_TYPE, TYPE_PREFIX
from openapi.schemas import Validator, compile_request_schema, compile_schema, faults

NDJSON = "application/x-ndjson"
_ROW = re.compile(r"^\| `([a-z-]+)` \| ([0-9]{3}) \|", re.MULTILINE)

Problems = Mapping[str, int]


def read_problems(page: Path) -> Problems:
    """The problem types that the page lists, each with its status."""
    return {TYPE_PREFIX + slug: int(status) for slug, status in _ROW.findall(page.read_text())}


class Rules:
    """Judges the examples of one document. ``problems``: the problem types that there are."""

    def __init__(self, content: Mapping[str, Any], problems: Problems) -> None:
        self._content = content
        self._problems = problems
        self._validators: dict[tuple[str, bool], Validator] = {}

    def faults(self, example: Example) -> Iterator[str]:
        """What is wrong with the example, in sentences."""
        validator = self._validator(example)
        for where, what in faults(validator, example.value):
            yield f"It does not hold to its schema: {where or 'at its top'}: {what}."
        if example.media_type == NDJSON:
            yield from _faults_of_lines(example.value)
        if example.media_type == MEDIA_TYPE and isinstance(example.value, Mapping):
            yield from self._faults_of_problem(example.value, example.status)

    def _validator(self, example: Example) -> Validator:
        key = (json.dumps(example.schema), example.is_sent)
        if key not in self._validators:
            compiler = compile_request_schema if example.is_sent else compile_schema
            self._validators[key] = compiler(resolved(self._content, example.schema))
        return self._validators[key]

    def _faults_of_problem(self, value: Mapping[str, Any], stands: str) -> Iterator[str]:
        status, kind = value.get("status"), str(value.get("type"))
        if stands.isdigit() and str(status) != stands:
            yield f"It stands under {stands}, and its `status` is {status}."
        if not kind.startswith(TYPE_PREFIX):
            return
        if kind not in self._problems:
            yield f"There is no problem type {kind}: docs/problems.md lists those that there are."
        elif self._problems[kind] != status:
            yield f"{kind} is {self._problems[kind]} in docs/problems.md, and here {status}."


def _faults_of_lines(value: Any) -> Iterator[str]:
    for number, line in enumerate(str(value).splitlines(), 1):
        try:
            json.loads(line)
        except ValueError:
            yield f"Line {number} of it is not JSON, and each line of NDJSON is."
