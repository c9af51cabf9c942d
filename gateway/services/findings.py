"""What there is to say of a document: errors keep it from being served, warnings do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openapi.schemas import shorten
from openapi.source import Place, Source


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """``what`` is an operationId, or a place of the document."""

    file: Path
    line: int
    what: str
    message: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}: {self.message}"


def error(source: Source, place: Place, message: str, what: str | None = None) -> Finding:
    """What has to be put right before the document can be served."""
    return Finding(source.file, source.line(place), what or _named(place), shorten(message))


def warning(source: Source, place: Place, message: str, what: str | None = None) -> Finding:
    """What an operator should know."""
    return Finding(source.file, source.line(place), what or _named(place), message, is_error=False)


def _named(place: Place) -> str:
    return "/".join(place) or "the document"
