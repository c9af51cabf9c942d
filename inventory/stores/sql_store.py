"""The store in a SQL database, by SQLAlchemy: SQLite, the embedded default, and PostgreSQL."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from inventory.domain.resource import to_json
from inventory.domain.store import (
    Change,
    ChangeQuery,
    Entry,
    Query,
    Reply,
    Stored,
    StoreError,
    Tombstone,
    Transaction,
)
from inventory.stores import sql_schema as schema
from inventory.stores.group_commit import GroupCommit
from inventory.stores.sql_connections import Driver, Errors, Readers, engines, migrate
from inventory.stores.sql_queries import change_values, named, values_of
from inventory.stores.sql_statements import Prepared, Statements

T = TypeVar("T")

LAST = "\U0010ffff"  # greater than every text that goes on after a prefix


class _SQLReader:
    """The port's ``Reader`` over whatever runs a statement."""

    _statements: Statements

    @abstractmethod
    def _rows(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any]: ...

    def get(self, kind: str, identifier: str) -> Stored | None:
        rows = self._rows(self._statements.get(kind), {"identifier": identifier})
        return Stored(*rows[0]) if rows else None

    def get_many(self, kind: str, identifiers: Collection[str]) -> dict[str, Stored]:
        values = {"identifiers": self._statements.listed(identifiers)}
        rows = self._rows(self._statements.get_many(kind), values)
        return {row[0]: Stored(*row) for row in rows}

    def find(self, kind: str, query: Query) -> list[Stored]:
        rows = self._rows(self._statements.find(kind, query), values_of(query))
        return [Stored(*row) for row in rows]

    def count(self, kind: str, query: Query) -> int:
        rows = self._rows(self._statements.count(kind, query), values_of(query))
        return cast(int, rows[0][0])

    def summarize(
        self, kind: str, query: Query, by: Sequence[str]
    ) -> list[tuple[tuple[str, ...], int]]:
        rows = self._rows(self._statements.summarize(kind, query, by), values_of(query))
        return [(tuple(row[:-1]), row[-1]) for row in rows]

    def shared_keys(
        self, prefixes: Collection[str], tenant: str | None, after: str, limit: int
    ) -> list[tuple[str, list[str]]]:
        values = {"after": after, "limit": limit, "tenant": tenant}
        values |= named("p", prefixes) | named("q", [prefix + LAST for prefix in prefixes])
        statement = self._statements.shared_keys(len(prefixes), tenant is not None)
        holders: dict[tuple[str, str], list[str]] = {}
        for key, of, identifier in self._rows(statement, values):
            holders.setdefault((key, of), []).append(identifier)
        return [(key, identifiers) for (key, _), identifiers in holders.items()]

    def changes(self, query: ChangeQuery) -> list[Change]:
        rows = self._rows(self._statements.changes(query), change_values(query))
        names = [column.name for column in schema.changes.c]
        return [Change(**dict(zip(names, row, strict=True))) for row in rows]

    def tombstone(self, kind: str, identifier: str, tenant: str | None = None) -> Tombstone | None:
        statement = self._statements.newest_tombstone(tenant is not None)
        values = {"kind": kind, "identifier": identifier, "tenant": tenant}
        rows = self._rows(statement, values)
        return _tombstone(rows[0]) if rows else None

    def tombstones(self, deleted_before: str, limit: int) -> list[Tombstone]:
        values = {"deleted_before": deleted_before, "limit": limit}
        return [_tombstone(row) for row in self._rows(self._statements.old_tombstones(), values)]

    def reply(self, principal: str, key: str) -> Reply | None:
        rows = self._rows(self._statements.reply(), {"principal": principal, "key": key})
        if not rows:
            return None
        _, _, fingerprint, at, content = rows[0]
        return Reply(principal, key, fingerprint, at, bytes(content).decode())

    def part(self, job: str, number: int) -> bytes | None:
        rows = self._rows(self._statements.part(), {"job": job, "number": number})
        return bytes(rows[0][0]) if rows else None


