"""A bounded piece of a text that arrives in blocks of UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from inventory.domain.tabular.row import MAX_ROW
from inventory.domain.tabular.strict_json import SPACE


class Window:
    """The text from ``at`` on, as far as it has been asked for.

    Bytes that are not UTF-8 are lone surrogates in it, which tell them (PEP 383).
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.text = ""
        self.at = 0
        self._blocks = iter(blocks)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._ended = False

    @property
    def rest(self) -> int:
        """How many characters there are from ``at`` on."""
        return len(self.text) - self.at

    def extend(self) -> bool:
        """Forgets what is before ``at`` and doubles the rest; False when there is no more.

        Doubled, since a value is read from its beginning again each time.
        """
        parts = [self.text[self.at :]]
        before = size = len(parts[0])
        wanted = min(max(2 * size, 1), MAX_ROW)
        while size < wanted and not self._ended:
            parts.append(self._decoded())
            size += len(parts[-1])
        self.text, self.at = "".join(parts), 0
        return size > before

    def next_character(self) -> str:
        """Moves over white space to the character behind it; "" at the text's end."""
        while True:
            self.at = SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.rest:
                return self.text[self.at]
            if not self.extend():
                return ""

    def _decoded(self) -> str:
        block = next(self._blocks, b"")
        self._ended = not block
        return self._decoder.decode(block, final=self._ended)
