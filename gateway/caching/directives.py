"""``Cache-Control`` of requests and answers (RFC 9111 §5.2), as strictly as it is written."""

from __future__ import annotations

import re

from openapi.problems import Headers

LONGEST = 2**31  # seconds; what is more is taken for this (RFC 9111 §1.2.2)
# A directive ends at a comma or at the end; what does not fit is passed over up to the next comma.
_DIRECTIVE = re.compile(
    r"""[\s,]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)
        (?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?\s*(?=,|$)|[^,]+)""",
    re.VERBOSE,
)


class Directives(dict[str, str]):
    """Directive names in lower case to their values, ``""`` where there is none."""

    def seconds(self, name: str) -> int | None:
        """The directive's seconds; 0 when they cannot be read, as such an answer is stale."""
        if name not in self:
            return None
        seconds = read_seconds(self[name])
        return 0 if seconds is None else seconds

    def is_bare(self, name: str) -> bool:
        """Whether it is there and holds for the whole answer, not for some of its fields."""
        return self.get(name) == ""

    def fields(self, *names: str) -> frozenset[bytes]:
        """The fields, in lower case, that these directives name."""
        named = ",".join(self.get(name, "") for name in names).split(",")
        return frozenset(part.strip().lower().encode("latin-1") for part in named) - {b""}


def read_directives(headers: Headers) -> Directives:
    """The directives of all ``Cache-Control`` lines; of one that is there twice, the first."""
    lines = [value for name, value in headers if name == b"cache-control"]
    return parse_directives(b",".join(lines).decode("latin-1"))


def parse_directives(text: str) -> Directives:
    """The directives of the field's whole value."""
    directives = Directives()
    for found in _DIRECTIVE.finditer(text):
        name, quoted, token = found.groups()
        if name is not None:
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else token or ""
            directives.setdefault(name.lower(), value)
    return directives


def read_seconds(text: str) -> int | None:
    """``delta-seconds`` (RFC 9111 §1.2.2), or None."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), LONGEST) if len(text) <= 20 else LONGEST
