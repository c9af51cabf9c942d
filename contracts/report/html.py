"""One HTML file for a person: it asks no network for anything, and reads well without scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contracts.findings import Result, Run, Table
from contracts.report import words
from contracts.report.files import write_whole

LARGE = 600  # cells from which on a table is closed until it is asked for
ALIKE = 50  # findings of one cause that the page has at the most; the JSON has all
LONG = 4_000  # characters from which on a detail scrolls in a box of its own
_FOLDER = Path(__file__).parent
# The script sorts by the same: see `amount` there.
_NUMBER = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?\s?(%|ms|s|min|x|×)?")  # noqa: RUF001


def write_html(run: Run, file: Path) -> None:
    """The page. No text of a finding can become markup, style or script: all is escaped, and the
    policy in the page lets nothing run but the script that is known by its hash.
    """
    write_whole(file, render(run))


def render(run: Run) -> str:
    """The page's text."""
    style, script = _own("style.css"), _own("script.js")
    return (
        _environment()
        .get_template("page.html")
        .render(run=run, parts=_anchors(run.results), style=style, script=script)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["hash"] = _hash
    environment.globals.update(
        again=words.again,
        alike_at_most=ALIKE,
        columns=_columns,
        counted=words.counted,
        duration=words.duration,
        is_large=lambda table: len(table.rows) * len(table.columns) >= LARGE,
        is_long=lambda text: len(text) >= LONG,
        outcome=words.outcome,
        verdict=words.verdict,
    )
    return environment


def _visible(value: Any) -> Any:
    """Of each value that the template shows, before it is escaped."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return words.visible(value) if is_text else value


def _own(name: str) -> Markup:
    """A file of ours, to stand in the page as it is."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    """As a Content-Security-Policy names what it allows."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _anchors(results: Sequence[Result]) -> list[tuple[str, Result]]:
    """Each part with the name of its section, of which no two are alike."""
    anchors: dict[str, Result] = {}
    for result in results:
        name = "part-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", result.part)
        names = (name if number == 1 else f"{name}--{number}" for number in count(1))
        anchors[next(free for free in names if free not in anchors)] = result
    return list(anchors.items())


def _columns(table: Table) -> list[tuple[str, bool]]:
    """Each column's head, and whether its cells are numbers: those are set to the right."""
    return [
        (head, _is_numeric([row[place] for row in table.rows if place < len(row)]))
        for place, head in enumerate(table.columns)
    ]


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)
