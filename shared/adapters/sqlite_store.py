"""The store in one SQLite file, or in memory, with Firestore's rules and Firestore's order.

One connection behind one lock: an operation takes some ten microseconds, and a database in memory has only the one.
Another process may use the same file meanwhile (WAL); a transaction checks what it has read when it commits.
"""

# ruff: noqa: S608 - every name in a statement is from shared/schema.py, and every value goes in as a parameter.

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from math import fsum
from pathlib import Path
from typing import Any, TypeVar

from shared import codec
from shared.adapters.store_rules import PendingTransaction, Question, Rules, Write, pause
from shared.errors import Conflict, TryAgain
from shared.ports import Page, Revision, Snapshot, Transaction, Value
from shared.schema import QUERIES, Collection, Key, Query

T = TypeVar("T")
R = TypeVar("R")

MEMORY = ":memory:"

TRANSACTION_ATTEMPTS = 50
"""Each lost attempt means that another transaction has committed, so even a crowd gets through."""

FIRST_PAUSE = timedelta(milliseconds=1)
LONGEST_PAUSE = timedelta(milliseconds=50)
"""A transaction lasts well under a millisecond here; longer waits would only be idle."""

BUSY_TIMEOUT = timedelta(seconds=5)
"""How long another process may hold the file before we give up with TryAgain."""

