"""The net under every message: whatever is past due is published again, every minute.

One table says what wakes which records; each sweep is the same query over some of its kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import TryAgain
from shared.model import Delivery
from shared.ports import Clock, Queue, Store, Value
from shared.schema import (
    DISPATCHES_DUE,
    ERASURES_DUE,
    INTERVIEWS_DUE,
    INTERVIEWS_STARTING,
    MAILBOXES_DUE,
    NOTIFICATIONS_DUE,
    REVOCATIONS_DUE,
    SEARCHES_DUE,
    SENDS_DUE,
    USERS_FOLLOW_UP_DUE,
    USERS_MONTHLY_DUE,
    USERS_RETENTION_DUE,
    USERS_WEEKLY_DUE,
    Query,
)

SYNC_TOPIC = "mailbox-sync"
"""Where mailboxes are named that somebody must look at."""

SEARCH_TOPIC = "search-run"
"""Where searches are named that somebody must run."""

SEND_TOPIC = "application-send"
"""Where sends are named that somebody must come back to."""

REVOKE_TOPIC = "grant-revoke"
"""Where grants are named that go back to Google."""

ERASE_TOPIC = "account-erase"
"""Where people are named who have left."""

RETENTION_TOPIC = "retention-apply"
"""Where people are named who have something as old as they keep it."""

NOTIFY_TOPIC = "notification-send"
"""Where notifications are named that are to be released, and dispatches that are to be delivered."""

REMIND_TOPIC = "reminder-write"
"""Where interviews are named whose reminders are due, and people whose applications are to be looked at."""

REPORT_TOPIC = "report-write"
"""Where people are named whose report is due."""

PAGE = 300
"""Documents read with one query: below Firestore's 300 a request at which latency begins to grow."""

MOST_A_RUN = 10_000
"""Wake-ups of one kind published by one run; the next one, a minute later, goes on with the oldest that are left."""


