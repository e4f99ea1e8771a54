"""The daily look at a person's applications: whom to write to again, whom to thank, who is silent, which offer ends.

An episode begins when the employer was last heard of. Its reminders are keyed by it, so any mail that comes ends the
old episode, with what was still to be said in it, and begins another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from shared import schedule
from shared.applications import stable_id
from shared.due import NOTIFY_TOPIC, DeliverNotification, WriteReminder
from shared.errors import Rejected
from shared.ledger import attention, longest_silence, silent_since
from shared.model import (
    ApplicationSummary,
    Attention,
    Delivery,
    InterviewStatus,
    Notification,
    NotificationKind,
    Preferences,
    Stage,
)
from shared.notifications import subject as subjects
from shared.ports import Clock, Queue, Store, Transaction
from shared.preferences import silence_thresholds
from shared.schema import APPLICATIONS_OF_USER, NOTIFICATIONS, USERS

PAGE = 300
"""Applications read with one query."""

OFFER_DAYS = (0, 1, 3)
"""An offer's end is told three days before, the day before, and on the day."""

HORIZON = timedelta(days=75)
"""What has been due for longer is past telling: whoever imports an old search is not flooded.

What was told is on record for longer than that (`notifications.inbox.KEPT`), and so is never told again.
"""

MOST_A_DAY = 10
"""Things told to one person in one look; the rest come on the next days.

Offers that end come first, since they cannot wait; then whatever the oldest applications ask.
"""

_LEFT = frozenset({None, Delivery.SENT})
"""Deliveries after which an employer may be asked: before, they have nothing to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What became of one look."""

    outcome: Literal["looked", "early", "settled"]
    made: int = 0


def look(message: WriteReminder, *, store: Store, queue: Queue, clock: Clock) -> Looked:
    """Tell a person what is due with their applications, and look again tomorrow. Raises Rejected for no uid."""
    try:
        place = USERS.key(message.uid)
    except ValueError as e:
        raise Rejected("uid: not an id") from e
    now = clock.now()
    found = store.get(place)
    seen = found.value.follow_up_at if found is not None else None
    if found is None or seen is None:
        return Looked(outcome="settled")
    if seen > now:
        return Looked(outcome="early")
    user = found.value
    candidates = _candidates(user.uid, user.preferences, now, store=store)
    made = [each for each in candidates if _tell(each, now, store=store)]

    def advance(tx: Transaction) -> None:
        present = tx.get(place)
        if present is not None and present.follow_up_at == seen:
            following = schedule.next_daily(now, schedule.FOLLOW_UPS_AT, schedule.zone_of(present.preferences))
            tx.put(place, replace(present, follow_up_at=following))

    store.transact(advance, reads=[place])
    for each in made:
        queue.publish(NOTIFY_TOPIC, DeliverNotification(uid=each.uid, notification_id=each.key))
    return Looked(outcome="looked", made=len(made))


def _tell(notification: Notification, now: datetime, *, store: Store) -> bool:
    """Create it, unless it has been told or is not so any more."""
    place = NOTIFICATIONS.key(notification.uid, notification.key)

    def work(tx: Transaction) -> bool:
        if tx.get(place) is not None or subjects.is_past(notification, subjects.read(tx, notification), now):
            return False
        tx.create(place, notification)
        return True

    return store.transact(work, reads=[place])


def _candidates(uid: str, preferences: Preferences, now: datetime, *, store: Store) -> list[Notification]:
    """What is due and has not been told, oldest applications first."""
    found: list[ApplicationSummary] = []
    cursor = ""
    while True:
        page = store.find(APPLICATIONS_OF_USER, parent=uid, limit=PAGE, cursor=cursor)
        found += [item.value for item in page.items if _is_open(item.value)]
        cursor = page.next
        if not cursor:
            break
    chains = [chain for each in reversed(found) for chain in _chains(each, preferences, now)]
    keys = [key for chain in chains for key in chain.keys]
    held = {
        key: snapshot.value if snapshot is not None else None
        for start in range(0, len(keys), PAGE)
        for key, snapshot in zip(
            keys[start : start + PAGE],
            store.get_many([NOTIFICATIONS.key(uid, key) for key in keys[start : start + PAGE]]),
            strict=True,
        )
    }
    due_now = [told for chain in chains if (told := chain.next(held, now)) is not None]
    return sorted(due_now, key=lambda each: each.kind != NotificationKind.OFFER_DEADLINE)[:MOST_A_DAY]


def _is_open(summary: ApplicationSummary) -> bool:
    return not (summary.dismissed or summary.merged_into or summary.stage in (Stage.SAVED, Stage.CLOSED))


