"""What can go wrong with a valid request.

::

    InventoryError
    ├── DeviceNotFound
    ├── IdentifierTaken
    ├── IdentifierMismatch
    ├── SelfReference
    ├── AttributesTooLarge
    ├── PreconditionFailed
    └── Contention
"""

from __future__ import annotations


class InventoryError(Exception):
    """A rule of the inventory refuses the request. The message is for the client."""

    pointer: str | None = None  # the member of the body at fault, when there is one


class DeviceNotFound(InventoryError):
    """There is no device of this identifier."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"There is no device {identifier}.")


class IdentifierTaken(InventoryError):
    """A device of this identifier exists already."""

    pointer = "/identifier"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"There is a device {identifier} already.")


class IdentifierMismatch(InventoryError):
    """The body names another device than the path."""

    pointer = "/identifier"

    def __init__(self, path: str, body: str) -> None:
        super().__init__(f"An identifier never changes: the path says {path}, the body {body}.")


class SelfReference(InventoryError):
    """A device names itself where another one is meant."""

    def __init__(self, member: str, identifier: str) -> None:
        super().__init__(f"The device {identifier} cannot be its own {member}.")
        self.pointer = f"/{member}"


class AttributesTooLarge(InventoryError):
    """The attributes take more room than a device may have."""

    pointer = "/attributes"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The attributes have {size} bytes of JSON; {limit} are allowed.")


class PreconditionFailed(InventoryError):
    """The device is not in the state that If-Match or If-None-Match names."""

    def __init__(self, etag: str | None) -> None:
        now = f"has the entity tag {etag} now" if etag else "does not exist"
        super().__init__(f"The device {now}.")


class Contention(InventoryError):
    """Others kept changing the same devices; the request may simply be sent again."""

    def __init__(self) -> None:
        super().__init__("Others are changing the same devices. Send the request again.")
