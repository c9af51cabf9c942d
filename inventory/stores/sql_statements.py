"""The statements of the SQL stores, each written by SQLAlchemy once for its shape.

They are run on the driver's own connection: SQLAlchemy's way to a row takes 126 µs, this one 14.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ClauseElement,
    ColumnElement,
    Dialect,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from inventory.domain.resource import to_json
from inventory.domain.store import ChangeQuery, Query
from inventory.stores import sql_queries as queries
from inventory.stores import sql_schema as schema

MAX_SHAPES = 512  # statements that are kept, one for each combination of conditions
LIKE_ESCAPE = "!"  # a backslash is special to some of PostgreSQL's strings

Values = dict[str, Any]


class Prepared:
    """A statement in the database's own words, and the values that are part of it."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def values(self, given: Mapping[str, Any]) -> Values:
        """All that the text wants, by name."""
        return {**self._fixed, **given}


class Statements:
    """Writes statements for one dialect, and keeps them."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[Any, Prepared] = {}
        self._is_postgresql = dialect.name == "postgresql"
        self._upsert = postgresql.insert if self._is_postgresql else sqlite.insert

    def of(self, shape: Any, write: Callable[[], ClauseElement]) -> Prepared:
        """The statement of this shape; ``write`` is called when there is none yet."""
        prepared = self._kept.get(shape)
        if prepared is None:
            if len(self._kept) >= MAX_SHAPES:
                self._kept.clear()
            prepared = self._kept[shape] = Prepared(write(), self._dialect)
        return prepared

    def get(self, kind: str) -> Prepared:
        """A resource by ``identifier``."""
        table = schema.resources[kind]
        return self.of(
            ("get", kind),
            lambda: select(*queries.stored(table)).where(
                table.c.identifier == bindparam("identifier")
            ),
        )

    def get_many(self, kind: str) -> Prepared:
        """Resources by ``identifiers``, which is ``listed``."""
        table = schema.resources[kind]
        return self.of(
            ("get_many", kind),
            lambda: select(*queries.stored(table)).where(self._is_listed(table.c.identifier)),
        )

    def listed(self, identifiers: Collection[str]) -> Any:
        """Any number of identifiers as one value: a statement for each number would be many."""
        return list(identifiers) if self._is_postgresql else to_json(list(identifiers))

    def _is_listed(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        if self._is_postgresql:
            return column == any_(bindparam("identifiers", type_=ARRAY(Text)))
        listed = func.json_each(bindparam("identifiers")).table_valued("value")
        return column.in_(select(listed.c.value))

    def find(self, kind: str, query: Query) -> Prepared:
        """The resources that a query of this shape asks for."""
        return self.of(("find", kind, queries.shape(query), tuple(query.sort), bool(query.after)),
                       lambda: queries.find(kind, query))  # fmt: skip

    def count(self, kind: str, query: Query) -> Prepared:
        """How many they are."""
        table = schema.resources[kind]
        return self.of(
            ("count", kind, queries.shape(query)),
            lambda: select(func.count()).select_from(table).where(*queries.conditions(kind, query)),
        )

    def summarize(self, kind: str, query: Query, by: Sequence[str]) -> Prepared:
        """How many they are for each combination of columns."""
        return self.of(
            ("summarize", kind, queries.shape(query), tuple(by)),
            lambda: queries.summarize(kind, query, by),
        )

    def changes(self, query: ChangeQuery) -> Prepared:
        """Changes by the members of the query that are set."""
        return self.of(("changes", *queries.change_shape(query)), lambda: queries.changes(query))

    def shared_keys(self, prefixes: int, of_tenant: bool) -> Prepared:
        """Keys that several devices of one tenant have, with their tenants and the devices."""
        return self.of(
            ("shared_keys", prefixes, of_tenant), lambda: queries.shared_keys(prefixes, of_tenant)
        )

    def keys(self) -> Prepared:
        """The keys of a resource, each with the tenant that it is kept with."""
        table = schema.keys
        wanted = (table.c.kind == bindparam("kind"), table.c.identifier == bindparam("identifier"))
        return self.of("keys", lambda: select(table.c.key, table.c.tenant).where(*wanted))

    def newest_tombstone(self, of_tenant: bool) -> Prepared:
        """The latest tombstone of an identifier."""
        table = schema.tombstones
        return self.of(
            ("newest_tombstone", of_tenant),
            lambda: (
                select(table)
                .where(
                    table.c.kind == bindparam("kind"),
                    table.c.identifier == bindparam("identifier"),
                    *([table.c.tenant == bindparam("tenant")] if of_tenant else []),
                )
                .order_by(table.c.deleted_at.desc(), table.c.uid.desc())
                .limit(1)
            ),
        )

    def old_tombstones(self) -> Prepared:
        """Tombstones from before ``deleted_before``."""
        table = schema.tombstones
        return self.of(
            "old_tombstones",
            lambda: (
                select(table)
                .where(table.c.deleted_at < bindparam("deleted_before"))
                .order_by(table.c.deleted_at, table.c.kind, table.c.uid)
                .limit(bindparam("limit"))
            ),
        )

    def reply(self) -> Prepared:
        """What was answered to a key."""
        table = schema.replies
        wanted = (table.c.principal == bindparam("principal"), table.c.key == bindparam("key"))
        return self.of("reply", lambda: select(table).where(*wanted))

    def old_replies(self) -> Prepared:
        """Deletes the replies from before ``at_before``."""
        table = schema.replies
        return self.of(
            "old_replies", lambda: delete(table).where(table.c.at < bindparam("at_before"))
        )

    def part(self) -> Prepared:
        """A part of a job."""
        table = schema.parts
        wanted = (table.c.job == bindparam("job"), table.c.number == bindparam("number"))
        return self.of("part", lambda: select(table.c.content).where(*wanted))

    def ping(self) -> Prepared:
        """Says that somebody listens."""
        return self.of("ping", lambda: select(literal(1)))

    def insert(self, table: Table) -> Prepared:
        """A row of all columns by their names, but those that the database fills in."""
        columns = [c for c in table.c if c is not schema.changes.c.sequence]
        return self.of(
            ("insert", table.name),
            lambda: insert(table).values({c: bindparam(c.name) for c in columns}),
        )

    def record(self) -> Prepared:
        """As ``insert`` of a change; gives its sequence."""
        table = schema.changes
        columns = [c for c in table.c if c is not table.c.sequence]
        return self.of(
            "record",
            lambda: (
                insert(table)
                .values({c: bindparam(c.name) for c in columns})
                .returning(table.c.sequence)
            ),
        )

    def put(self, table: Table) -> Prepared:
        """As ``insert``, in the place of a row of the same key."""

        def write() -> ClauseElement:
            statement = self._upsert(table).values({c: bindparam(c.name) for c in table.c})
            own = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key}
            return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=own)

        return self.of(("put", table.name), write)

    def update(self, table: Table) -> Prepared:
        """A resource's row by ``identifier``."""
        columns = [c for c in table.c if c.name != "identifier"]
        return self.of(
            ("update", table.name),
            lambda: (
                update(table)
                .where(table.c.identifier == bindparam("identifier_"))
                .values({c: bindparam(c.name) for c in columns})
            ),
        )

    def delete(self, table: Table, *columns: str) -> Prepared:
        """Rows by these columns."""
        return self.of(
            ("delete", table.name, columns),
            lambda: delete(table).where(*(table.c[name] == bindparam(name) for name in columns)),
        )