MOST_A_NIGHT = 1_000
"""Failed sends taken up again in one night: more of them mean that something is wrong, and somebody should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxDirty:
    """Somebody must look at this mailbox; what for stands in its record."""

    mailbox_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDue:
    """Somebody must run this search, or go on with it."""

    search_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDue:
    """Somebody must come back to this send; what for stands in its record."""

    send_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationDue:
    """A grant is to be given back."""

    revocation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLeft:
    """Everything of this person's is to be deleted."""

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionDue:
    """Something of this person's is as old as they keep it."""

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverNotification:
    """Release a notification; with a channel, deliver it there."""

    uid: str
    notification_id: str
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReminder:
    """Make what reminders are due: of this interview, or without one of the person's silent applications."""

    uid: str
    interview_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """Write a person's report."""

    uid: str
    kind: Literal["weekly", "monthly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Records that are woken alike: the query that finds those past due, and the message that names one."""

    query: Query[Any]
    topic: str
    message: Callable[[Any], object]
    equal: Mapping[str, Value] = field(default_factory=dict)


def sends(delivery: Delivery) -> Kind:
    """The sends of one state."""
    return Kind(
        query=SENDS_DUE,
        topic=SEND_TOPIC,
        message=lambda send: SendDue(send_id=send.id),
        equal={"delivery": delivery.value},
    )


TELLING = (
    Kind(
        query=NOTIFICATIONS_DUE,
        topic=NOTIFY_TOPIC,
        message=lambda told: DeliverNotification(uid=told.uid, notification_id=told.key),
    ),
    Kind(
        query=DISPATCHES_DUE,
        topic=NOTIFY_TOPIC,
        message=lambda sent: DeliverNotification(uid=sent.uid, notification_id=sent.notification, channel=sent.channel),
    ),
)
"""What a person is to be told now: it has happened, its hour has come, or the last try failed."""

REMINDING = (
    Kind(
        query=INTERVIEWS_DUE,
        topic=REMIND_TOPIC,
        message=lambda interview: WriteReminder(uid=interview.uid, interview_id=interview.id),
    ),
)
"""Interviews that were made or moved, or that have come to a step of the person's ladder."""

WAITING_FOR_THEIR_HOUR = (*REMINDING, *TELLING)
"""The ladder, gentle mode, digests, quiet hours: each has kept its hour as `due_at`."""

INTERVIEWS_AHEAD = Kind(
    query=INTERVIEWS_STARTING,
    topic=REMIND_TOPIC,
    message=lambda interview: WriteReminder(uid=interview.uid, interview_id=interview.id),
)
"""Interviews by their start."""

FOLLOW_UPS = (
    Kind(query=USERS_FOLLOW_UP_DUE, topic=REMIND_TOPIC, message=lambda person: WriteReminder(uid=person.uid)),
)
WEEKLY = (
    Kind(
        query=USERS_WEEKLY_DUE,
        topic=REPORT_TOPIC,
        message=lambda person: WriteReport(uid=person.uid, kind="weekly"),
    ),
)
MONTHLY = (
    Kind(
        query=USERS_MONTHLY_DUE,
        topic=REPORT_TOPIC,
        message=lambda person: WriteReport(uid=person.uid, kind="monthly"),
    ),
)
RETENTION = (
    Kind(query=USERS_RETENTION_DUE, topic=RETENTION_TOPIC, message=lambda person: RetentionDue(uid=person.uid)),
)

EVERY_MINUTE = (
    *TELLING,
    Kind(query=MAILBOXES_DUE, topic=SYNC_TOPIC, message=lambda mailbox: MailboxDirty(mailbox_id=mailbox.id)),
    sends(Delivery.QUEUED),
    sends(Delivery.SENDING),
    Kind(query=SEARCHES_DUE, topic=SEARCH_TOPIC, message=lambda search: SearchDue(search_id=search.id)),
    Kind(query=REVOCATIONS_DUE, topic=REVOKE_TOPIC, message=lambda grant: RevocationDue(revocation_id=grant.id)),
    Kind(query=ERASURES_DUE, topic=ERASE_TOPIC, message=lambda erasure: AccountLeft(uid=erasure.id)),
)
"""What cannot wait for a sweep of its own."""

UNSETTLED_SENDS = tuple(sends(state) for state in (Delivery.UNSURE, Delivery.PARKED, Delivery.SENT, Delivery.CANCELLED))
"""Sends that wait for Gmail's word or for a time; that have left without a Message-ID; whose draft is to go."""

FAILED_SENDS = (sends(Delivery.FAILED),)
"""Those that may work on another day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """How many records were past due, and how many wake-ups were published."""

    scanned: int
    queued: int


def wake(
    kinds: Sequence[Kind] = EVERY_MINUTE, *, most: int = MOST_A_RUN, store: Store, queue: Queue, clock: Clock
) -> Woken:
    """Publish a wake-up for every record whose `due_at` has passed, oldest first. Twice does no harm.

    A kind that cannot be read or published keeps no other from being woken. Raises TryAgain for it in the end.
    """
    now, queued = clock.now(), 0
    failed: TryAgain | None = None
    for kind in kinds:
        try:
            queued += _wake(kind, most=most, before=now, store=store, queue=queue)
        except TryAgain as e:
            failed = failed or e
    if failed is not None:
        raise failed
    return Woken(scanned=queued, queued=queued)


def wake_between(kind: Kind, *, since: Value, before: Value, store: Store, queue: Queue) -> Woken:
    """Publish a wake-up for every record of one kind in a range of its query's order."""
    queued = _wake(kind, most=MOST_A_RUN, since=since, before=before, store=store, queue=queue)
    return Woken(scanned=queued, queued=queued)


def _wake(kind: Kind, *, most: int, since: Value | None = None, before: Value, store: Store, queue: Queue) -> int:
    """How many records of one kind were past due. Each page is published before the next is read."""
    queued = 0
    cursor = ""
    while queued < most:
        page = store.find(
            kind.query, equal=kind.equal, since=since, before=before, limit=min(PAGE, most - queued), cursor=cursor
        )
        if page.items:
            queue.publish_all(kind.topic, [kind.message(item.value) for item in page.items])
        queued += len(page.items)
        cursor = page.next
        if not cursor:
            break
    return queued
