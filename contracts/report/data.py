"""JSON of a stable shape, ``report.schema.json``, for whoever goes on with a run's findings."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs

from contracts.findings import Finding, Result, Run, Table
from contracts.report.files import write_whole

VERSION = 1
SCHEMA = Path(__file__).with_name("report.schema.json")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotAReport(ValueError):
    """The file is no report of this version; the message has the file and the place in it."""


def write_json(run: Run, file: Path) -> None:
    """The run as ``report.schema.json`` says, which ``read_json`` reads again.

    A lone surrogate, which is no text, is written as an escape: not every reader takes one.
    ``ValueError`` for seconds that are no number.
    """
    results = [{"verdict": each.verdict, **dataclasses.asdict(each)} for each in run.results]
    content = {"version": VERSION, "verdict": run.verdict, **dataclasses.asdict(run)}
    text = json.dumps(content | {"results": results}, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(file, _SURROGATE.sub(lambda lone: rf"\\u{ord(lone[0]):04x}", text) + "\n")


def read_json(file: Path) -> Run:
    """The run that was written there; ``NotAReport`` for anything else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise NotAReport(f"{file} is no JSON: {exc}") from exc
    _check(content, file)
    results = [_result(each) for each in content["results"]]
    return Run(**_known(Run, content) | {"results": results})


def _check(content: Any, file: Path) -> None:
    validator = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()))
    try:
        validator.validate(content)
    except jsonschema_rs.ValidationError as exc:
        place = "/".join(["", *map(str, exc.instance_path)])
        raise NotAReport(f"{file} is no report at {place or 'its root'}: {exc.message}") from exc


def _result(content: dict[str, Any]) -> Result:
    findings = [Finding(**each) for each in content["findings"]]
    tables = [Table(**each) for each in content["tables"]]
    return Result(**_known(Result, content) | {"findings": findings, "tables": tables})


def _known(kind: type, content: dict[str, Any]) -> dict[str, Any]:
    """What the dataclass has fields for: not what the file says besides for its readers."""
    return {field.name: content[field.name] for field in dataclasses.fields(kind)}
