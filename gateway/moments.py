"""Moments as the key store keeps them: UTC, to the second, in texts that sort as they follow."""

from __future__ import annotations

import datetime
import re

_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60")
_FIRST, _LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


class NoMoment(ValueError):
    """The text names no moment; the message says why."""


def now(later: float = 0.0) -> str:
    """This moment, or one so many seconds later."""
    return _write(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=later))


def normalised(text: str) -> str:
    """A moment of RFC 3339 in UTC, its fraction of a second cut off; or ``NoMoment``.

    What Python's calendar does not hold (leap seconds, the ends of the years 1 and 9999 in other
    zones) becomes the nearest that it does.
    """
    try:
        moment = datetime.datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text.upper()))
        if moment.tzinfo is None:
            raise NoMoment("it has no offset from UTC, such as Z")
        return _write(moment.astimezone(datetime.UTC))
    except OverflowError:
        return _FIRST if text.startswith("0001") else _LAST
    except ValueError as exc:
        raise NoMoment(f"it is not such as 2030-01-31T12:00:00Z: {exc}") from exc


def _write(moment: datetime.datetime) -> str:
    # Not strftime: its %Y writes the year 1 as "1", which would sort after 2026.
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