@dataclass(frozen=True, slots=True)
class _Chain:
    """Things told one after the other, each so long after the one before; the first is due now."""

    told: tuple[Notification, ...]
    waits: tuple[timedelta, ...]
    """Before the second, the third ..."""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(each.key for each in self.told)

    def next(self, held: dict[str, Notification | None], now: datetime) -> Notification | None:
        """The first that has not been told, if its time has come."""
        before: Notification | None = None
        for each, wait in zip(self.told, (timedelta(0), *self.waits), strict=True):
            known = held[each.key]
            if known is None:
                return each if before is None or now - before.created_at >= wait - SLACK else None
            before = known
        return None


SLACK = timedelta(hours=12)
"""Days are counted from look to look; the hour of 09:00 moves with the clocks, and a look may be late."""


def _chains(summary: ApplicationSummary, preferences: Preferences, now: datetime) -> Iterator[_Chain]:
    """Everything that may be due with one application."""

    def told(key: str, kind: NotificationKind, at: datetime, detail: str, about: str = "") -> Notification:
        return Notification(
            key=key,
            uid=summary.uid,
            kind=kind,
            created_at=now,
            due_at=now,
            application_id=summary.id,
            at=at,
            detail=detail,
            about=about,
        )

    if summary.stage is Stage.OFFER:
        left = schedule.days_left(summary.reply_by, preferences, now)
        step = next((days for days in OFFER_DAYS if left is not None and 0 <= left <= days), None)
        if step is not None:
            key = f"offer:{summary.id}:{summary.reply_by[:10]}:{step}"
            yield _Chain((told(key, NotificationKind.OFFER_DEADLINE, now, summary.reply_by),), ())
    yield from _thanks(summary, preferences, now, told)
    anchor = silent_since(summary)
    if anchor is None:
        return
    episode = f"{summary.id}:{anchor:%Y%m%dT%H%M%S}"
    waits = _waits(summary, preferences)
    since = _counted_from(summary, anchor)
    if waits and waits[0] - SLACK <= now - since <= waits[0] + HORIZON + SLACK:
        yield _Chain(
            tuple(
                told(f"follow_up:{episode}:{n}", NotificationKind.FOLLOW_UP, anchor, str(n))
                for n in range(1, len(waits) + 1)
            ),
            waits[1:],
        )
    thresholds = silence_thresholds(preferences)
    longest = longest_silence(summary, thresholds)
    is_new = longest is not None and now - anchor <= longest + HORIZON
    if is_new and attention(summary, now, thresholds) is Attention.SILENT:
        yield _Chain((told(f"silence:{episode}", NotificationKind.SILENCE, anchor, ""),), ())


def _thanks(
    summary: ApplicationSummary, preferences: Preferences, now: datetime, told: Callable[..., Notification]
) -> Iterator[_Chain]:
    """A word of thanks, some days after each interview that was held."""
    days = preferences.follow_ups.thank_you_days
    zone = schedule.zone_of(preferences)
    for each in summary.interviews if days else ():
        if each.start is None or each.start > now or each.status is InterviewStatus.CANCELLED:
            continue
        passed = (now.astimezone(zone).date() - each.start.astimezone(zone).date()).days
        if days <= passed <= days + LATEST_THANKS:
            id_ = stable_id(summary.id, each.id)
            key = f"thanks:{id_}:{each.start:%Y%m%dT%H%M%S}"
            yield _Chain((told(key, NotificationKind.FOLLOW_UP, each.start, subjects.THANK_YOU, id_),), ())


LATEST_THANKS = 5
"""Days after which a word of thanks would look forgotten."""


def _in_talk(summary: ApplicationSummary) -> bool:
    """The person has answered an employer who is past the receipt, and waits."""
    heard, replied = summary.last_heard_at, summary.replied_at
    return summary.stage.rank > Stage.APPLIED.rank and heard is not None and replied is not None and replied >= heard


def _waits(summary: ApplicationSummary, preferences: Preferences) -> tuple[timedelta, ...]:
    """When to follow up: nothing while the person has something to do, the employer asked for time, or nothing left."""
    asked = summary.needs_action or summary.on_hold or summary.delivery not in _LEFT
    if asked or summary.stage is Stage.OFFER:
        return ()
    chosen = preferences.follow_ups
    days = chosen.after_reply_days if _in_talk(summary) else chosen.after_days
    return tuple(timedelta(days=each) for each in days)


def _counted_from(summary: ApplicationSummary, anchor: datetime) -> datetime:
    return summary.replied_at if _in_talk(summary) and summary.replied_at is not None else anchor
