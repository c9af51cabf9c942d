"""Entity tags, and what a request expects of them (RFC 9110 §13.1)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

# A tag in quotes, as it should be, or without: many clients drop them, and mean the same.
_TAG = re.compile(r'(W/)?(?:"([^"]*)"|([^\s,"]+))')


def entity_tag(record: Mapping[str, Any]) -> str:
    """The strong tag of a resource: another one for each other content."""
    content = json.dumps(record, sort_keys=True).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def matches(condition: str, tag: str | None, *, weakly: bool) -> bool:
    """Whether the condition names the tag; None is that of what is not there."""
    if tag is None:
        return False
    if condition.strip() == "*":
        return True
    found = _TAG.findall(condition)
    return tag in {f'"{quoted or bare}"' for weak, quoted, bare in found if weakly or not weak}


def hold(parameters: Mapping[str, Any], tag: str | None) -> bool:
    """Whether a resource with this tag may be written by a request with these parameters."""
    if_match, if_none_match = parameters.get("if_match"), parameters.get("if_none_match")
    if if_match and not matches(if_match, tag, weakly=False):
        return False
    return not (if_none_match and matches(if_none_match, tag, weakly=True))
