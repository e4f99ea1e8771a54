"""Write one person's report when its local time has come: once, also when the wake-up is late or comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from shared import schedule
from shared.due import NOTIFY_TOPIC, DeliverNotification, WriteReport
from shared.errors import Rejected
from shared.model import Application, Notification, NotificationKind, Report, Stage, User
from shared.ports import Clock, Page, Queue, Store, Transaction
from shared.reports.figures import figures
from shared.schema import APPLICATIONS, APPLICATIONS_OF_USER, NOTIFICATIONS, REPORTS, REPORTS_OF_USER, USERS

APPLICATIONS_A_READ = 50
"""Whole applications read in one round trip: each may have some 100 KB."""

Kind = Literal["weekly", "monthly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of one person's report."""

    outcome: Literal["written", "nothing_to_say", "early", "settled"]


def write(message: WriteReport, *, store: Store, queue: Queue, clock: Clock) -> Written:
    """Write the report that is due, tell the person, and set the next one. A late one is of the last whole period.

    Raises Rejected for what is no uid.
    """
    try:
        place = USERS.key(message.uid)
    except ValueError as e:
        raise Rejected("uid: not an id") from e
    now, kind = clock.now(), message.kind
    found = store.get(place)
    seen = _pending(found.value, kind) if found is not None else None
    if found is None or seen is None or seen > now:
        return Written(outcome="settled" if seen is None else "early")
    first, since, until = period(found.value, kind, now)
    report = None
    if _wants(found.value, kind):
        applications = _applications(message.uid, store=store)
        report = figures(
            message.uid, applications, kind=kind, id_=f"{kind}:{first.isoformat()}", since=since, until=until, now=now
        )

    def work(tx: Transaction) -> Notification | None:
        user = tx.get(place)
        if user is None or _pending(user, kind) != seen:
            return None
        told = None
        if report is not None and _says_something(report) and tx.get(REPORTS.key(user.uid, report.id)) is None:
            told = _notification(report, now)
        tx.put(place, _advanced(user, kind, now))
        if told is not None and report is not None:
            tx.create(REPORTS.key(user.uid, report.id), report)
            tx.create(NOTIFICATIONS.key(user.uid, told.key), told)
        return told

    told = store.transact(work, reads=[place])
    if told is None:
        return Written(outcome="nothing_to_say")
    queue.publish(NOTIFY_TOPIC, DeliverNotification(uid=told.uid, notification_id=told.key))
    return Written(outcome="written")


def listed(uid: str, *, limit: int, cursor: str = "", store: Store) -> Page[Report]:
    """The person's reports, newest period first."""
    return store.find(REPORTS_OF_USER, parent=uid, limit=limit, cursor=cursor)


def period(user: User, kind: Kind, now: datetime) -> tuple[date, datetime, datetime]:
    """The last whole week or month at `now` where the person is: its first day, its beginning and its end in UTC."""
    zone = schedule.zone_of(user.preferences)
    following = _next(user, kind, now).astimezone(zone).date()
    if kind == "weekly":
        until = following - timedelta(days=7)
        since = until - timedelta(days=7)
    else:
        until = (following - timedelta(days=1)).replace(day=1)
        since = (until - timedelta(days=1)).replace(day=1)
    midnight = time(0)
    return since, schedule.instant(since, midnight, zone), schedule.instant(until, midnight, zone)


def _next(user: User, kind: Kind, now: datetime) -> datetime:
    zone = schedule.zone_of(user.preferences)
    step = schedule.next_weekly if kind == "weekly" else schedule.next_monthly
    return step(now, schedule.REPORTS_AT, zone)


def _pending(user: User, kind: Kind) -> datetime | None:
    return user.weekly_at if kind == "weekly" else user.monthly_at


def _advanced(user: User, kind: Kind, now: datetime) -> User:
    following = _next(user, kind, now)
    return replace(user, weekly_at=following) if kind == "weekly" else replace(user, monthly_at=following)


def _wants(user: User, kind: Kind) -> bool:
    return user.preferences.weekly_summary if kind == "weekly" else user.preferences.monthly_report


def _says_something(report: Report) -> bool:
    """A search that is over gets no more mail: nothing is open, and nothing has happened."""
    is_open = report.total.applications > report.funnel.get(Stage.CLOSED, 0)
    happened = report.applications or report.replies or report.interviews_held or report.rejections or report.offers
    return bool(is_open or happened)


def _notification(report: Report, now: datetime) -> Notification:
    weekly = report.kind == "weekly"
    return Notification(
        key=f"report:{report.id}",
        uid=report.uid,
        kind=NotificationKind.WEEKLY_SUMMARY if weekly else NotificationKind.MONTHLY_REPORT,
        created_at=now,
        due_at=now,
        about=report.id,
        at=report.since,
    )


def _applications(uid: str, *, store: Store) -> Iterator[Application]:
    """All of the person's applications with their ledgers, some at a time."""
    cursor = ""
    while True:
        page = store.find(APPLICATIONS_OF_USER, parent=uid, limit=APPLICATIONS_A_READ, cursor=cursor)
        for snapshot in store.get_many([APPLICATIONS.key(uid, item.key.id) for item in page.items]):
            if snapshot is not None:
                yield snapshot.value
        cursor = page.next
        if not cursor:
            return
