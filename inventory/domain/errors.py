"""What can go wrong with a valid request.

::

    InventoryError
    ├── ResourceNotFound
    ├── IdentifierTaken
    ├── ReferenceFault
    │   ├── SelfReference
    │   ├── UnknownReference
    │   ├── ReferencesDisagree
    │   └── ReferenceCycle
    ├── TooManyDevices
    ├── StillInUse
    ├── AttributesDoNotFit
    ├── SchemaFault
    ├── AttributesTooLarge
    ├── TooManyItems
    ├── TooManyRows
    ├── PreconditionFailed
    ├── NotYours
    ├── KeyReused
    ├── BatchRefused
    ├── UnusableFile
    ├── JobOver
    └── ForeignCursor
"""

from __future__ import annotations

from collections.abc import Sequence


class InventoryError(Exception):
    """A rule of the inventory refuses the request. The message is for the client.

    ``places``: where in the body it is at fault, as JSON Pointers with what is wrong there.
    """

    places: Sequence[tuple[str, str]] = ()


class ResourceNotFound(InventoryError):
    """There is no resource of this identifier."""

    def __init__(self, noun: str, identifier: str, when: str = "") -> None:
        at = f" at {when}" if when else ""
        super().__init__(f"There is no {noun} {identifier}{at}.")


class IdentifierTaken(InventoryError):
    """A resource of this identifier exists already."""

    def __init__(self, noun: str, identifier: str) -> None:
        super().__init__(f"The {noun} identifier {identifier} is taken.")
        self.places = [("/identifier", "is taken")]


class ReferenceFault(InventoryError):
    """A member names another resource, and cannot."""

    def __init__(self, member: str, message: str) -> None:
        super().__init__(message)
        self.member = member
        self.places = [(f"/{member}", message)]


class SelfReference(ReferenceFault):
    """A device names itself where another one is meant."""


class UnknownReference(ReferenceFault):
    """There is no such resource."""


class ReferencesDisagree(ReferenceFault):
    """What two members name does not belong together."""


class ReferenceCycle(ReferenceFault):
    """Following a member from device to device leads back."""


class TooManyDevices(InventoryError):
    """The customer has as many devices as it may."""

    def __init__(self, customer: str, limit: int) -> None:
        super().__init__(f"The customer {customer} has {limit} devices, and may have no more.")


class StillInUse(InventoryError):
    """Others refer to the resource."""

    def __init__(self, noun: str, identifier: str, users: str) -> None:
        super().__init__(f"The {noun} {identifier} still has {users}.")


class AttributesDoNotFit(InventoryError):
    """The attributes are not as the device's type demands."""

    def __init__(self, device_type: str, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"The attributes are not as the device type {device_type} demands.")
        self.places = [(f"/attributes{at}", what) for at, what in faults]


class SchemaFault(InventoryError):
    """A device type's schema is none."""

    def __init__(self, what: str) -> None:
        super().__init__(f"attribute_schema is no JSON Schema (Draft 4): {what}.")
        self.places = [("/attribute_schema", what)]


class AttributesTooLarge(InventoryError):
    """The attributes take more room than a device may have."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The attributes have {size} bytes of JSON; {limit} are allowed.")
        self.places = [("/attributes", f"{size} bytes; {limit} are allowed")]


class TooManyItems(InventoryError):
    """A list has more items than a device may have. Only what joins lists can say so."""

    def __init__(self, member: str, count: int, limit: int) -> None:
        super().__init__(f"{member} would have {count} items; {limit} are allowed.")
        self.places = [(f"/{member}", f"{count} items; {limit} are allowed")]


class TooManyRows(InventoryError):
    """An import has more rows than writers should wait for."""

    def __init__(self, count: int, limit: int, what: str) -> None:
        super().__init__(f"There are {count}, and one import takes {limit} {what}.")


class PreconditionFailed(InventoryError):
    """The resource is not in the state that If-Match or If-None-Match names."""

    def __init__(self, noun: str, etag: str | None) -> None:
        now = f"has the entity tag {etag} now" if etag else "does not exist"
        super().__init__(f"The {noun} {now}.")


class NotYours(InventoryError):
    """A principal that is bound to a customer may not change what is everybody's."""

    def __init__(self, customer: str, what: str) -> None:
        super().__init__(f"A credential of the customer {customer} alone cannot change {what}.")


class KeyReused(InventoryError):
    """The Idempotency-Key came with another request before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another request.")


class BatchRefused(InventoryError):
    """An item of an atomic batch failed."""

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__("Nothing was done, as an item failed.")
        self.places = places


class UnusableFile(InventoryError):
    """Nothing in the file can be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The file cannot be read: {reason}.")
        self.places = [("", reason)]


class JobOver(InventoryError):
    """The job has ended, and cannot be changed any more."""

    def __init__(self, identifier: str, status: str) -> None:
        was = "was" if status == "cancelled" else "has"
        super().__init__(f"The job {identifier} {was} {status}.")


class ForeignCursor(InventoryError):
    """The cursor was not made by this service for this list."""

    def __init__(self) -> None:
        super().__init__("The cursor is not from this list; begin again without one.")
