"""What has to hold between resources. Everything here runs inside of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from inventory.domain import device as device_rules
from inventory.domain.entries import tenant_of
from inventory.domain.errors import (
    AttributesDoNotFit,
    NotYours,
    ReferenceCycle,
    ReferencesDisagree,
    SchemaFault,
    StillInUse,
    TooManyDevices,
    UnknownReference,
)
from inventory.domain.kinds import (
    AREAS,
    CUSTOMERS,
    DEVICE_LINKS,
    DEVICE_TYPES,
    DEVICES,
    HOMES,
    KINDS,
    Kind,
)
from inventory.domain.resource import Document
from inventory.domain.store import Query, Reader

LONGEST_CHAIN = 64  # hubs behind hubs


class AttributeSchemas(Protocol):
    """Judges attributes by the JSON Schemas (Draft 4) of device types."""

    def fault(self, schema: Mapping[str, Any]) -> str | None:
        """What is wrong with the schema itself, or None."""
        ...

    def faults(
        self, schema: Mapping[str, Any], attributes: Mapping[str, Any]
    ) -> Sequence[tuple[str, str]]:
        """Where the attributes do not fit, as JSON Pointers with what is wrong there."""
        ...


def owner(reader: Reader, kind: Kind, document: Mapping[str, Any]) -> str:
    """The customer whose the resource is, or ""."""
    if kind is AREAS:
        home = reader.get(HOMES.name, document["home_id"])
        return tenant_of(HOMES, home.document()) if home else ""
    return tenant_of(kind, document)


def visible(reader: Reader, kind: Kind, identifier: str, tenant: str | None) -> Document | None:
    """The resource as a principal of this tenant sees it; None when it does not."""
    stored = reader.get(kind.name, identifier)
    if stored is None:
        return None
    document = stored.document()
    if tenant is None or kind is DEVICE_TYPES or owner(reader, kind, document) == tenant:
        return document
    return None


class Rules:
    """The rules of all kinds, for one transaction and one principal's tenant."""

    def __init__(self, reader: Reader, schemas: AttributeSchemas, tenant: str | None) -> None:
        self._reader = reader
        self._schemas = schemas
        self._tenant = tenant
        self._of_kind: Mapping[str, Callable[[Document, Document | None], None]] = {
            DEVICES.name: self._check_device,
            CUSTOMERS.name: self._check_customer,
            HOMES.name: self._check_home,
            AREAS.name: self._check_area,
            DEVICE_TYPES.name: self._check_device_type,
        }

    def complete(self, kind: Kind, fields: Mapping[str, Any]) -> Document:
        """The fields with those that follow from others: an area's home, a home's customer."""
        document = dict(fields)
        if kind is DEVICES:
            document = device_rules.normal(document)
            self._follow(document, "area_id", AREAS, "home_id")
            self._follow(document, "home_id", HOMES, "customer_id")
        if kind in (DEVICES, HOMES) and self._tenant and not document.get("customer_id"):
            document["customer_id"] = self._tenant
        return document

    def check(self, kind: Kind, document: Document, before: Document | None) -> None:
        """``InventoryError`` when the document may not be; ``before`` is what it was."""
        self._of_kind[kind.name](document, before)

    def check_creation(self, kind: Kind) -> None:
        """``InventoryError`` when the principal may create none, whatever is there already."""
        if kind in (CUSTOMERS, DEVICE_TYPES):
            self._need_everybody(kind)

    def check_deletion(self, kind: Kind, document: Document) -> None:
        """``InventoryError`` when the resource may not be deleted."""
        identifier = document["identifier"]
        if kind in (CUSTOMERS, DEVICE_TYPES):
            self._need_everybody(kind)
        users = {
            CUSTOMERS.name: [(DEVICES, "customer_id"), (HOMES, "customer_id")],
            HOMES.name: [(DEVICES, "home_id")],
            DEVICE_TYPES.name: [(DEVICES, "device_type")],
        }.get(kind.name, [])
        for user, member in users:
            if self._is_used(user, member, identifier):
                raise StillInUse(kind.noun, identifier, user.noun + "s")

    def _need_everybody(self, kind: Kind) -> None:
        if self._tenant is not None:
            raise NotYours(self._tenant, KINDS[kind.name].noun + "s")

    def _is_used(self, kind: Kind, member: str, identifier: str) -> bool:
        query = Query(limit=1, filters={member: [identifier]})
        return bool(self._reader.find(kind.name, query))

    def _follow(self, document: Document, member: str, kind: Kind, wanted: str) -> None:
        if document.get(member) and not document.get(wanted):
            found = visible(self._reader, kind, document[member], self._tenant)
            if found and found.get(wanted):
                document[wanted] = found[wanted]

    def _refer(self, document: Document, member: str, kind: Kind) -> Document | None:
        """What the member names; None when it is not set."""
        identifier = document.get(member)
        if not identifier:
            return None
        found = visible(self._reader, kind, identifier, self._tenant)
        if found is None:
            raise UnknownReference(member, f"There is no {kind.noun} {identifier}.")
        return found

    def _agree(self, document: Document, member: str, found: Document | None, with_: str) -> None:
        if found and found.get(with_) != document.get(with_):
            said = document.get(with_) or "none"
            raise ReferencesDisagree(
                member,
                f"{member} {found['identifier']} has the {with_} {found.get(with_)}, not {said}.",
            )

    def _check_device(self, document: Document, before: Document | None) -> None:
        device_rules.check(document)
        changed = _changed(document, before)
        if changed & {"customer_id", "home_id", "area_id"}:
            self._refer(document, "customer_id", CUSTOMERS)
            self._agree(document, "home_id", self._refer(document, "home_id", HOMES), "customer_id")
            self._agree(document, "area_id", self._refer(document, "area_id", AREAS), "home_id")
        for member in DEVICE_LINKS:
            if member in changed or "customer_id" in changed:
                self._check_link(document, member)
        if "customer_id" in changed:
            self._check_room(document)
            if before is not None:
                self._check_followers(document)
        if changed & {"attributes", "device_type"}:
            self._check_attributes(document)

    def _check_link(self, document: Document, member: str) -> None:
        found = self._refer(document, member, DEVICES)
        self._agree(document, member, found, "customer_id")
        for _ in range(LONGEST_CHAIN):
            if found is None or not found.get(member):
                return
            if found[member] == document["identifier"]:
                break
            stored = self._reader.get(DEVICES.name, found[member])
            found = stored.document() if stored else None
        else:
            message = f"There are more than {LONGEST_CHAIN} devices behind {document[member]}."
            raise ReferenceCycle(member, message)
        raise ReferenceCycle(
            member, f"From {document[member]}, {member} leads back to {document['identifier']}."
        )

    def _check_followers(self, document: Document) -> None:
        """A hub goes to another customer only without the devices behind it."""
        for member in DEVICE_LINKS:
            if self._is_used(DEVICES, member, document["identifier"]):
                raise StillInUse("device", document["identifier"], "devices that name it")

    def _check_room(self, document: Document) -> None:
        customer = self._refer(document, "customer_id", CUSTOMERS)
        limit = customer.get("max_devices") if customer else None
        if customer and limit is not None:
            identifier = customer["identifier"]
            if self._reader.count(DEVICES.name, Query(tenant=identifier)) >= limit:
                raise TooManyDevices(identifier, limit)

    def _check_attributes(self, document: Document) -> None:
        stored = self._reader.get(DEVICE_TYPES.name, document["device_type"])
        schema = stored.document().get("attribute_schema") if stored else None
        if schema:
            faults = self._schemas.faults(schema, document.get("attributes", {}))
            if faults:
                raise AttributesDoNotFit(document["device_type"], faults)

    def _check_customer(self, document: Document, before: Document | None) -> None:
        if before is None or _changed(document, before) & {"max_devices", "status"}:
            self._need_everybody(CUSTOMERS)

    def _check_home(self, document: Document, before: Document | None) -> None:
        self._refer(document, "customer_id", CUSTOMERS)
        if before and before["customer_id"] != document["customer_id"]:
            for kind in (DEVICES, AREAS):
                if self._is_used(kind, "home_id", document["identifier"]):
                    raise StillInUse("home", document["identifier"], kind.noun + "s")

    def _check_area(self, document: Document, before: Document | None) -> None:
        self._refer(document, "home_id", HOMES)
        moves = before is not None and before["home_id"] != document["home_id"]
        if moves and self._is_used(DEVICES, "area_id", document["identifier"]):
            raise StillInUse("area", document["identifier"], "devices")

    def _check_device_type(self, document: Document, _before: Document | None) -> None:
        self._need_everybody(DEVICE_TYPES)
        schema = document.get("attribute_schema")
        fault = self._schemas.fault(schema) if schema else None
        if fault:
            raise SchemaFault(fault)


def _changed(document: Document, before: Document | None) -> set[str]:
    if before is None:
        return set(document)
    return {m for m in {*document, *before} if document.get(m) != before.get(m)}
