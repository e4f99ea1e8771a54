"""What a notification speaks of, as it is now: it may have moved since, and then it is told no further."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.ledger import silent_since
from shared.model import (
    Application,
    Interview,
    InterviewStatus,
    Notification,
    NotificationKind,
    Report,
    Stage,
)
from shared.ports import Store, Transaction
from shared.schema import APPLICATIONS, INTERVIEWS, NOTIFICATIONS, REPORTS, SENDS_OF_APPLICATION

MOST_SENDS = 10
"""Mails of one application whose files are named."""

MOST_ITEMS = 50
"""Notifications that one digest spells out."""

_ABOUT_REPORTS = frozenset({NotificationKind.WEEKLY_SUMMARY, NotificationKind.MONTHLY_REPORT})

THANK_YOU = "thank_you"
"""The detail of a follow-up that thanks for an interview; the others have their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything that the words of a notification are made of."""

    application: Application | None = None
    interview: Interview | None = None
    report: Report | None = None
    items: tuple[tuple[Notification, Application | None], ...] = ()
    enclosed: tuple[str, ...] = ()
    """Names of the files that went out with the application: the version of the CV that they have."""


def read(tx: Transaction, notification: Notification) -> Subject:
    """What it speaks of, as this transaction sees it."""
    uid, about = notification.uid, notification.about
    application = _application(tx, notification)
    if notification.kind == NotificationKind.DIGEST:
        held = [tx.get(NOTIFICATIONS.key(uid, key)) for key in notification.items[:MOST_ITEMS]]
        told = [each for each in held if each is not None and each.withdrawn_at is None]
        return Subject(items=tuple((each, _application(tx, each)) for each in told))
    if about and notification.kind in _ABOUT_REPORTS:
        return Subject(report=tx.get(REPORTS.key(uid, about)))
    interview = tx.get(INTERVIEWS.key(uid, about)) if about else None
    return Subject(application=application, interview=interview)


def _application(tx: Transaction, notification: Notification) -> Application | None:
    id_ = notification.application_id
    return tx.get(APPLICATIONS.key(notification.uid, id_)) if id_ else None


def with_enclosed(subject: Subject, *, store: Store) -> Subject:
    """What goes before an interview bears, too: what the interviewer has before them."""
    application = subject.application
    if subject.interview is None or application is None:
        return subject
    of = {"uid": application.uid, "application_id": application.id}
    sends = [item.value for item in store.find(SENDS_OF_APPLICATION, equal=of, limit=MOST_SENDS).items]
    return replace(subject, enclosed=tuple(dict.fromkeys(name for send in sends for name in send.enclosed)))


def is_past(notification: Notification, subject: Subject, now: datetime) -> bool:
    """Whether what it speaks of has been moved, called off, answered or closed since."""
    application, interview = subject.application, subject.interview
    match notification.kind:
        case NotificationKind.INTERVIEW_REMINDER:
            return _open(application) is None or not stands(interview, notification.at) or _begun(interview, now)
        case NotificationKind.FOLLOW_UP if notification.detail == THANK_YOU:
            return _open(application) is None or not stands(interview, notification.at)
        case NotificationKind.FOLLOW_UP | NotificationKind.SILENCE:
            return (held := _open(application)) is None or silent_since(held) != notification.at
        case NotificationKind.OFFER_DEADLINE:
            return (
                (held := _open(application)) is None
                or held.stage is not Stage.OFFER
                or held.reply_by != notification.detail
            )
        case NotificationKind.DIGEST:
            return not subject.items
        case _:
            return False


def stands(interview: Interview | None, start: datetime | None) -> bool:
    """Whether the round is still to be at that time, or was."""
    return interview is not None and interview.status is not InterviewStatus.CANCELLED and interview.start == start


def _begun(interview: Interview | None, now: datetime) -> bool:
    return interview is not None and interview.start is not None and interview.start <= now


def _open(application: Application | None) -> Application | None:
    if application is None or application.merged_into or application.dismissed or application.stage is Stage.CLOSED:
        return None
    return application
