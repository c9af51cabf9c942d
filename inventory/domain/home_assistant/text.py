"""Text as registry files hold it: untrimmed, empty for absent, sometimes a number."""

from __future__ import annotations

import json
import re

from inventory.domain.home_assistant.fault import MemberFault

TEXT_LIMIT = 255
NAME_LIMIT = 200

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
# Of more bits than this, an integer has more than 255 digits. Python refuses to write those of
# more than 4,300 (CVE-2020-10735), so the length is told from the bits.
_LONGEST_NUMBER_BITS = 1024


def usable_text(value: object) -> str | None:
    """The clean text of a JSON text or number; None when there is none in ``value``."""
    if isinstance(value, str):
        return _CONTROLS.sub(" ", value).strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER_BITS:
        return None
    return json.dumps(value)


def read_text(value: object, path: str, limit: int | None = TEXT_LIMIT) -> str | None:
    """The clean text of the member at ``path``, None when it is absent, null or empty.

    Raises ``MemberFault`` for what is no text and for text of more than ``limit`` characters.
    """
    text = usable_text(value)
    if text is None and value is not None and not isinstance(value, str):
        raise MemberFault(path, f"this has to be text, not {_kind(value)}")
    if text is not None and limit is not None and len(text) > limit:
        raise MemberFault(path, f"this is longer than {limit} characters")
    return text


def cut(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters; the last one is "…" when some are left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a number of hundreds of digits"
    return "a list" if isinstance(value, list) else "an object"
