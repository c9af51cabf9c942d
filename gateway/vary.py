"""The ``Vary`` header (RFC 9110 §12.5.5), which several stages add to."""

from __future__ import annotations

from openapi.problems import Headers

VARY = b"vary"


def with_vary(headers: Headers, name: bytes) -> Headers:
    """The headers, saying in one ``Vary`` that the answer depends on this request header too."""
    named = [part.strip() for n, v in headers if n == VARY for part in v.split(b",")]
    if b"*" in named or name.lower() in (part.lower() for part in named):
        return headers
    others = [(n, v) for n, v in headers if n != VARY]
    return [*others, (VARY, b", ".join([*filter(None, named), name]))]
