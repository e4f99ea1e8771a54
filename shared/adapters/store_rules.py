"""What both stores refuse and share: checked documents, checked questions, cursors, and a transaction's writes.

A ValueError here is a mistake in our own code and is raised by both stores alike, so that the tests on SQLite find what
Firestore would refuse, or would answer wrongly, in production.
"""

from __future__ import annotations

import base64
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from shared import codec
from shared.errors import Rejected
from shared.ports import Revision, Transaction, Value
from shared.schema import COLLECTIONS, Collection, Key, Query

T = TypeVar("T")
R = TypeVar("R")

LARGEST_DOCUMENT = 900 * 1024
"""Bytes of a document as MessagePack. Firestore refuses 1 MiB by a count of its own; the rest is for the difference."""

LONGEST_COMPARED = 1499
"""UTF-8 bytes. Firestore's indexes cut strings from 1,500 on; then there is neither order nor equality to trust."""

LONGEST_CURSOR = 8192
"""Characters: a value, two ids of 1,500 bytes and the query's name in base64 stay below it."""

KINDS: dict[type, str] = {str: "string", bool: "boolean", int: "number", float: "number", datetime: "time"}
"""What may be compared. Firestore also orders values of mixed kinds, by kind first: a trap, and refused."""


class Compared(NamedTuple):
    """How a field is compared: its kind, or that of its items when queries look for one of them."""

    kind: str
    items: bool


class Write(NamedTuple):
    """One write of a transaction."""

    verb: Literal["create", "put", "delete"]
    key: Key[Any]
    plain: dict[str, Any]
    body: bytes
    """The same as MessagePack."""
    revision: Revision | None = None
    """What the document must still be at for a put."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its values, all of them checked."""

    query: Query[Any]
    parent: str
    equal: tuple[tuple[str, Value], ...]
    contains: Value | None
    since: Value | None
    before: Value | None
    after: tuple[Value | None, tuple[str, ...]] | None
    """Where a cursor resumes: the order field's value, and the ids below the query's parent."""


