"""Reminders of interviews: one in the window of a day before, and those of the person's own ladder.

A round is due as soon as it is made or moved, and after that at each step of the ladder. A reminder bears the start
that it was made for, so a moved or cancelled round has new reminders and takes the old ones back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from shared import due
from shared.due import NOTIFY_TOPIC, DeliverNotification, WriteReminder
from shared.errors import Rejected
from shared.model import Interview, InterviewStatus, Notification, NotificationKind, Preferences
from shared.notifications.subject import Subject, is_past, stands
from shared.ports import Clock, Queue, Store, Transaction
from shared.schema import (
    APPLICATIONS,
    INTERVIEWS,
    INTERVIEWS_OF_USER,
    NOTIFICATIONS,
    NOTIFICATIONS_ABOUT,
    USERS,
    Key,
)

DAY_BEFORE = (timedelta(hours=20), timedelta(hours=28))
"""The window of the one reminder that everybody gets: the evening or the morning before."""

DAY = "day"
"""That reminder's name. A step of the ladder within the window is that reminder."""

MOST_AHEAD = 100
"""Interviews of one person that are planned again at once."""

MOST_REMINDERS = 50
"""Things told of one round that are taken back when it moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """What became of one look."""

    outcome: Literal["reminded", "nothing_due", "settled"]
    made: int = 0
    withdrawn: int = 0


def send_interview_reminders(*, store: Store, queue: Queue, clock: Clock) -> due.Woken:
    """Have every interview looked at that begins within the window of the day before."""
    soonest, latest = (clock.now() + each for each in DAY_BEFORE)
    return due.wake_between(due.INTERVIEWS_AHEAD, since=soonest, before=latest, store=store, queue=queue)


# --- One interview ----------------------------------------------------------------------------------------------------


def remind(message: WriteReminder, *, store: Store, queue: Queue, clock: Clock) -> Reminded:
    """Make the reminder of this interview that is due, take back those of another start, and plan the next step.

    Of several steps that were missed only the last is made. Raises Rejected for what is no id.
    """
    try:
        place = INTERVIEWS.key(message.uid, message.interview_id)
    except ValueError as e:
        raise Rejected("interview_id: not an id") from e
    now = clock.now()
    seen = store.get(place)
    if seen is None:
        return Reminded(outcome="settled")
    withdrawn = _take_back(seen.value, now=now, store=store) if seen.value.reminded_until is None else 0

    def work(tx: Transaction) -> Notification | None:
        interview = tx.get(place)
        if interview is None:
            return None
        user = tx.get(USERS.key(message.uid))
        application = tx.get(APPLICATIONS.key(message.uid, interview.application_id))
        preferences = user.preferences if user is not None else Preferences()
        made = _due(interview, preferences, now)
        if made is not None:
            known = tx.get(NOTIFICATIONS.key(message.uid, made.key))
            if known is not None or is_past(made, Subject(application=application, interview=interview), now):
                made = None
        planned = replace(interview, due_at=_next(interview, preferences, now), reminded_until=now)
        if made is not None or interview.due_at != planned.due_at or interview.reminded_until is None:
            tx.put(place, planned)
        if made is not None:
            tx.create(NOTIFICATIONS.key(message.uid, made.key), made)
        return made

    made = store.transact(work, reads=[place, USERS.key(message.uid)])
    if made is not None:
        queue.publish(NOTIFY_TOPIC, DeliverNotification(uid=made.uid, notification_id=made.key))
    return Reminded(
        outcome="reminded" if made is not None else "nothing_due", made=int(made is not None), withdrawn=withdrawn
    )


def plan_again(uid: str, *, store: Store, clock: Clock) -> None:
    """Have the person's interviews looked at again: their ladder is another one now."""
    now = clock.now()
    for item in store.find(INTERVIEWS_OF_USER, parent=uid, since=now, limit=MOST_AHEAD).items:

        def work(tx: Transaction, key: Key[Interview] = item.key) -> None:
            interview = tx.get(key)
            if interview is not None:
                tx.put(key, replace(interview, due_at=now))

        store.transact(work)


def steps(start: datetime, preferences: Preferences) -> dict[str, datetime]:
    """The person's ladder for an interview: when each of its steps is, by name, soonest first."""
    wanted = sorted({timedelta(minutes=each) for each in preferences.reminder_minutes}, reverse=True)
    return {_name(before): start - before for before in wanted}


def _name(before: timedelta) -> str:
    soonest, latest = DAY_BEFORE
    return DAY if soonest <= before < latest else str(before // timedelta(minutes=1))


def _due(interview: Interview, preferences: Preferences, now: datetime) -> Notification | None:
    """The reminder that is due now, if any."""
    if interview.start is None or interview.status in (InterviewStatus.CANCELLED, InterviewStatus.DONE):
        return None
    since = interview.reminded_until or now
    ladder = steps(interview.start, preferences)
    reached = [name for name, at in ladder.items() if since < at <= now]
    soonest, latest = DAY_BEFORE
    in_window = interview.start - latest <= now <= interview.start - soonest
    if not reached and in_window and ladder.get(DAY, now) <= now:
        reached = [DAY]
    if not reached:
        return None
    name = reached[-1]
    return Notification(
        key=f"interview:{interview.id}:{interview.start:%Y%m%dT%H%M%S}:{name}",
        uid=interview.uid,
        kind=NotificationKind.INTERVIEW_REMINDER,
        created_at=now,
        due_at=now,
        application_id=interview.application_id,
        about=interview.id,
        at=interview.start,
        detail=name,
    )


def _next(interview: Interview, preferences: Preferences, now: datetime) -> datetime | None:
    if interview.start is None or interview.status in (InterviewStatus.CANCELLED, InterviewStatus.DONE):
        return None
    ahead: Iterable[datetime] = (at for at in steps(interview.start, preferences).values() if at > now)
    return min(ahead, default=None)


def _take_back(interview: Interview, *, now: datetime, store: Store) -> int:
    """Withdraw what was said of another start: the round has been changed since."""
    page = store.find(NOTIFICATIONS_ABOUT, parent=interview.uid, equal={"about": interview.id}, limit=MOST_REMINDERS)
    past = [item.key for item in page.items if item.value.withdrawn_at is None and not stands(interview, item.value.at)]

    def work(tx: Transaction) -> None:
        held = [(key, tx.get(key)) for key in past]
        for key, notification in held:
            if notification is not None and notification.withdrawn_at is None:
                tx.put(key, replace(notification, due_at=None, withdrawn_at=now))

    if past:
        store.transact(work)
    return len(past)