WRITES_PER_OPENING = 2**40
"""A revision is the opening's number times this, plus a count: no two writes to a file ever share one."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class SqliteStore:
    """ports.Store on SQLite. `path` is a file or ":memory:".

    `queries` may be asked. `conflicts` is asked at every commit of a transaction: True makes it fail as if another
    had been faster, and run again. `sleep` waits between such attempts.
    """

    def __init__(
        self,
        path: Path | str = MEMORY,
        *,
        queries: Iterable[Query[Any]] = QUERIES,
        conflicts: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._queries = tuple(queries)
        self._rules = Rules(self._queries)
        self._conflicts = conflicts
        self._sleep = sleep
        self._tables: dict[str, _Table] = {}
        self._lock = threading.RLock()
        self._connection, opening = _open(path)
        self._revisions = count(opening * WRITES_PER_OPENING + 1)

    def close(self) -> None:
        """Close the file; a store in memory is gone then."""
        with self._lock:
            self._connection.close()

    def get(self, key: Key[T]) -> Snapshot[T] | None:
        """The document, or None."""
        self._rules.outside_transaction()
        found = self._read(key)
        return (
            None if found is None else Snapshot(key, codec.from_bytes(key.collection.record, found[1]), str(found[0]))
        )

    def get_many(self, keys: Sequence[Key[T]]) -> tuple[Snapshot[T] | None, ...]:
        """The documents in the order of the keys, all as of one moment."""
        with self._lock:
            return tuple(self.get(key) for key in keys)

    def create(self, key: Key[T], value: T) -> Revision:
        """Write a document that must not exist yet; Conflict otherwise."""
        self._rules.outside_transaction()
        plain, body = self._rules.document(key, value)
        with self._lock:
            return str(self._write(Write("create", key, plain, body)))

    def put(self, key: Key[T], value: T, *, revision: Revision) -> Revision:
        """Write the document if it is still at `revision`; Conflict otherwise. Unchanged content keeps its revision."""
        self._rules.outside_transaction()
        plain, body = self._rules.document(key, value)
        table = self._table(key.collection)
        expected = int(revision) if revision.isascii() and revision.isdecimal() else -1
        ids = _ids(key)
        with self._lock:
            new = next(self._revisions)
            if self._change(table.replace, (new, body, *table.columns_of(plain), *ids, expected, body)):
                return str(new)
            found = self._read(key)
        if found is not None and found[0] == expected:
            return revision
        raise Conflict(f"a document of {key.collection.name} has changed")

    def delete(self, key: Key[Any]) -> None:
        """Remove the document; a missing one is no error."""
        self._rules.outside_transaction()
        with self._lock:
            self._write(Write("delete", key, {}, b""))

    def find(
        self,
        query: Query[T],
        *,
        limit: int,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        contains: Value | None = None,
        since: Value | None = None,
        before: Value | None = None,
        cursor: str = "",
    ) -> Page[T]:
        """Documents in the query's order, then by id; `since <= order field < before`."""
        self._rules.outside_transaction()
        question = self._rules.question(
            query,
            limit=limit,
            parent=parent,
            equal=equal,
            contains=contains,
            since=since,
            before=before,
            cursor=cursor,
        )
        condition, values = self._table(query.collection).condition(question)
        # One row more than asked for tells whether there is a next page.
        rows = self._rows(f"SELECT parent, id, revision, body {condition} LIMIT ?", (*values, limit + 1))
        items = tuple(
            Snapshot(
                Key(query.collection, (owner, id_) if owner else (id_,)),
                codec.from_bytes(query.record, body),
                str(revision),
            )
            for owner, id_, revision, body in rows[:limit]
        )
        if len(rows) <= limit:
            return Page(items)
        owner, id_, _, body = rows[limit - 1]
        value = codec.from_bytes(dict[str, Any], body)[query.order] if query.order else None
        return Page(items, self._rules.cursor(query, value, (owner, id_) if query.group else (id_,)))

    def count(
        self,
        query: Query[Any],
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> int:
        """How many documents the query finds."""
        self._rules.outside_transaction()
        question = self._rules.question(query, parent=parent, equal=equal, since=since, before=before)
        condition, values = self._table(query.collection).condition(question)
        number: int = self._rows(f"SELECT count(*) FROM (SELECT 1 {condition})", values)[0][0]
        return number

    def sum(
        self,
        query: Query[Any],
        field: str,
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> float:
        """The sum of a numeric field over the documents that the query finds; those without the field add nothing."""
        self._rules.outside_transaction()
        self._rules.summed(query, field)
        question = self._rules.question(query, parent=parent, equal=equal, since=since, before=before)
        condition, values = self._table(query.collection).condition(question)
        numbers = [number for (number,) in self._rows(f'SELECT "field_{field}" {condition}', values)]
        # SQLite's own sum fails beyond 64 bits, and total() adds integers as floats.
        integers = sum(number for number in numbers if isinstance(number, int))
        return fsum([integers, *(number for number in numbers if isinstance(number, float))])

    def transact(self, work: Callable[[Transaction], R], *, reads: Sequence[Key[Any]] = ()) -> R:
        """Run `work` until its writes commit, again whenever something that it has read has changed meanwhile."""
        self._rules.outside_transaction()
        for attempt in range(TRANSACTION_ATTEMPTS):
            if attempt:
                self._sleep(pause(attempt - 1, first=FIRST_PAUSE, longest=LONGEST_PAUSE))
            session = _Session(self._read)
            transaction = PendingTransaction(self._rules, session.fetch)
            try:
                transaction.fetch(reads)
                result = self._rules.run(work, transaction)
            except Exception:
                # Two documents read at different moments may contradict each other, which explains any error.
                if self._is_current(session.seen):
                    raise
                continue
            if self._commit(session.seen, transaction.writes):
                return result
        raise TryAgain(f"a transaction was overtaken {TRANSACTION_ATTEMPTS} times")

    def _is_current(self, seen: Iterable[tuple[Key[Any], int | None]]) -> bool:
        for key, revision in seen:
            found = self._rows(self._table(key.collection).revision, _ids(key))
            if (found[0][0] if found else None) != revision:
                return False
        return True

    def _commit(self, seen: Sequence[tuple[Key[Any], int | None]], writes: Sequence[Write]) -> bool:
        """Whether the writes were made: all of them, or none because something had changed."""
        if not seen and not writes:
            return True
        for write in writes:
            self._table(write.key.collection)  # A table cannot be made between BEGIN and COMMIT of this one.
        with self._lock:
            self._change("BEGIN IMMEDIATE")
            try:
                if self._conflicts() or not self._is_current(seen):
                    self._change("ROLLBACK")
                    return False
                for write in writes:
                    self._write(write)
                self._change("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._change("ROLLBACK")
                raise
        return True

    def _read(self, key: Key[Any]) -> tuple[int, bytes] | None:
        rows = self._rows(self._table(key.collection).get, _ids(key))
        return rows[0] if rows else None

    def _write(self, write: Write) -> int:
        """Make one write and return the document's new revision. Raises Conflict for one that comes too late."""
        table, ids = self._table(write.key.collection), _ids(write.key)
        if write.revision is not None:
            found = self._rows(table.revision, ids)
            if not found or str(found[0][0]) != write.revision:
                raise Conflict(f"a document of {write.key.collection.name} has changed")
        new = next(self._revisions)
        if write.verb == "delete":
            self._change(table.delete, ids)
        elif write.verb == "put":
            self._change(table.put, (*ids, new, write.body, *table.columns_of(write.plain)))
        elif not self._change(table.create, (*ids, new, write.body, *table.columns_of(write.plain))):
            raise Conflict(f"the document of {write.key.collection.name} exists")
        return new

    def _table(self, collection: Collection[Any]) -> _Table:
        table = self._tables.get(collection.name)
        if table is None or table.collection is not collection:
            compared = self._rules.compared(collection)
            with self._lock:
                table = _Table(collection, {name: how.items for name, how in compared.items()})
                self._make(table)
                self._tables[collection.name] = table
        return table

    def _make(self, table: _Table) -> None:
        """Create the table with its indexes, or add what a newer version of the schema compares."""
        self._change("BEGIN IMMEDIATE")
        try:
            self._change(table.make)
            present = {row[1] for row in self._rows(f"PRAGMA table_info({table.name})")}
            added = [column for column in table.columns if column not in present]
            for column in added:
                self._change(f"ALTER TABLE {table.name} ADD COLUMN {column}")
            if added:
                for owner, id_, body in self._rows(f"SELECT parent, id, body FROM {table.name}"):
                    values = table.columns_of(codec.from_bytes(dict[str, Any], body))
                    self._change(table.refill, (*values, owner, id_))
            for query in self._queries:
                if query.collection == table.collection:
                    self._change(table.index(query))
            self._change("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._change("ROLLBACK")
            raise

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as e:
            raise TryAgain(f"SQLite: {e}") from e

    def _change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it has written or removed."""
        try:
            with self._lock:
                return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as e:
            raise TryAgain(f"SQLite: {e}") from e


class _Session:
    """What one attempt at a transaction has read: each document's key and revision, None for a missing one."""

    def __init__(self, read: Callable[[Key[Any]], tuple[int, bytes] | None]) -> None:
        self.seen: list[tuple[Key[Any], int | None]] = []
        self._read = read

    def fetch(self, keys: Sequence[Key[Any]]) -> list[object | None]:
        """The documents in the order of the keys."""
        documents: list[object | None] = []
        for key in keys:
            found = self._read(key)
            self.seen.append((key, None if found is None else found[0]))
            documents.append(None if found is None else codec.from_bytes(key.collection.record, found[1]))
        return documents


class _Table:
    """One collection's table: documents as MessagePack, and a column for each field that a query compares.

    Columns have no type, so that SQLite compares what we give it: strings by their UTF-8 bytes, integers and floats
    exactly, times as microseconds since 1970. A field that a document lacks is NULL.
    """

    def __init__(self, collection: Collection[Any], compared: Mapping[str, bool]) -> None:
        """`compared` are the fields that queries compare, True for those whose items they look for."""
        self.collection = collection
        self.name = f'"{collection.name}"'
        self._compared = tuple(compared.items())
        self.columns = [f"{'items' if items else 'field'}_{name}" for name, items in self._compared]
        columns = [f'"{column}"' for column in self.columns]
        every = ", ".join(["parent", "id", "revision", "body", *columns])
        unknown = ", ".join("?" * (4 + len(columns)))
        this = "parent = ? AND id = ?"
        self.make = (
            f"CREATE TABLE IF NOT EXISTS {self.name} (parent TEXT NOT NULL, id TEXT NOT NULL,"
            f" revision INTEGER NOT NULL, body BLOB NOT NULL, {''.join(f'{column}, ' for column in columns)}"
            " PRIMARY KEY (parent, id)) WITHOUT ROWID"
        )
        self.get = f"SELECT revision, body FROM {self.name} WHERE {this}"
        self.revision = f"SELECT revision FROM {self.name} WHERE {this}"
        self.create = f"INSERT INTO {self.name} ({every}) VALUES ({unknown}) ON CONFLICT DO NOTHING"
        # Like Firestore, a write that changes nothing leaves the revision as it is.
        self.put = (
            f"INSERT INTO {self.name} ({every}) VALUES ({unknown}) ON CONFLICT (parent, id) DO UPDATE SET "
            + ", ".join(f"{column} = excluded.{column}" for column in ["revision", "body", *columns])
            + " WHERE body IS NOT excluded.body"
        )
        settings = ", ".join(f"{column} = ?" for column in ["revision", "body", *columns])
        self.replace = f"UPDATE {self.name} SET {settings} WHERE {this} AND revision = ? AND body IS NOT ?"
        self.refill = f"UPDATE {self.name} SET {', '.join(f'{column} = ?' for column in columns)} WHERE {this}"
        self.delete = f"DELETE FROM {self.name} WHERE {this}"

    def index(self, query: Query[Any]) -> str:
        """The statement that makes the query's index, named for its columns."""
        columns = [*([] if query.group else ["parent"]), *(f"field_{name}" for name in query.equal)]
        columns += [f"field_{query.order}"] if query.order else []
        columns += ["parent", "id"] if query.group else ["id"]
        listed = ", ".join(f'"{column}"' for column in columns)
        name = f'"{self.collection.name} by {" ".join(columns)}"'
        return f"CREATE INDEX IF NOT EXISTS {name} ON {self.name} ({listed})"

    def columns_of(self, plain: Mapping[str, Any]) -> list[Any]:
        """The values of the table's columns for a document."""
        return [
            None if (value := plain.get(name)) is None else _items(value) if items else _column(value)
            for name, items in self._compared
        ]

    def condition(self, question: Question) -> tuple[str, list[Any]]:
        """FROM, WHERE and ORDER BY of a question, and the values for their question marks."""
        query = question.query
        terms: list[str] = []
        values: list[Any] = []
        if not query.group:
            terms.append("parent = ?")
            values.append(question.parent)
        for name, value in question.equal:
            terms.append(f'"field_{name}" = ?')
            values.append(_column(value))
        if question.contains is not None:
            terms.append(f'EXISTS (SELECT 1 FROM json_each("items_{query.contains}") AS item WHERE item.value = ?)')
            values.append(_item(question.contains))
        order = f'"field_{query.order}"'
        if query.order:
            terms.append(f"{order} IS NOT NULL")
        if question.since is not None:
            terms.append(f"{order} >= ?")
            values.append(_column(question.since))
        if question.before is not None:
            terms.append(f"{order} < ?")
            values.append(_column(question.before))
        sequence = [*([order] if query.order else []), *(["parent", "id"] if query.group else ["id"])]
        if question.after is not None:
            last, ids = question.after
            place = [*([_column(last)] if query.order else []), *ids]
            marks = ", ".join("?" * len(place))
            terms.append(f"({', '.join(sequence)}) {'<' if query.descending else '>'} ({marks})")
            values.extend(place)
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        way = " DESC" if query.descending else ""
        return f"FROM {self.name} {where} ORDER BY {', '.join(column + way for column in sequence)}", values


def _open(path: Path | str) -> tuple[sqlite3.Connection, int]:
    """A connection and how many there have been to this file. Raises TryAgain."""
    try:
        if str(path) != MEMORY:
            # What is inside is private, and SQLite gives its side files the rights of this one.
            Path(path).touch(mode=0o600)
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
    except (OSError, sqlite3.Error) as e:
        raise TryAgain(f"SQLite: {e}") from e
    if str(path) == MEMORY:
        return connection, 0
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut must not undo a commit: it may be the one that says that a mail has left.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS _openings (number INTEGER PRIMARY KEY)")
        opening = connection.execute("INSERT INTO _openings DEFAULT VALUES").lastrowid or 0
    except sqlite3.Error as e:
        connection.close()
        raise TryAgain(f"SQLite: {e}") from e
    return connection, opening


def _ids(key: Key[Any]) -> tuple[str, ...]:
    return key.ids if key.collection.parent else ("", *key.ids)


def _column(value: Any) -> Any:
    """A value as SQLite compares it in Firestore's order."""
    if type(value) is datetime:
        return (value - EPOCH) // MICROSECOND
    return value


def _items(values: Iterable[Any]) -> str:
    """A list as JSON, for json_each."""
    return codec.to_json([_item(value) for value in values]).decode()


def _item(value: Any) -> Any:
    """One of its items. Strings in hex: json_each ends a string at its first zero byte."""
    return value.encode().hex() if type(value) is str else _column(value)
