"""People who are reminded and told things: the real use cases, store and queue, on a clock that the test winds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared import accounts, due, follow_ups, notifications, registry, reminders, reports, schedule
from shared.adapters.firestore_store import FirestoreStore
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import LocalVault
from shared.applications import born, with_event, write
from shared.codec import from_json
from shared.local.clock import FakeClock
from shared.model import (
    Application,
    Delivery,
    Dispatch,
    Event,
    EventKind,
    InterviewFacts,
    Link,
    Mailbox,
    Notification,
    Outcome,
    Preferences,
    SenderCheck,
    Signal,
    Span,
    Stage,
    User,
)
from shared.ports import OutsideMessage, Transaction
from shared.schema import (
    APPLICATIONS,
    DISPATCHES_DUE,
    DISPATCHES_OF_USER,
    INTERVIEWS_DUE,
    INTERVIEWS_STARTING,
    MAILBOXES,
    NOTIFICATIONS_DUE,
    NOTIFICATIONS_OF_USER,
    USERS,
    USERS_FOLLOW_UP_DUE,
    USERS_MONTHLY_DUE,
    USERS_WEEKLY_DUE,
    Query,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(seconds=180)

GRIDS: dict[Query[Any], int] = {
    NOTIFICATIONS_DUE: 5,
    DISPATCHES_DUE: 5,
    INTERVIEWS_DUE: 5,
    USERS_FOLLOW_UP_DUE: 15,
    USERS_WEEKLY_DUE: 15,
    USERS_MONTHLY_DUE: 15,
}
"""At which minutes of the hour the function fires that finds what is due; a minute that this divides."""
EVERYTHING = 300


@dataclass(frozen=True)
class Sent:
    at: datetime
    channel: str
    target: str
    message: OutsideMessage


class Outbox:
    """ports.Outside that keeps what it is given; it raises what the test lays before it, one for each try."""

    def __init__(self, channel: str, clock: FakeClock, sent: list[Sent]) -> None:
        self._channel, self._clock, self._sent = channel, clock, sent
        self.troubles: list[Exception | None] = []
        self.tries: Counter[str] = Counter()

    def send(self, target: str, message: OutsideMessage) -> None:
        self.tries[message.id] += 1
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble
        self._sent.append(Sent(self._clock.now(), self._channel, target, message))


class Telling:
    """Everything that reminders, reports and notifications touch."""

    def __init__(self, start: datetime, store: SqliteStore | FirestoreStore | None = None) -> None:
        self.clock = FakeClock(start)
        self.store = store or SqliteStore(":memory:")
        table = registry.load()
        self.queue = LocalQueue(":memory:", registry.subscriptions(table), clock=self.clock)
        self.vault = LocalVault(b"k" * 32)
        self.sent: list[Sent] = []
        self.outside = {name: Outbox(name, self.clock, self.sent) for name in ("email", "chat", "webhook")}
        self.outcomes: Counter[str] = Counter()
        self._mails = 0

    def close(self) -> None:
        self.store.close()
        self.queue.close()

    @property
    def ports(self) -> dict[str, Any]:
        return {"store": self.store, "queue": self.queue, "clock": self.clock}

    # --- People, their applications, their mail -----------------------------------------------------------------------

    def person(self, uid: str, zone: str = "UTC", *, mailbox: bool = True, **chosen: Any) -> Preferences:
        preferences = Preferences(time_zone=zone, **chosen)
        now = self.clock.now()
        user = User(uid=uid, created_at=now, preferences=preferences, mailbox_id=f"mb-{uid}" if mailbox else "")
        self.store.create(USERS.key(uid), schedule.scheduled(user, now=now))
        if mailbox:
            address = self.vault.seal(f"{uid}@example.com".encode(), user=uid, purpose=accounts.ADDRESS)
            record = Mailbox(id=f"mb-{uid}", uid=uid, history_id="0" * 20, sealed_address=address)
            self.store.create(MAILBOXES.key(record.id), record)
        return preferences

    def user(self, uid: str) -> User:
        found = self.store.get(USERS.key(uid))
        assert found is not None
        return found.value

    def applied(self, uid: str, application_id: str, company: str = "Acme", role: str = "Baker", **more: Any) -> None:
        now = self.clock.now()
        created = Event(
            key="created",
            kind=EventKind.CREATED,
            occurred_at=now,
            recorded_at=now,
            company=company,
            role=role,
            stage=Stage.APPLIED,
            **{"by": "person", **more},
        )
        self._write(uid, application_id, None, created)

    def mail(self, uid: str, application_id: str, signal: Signal, **more: Any) -> None:
        """The employer writes, and the mail is read at once."""
        self._mails += 1
        now, id_ = self.clock.now(), f"m{self._mails}"
        event = Event(
            key=f"mail:{id_}:1",
            kind=EventKind.MAIL,
            occurred_at=now,
            recorded_at=now,
            by="mail",
            mail_id=id_,
            thread_id=f"t-{application_id}",
            message_id=f"<{id_}@acme.example>",
            signal=signal,
            link=Link(application_id=application_id, rule="thread", confidence=1.0),
            confidence=0.99,
            evidence=(Span(where="body", text="their very words"),),
            **{"automatic": True, "sender": SenderCheck(passed=True, reason="DMARC passed"), **more},
        )
        self._write(uid, application_id, event, None)

    def invited(self, uid: str, application_id: str, start: datetime, **more: Any) -> None:
        """An invitation with a calendar entry; a later one with the same UID and a higher SEQUENCE moves it."""
        facts = InterviewFacts(
            start=start,
            start_local=start.replace(tzinfo=None).isoformat(timespec="minutes"),
            **{"zone": "UTC", "ics_uid": f"round-1@{application_id}", **more},
        )
        moved = facts.cancelled or facts.ics_sequence > 0
        self.mail(
            uid, application_id, Signal.INTERVIEW_UPDATE if moved else Signal.INTERVIEW_INVITATION, interview=facts
        )

    def replied(self, uid: str, application_id: str) -> None:
        """The person writes in the thread."""
        self._mails += 1
        now, id_ = self.clock.now(), f"m{self._mails}"
        event = Event(
            key=f"mail:{id_}:1",
            kind=EventKind.REPLIED,
            occurred_at=now,
            recorded_at=now,
            by="person",
            mail_id=id_,
            thread_id=f"t-{application_id}",
        )
        self._write(uid, application_id, event, None)

    def delivered(self, uid: str, application_id: str, delivery: Delivery) -> None:
        """What became of the application's own mail."""
        now = self.clock.now()
        key = f"send:{application_id}:{delivery}"
        event = Event(
            key=key, kind=EventKind.DELIVERY, occurred_at=now, recorded_at=now, by="service", delivery=delivery
        )
        self._write(uid, application_id, event, None)

    def closed(self, uid: str, application_id: str, outcome: Outcome = Outcome.WITHDRAWN) -> None:
        now = self.clock.now()
        event = Event(
            key=f"person:{now:%Y%m%dT%H%M%S}:{application_id}",
            kind=EventKind.CORRECTED,
            occurred_at=now,
            recorded_at=now,
            by="person",
            stage=Stage.CLOSED,
            outcome=outcome,
        )
        self._write(uid, application_id, event, None)

    def _write(self, uid: str, application_id: str, event: Event | None, created: Event | None) -> None:
        key, now = APPLICATIONS.key(uid, application_id), self.clock.now()

        def work(tx: Transaction) -> None:
            user, before = tx.get(USERS.key(uid)), tx.get(key)
            after = before
            if after is None:
                assert created is not None, "it is not there"
                after = born(uid, application_id, created, now=now)
            write(tx, before, with_event(after, event, now=now) if event else after, user=user, now=now)

        self.store.transact(work)

    # --- What the functions do ----------------------------------------------------------------------------------------

    def application(self, uid: str, application_id: str) -> Application:
        found = self.store.get(APPLICATIONS.key(uid, application_id))
        assert found is not None
        return found.value

    def sweep(self, *, again: bool = False) -> None:
        """Every scheduled function, as if all of their minutes had come; `again` as the scheduler may, too."""
        # What is due at this very moment is past due in the next.
        self.clock.step(timedelta(microseconds=1))
        self._fire(60, again=again)

    def run_until(self, end: datetime, *, again: bool = False) -> None:
        """Let time pass: the clock jumps to the next fire that finds anything due."""
        while (moment := self.next_fire()) is not None and moment < end:
            self.clock.set(moment)
            self._fire(moment.minute or 60, again=again)
        self.clock.set(end)

    def next_fire(self) -> datetime | None:
        """When the next scheduled function has something to do, by the table's crons."""
        now, found = self.clock.now(), []
        for query, grid in GRIDS.items():
            for item in self.store.find(query, limit=1).items:
                record = self.store.get(item.key)
                assert record is not None
                found.append(_tick(max(getattr(record.value, query.order), now), grid))
        soonest, latest = reminders.DAY_BEFORE
        for item in self.store.find(INTERVIEWS_STARTING, since=now + soonest + HOUR, limit=1).items:
            record = self.store.get(item.key)
            assert record is not None
            found.append(_tick(max(getattr(record.value, INTERVIEWS_STARTING.order) - latest, now), 60))
        return min(found, default=None)

    def _fire(self, minute: int, *, again: bool) -> None:
        for _ in range(2 if again else 1):
            if minute % 60 == 0:
                reminders.send_interview_reminders(**self.ports)
            due.wake(due.WAITING_FOR_THEIR_HOUR, **self.ports)
            if minute % 15 == 0:
                for kinds in (due.FOLLOW_UPS, due.WEEKLY, due.MONTHLY):
                    due.wake(kinds, **self.ports)
        self.drain(again=again)

    def drain(self, *, again: bool = False) -> None:
        """Handle every message that waits; `again` as Pub/Sub may: each of them twice."""
        while deliveries := self.queue.lease(10):
            for delivery in deliveries:
                for _ in range(2 if again else 1):
                    self.handle(delivery.subscription.topic, delivery.data)
                self.queue.ack(delivery)

    def handle(self, topic: str, data: bytes) -> None:
        done: Any
        match topic:
            case due.NOTIFY_TOPIC:
                message = from_json(due.DeliverNotification, data)
                done = self.deliver(message)
            case due.REPORT_TOPIC:
                done = reports.write(from_json(due.WriteReport, data), **self.ports)
            case due.REMIND_TOPIC:
                wanted = from_json(due.WriteReminder, data)
                done = (reminders.remind if wanted.interview_id else follow_ups.look)(wanted, **self.ports)
            case _:
                return
        self.outcomes[done.outcome] += 1

    def deliver(self, message: due.DeliverNotification) -> notifications.Delivered:
        return notifications.deliver(message, lease=LEASE, vault=self.vault, outside=self.outside, **self.ports)

    # --- What came of it ----------------------------------------------------------------------------------------------

    def told(self, uid: str, *kinds: str) -> list[Notification]:
        """Everything that the person was told, oldest first."""
        found: list[Notification] = []
        cursor = ""
        while True:
            page = self.store.find(NOTIFICATIONS_OF_USER, parent=uid, limit=EVERYTHING, cursor=cursor)
            found += [item.value for item in page.items if not kinds or item.value.kind in kinds]
            cursor = page.next
            if not cursor:
                return found[::-1]

    def dispatches(self, uid: str) -> list[Dispatch]:
        return [item.value for item in self.store.find(DISPATCHES_OF_USER, parent=uid, limit=EVERYTHING).items][::-1]

    def mailed(self, uid: str, *kinds: str) -> list[Sent]:
        return [each for each in self.sent if each.message.id.startswith(f"{uid}:") and each.message.kind in kinds]

    def choose(self, uid: str, **chosen: Any) -> None:
        from shared import preferences  # noqa: PLC0415 - only here

        preferences.put(uid, lambda present: replace(present, **chosen), store=self.store, clock=self.clock)


def _tick(moment: datetime, grid: int) -> datetime:
    """The first fire after a moment, of a function that fires at every minute that `grid` divides."""
    minute = moment.replace(second=0, microsecond=0)
    return minute + timedelta(minutes=grid - minute.minute % grid)
