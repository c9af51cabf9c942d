"""Patterns that mean a list of names, such as ``^-?(a|b)(,-?(a|b)){0,4}$``, told in plain words.

OpenAPI has no other way to say which names a comma-separated text may have.
"""

from __future__ import annotations

import re

_PATTERN = re.compile(
    r"\^(?P<sign>-\?)?\((?P<names>\w+(?:\|\w+)*)\)\(,(?:-\?)?\((?P=names)\)\)\{0,(?P<more>\d+)\}\$"
)


def tell(pattern: str, text: str) -> str | None:
    """What is wrong with the text; None when the pattern means something else."""
    match = _PATTERN.fullmatch(pattern)
    if match is None:
        return None
    names = match["names"].split("|")
    for item in text.split(","):
        if (item.removeprefix("-") if match["sign"] else item) not in names:
            return f"{item[:80]!r} is none of: {', '.join(names)}"
    return f"there are more than {int(match['more']) + 1} names"
