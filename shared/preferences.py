"""What a person may choose: read it, set all of it or some of it, each field within its bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared import reminders, schedule
from shared.errors import Rejected
from shared.ledger import MOVES_A_STATUS, SilenceThresholds
from shared.model import LANGUAGES, Channel, FollowUps, NotificationKind, Preferences, QuietHours, Signal, User
from shared.ports import Clock, Store, Transaction
from shared.schema import USERS

RECALL_SECONDS = range(121)
"""Two minutes are enough for second thoughts; whoever wants more saves a draft."""

DAILY_CAP = range(1, 2_001)
"""2,000 is what Gmail lets an account of a company send in a day."""

COOL_DOWN_DAYS = range(366)
BACKFILL_DAYS = range(366)

RETENTION_DAYS = range(30, 3_651)
"""Less than a month would delete what a search is still about."""

REMINDER_MINUTES = range(5, 14 * 24 * 60 + 1)
"""From five minutes to two weeks before an interview."""

MOST_REMINDERS = 6

SILENCE_DAYS = range(1, 91)
"""From the next day to three months."""

FOLLOW_UP_DAYS = range(1, 61)
"""Between two letters: after two months nobody remembers the first."""

MOST_FOLLOW_UPS = 2
"""More than two unanswered letters help nobody."""

THANK_YOU_DAYS = range(15)
HOURS = range(24)

LOCAL_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def get(uid: str, *, store: Store) -> Preferences:
    """The person's preferences; the defaults for whoever has never chosen."""
    found = store.get(USERS.key(uid))
    return found.value.preferences if found is not None else Preferences()


def put(uid: str, change: Callable[[Preferences], Preferences], *, store: Store, clock: Clock) -> Preferences:
    """Set what `change` makes of the present preferences. Raises Rejected, naming the field."""
    now = clock.now()

    def work(tx: Transaction) -> tuple[Preferences, Preferences]:
        user = tx.get(USERS.key(uid)) or User(uid=uid, created_at=now)
        chosen = checked(change(user.preferences))
        # The instants at which the person is next written to follow their zone.
        tx.put(USERS.key(uid), schedule.rescheduled(user, chosen, now=now))
        return user.preferences, chosen

    before, chosen = store.transact(work, reads=[USERS.key(uid)])
    if chosen.reminder_minutes != before.reminder_minutes:
        reminders.plan_again(uid, store=store, clock=clock)
    return chosen


def checked(preferences: Preferences) -> Preferences:
    """The same preferences, when every field is within its bounds. Raises Rejected, naming the field."""
    p = preferences
    if p.language not in LANGUAGES:
        raise Rejected(f"language: not one of {', '.join(LANGUAGES)}")
    _time_zone(p.time_zone)
    _within("recall_seconds", p.recall_seconds, RECALL_SECONDS)
    _within("daily_cap", p.daily_cap, DAILY_CAP)
    _within("cool_down_days", p.cool_down_days, COOL_DOWN_DAYS)
    _within("backfill_days", p.backfill_days, BACKFILL_DAYS)
    _within("retention_days", p.retention_days, RETENTION_DAYS)
    _known("signals", p.signals, Signal)
    _known("signals", p.confirm_first, MOVES_A_STATUS, "moves no status, so there is nothing to confirm")
    _known("channels", p.channels, NotificationKind)
    for kind, channels in p.channels.items():
        if len(set(channels)) != len(channels):
            raise Rejected(f"channels.{kind}: names a channel twice")
        if Channel.IN_APP not in channels:
            raise Rejected(f"channels.{kind}: without in_app nothing would keep it for the person")
    if p.quiet_hours is not None:
        _quiet_hours(p.quiet_hours)
    if p.gentle_hour is not None:
        _within("gentle_hour", p.gentle_hour, HOURS)
    if p.digest_hour is not None:
        _within("digest_hour", p.digest_hour, HOURS)
    _reminders(p.reminder_minutes)
    _follow_ups(p.follow_ups)
    _known("silence_days", p.silence_days, (each.name for each in fields(SilenceThresholds)))
    for name, days in p.silence_days.items():
        _within(f"silence_days.{name}", days, SILENCE_DAYS)
    return preferences


def silence_thresholds(preferences: Preferences) -> SilenceThresholds:
    """How long an employer may be silent before this person is told."""
    chosen: dict[str, Any] = {name: timedelta(days=days) for name, days in preferences.silence_days.items()}
    return SilenceThresholds(**chosen)


def _within(field: str, number: int, bounds: range) -> None:
    if number not in bounds:
        raise Rejected(f"{field}: must be {bounds[0]} to {bounds[-1]}")


def _known(field: str, chosen: Iterable[str], words: Iterable[str], fault: str = "no such word") -> None:
    if unknown := sorted(set(chosen) - set(words)):
        raise Rejected(f"{field}.{unknown[0][:40]}: {fault}")


def _time_zone(name: str) -> None:
    try:
        # "localtime" and "posixrules" are files of some machines, and no names of the IANA.
        if "/" in name or name == "UTC":
            ZoneInfo(name)
            return
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise Rejected("time_zone: not a zone of the IANA, like Europe/Berlin or UTC")


def _quiet_hours(hours: QuietHours) -> None:
    for name, value in (("start", hours.start), ("end", hours.end)):
        if not LOCAL_TIME.fullmatch(value):
            raise Rejected(f"quiet_hours.{name}: must be HH:MM")
    if hours.start == hours.end:
        raise Rejected("quiet_hours.end: must differ from the start")


def _reminders(minutes: tuple[int, ...]) -> None:
    if len(minutes) > MOST_REMINDERS:
        raise Rejected(f"reminder_minutes: more than {MOST_REMINDERS}")
    if list(minutes) != sorted(set(minutes), reverse=True):
        raise Rejected("reminder_minutes: must fall, each only once")
    for each in minutes:
        _within("reminder_minutes", each, REMINDER_MINUTES)


def _follow_ups(chosen: FollowUps) -> None:
    for name, days in (("after_days", chosen.after_days), ("after_reply_days", chosen.after_reply_days)):
        if len(days) > MOST_FOLLOW_UPS:
            raise Rejected(f"follow_ups.{name}: more than {MOST_FOLLOW_UPS}")
        for each in days:
            _within(f"follow_ups.{name}", each, FOLLOW_UP_DAYS)
    _within("follow_ups.thank_you_days", chosen.thank_you_days, THANK_YOU_DAYS)
