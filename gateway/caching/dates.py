"""HTTP dates (RFC 9110 §5.6.7), strictly: what is not one says nothing about freshness."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_WEEKDAY = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        f"{_WEEKDAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",  # RFC 850
        f"{_DAY} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})",  # asctime()
    )
)


def read_date(text: str, now: float) -> int | None:
    """Seconds since the epoch; None when the text is no HTTP date.

    ``now``: a year of two digits is not more than 50 years after it.
    """
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _seconds(found, now)
    return None


def _seconds(found: re.Match[str], now: float) -> int | None:
    year = int(found["year"])
    if len(found["year"]) == 2:
        year = _full_year(year, datetime.fromtimestamp(now, UTC).year)
    second = min(int(found["second"]), 59)  # a leap second
    month = _MONTHS.index(found["month"].lower()) + 1
    try:
        moment = datetime(
            year, month, int(found["day"]), int(found["hour"]), int(found["minute"]), second,
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:  # the 31st of June
        return None
    return int(moment.timestamp())


def _full_year(year: int, this_year: int) -> int:
    full = this_year - this_year % 100 + year
    return full - 100 if full > this_year + 50 else full
