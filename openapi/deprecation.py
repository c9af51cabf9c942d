"""When an operation was, or will be, deprecated and gone: ``x-gateway.deprecation``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Deprecation:
    """From when an operation is deprecated, when it may be gone, and where that is explained."""

    at: datetime.datetime
    sunset: datetime.datetime | None = None
    link: str | None = None

    def headers(self) -> Headers:
        """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and ``Link``."""
        headers = [(b"deprecation", b"@%d" % int(self.at.timestamp()))]
        if self.sunset is not None:
            headers.append((b"sunset", format_datetime(self.sunset, usegmt=True).encode()))
        if self.link is not None:
            headers.append((b"link", f'<{self.link}>; rel="deprecation"'.encode()))
        return headers


def read_deprecation(value: Mapping[str, Any] | None) -> Deprecation | None:
    """The value of the key, which the schema and ``deprecation_faults`` have nothing against."""
    if value is None:
        return None
    sunset = value.get("sunset")
    return Deprecation(_moment(value["at"]), _moment(sunset) if sunset else None, value.get("link"))


def deprecation_faults(value: Mapping[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    """What the schema cannot say, as (path inside it, message)."""
    moments = {}
    for name in ("at", "sunset"):
        try:
            moments[name] = _moment(value.get(name, "9999-12-31"))
        except ValueError:
            yield [name], f"{value[name]} is no day of the calendar, or no time of a day"
    if len(moments) == 2 and moments["sunset"] < moments["at"]:
        # RFC 9745, section 4
        yield ["sunset"], f"{value['sunset']} is before the deprecation, {value['at']}"


def _moment(text: str) -> datetime.datetime:
    """A date, which begins at midnight UTC, or a time in UTC."""
    moment = datetime.datetime.fromisoformat(text)
    return moment.replace(tzinfo=datetime.UTC)