class SQLTransaction(_SQLReader):
    """A transaction that is under way, on the driver's connection."""

    def __init__(self, driver: Driver, statements: Statements, errors: Errors) -> None:
        self._driver = driver
        self._statements = statements
        self._errors = errors
        self._lost: BaseException | None = None

    def attempt(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns; what it did is undone when it raises."""
        self.check()
        self._execute("SAVEPOINT work")
        try:
            result = work(self)
            self._execute("RELEASE SAVEPOINT work")
        except BaseException as exc:
            self._undo(exc)
            raise
        return result

    def check(self) -> None:
        """Raises what made the database give up the whole transaction, if it has."""
        if self._lost:
            raise self._lost

    def _undo(self, cause: BaseException) -> None:
        try:
            self._execute("ROLLBACK TO SAVEPOINT work")
            self._execute("RELEASE SAVEPOINT work")
        except StoreError as exc:
            # On a full disk, SQLite rolls back everything: what others of the group have done is
            # gone too, and what comes after would not be in a transaction.
            self._lost = cause if isinstance(cause, StoreError) else exc

    def _execute(self, text: str, values: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._driver.execute(text, values or {})
        except self._errors as exc:
            raise _refusal(exc) from exc

    def _rows(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any]:
        return list(self._run(statement, values).fetchall())

    def _run(self, statement: Prepared, values: Mapping[str, Any]) -> Any:
        return self._execute(statement.text, statement.values(values))

    def _run_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        try:
            self._driver.cursor().executemany(statement.text, [statement.values(r) for r in rows])
        except self._errors as exc:
            raise _refusal(exc) from exc

    def insert(self, kind: str, entry: Entry) -> None:
        self._run(self._statements.insert(schema.resources[kind]), row_of(entry))
        self._insert_keys(kind, entry, entry.keys)

    def replace(self, kind: str, entry: Entry) -> None:
        row = row_of(entry)
        row["identifier_"] = row.pop("identifier")
        self._run(self._statements.update(schema.resources[kind]), row)
        self._replace_keys(kind, entry)

    def remove(self, kind: str, identifier: str) -> None:
        name = {"kind": kind, "identifier": identifier}
        self._run(self._statements.delete(schema.resources[kind], "identifier"), name)
        self._run(self._statements.delete(schema.keys, "kind", "identifier"), name)

    def _replace_keys(self, kind: str, entry: Entry) -> None:
        # To read them costs less than to write them again, and mostly they are as they were.
        name = {"kind": kind, "identifier": entry.stored.identifier}
        held = dict(self._rows(self._statements.keys(), name))
        gone = [key for key, of in held.items() if key not in entry.keys or of != entry.tenant]
        statement = self._statements.delete(schema.keys, "kind", "identifier", "key")
        self._run_many(statement, [name | {"key": key} for key in gone])
        new = [key for key in entry.keys if held.get(key) != entry.tenant]
        self._insert_keys(kind, entry, new)

    def _insert_keys(self, kind: str, entry: Entry, keys: Collection[str]) -> None:
        row = {"kind": kind, "identifier": entry.stored.identifier, "tenant": entry.tenant}
        rows = [row | {"key": key} for key in sorted(keys)]
        self._run_many(self._statements.insert(schema.keys), rows)

    def bury(self, tombstone: Tombstone) -> None:
        entry = tombstone.entry
        row = {
            "kind": tombstone.kind, "uid": entry.uid, "identifier": entry.stored.identifier,
            "tenant": entry.tenant, "deleted_at": tombstone.deleted_at,
            "revision": entry.stored.revision, "etag": entry.stored.etag,
            "body": entry.stored.body, "words": entry.words,
            "columns": to_json(dict(entry.columns)), "keys": to_json(sorted(entry.keys)),
        }  # fmt: skip
        self._run(self._statements.insert(schema.tombstones), row)

    def exhume(self, kind: str, uid: str) -> None:
        statement = self._statements.delete(schema.tombstones, "kind", "uid")
        self._run(statement, {"kind": kind, "uid": uid})

    def record(self, change: Change) -> int:
        row = {c.name: getattr(change, c.name) for c in schema.changes.c if c.name != "sequence"}
        return cast(int, self._rows(self._statements.record(), row)[0][0])

    def keep_reply(self, reply: Reply) -> None:
        row = {column.name: getattr(reply, column.name) for column in schema.replies.c}
        row["content"] = reply.content.encode()
        self._run(self._statements.put(schema.replies), row)

    def forget_replies(self, before: str) -> int:
        return cast(int, self._run(self._statements.old_replies(), {"at_before": before}).rowcount)

    def add_part(self, job: str, number: int, content: bytes) -> None:
        row = {"job": job, "number": number, "content": content}
        self._run(self._statements.put(schema.parts), row)

    def drop_parts(self, job: str) -> None:
        self._run(self._statements.delete(schema.parts, "job"), {"job": job})


class SQLStore(_SQLReader):
    """The ``Store`` in one database, for any number of processes.

    Writes of one process are committed in groups. On SQLite, write-ahead logging lets readers go
    on meanwhile, and ``synchronous=FULL`` makes an acknowledged write survive a power loss.
    """

    def __init__(self, url: str, *, threads: int) -> None:
        """Opens the database, and brings it to the newest schema. ``StoreError`` if it cannot.

        ``url``: SQLAlchemy's, of sqlite or postgresql+psycopg. ``threads``: that read.
        """
        place = make_url(url)
        self.reads_are_local = place.get_backend_name() == "sqlite"
        reader, self._writer = engines(place)
        self._statements = Statements(reader.dialect)
        self._errors: Errors = (SQLAlchemyError, reader.dialect.loaded_dbapi.Error)
        self._readers = Readers(reader, self._errors, threads)
        try:
            migrate(self._writer)
        except self._errors as exc:
            raise _refusal(exc, f"{place.database} cannot be used") from exc
        self._commits = GroupCommit(self._transaction)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Does the work, whole or not at all, durably."""
        try:
            return cast(T, self._commits.run(lambda transaction: transaction.attempt(work)))
        except self._errors as exc:
            raise _refusal(exc) from exc

    def _rows(self, statement: Prepared, values: Mapping[str, Any]) -> list[Any]:
        try:
            return self._readers.rows(statement.text, statement.values(values))
        except self._errors as exc:
            raise _refusal(exc) from exc

    @contextmanager
    def _transaction(self) -> Iterator[SQLTransaction]:
        """A transaction of the group commit's thread, committed and on the disk at its end."""
        with self._writer.begin() as connection:
            driver = cast(Driver, connection.connection.driver_connection)
            transaction = SQLTransaction(driver, self._statements, self._errors)
            yield transaction
            transaction.check()

    def ping(self) -> None:
        """Returns when the database answers."""
        self._rows(self._statements.ping(), {})

    def close(self) -> None:
        """Commits what is waiting and closes the connections."""
        self._commits.close()
        # With its last connection, SQLite folds the write-ahead log into the file.
        self._readers.close()
        self._writer.dispose()


def open_sqlite(file: Path, *, threads: int) -> SQLStore:
    """The store in a SQLite file, which is made, with its folder, when there is none."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    url = URL.create("sqlite", database=str(file))
    return SQLStore(url.render_as_string(), threads=threads)


def _refusal(exc: BaseException, what: str = "the database refused") -> StoreError:
    """No exception of a library crosses the port."""
    return StoreError(f"{what}: {getattr(exc, 'orig', None) or exc}")


def row_of(entry: Entry) -> dict[str, Any]:
    """The entry as its kind's table has it."""
    stored = entry.stored
    return {
        **entry.columns, "identifier": stored.identifier, "uid": entry.uid,
        "tenant": entry.tenant, "revision": stored.revision, "etag": stored.etag,
        "body": stored.body, "words": entry.words,
    }  # fmt: skip


def _tombstone(row: Any) -> Tombstone:
    names = [column.name for column in schema.tombstones.c]
    of = dict(zip(names, row, strict=True))
    stored = Stored(of["identifier"], of["revision"], of["etag"], of["body"])
    keys = frozenset(json.loads(of["keys"]))
    columns = json.loads(of["columns"])
    entry = Entry(stored, of["uid"], of["tenant"], columns, keys, of["words"])
    return Tombstone(of["kind"], of["deleted_at"], entry)
