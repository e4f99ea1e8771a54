"""The ports of a simulated process: every call is numbered, and may be hit; what is committed is looked at."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from shared.adapters.local_queue import Delivery, LocalQueue
from shared.adapters.sqlite_store import MEMORY, SqliteStore
from shared.adapters.store_rules import Write
from shared.codec import to_json
from shared.ports import Revision, Transaction
from shared.schema import Key

R = TypeVar("R")
T = TypeVar("T")

Hit = Callable[..., Any]
"""Makes one call, given its name, the call and its arguments, unless something happens to it."""

Seen = Callable[[Key[Any], Any], None]
"""Told of every document that was written, None for a deleted one, after the commit."""


class Port:
    """Any port around another one. What it returns is the other's; what happens on the way is `hit`'s."""

    def __init__(self, name: str, inner: Any, hit: Hit) -> None:
        self.name, self.inner, self.hit = name, inner, hit

    def __getattr__(self, method: str) -> Any:
        if method.startswith("__"):
            raise AttributeError(method)  # What copies a port asks for these before there is an inner one.
        found = getattr(self.inner, method)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.hit(f"{self.name}.{method}", lambda: found(*args, **kwargs), *args)

        return call


class GmailPort(Port):
    """The Gmail port: opening a mailbox is no call, but all that is done with it are."""

    def mailbox(self, access_token: str) -> Port:
        """The mailbox that the token opens."""
        return Port("gmail", self.inner.mailbox(access_token), self.hit)


class NotingStore(SqliteStore):
    """Knows which collections have anything, so that nobody need look into the others."""

    def __init__(self) -> None:
        super().__init__(MEMORY, sleep=lambda _seconds: None)
        self.written: set[str] = set()

    def put(self, key: Key[T], value: T, *, revision: Revision) -> Revision:
        self.written.add(key.collection.name)
        return super().put(key, value, revision=revision)

    def _write(self, write: Write) -> int:
        self.written.add(write.key.collection.name)
        return super()._write(write)


class SeenStore:
    """The store, which outlives every process; tells what was written."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.seen: Seen = lambda _key, _value: None
        self.between: Callable[[], None] = lambda: None
        """Called inside each transaction, between its reads and its writes."""
        self.inside = threading.local()

    def __getattr__(self, method: str) -> Any:
        return getattr(self._store, method)

    def create(self, key: Key[Any], value: Any) -> str:
        revision = self._store.create(key, value)
        self.seen(key, value)
        return revision

    def put(self, key: Key[Any], value: Any, *, revision: str) -> str:
        new = self._store.put(key, value, revision=revision)
        self.seen(key, value)
        return new

    def delete(self, key: Key[Any]) -> None:
        self._store.delete(key)
        self.seen(key, None)

    def transact(self, work: Callable[[Transaction], R], *, reads: Sequence[Key[Any]] = ()) -> R:
        written: list[tuple[Key[Any], Any]] = []

        def watched(tx: Transaction) -> R:
            self.between()
            written.clear()
            self.inside.transaction = True
            try:
                return work(_SeenTransaction(tx, written))
            finally:
                self.inside.transaction = False

        result = self._store.transact(watched, reads=reads)
        for key, value in written:
            self.seen(key, value)
        return result


class _SeenTransaction:
    def __init__(self, transaction: Transaction, written: list[tuple[Key[Any], Any]]) -> None:
        self._transaction, self._written = transaction, written
        self.get = transaction.get

    def create(self, key: Key[Any], value: Any) -> None:
        self._transaction.create(key, value)
        self._written.append((key, value))

    def put(self, key: Key[Any], value: Any, *, revision: str | None = None) -> None:
        self._transaction.put(key, value, revision=revision)
        self._written.append((key, value))

    def delete(self, key: Key[Any]) -> None:
        self._transaction.delete(key)
        self._written.append((key, None))


class Broker:
    """The queue, which outlives every process; a message may come several times."""

    def __init__(self, queue: LocalQueue) -> None:
        self.queue = queue
        self.copies: Callable[[], int] = lambda: 1
        self.delivered: dict[tuple[str, bytes, str], Mapping[str, str]] = {}

    def begin(self, rng: random.Random | None) -> None:
        """Forget everything. With random numbers, a message comes up to five times."""
        self.queue._connection.execute("DELETE FROM deliveries")
        self.delivered.clear()
        self.copies = (lambda: 1) if rng is None else (lambda: rng.choice((1, 1, 1, 2, 3, 5)))

    def publish(self, topic: str, message: object) -> None:
        """ports.Queue."""
        self.send(topic, to_json(message))

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """ports.Queue."""
        for message in messages:
            self.publish(topic, message)

    def send(self, topic: str, data: bytes) -> None:
        """What anybody publishes, Gmail too."""
        for _ in range(self.copies()):
            self.queue.publish_data(topic, data)

    def take(self, number: int) -> Delivery | None:
        """Lease a delivery, and remember what it was."""
        return self._noted(self.queue.take(number))

    def take_next(self) -> Delivery | None:
        """Lease the delivery whose turn it is, if any is due."""
        return self._noted(next(iter(self.queue.lease(1)), None))

    def _noted(self, delivery: Delivery | None) -> Delivery | None:
        if delivery is not None:
            self.delivered[delivery.subscription.topic, delivery.data, str(delivery.attributes)] = delivery.attributes
        return delivery

    def again(self) -> None:
        """Everything that ever came comes once more, dead letters too."""
        for (topic, data, _), attributes in list(self.delivered.items()):
            self.queue.publish_data(topic, data, attributes)