class Rules:
    """The guard of one store. It also knows whether the calling thread is inside a transaction."""

    def __init__(self, queries: Iterable[Query[Any]]) -> None:
        self._queries = {query.name: query for query in queries}
        self._compared = _compared(tuple(self._queries.values()))
        self._inside = threading.local()

    def compared(self, collection: Collection[Any]) -> Mapping[str, Compared]:
        """The fields of a collection that queries compare. Raises ValueError for an undeclared collection."""
        declared, fields_compared = self._compared.get(collection.name, (None, {}))
        if declared is not collection and declared != collection:
            raise ValueError(f"{collection.name} is not a declared collection")
        return fields_compared

    def outside_transaction(self) -> None:
        """Raises ValueError inside a transaction: only the transaction's own reads and writes are part of it."""
        if getattr(self._inside, "transaction", False):
            raise ValueError("inside a transaction only the transaction itself may read and write")

    def run(self, work: Callable[[Transaction], R], transaction: Transaction) -> R:
        """Call `work` as the inside of a transaction."""
        self._inside.transaction = True
        try:
            return work(transaction)
        finally:
            self._inside.transaction = False

    def document(self, key: Key[T], value: T) -> tuple[dict[str, Any], bytes]:
        """The document as plain data and as MessagePack. Raises ValueError for what is not to be stored."""
        collection = key.collection
        if type(value) is not collection.record:
            raise ValueError(f"{collection.name} keeps {collection.record.__name__}, not {type(value).__name__}")
        plain = codec.to_plain(value)
        for name, how in self.compared(collection).items():
            if name in plain:
                for item in plain[name] if how.items else (plain[name],):
                    _check_kind(collection, name, how, item)
                    if type(item) is str and _is_too_long(item):
                        raise ValueError(
                            f"{collection.name}.{name} is compared, and over {LONGEST_COMPARED} bytes long"
                        )
        body = codec.to_bytes(plain)
        if len(body) > LARGEST_DOCUMENT:
            raise ValueError(f"a document of {collection.name} has {len(body)} bytes, more than {LARGEST_DOCUMENT}")
        return plain, body

    def question(
        self,
        query: Query[Any],
        *,
        parent: str,
        equal: Mapping[str, Value] | None,
        contains: Value | None = None,
        since: Value | None,
        before: Value | None,
        cursor: str = "",
        limit: int = 1,
    ) -> Question:
        """The checked question. Raises ValueError for what the query does not declare, Rejected for a bad value."""
        if limit < 1:
            raise ValueError(f"{query.name}: a limit of {limit} finds nothing")
        declared = self._queries.get(query.name)
        if declared is not query and declared != query:
            raise ValueError(f"{query.name} is not a declared query")
        if bool(parent) != bool(query.collection.parent and not query.group):
            raise ValueError(f"{query.name}: a parent is for queries of one child collection, and there it is needed")
        equal = equal or {}
        if set(equal) != set(query.equal):
            raise ValueError(f"{query.name} compares {query.equal} for equality, not {tuple(equal)}")
        if (contains is not None) != bool(query.contains):
            raise ValueError(f"{query.name}: `contains` is for queries that declare it, and there it is needed")
        if not query.order and not (since is None and before is None):
            raise ValueError(f"{query.name} has no order field, so it has no range")
        return Question(
            query,
            parent,
            tuple((name, self._value(query, name, equal[name])) for name in query.equal),
            None if contains is None else self._value(query, query.contains, contains),
            None if since is None else self._value(query, query.order, since),
            None if before is None else self._value(query, query.order, before),
            self._resume(query, cursor) if cursor else None,
        )

    def summed(self, query: Query[Any], field: str) -> None:
        """Raises ValueError unless the query declares that the field may be summed."""
        if field not in query.sums:
            raise ValueError(f"{query.name} does not declare a sum of {field}")

    def cursor(self, query: Query[Any], value: Value | None, ids: tuple[str, ...]) -> str:
        """Where a page ended, opaque and safe in a URL; `ids` are those below the query's parent."""
        return base64.urlsafe_b64encode(codec.to_bytes([query.name, value, *ids])).decode()

    def _resume(self, query: Query[Any], cursor: str) -> tuple[Value | None, tuple[str, ...]]:
        if len(cursor) > LONGEST_CURSOR:
            raise Rejected("the cursor is too long")
        try:
            name, value, *ids = codec.from_bytes(list[Any], base64.b64decode(cursor, altchars=b"-_", validate=True))
            # All of it comes from outside: the ids are checked like those of any key, their number included.
            query.collection.key(*(ids if query.group or not query.collection.parent else ["-", *ids]))
            if query.order:
                value = self._value(query, query.order, value)
        except (ValueError, TypeError, Rejected) as e:
            raise Rejected("the cursor is none of ours") from e
        if name != query.name or (value is not None and not query.order):
            raise Rejected("the cursor belongs to another query")
        return value, tuple(ids)

    def _value(self, query: Query[Any], name: str, value: Value) -> Value:
        """A value to compare with, as a plain string, number, boolean or time."""
        if isinstance(value, str):
            # Members of a StrEnum are strings of a type that no database driver knows.
            value = str(value)
            if _is_too_long(value):
                raise Rejected(f"{query.name}: {name} is longer than {LONGEST_COMPARED} bytes")
        _check_kind(query.collection, name, self.compared(query.collection)[name], value)
        codec.to_plain({name: value})  # Refuses a naive time and NaN, as for a document.
        return value


