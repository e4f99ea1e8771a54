"""Pub/Sub's rules on SQLite: the queue of the embedded wiring and of the simulation.

At least once, in no promised order. A message goes to every subscription of its topic and stays there until it is
acknowledged, forwarded to the dead-letter topic, or older than the subscription's retention. Whoever delivers the
messages leases them, and says for each whether it was handled.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from shared.codec import to_json
from shared.errors import Rejected, TryAgain
from shared.ports import Clock
from shared.registry import Subscription

MESSAGE_BYTES = 10_000_000
"""Pub/Sub's largest message."""

ACKNOWLEDGED = frozenset({200, 201, 204})
"""The answers to a push that acknowledge it everywhere. The service also takes 102 and 202, its emulator does not."""

LOCK_SECONDS = 5.0
"""How long to wait for another process that is writing to the same file; its transactions last milliseconds."""

DOUBLINGS = 30
"""Where a back-off that is still below its maximum stops growing: a millisecond doubled 30 times is twelve days."""


def backoff(subscription: Subscription, attempt: int) -> timedelta:
    """The pause after failed delivery number `attempt`: the minimum, doubled each time, at most the maximum.

    Pub/Sub's own pauses are approximate; these are exact, so that a run can be repeated.
    """
    return min(subscription.minimum_backoff * (1 << min(attempt - 1, DOUBLINGS)), subscription.maximum_backoff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way to one subscription, ours until the ack deadline."""

    number: int
    """The row that ack and nack name."""
    subscription: Subscription
    project: str
    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    published_at: datetime
    attempt: int
    """1 for the first delivery."""


def push_envelope(delivery: Delivery) -> bytes:
    """The body that Pub/Sub POSTs for this delivery, as the service renders it.

    Names of the message come in both spellings, what is empty is left out, the publish time has milliseconds, and
    `deliveryAttempt` is there only when the subscription has a dead-letter policy.
    """
    published = delivery.published_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message: dict[str, object] = {
        "messageId": delivery.message_id,
        "message_id": delivery.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if delivery.attributes:
        message["attributes"] = dict(delivery.attributes)
    if delivery.data:
        message["data"] = base64.b64encode(delivery.data).decode("ascii")
    envelope: dict[str, object] = {
        "message": message,
        "subscription": f"projects/{delivery.project}/subscriptions/{delivery.subscription.name}",
    }
    if delivery.subscription.dead_letter is not None:
        envelope["deliveryAttempt"] = delivery.attempt
    return json.dumps(envelope, separators=(",", ":")).encode()


_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    -- AUTOINCREMENT: a number is never given twice, so that a late ack cannot hit a newer message.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The first delivery's number stands for the message; NULL on that delivery itself.
    message INTEGER,
    subscription TEXT NOT NULL,
    data BLOB NOT NULL,
    attributes TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- When the broker must act next: deliver, or find that the last lease has run out.
    due INTEGER NOT NULL,
    -- End of the present lease; 0 when nobody holds one.
    deadline INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due, subscription);
"""

_INSERT = (
    "INSERT INTO deliveries (message, subscription, data, attributes, published_at, attempt, due, deadline)"
    " VALUES (?, ?, ?, ?, ?, 0, ?, 0)"
)
_COLUMNS = "number, message, subscription, data, attributes, published_at, attempt"
_SELECT_ONE = f"SELECT {_COLUMNS} FROM deliveries WHERE number = ? AND due <= ?"  # noqa: S608 - constants only
_SELECT_OF_SUBSCRIPTION = (
    f"SELECT {_COLUMNS} FROM deliveries WHERE due <= ? AND subscription = ?"  # noqa: S608 - constants only
    " ORDER BY due, subscription, number LIMIT ?"
)
_LEASE = "UPDATE deliveries SET attempt = ?, due = ?, deadline = ? WHERE number = ? AND attempt = ? AND due <= ?"
_REMOVE = "DELETE FROM deliveries WHERE number = ? AND attempt = ? AND deadline > ?"
_NACK = "UPDATE deliveries SET due = ?, deadline = 0 WHERE number = ? AND attempt = ? AND deadline > ?"

_WHOEVER_HOLDS_IT = -1
"""Before every deadline: the row goes, leased or not."""

_Row = tuple[int, int | None, str, bytes, str, int, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class LocalQueue:
    """ports.Queue, and the broker behind it, in a SQLite file or in ":memory:".

    Any thread may call it, and several processes may open the same file. All times are the clock's.
    """

    def __init__(
        self, path: Path | str, subscriptions: Iterable[Subscription], *, clock: Clock, project: str = "local"
    ) -> None:
        self.subscriptions = {each.name: each for each in subscriptions}
        self.dropped: Counter[str] = Counter()
        """Messages that this process published to a topic without a subscription, by topic."""
        self.expired: Counter[str] = Counter()
        """Messages that this process found to be past their retention, by subscription."""
        self.dead_lettered: Counter[str] = Counter()
        """Messages that this process forwarded to the dead-letter topic, by subscription."""
        self._project = project
        self._clock = clock
        self._of_topic: dict[str, list[str]] = {}
        for each in self.subscriptions.values():
            self._of_topic.setdefault(each.topic, []).append(each.name)
        self._names = tuple(self.subscriptions)
        # Rows of a subscription that nobody declares any more stay in the file, out of the way.
        declared = f"subscription IN ({', '.join('?' * len(self._names))})"
        self._select_any = (
            f"SELECT {_COLUMNS} FROM deliveries WHERE due <= ? AND {declared}"  # noqa: S608 - question marks only
            " ORDER BY due, subscription, number LIMIT ?"
        )
        self._select_numbers = (
            f"SELECT number FROM deliveries WHERE due <= ? AND {declared}"  # noqa: S608 - question marks only
            " ORDER BY due, subscription, number"
        )
        self._select_next = f"SELECT min(due) FROM deliveries WHERE {declared}"  # noqa: S608 - question marks only
        self._arrived = threading.Condition()
        self._access = _Access(self._arrived)
        with self._access:
            self._connection = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._execute = self._connection.execute
            try:
                # A power cut may cost the last wake-ups, never the work: that is a record with a due time of its own.
                self._execute("PRAGMA journal_mode = WAL")
                self._execute("PRAGMA synchronous = NORMAL")
                self._connection.executescript(_SCHEMA)
            except sqlite3.Error:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file. What waits in it stays."""
        self._connection.close()

    # --- ports.Queue --------------------------------------------------------------------------------------------------

    def publish(self, topic: str, message: object) -> None:
        """Send a record to a topic as JSON; it is in the file when this returns."""
        self.publish_data(topic, to_json(message))

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """Send records to a topic, all of them or none."""
        datas = [to_json(message) for message in messages]
        with self._access, self._transaction():
            for data in datas:
                self._insert(topic, data, None, self._now())
            self._arrived.notify_all()

    def publish_data(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Send bytes and attributes as anybody may who can publish (Gmail does); returns the message id.

        As at Pub/Sub, a topic without a subscription keeps nothing: the id is then empty and `dropped` counts it.
        """
        if not data and not attributes:
            raise Rejected("a message needs data or an attribute")
        if len(data) > MESSAGE_BYTES:
            raise Rejected(f"a message may have {MESSAGE_BYTES} bytes, this one has {len(data)}")
        with self._access:
            if len(self._of_topic.get(topic, ())) > 1:
                with self._transaction():
                    number = self._insert(topic, data, attributes, self._now())
            else:
                number = self._insert(topic, data, attributes, self._now())
            self._arrived.notify_all()
        return str(number) if number else ""

    # --- The broker's side --------------------------------------------------------------------------------------------

    def lease(self, limit: int, *, subscription: str = "") -> tuple[Delivery, ...]:
        """Up to `limit` deliveries that are due now, of one subscription or of all; each is ours until its deadline."""
        deliveries: list[Delivery] = []
        with self._access:
            now = self._now()
            while (wanted := limit - len(deliveries)) > 0:
                if subscription:
                    rows = self._execute(_SELECT_OF_SUBSCRIPTION, (now, subscription, wanted)).fetchall()
                else:
                    rows = self._execute(self._select_any, (now, *self._names, wanted)).fetchall()
                opened = [self._open(row, now) for row in rows]
                deliveries += [delivery for delivery in opened if delivery is not None]
                # A row that was not leased may have made room, or have become another in the dead-letter topic.
                if None not in opened:
                    break
        return tuple(deliveries)

    def leasable(self) -> tuple[int, ...]:
        """The numbers of all deliveries that are due now, for a caller who wants to choose the order."""
        with self._access:
            return tuple(row[0] for row in self._execute(self._select_numbers, (self._now(), *self._names)))

    def take(self, number: int) -> Delivery | None:
        """Lease this one; None when it is gone, not due, or was dead-lettered or dropped just now."""
        with self._access:
            now = self._now()
            row = self._execute(_SELECT_ONE, (number, now)).fetchone()
            return None if row is None else self._open(row, now)

    def ack(self, delivery: Delivery) -> bool:
        """It was handled. False when the lease had run out: too late, it will be delivered again."""
        with self._access:
            done = self._execute(_REMOVE, (delivery.number, delivery.attempt, self._now()))
            return done.rowcount == 1

    def nack(self, delivery: Delivery) -> bool:
        """It failed: again after the back-off, or to the dead-letter topic if that was the last attempt.

        False when the lease had run out, which has already counted as a failure.
        """
        subscription = delivery.subscription
        with self._access:
            now = self._now()
            if topic := _dead_letter_topic(subscription, delivery.attempt):
                return self._forward(delivery, topic, now, held_at=now)
            again = now + _micros(backoff(subscription, delivery.attempt))
            end = _stamp(delivery.published_at) + _micros(subscription.retention)
            done = self._execute(_NACK, (min(again, end), delivery.number, delivery.attempt, now))
            self._arrived.notify_all()
            return done.rowcount == 1

    def next_due(self) -> datetime | None:
        """When the broker must act next (deliver, or notice an overrun lease); None when nothing waits."""
        with self._access:
            (due,) = self._execute(self._select_next, self._names).fetchone()
        return None if due is None else _moment(due)

    def depth(self) -> dict[str, int]:
        """How many unacknowledged messages each declared subscription has, leased ones included."""
        with self._access:
            counted = dict(self._execute("SELECT subscription, count(*) FROM deliveries GROUP BY subscription"))
        return {name: counted.get(name, 0) for name in self._names}

    def in_flight(self) -> dict[str, int]:
        """How many of them are leased now: somebody is at work on them."""
        leased = "SELECT subscription, count(*) FROM deliveries WHERE deadline > ? GROUP BY subscription"
        with self._access:
            counted = dict(self._execute(leased, (self._now(),)))
        return {name: counted.get(name, 0) for name in self._names}

    def wait(self, seconds: float) -> None:
        """Sleep until this process publishes or fails something, at most so long (real time, whatever the clock).

        Returns at once when something is due already: it may have come since the caller last looked.
        """
        with self._access:
            (due,) = self._execute(self._select_next, self._names).fetchone()
            if due is None or due > self._now():
                self._arrived.wait(seconds)

    # --- Inside; all of it under the lock -----------------------------------------------------------------------------

    def _now(self) -> int:
        return _stamp(self._clock.now())

    def _insert(self, topic: str, data: bytes, attributes: Mapping[str, str] | None, now: int) -> int | None:
        names = self._of_topic.get(topic)
        if names is None:
            self.dropped[topic] += 1
            return None
        text = json.dumps(dict(attributes)) if attributes else ""
        message: int | None = None
        for name in names:
            number = self._execute(_INSERT, (message, name, data, text, now, now)).lastrowid
            message = message or number
        return message

    def _open(self, row: _Row, now: int) -> Delivery | None:
        """Do with a due row what is due: drop it, forward it, or lease it."""
        number, message, name, data, text, published_at, attempt = row
        subscription = self.subscriptions[name]
        end = published_at + _micros(subscription.retention)
        if end <= now:
            self.expired[name] += self._execute(_REMOVE, (number, attempt, _WHOEVER_HOLDS_IT)).rowcount
            return None
        attributes: dict[str, str] = json.loads(text) if text else {}
        topic = _dead_letter_topic(subscription, attempt)
        delivery = Delivery(
            number=number,
            subscription=subscription,
            project=self._project,
            message_id=str(message or number),
            data=data,
            attributes=attributes,
            published_at=_moment(published_at),
            attempt=attempt if topic else attempt + 1,
        )
        if topic:
            self._forward(delivery, topic, now, held_at=_WHOEVER_HOLDS_IT)
            return None
        deadline = now + _micros(subscription.ack_deadline)
        # Nobody has to notice that a lease has run out: the row is due again by itself, back-off included.
        again = deadline
        if not _dead_letter_topic(subscription, delivery.attempt):
            again += _micros(backoff(subscription, delivery.attempt))
        leased = self._execute(_LEASE, (delivery.attempt, min(again, end), deadline, number, attempt, now))
        return delivery if leased.rowcount == 1 else None

    def _forward(self, delivery: Delivery, topic: str, now: int, *, held_at: int) -> bool:
        """Publish a spent message to its dead-letter topic with Pub/Sub's attributes, and forget it here."""
        subscription = delivery.subscription
        attributes = {
            **delivery.attributes,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(delivery.attempt),
            "CloudPubSubDeadLetterSourceSubscription": subscription.name,
            "CloudPubSubDeadLetterSourceSubscriptionProject": delivery.project,
            "CloudPubSubDeadLetterSourceTopicPublishTime": delivery.published_at.isoformat(timespec="milliseconds"),
        }
        with self._transaction():
            if self._execute(_REMOVE, (delivery.number, delivery.attempt, held_at)).rowcount == 0:
                return False
            self._insert(topic, delivery.data, attributes, now)
        self.dead_lettered[subscription.name] += 1
        self._arrived.notify_all()
        return True

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")


class _Access:
    """One thread at a time; what SQLite cannot do now is TryAgain.

    A class and not a generator: it stands around every call, and a simulation makes millions of them.
    """

    def __init__(self, lock: threading.Condition) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.ProgrammingError):
            raise TryAgain(f"local queue: {error}") from error


def _dead_letter_topic(subscription: Subscription, attempt: int) -> str:
    """Where the message goes when this attempt fails; empty while it may come again."""
    spent = subscription.max_attempts is not None and attempt >= subscription.max_attempts
    return (subscription.dead_letter or "") if spent else ""


def _stamp(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(stamp: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stamp)


def _micros(duration: timedelta) -> int:
    return duration // _MICROSECOND
