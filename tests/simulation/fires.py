"""The scheduler: which function fires how often, and from when on it finds a record.

A fire that finds nothing changes nothing, so that only those that find something need happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import accounts, reminders, sweeps
from shared.mailbox.watch import RENEWED_BEFORE
from shared.model import (
    CachedAnswer,
    Delivery,
    Dispatch,
    Erasure,
    Interview,
    InterviewStatus,
    Mailbox,
    Notification,
    Posting,
    Revocation,
    Search,
    Send,
    User,
    WebHost,
)
from shared.notifications.inbox import KEPT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""A Thursday."""

RETRIES = 3
"""Of a fire that fails, as the schedules are deployed."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

PERIODS = {"15": 15 * MINUTE, "30": 30 * MINUTE, "60": 30 * MINUTE, "daily": 30 * MINUTE}
"""How often the sweep comes that serves a pace."""


@dataclass(frozen=True, slots=True)
class Fire:
    """A schedule of the functions table: so often, and so long after midnight."""

    every: timedelta
    offset: timedelta = timedelta(0)

    @property
    def tries(self) -> int:
        """How often a fire is tried that fails; what comes every few minutes comes again by itself."""
        return 1 + RETRIES if self.every >= HOUR else 1

    def after(self, moment: datetime) -> datetime:
        """The first fire after a moment."""
        return moment - (moment - EPOCH - self.offset) % self.every + self.every


FIRES = {
    "wake_due": Fire(MINUTE),
    "settle_sends": Fire(5 * MINUTE),
    "retry_failed_emails": Fire(DAY, 3 * HOUR + 30 * MINUTE),
    "release_notifications": Fire(5 * MINUTE),
    # Every hour in the table; two looks into each window of eight hours are enough to act once, and once late.
    "send_interview_reminders": Fire(4 * HOUR),
    "send_follow_up_reminders": Fire(15 * MINUTE),
    "send_weekly_summaries": Fire(15 * MINUTE),
    "send_monthly_reports": Fire(15 * MINUTE),
    "scan_recent_applications": Fire(15 * MINUTE),
    "scan_all_inboxes": Fire(30 * MINUTE),
    "renew_watches": Fire(HOUR, 10 * MINUTE),
    "reconcile_mailboxes": Fire(DAY, HOUR + 20 * MINUTE),
    "scrape_jobs": Fire(HOUR, 30 * MINUTE),
    "expire_old_jobs": Fire(DAY, 2 * HOUR),
    "clean_expired_cache": Fire(DAY, 3 * HOUR),
    # On Sundays.
    "cleanup_old_notifications": Fire(7 * DAY, 3 * DAY + 2 * HOUR),
}

ALWAYS = ("wake_due", "settle_sends", "retry_failed_emails")
"""What fires in every scenario; the others where it says so."""

_SWEEP_OF = {
    Delivery.QUEUED: "wake_due",
    Delivery.SENDING: "wake_due",
    Delivery.FAILED: "retry_failed_emails",
}
"""Which sweep finds sends, by their state; settle_sends finds the rest."""

Found = tuple[str, datetime, datetime | None]
"""A function, from when on it finds a record, and until when (None: until the record changes)."""


def found(record: object) -> Iterable[Found]:
    """Which functions find this record, and when."""
    how = _FOUND.get(type(record))
    return how(record) if how is not None else ()


def _mailbox(mailbox: Mailbox) -> Iterator[Found]:
    if mailbox.due_at is not None:
        yield "wake_due", mailbox.due_at, None
    if mailbox.health in sweeps.SILENT:
        return
    if mailbox.watch_expires_at is not None:
        yield "renew_watches", mailbox.watch_expires_at - RENEWED_BEFORE, None
    if mailbox.receipt_due_at is not None:
        yield "reconcile_mailboxes", mailbox.receipt_due_at - sweeps.TOLERANCE, None
    if mailbox.pace and mailbox.last_sync_at is not None:
        name = "scan_recent_applications" if mailbox.pace in sweeps.RECENT else "scan_all_inboxes"
        wait = accounts.PACES[mailbox.pace] - PERIODS[mailbox.pace] + sweeps.TOLERANCE
        yield name, mailbox.last_sync_at + wait, None


def _interview(interview: Interview) -> Iterator[Found]:
    if interview.due_at is not None:
        yield "release_notifications", interview.due_at, None
    if interview.start is not None and interview.status is not InterviewStatus.CANCELLED:
        soonest, latest = reminders.DAY_BEFORE
        yield "send_interview_reminders", interview.start - latest, interview.start - soonest


def _person(user: User) -> Iterator[Found]:
    for name, at in (
        ("send_weekly_summaries", user.weekly_at),
        ("send_monthly_reports", user.monthly_at),
        ("send_follow_up_reminders", user.follow_up_at),
    ):
        if at is not None:
            yield name, at, None


def _send(send: Send) -> Iterator[Found]:
    if send.due_at is not None:
        yield _SWEEP_OF.get(send.delivery, "settle_sends"), send.due_at, None


def _at_once(record: Revocation | Erasure) -> Iterator[Found]:
    yield "wake_due", record.due_at, None


def _notification(notification: Notification) -> Iterator[Found]:
    yield from _telling(notification)
    yield "cleanup_old_notifications", notification.created_at + KEPT, None


def _telling(told: Notification | Dispatch) -> Iterator[Found]:
    if told.due_at is not None:
        # wake_due finds it, too, a few minutes earlier.
        yield "release_notifications", told.due_at, None


def _search(search: Search) -> Iterator[Found]:
    if search.due_at is not None:
        yield "wake_due", search.due_at, None
    if search.next_at is not None:
        yield "scrape_jobs", search.next_at, None


def _posting(posting: Posting) -> Iterator[Found]:
    if posting.expires_at is not None:
        yield "expire_old_jobs", posting.expires_at, None


def _cached(record: CachedAnswer | WebHost) -> Iterator[Found]:
    yield "clean_expired_cache", record.expires_at, None


_FOUND: Mapping[type, Callable[[Any], Iterable[Found]]] = {
    Mailbox: _mailbox,
    Send: _send,
    Revocation: _at_once,
    Erasure: _at_once,
    Notification: _notification,
    Dispatch: _telling,
    Interview: _interview,
    User: _person,
    Search: _search,
    Posting: _posting,
    CachedAnswer: _cached,
    WebHost: _cached,
}