class PendingTransaction:
    """ports.Transaction, whose writes wait in `writes` until the store commits them together.

    A document is read once and written once: the emulator refuses to create what the same commit has already written,
    and two writes of one document are a slip of the pen anyway.
    """

    def __init__(self, rules: Rules, fetch: Callable[[Sequence[Key[Any]]], Sequence[object | None]]) -> None:
        self.writes: list[Write] = []
        self._rules = rules
        self._fetch = fetch
        self._seen: dict[str, Any] = {}
        self._written: set[str] = set()

    def fetch(self, keys: Sequence[Key[Any]]) -> None:
        """Read several documents at once; `get` then has them at hand."""
        if keys:
            self._seen.update(zip((key.path for key in keys), self._fetch(keys), strict=True))

    def get(self, key: Key[T]) -> T | None:
        """The document as this transaction sees it."""
        if self.writes:
            raise ValueError(f"a read of {key.collection.name} after a write; all reads come first")
        path = key.path
        if path not in self._seen:
            self.fetch([key])
        value: T | None = self._seen[path]
        return value

    def create(self, key: Key[T], value: T) -> None:
        """Write a document that must not exist yet."""
        self._write("create", key, *self._rules.document(key, value))

    def put(self, key: Key[T], value: T, *, revision: Revision | None = None) -> None:
        """Write the document, whether it exists or not, or only if it is still at `revision`."""
        self._write("put", key, *self._rules.document(key, value), revision)

    def delete(self, key: Key[Any]) -> None:
        """Remove the document."""
        self._rules.compared(key.collection)
        self._write("delete", key, {}, b"")

    def _write(
        self,
        verb: Literal["create", "put", "delete"],
        key: Key[Any],
        plain: dict[str, Any],
        body: bytes,
        revision: Revision | None = None,
    ) -> None:
        if key.path in self._written:
            raise ValueError(f"a second write of one document of {key.collection.name}")
        self._written.add(key.path)
        self.writes.append(Write(verb, key, plain, body, revision))


def pause(attempt: int, *, first: timedelta, longest: timedelta) -> float:
    """Seconds before the next attempt (the first is 0): full jitter, as those who collided must not meet again."""
    return random.uniform(0, min(longest, first * 2 ** min(attempt, 30)).total_seconds())


@cache
def mask(query: Query[Any]) -> tuple[str, ...]:
    """The fields that a query with a narrower record reads, and the order field for its cursor; empty means all."""
    if query.record is query.collection.record:
        return ()
    names = [field.name for field in fields(query.record)]
    return tuple(names if query.order in ("", *names) else [*names, query.order])


@cache
def _compared(queries: tuple[Query[Any], ...]) -> dict[str, tuple[Collection[Any], dict[str, Compared]]]:
    """Each declared collection by name, with the fields that queries compare. Raises ValueError if ill declared."""
    compared: dict[str, tuple[Collection[Any], dict[str, Compared]]] = {}
    for collection in (*COLLECTIONS, *(query.collection for query in queries)):
        if compared.setdefault(collection.name, (collection, {}))[0] != collection:
            raise ValueError(f"two collections are named {collection.name}")
    for query in queries:
        collection, of_collection = compared[query.collection.name]
        names = {field.name for field in fields(collection.record)}
        if unknown := {field.name for field in fields(query.record)} - names:
            raise ValueError(f"{query.name}: {collection.name} has no {sorted(unknown)}")
        for name in filter(None, (*query.equal, query.order, query.contains, *query.sums)):
            if name not in names or name in collection.unindexed:
                raise ValueError(f"{query.name}: {collection.name}.{name} is unknown or not indexed")
            kinds = _kinds(get_type_hints(collection.record)[name], items=name == query.contains)
            kind = kinds.pop()
            if kinds or kind is None:
                raise ValueError(f"{query.name}: {collection.name}.{name} has no type that can be compared")
            how = Compared(kind, name == query.contains)
            if of_collection.setdefault(name, how) != how or (name in query.sums and how.kind != "number"):
                raise ValueError(f"{query.name}: {collection.name}.{name} is not compared in one way")
    return compared


def _kinds(annotation: Any, *, items: bool) -> set[str | None]:
    """The kinds of value that an annotation allows; None among them for what can't be compared."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return set().union(*(_kinds(part, items=items) for part in arguments if part is not NoneType))
    if items:
        return (
            set().union(*(_kinds(part, items=False) for part in arguments if part is not Ellipsis))
            if origin in (tuple, list)
            else {None}
        )
    if origin is Literal:
        return {KINDS.get(type(value)) for value in arguments}
    return {next((KINDS[kind] for kind in getattr(annotation, "__mro__", ()) if kind in KINDS), None)}


def _check_kind(collection: Collection[Any], name: str, how: Compared, value: object) -> None:
    if KINDS.get(type(value)) != how.kind:
        raise ValueError(f"{collection.name}.{name} is compared as a {how.kind}, not as {type(value).__name__}")


def _is_too_long(text: str) -> bool:
    # Below a quarter of the limit no encoding can reach it.
    return len(text) * 4 > LONGEST_COMPARED and len(text.encode()) > LONGEST_COMPARED
