"""What an import may know and touch: what is in its home, and devices that are in no home.

::

    InventoryError
    └── KnownElsewhere
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from inventory.domain.entries import device_keys, tenant_of
from inventory.domain.errors import InventoryError
from inventory.domain.home_assistant import area_identifier
from inventory.domain.kinds import AREAS, DEVICES, ORIGINS, Kind
from inventory.domain.resource import Document
from inventory.domain.rules import visible
from inventory.domain.store import Query, Transaction

MANY = 50  # devices of one customer that claim to be the same one


class KnownElsewhere(InventoryError):
    """The device is there, where this import has no say."""

    def __init__(self, device: Document) -> None:
        home, customer = device.get("home_id"), device.get("customer_id")
        place = f"in the home {home}" if home else f"the customer {customer}'s"
        super().__init__(f"The device {device['identifier']} is already {place}.")


class Reach:
    """How far one import reaches: into a home of a customer's, or to the devices without a home.

    Those without one are the same customer's; and, for a caller who is bound to none, nobody's.
    """

    def __init__(self, transaction: Transaction, tenant: str | None, home: Document | None) -> None:
        self.home: str | None = home["identifier"] if home else None
        self._transaction = transaction
        self._tenant = tenant
        self._owner: str = home["customer_id"] if home else tenant or ""
        self._owners = [self._owner] if tenant is not None else [*{self._owner: None, "": None}]

    def area(self, origin: str) -> Document | None:
        """The home's area that the file calls so; none of another home's."""
        if self.home is None:
            return None
        # The second one is what areas were called before their identifiers told the home.
        for identifier in (self.area_identifier(origin), origin):
            stored = self._transaction.get(AREAS.name, identifier)
            if stored and stored.document()["home_id"] == self.home:
                return stored.document()
        return None

    def area_identifier(self, origin: str) -> str:
        """What a new area of the home is called."""
        return area_identifier(self.home or "", origin)

    def device(self, origin: str, references: Sequence[dict[str, str]]) -> Document | None:
        """The device that a row tells of; ``KnownElsewhere`` when that is out of reach.

        It is known by its reference to the other system, as it may have been folded into another
        one here; its identifier decides between several, or where no one has it.
        """
        named = visible(self._transaction, DEVICES, origin, self._tenant)
        ours = named if named and self._holds(named) else None
        if ours and all(one in ours.get("external_refs", []) for one in references):
            return ours
        referring = list(self._referring(references))
        within = next(filter(self._holds, referring), ours)
        if within is None and (elsewhere := [*([named] if named else []), *referring]):
            raise KnownElsewhere(elsewhere[0])
        return within

    def origin(self, kind: Kind, origin: str, current: Document) -> dict[str, Any] | None:
        """What the last import that reached ``current`` said of it; None when there was none."""
        said = self._said(self._key(kind, origin, self._owner, self.home))
        if said is None and not current.get("home_id"):
            said = self._said(self._key(kind, origin, tenant_of(kind, current), None))
        return self._said_to_whomever(kind, origin) if said is None else said

    def key(self, kind: Kind, origin: str) -> str:
        """Under which what this import says of a row is kept: apart by customer and home."""
        return self._key(kind, origin, self._owner, self.home)

    def _said_to_whomever(self, kind: Kind, origin: str) -> dict[str, Any] | None:
        """What was kept when customers and homes were not told apart yet.

        Unless it names this home, it may be another's: all that is known then is that the
        differences may be a person's, and none of them is overwritten.
        """
        said = self._said(f"{kind.name}/{origin}")
        if said is None or (self.home and said.get("home_id") == self.home):
            return said
        return {}

    def _said(self, key: str) -> dict[str, Any] | None:
        stored = self._transaction.get(ORIGINS.name, key)
        return stored.document()["fields"] if stored else None

    @staticmethod
    def _key(kind: Kind, origin: str, owner: str, home: str | None) -> str:
        return f"{kind.name}/{owner}/{home or ''}/{origin}"

    def _holds(self, device: Document) -> bool:
        home = device.get("home_id")
        return home == self.home if home else tenant_of(DEVICES, device) in self._owners

    def _referring(self, references: Sequence[dict[str, str]]) -> Iterator[Document]:
        """The customer's devices that have one of the references, then nobody's."""
        keys = list(device_keys({"external_refs": references}))
        for owner in self._owners if keys else []:
            query = Query(limit=MANY, tenant=owner, keys=[keys])
            yield from (one.document() for one in self._transaction.find(DEVICES.name, query))
