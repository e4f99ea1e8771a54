"""A store that counts what Firestore would bill: each document read, each document written, each transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.ports import Page, Revision, Snapshot, Store, Transaction, Value
from shared.schema import Key, Query

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Bill:
    """Documents read, documents written and transactions begun so far."""

    reads: int = 0
    writes: int = 0
    transactions: int = 0


class CountingStore:
    """ports.Store around another one; each method does what the other's does and adds it to `bill`."""

    def __init__(self, store: Store, bill: Bill | None = None) -> None:
        self._store = store
        self.bill = bill or Bill()

    def get(self, key: Key[T]) -> Snapshot[T] | None:
        """Bill one read, whether the document exists or not."""
        self.bill.reads += 1
        return self._store.get(key)

    def get_many(self, keys: Sequence[Key[T]]) -> tuple[Snapshot[T] | None, ...]:
        """Bill a read for each key."""
        self.bill.reads += len(keys)
        return self._store.get_many(keys)

    def create(self, key: Key[T], value: T) -> Revision:
        """Bill one write, even when it raises Conflict."""
        self.bill.writes += 1
        return self._store.create(key, value)

    def put(self, key: Key[T], value: T, *, revision: Revision) -> Revision:
        """Bill one write, even when it raises Conflict."""
        self.bill.writes += 1
        return self._store.put(key, value, revision=revision)

    def delete(self, key: Key[Any]) -> None:
        """Bill one write; Firestore's own price of a delete is lower."""
        self.bill.writes += 1
        self._store.delete(key)

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
        """Bill a read for each document that is found, and one when none is."""
        page = self._store.find(
            query,
            limit=limit,
            parent=parent,
            equal=equal,
            contains=contains,
            since=since,
            before=before,
            cursor=cursor,
        )
        self.bill.reads += max(1, len(page.items))
        return page

    def count(
        self,
        query: Query[Any],
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> int:
        """Bill one read, which is right for up to 1,000 index entries."""
        self.bill.reads += 1
        return self._store.count(query, parent=parent, equal=equal, since=since, before=before)

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
        """Bill one read, which is right for up to 1,000 index entries."""
        self.bill.reads += 1
        return self._store.sum(query, field, parent=parent, equal=equal, since=since, before=before)

    def transact(self, work: Callable[[Transaction], R], *, reads: Sequence[Key[Any]] = ()) -> R:
        """Bill one transaction however often `work` runs, and the reads and writes of each run."""
        self.bill.transactions += 1
        return self._store.transact(lambda tx: work(_CountingTransaction(tx, self.bill)), reads=reads)


class _CountingTransaction:
    def __init__(self, transaction: Transaction, bill: Bill) -> None:
        self._transaction, self._bill = transaction, bill

    def get(self, key: Key[T]) -> T | None:
        self._bill.reads += 1
        return self._transaction.get(key)

    def create(self, key: Key[T], value: T) -> None:
        self._bill.writes += 1
        self._transaction.create(key, value)

    def put(self, key: Key[T], value: T, *, revision: Revision | None = None) -> None:
        self._bill.writes += 1
        self._transaction.put(key, value, revision=revision)

    def delete(self, key: Key[Any]) -> None:
        self._bill.writes += 1
        self._transaction.delete(key)
