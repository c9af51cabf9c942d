"""The port to where devices are kept. Every adapter passes the suite in ``stores/conformance``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inventory.domain.device import Document, StoredDevice

# The members that a list can be filtered by: a store keeps each of them where it can search it.
FILTERS = (
    "device_type", "status", "manufacturer", "model", "customer_id", "home_id", "area_id",
)  # fmt: skip


class StoreError(Exception):
    """The store cannot do its work. The message is for the operator."""


class ChangeConflict(StoreError):
    """A device was not in the state that a change expects; nothing at all was applied."""

    def __init__(self, identifier: str) -> None:
        super().__init__(identifier)
        self.identifier = identifier


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of one device.

    ``expected`` is the revision that the device has now, None that it does not exist. ``document``
    is the device from now on, None that it is deleted.
    """

    identifier: str
    expected: int | None
    document: Document | None


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which devices, in the order of their identifiers.

    ``filters``: member to the values that it may have; ``after``: only identifiers greater than
    this one, compared by code point; ``limit``: how many at the most.
    """

    limit: int
    after: str = ""
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)


class DeviceStore(Protocol):
    """Keeps devices. Safe to be called from many threads at once."""

    reads_are_local: bool
    """Whether ``get`` is answered by this process, with no network and no lock to wait for."""

    def get(self, identifier: str) -> StoredDevice | None:
        """The device, or None."""
        ...

    def get_many(self, identifiers: Collection[str]) -> dict[str, StoredDevice]:
        """Those of the devices that exist, by identifier."""
        ...

    def find(self, query: DeviceQuery) -> list[StoredDevice]:
        """The devices that the query asks for. What was applied before is found."""
        ...

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies all changes or none; when it returns, they survive a crash and a power loss.

        Each identifier stands in one change at the most. ``ChangeConflict`` when a device is not
        in the expected state.
        """
        ...

    def ping(self) -> None:
        """Returns when the store can serve; otherwise ``StoreError``."""
        ...

    def close(self) -> None:
        """Gives up what is held. The store is not used after that."""
        ...
