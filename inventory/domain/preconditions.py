"""If-Match and If-None-Match (RFC 9110 §13.1), evaluated against an entity tag."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A tag in quotes, as it should be, or without: many clients drop them, and mean the same.
_TAG = re.compile(r'(W/)?(?:"([^"]*)"|([^\s,"]+))')
# What the gateway puts behind the tag of an answer that it compressed. It takes it off of headers;
# a batch has conditions in its body. Tags of this service have no plus sign.
_CODING = re.compile(r"\+(?:gzip|zstd)\Z")


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The value of one of the two headers: any tag at all (``*``), or these."""

    any: bool
    strong: frozenset[str]
    weak: frozenset[str]

    @classmethod
    def parse(cls, header: str) -> EntityTags:
        """Reads a header that is valid against the contract."""
        if header == "*":
            return cls(True, frozenset(), frozenset())
        tags = [(weak, _plain(quoted or bare)) for weak, quoted, bare in _TAG.findall(header)]
        strong = frozenset(tag for weak, tag in tags if not weak)
        return cls(False, strong, frozenset(tag for weak, tag in tags if weak))

    def match_strongly(self, etag: str) -> bool:
        """Strong comparison (RFC 9110 §8.8.3.2): a weak tag never matches."""
        return self.any or etag in self.strong

    def match_weakly(self, etag: str) -> bool:
        """Weak comparison: the ``W/`` does not count."""
        return self.any or etag in self.strong or etag in self.weak


def _plain(tag: str) -> str:
    return f'"{_CODING.sub("", tag)}"'


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What the client expects of a resource before it changes it."""

    if_match: EntityTags | None = None
    if_none_match: EntityTags | None = None

    @classmethod
    def parse(cls, if_match: str | None = None, if_none_match: str | None = None) -> Preconditions:
        """Reads headers that are valid against the contract; None is a header that is absent."""
        return cls(
            EntityTags.parse(if_match) if if_match else None,
            EntityTags.parse(if_none_match) if if_none_match else None,
        )

    def hold(self, etag: str | None) -> bool:
        """Whether a resource with this tag may be changed. None: it does not exist."""
        if self.if_match and (etag is None or not self.if_match.match_strongly(etag)):
            return False
        return not (self.if_none_match and etag and self.if_none_match.match_weakly(etag))
