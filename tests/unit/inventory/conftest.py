"""What the inventory's unit tests share: a store, a clock that runs, and somebody who works."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from inventory.attribute_schemas import CompiledSchemas
from inventory.domain.caller import Caller
from inventory.domain.kinds import AREAS, CUSTOMERS, DEVICE_TYPES, DEVICES, HOMES, Kind
from inventory.domain.preconditions import Preconditions
from inventory.domain.resource import timestamp
from inventory.domain.store import Change, ChangeQuery, Store, Stored
from inventory.reading import Reading
from inventory.stores.sql_store import SQLStore, open_sqlite
from inventory.work import Sources, Work

T = TypeVar("T")
Documents = dict[str, Any]

START = datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC)
EVERYTHING = ChangeQuery(limit=10_000)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that has nothing: to copy it is faster than to make another one."""
    file = tmp_path_factory.mktemp("empty") / "inventory.db"
    open_sqlite(file, threads=1).close()
    return file


@pytest.fixture
def store(tmp_path: Path, empty_database: Path) -> Iterator[SQLStore]:
    store = open_sqlite(Path(shutil.copy(empty_database, tmp_path)), threads=1)
    yield store
    store.close()


class Clock:
    """The time, which each look moves on by a second."""

    def __init__(self) -> None:
        self._seconds = count()

    def __call__(self) -> str:
        return timestamp(START + datetime.timedelta(seconds=next(self._seconds)))


@dataclass
class Somebody:
    """A caller at a store: each act is a piece of work of its own."""

    store: Store
    sources: Sources
    caller: Caller

    def do(self, act: Callable[[Work], T]) -> T:
        return self.store.write(lambda t: act(Work(t, self.caller, self.sources)))

    def create(self, kind: Kind, **fields: Any) -> Stored:
        return self.do(lambda work: work.create(kind, fields))

    def put(self, kind: Kind, identifier: str, **fields: Any) -> tuple[Stored, bool]:
        return self.do(lambda work: work.put(kind, identifier, fields, Preconditions()))

    def patch(self, kind: Kind, identifier: str, **patch: Any) -> Stored:
        return self.do(lambda work: work.patch(kind, identifier, patch, Preconditions()))

    def delete(self, kind: Kind, identifier: str) -> None:
        self.do(lambda work: work.delete(kind, identifier, Preconditions()))

    def restore(self, identifier: str) -> Stored:
        return self.do(lambda work: work.restore(DEVICES, identifier))

    def device(self, identifier: str = "lamp", **fields: Any) -> Stored:
        return self.create(DEVICES, **A_DEVICE | {"identifier": identifier} | fields)

    def customer(self, identifier: str = "acme", **fields: Any) -> Stored:
        return self.create(CUSTOMERS, **{"identifier": identifier, "name": identifier} | fields)

    def home(self, identifier: str = "villa", customer: str = "acme", **fields: Any) -> Stored:
        own = {"identifier": identifier, "customer_id": customer, "name": identifier}
        return self.create(HOMES, **own | fields)

    def area(self, identifier: str = "hall", home: str = "villa", **fields: Any) -> Stored:
        own = {"identifier": identifier, "home_id": home, "name": identifier}
        return self.create(AREAS, **own | fields)

    def device_type(self, identifier: str = "light", **fields: Any) -> Stored:
        return self.create(DEVICE_TYPES, **{"identifier": identifier, "title": identifier} | fields)

    def document(self, identifier: str = "lamp", kind: Kind = DEVICES) -> Documents:
        return self.reading.get(kind, identifier).document()

    @property
    def reading(self) -> Reading:
        return Reading(self.store, self.caller, self.sources.now)

    @property
    def changes(self) -> list[Change]:
        """All that was ever recorded, whoever may see it."""
        return self.store.changes(EVERYTHING)


WRITING = ("devices:write", "customers:write")
A_DEVICE = {"name": "Hall light", "device_type": "light"}
Callers = Callable[..., Somebody]


@dataclass
class World:
    """Sources that say the same each time the tests run."""

    clock: Clock = field(default_factory=Clock)
    made: Iterator[int] = field(default_factory=count)

    def sources(self) -> Sources:
        return Sources(
            now=self.clock,
            uid=lambda: f"uid-{next(self.made)}",
            identifier=lambda: f"made-{next(self.made)}",
            schemas=CompiledSchemas(),
        )


@pytest.fixture
def sources() -> Sources:
    return World().sources()


@pytest.fixture
def a_caller(store: SQLStore, sources: Sources) -> Callers:
    """Makes callers: ``a_caller("acme")`` is bound to that customer, ``a_caller()`` to none."""

    def make(tenant: str | None = None, scopes: Collection[str] = WRITING) -> Somebody:
        caller = Caller(tenant or "admin", tenant, "r-1", frozenset(scopes))
        return Somebody(store, sources, caller)

    return make


@pytest.fixture
def admin(a_caller: Callers) -> Somebody:
    """Somebody who is bound to no customer."""
    return a_caller()
