"""A member of a registry item that cannot be kept as it is."""

from __future__ import annotations


class MemberFault(Exception):
    """What is wrong with the member at ``path`` (a JSON Pointer from its item; "" is the item)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
