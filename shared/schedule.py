"""When a person is next to be written to: local times, kept as instants in UTC.

Each pending instant stands for one local day. Another time zone moves the instant of that day and never the day, so
that no week is told twice and none is left out, wherever the person travels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.model import Notification, NotificationKind, Preferences, QuietHours, User

REPORTS_AT = time(10)
"""Weekly summaries on Mondays, monthly reports on the first: when the day's first mail has been read."""

FOLLOW_UPS_AT = time(9)
"""Early enough to write to somebody this morning."""

DAYS = timedelta(days=1)


def zone_of(preferences: Preferences) -> ZoneInfo:
    """Where the person is; UTC when the name is of no zone that this release knows."""
    try:
        return ZoneInfo(preferences.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A zone that the database has dropped since: better the wrong hour than no word at all.
        return ZoneInfo("UTC")


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as an instant. What the clocks skip comes as much later, what they repeat is its first time."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def next_daily(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next time that it is `at` there, strictly after `now`."""
    return _next(now, at, zone, now.astimezone(zone).date(), lambda day: day + DAYS)


def next_weekly(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next Monday at that time, strictly after `now`."""
    today = now.astimezone(zone).date()
    return _next(now, at, zone, today - today.weekday() * DAYS, lambda day: day + 7 * DAYS)


def next_monthly(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The next first of a month at that time, strictly after `now`."""
    return _next(now, at, zone, now.astimezone(zone).date().replace(day=1), next_month)


def next_month(first: date) -> date:
    """The first of the month after the one that begins on `first`."""
    return (first + 31 * DAYS).replace(day=1)


def quiet_until(now: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """`now`, or the end of the quiet hours that hold there."""
    if quiet is None:
        return now
    local = now.astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    present = local.time().replace(tzinfo=None)
    if start < end:
        is_quiet, ends_on = start <= present < end, local.date()
    else:
        # Over midnight; the whole day when both are the same.
        is_quiet = present >= start or present < end
        ends_on = local.date() + (DAYS if present >= start else 0 * DAYS)
    # Where the clocks repeat the end it may be past already.
    return max(now, instant(ends_on, end, zone)) if is_quiet else now


def days_left(reply_by: str, preferences: Preferences, now: datetime) -> int | None:
    """Days until that day ends where the person is: 0 on the day itself, negative after it; None for no date."""
    try:
        day = datetime.fromisoformat(reply_by).date()
    except ValueError:
        return None
    return (day - now.astimezone(zone_of(preferences)).date()).days


def planned(notice: Notification, preferences: Preferences, *, rejects: bool, now: datetime) -> Notification:
    """A new notification with the moment at which it is released: at once, or when the person wants bad news.

    `rejects` says that the application that it speaks of has ended badly. Until that hour not even the app shows it.
    """
    if not (rejects and notice.kind == NotificationKind.STATUS_CHANGED and preferences.gentle_hour is not None):
        return replace(notice, due_at=now)
    until = next_daily(now, time(preferences.gentle_hour), zone_of(preferences))
    return replace(notice, due_at=until, hidden_until=until)


# --- A person's next instants -----------------------------------------------------------------------------------------


def scheduled(user: User, *, now: datetime) -> User:
    """The person with every instant that they lack; whoever writes a person's record gives it to them thus."""
    zone = zone_of(user.preferences)
    return replace(
        user,
        weekly_at=user.weekly_at or next_weekly(now, REPORTS_AT, zone),
        monthly_at=user.monthly_at or next_monthly(now, REPORTS_AT, zone),
        follow_up_at=user.follow_up_at or next_daily(now, FOLLOW_UPS_AT, zone),
        retention_at=user.retention_at or now + user.preferences.retention_days * DAYS,
    )


def rescheduled(user: User, preferences: Preferences, *, now: datetime) -> User:
    """The person with other preferences: every pending local day keeps its place, at its hour in the new zone."""
    before, after = zone_of(user.preferences), zone_of(preferences)

    def moved(pending: datetime | None, at: time) -> datetime | None:
        return None if pending is None else instant(pending.astimezone(before).date(), at, after)

    return scheduled(
        replace(
            user,
            preferences=preferences,
            weekly_at=moved(user.weekly_at, REPORTS_AT),
            monthly_at=moved(user.monthly_at, REPORTS_AT),
            follow_up_at=moved(user.follow_up_at, FOLLOW_UPS_AT),
            # What is kept for less time may be too old already.
            retention_at=user.retention_at if preferences.retention_days == user.preferences.retention_days else now,
        ),
        now=now,
    )


def _next(now: datetime, at: time, zone: ZoneInfo, day: date, step: Callable[[date], date]) -> datetime:
    while (moment := instant(day, at, zone)) <= now:
        day = step(day)
    return moment
