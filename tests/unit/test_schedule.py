"""Local times as instants: every pending local day comes once, whatever the clocks and the person do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from shared import schedule
from shared.model import Preferences, QuietHours, User

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        (utc(2026, 3, 2, 9, 59), "UTC", utc(2026, 3, 2, 10)),
        (utc(2026, 3, 2, 10), "UTC", utc(2026, 3, 9, 10)),
        (utc(2026, 3, 2, 15), "America/New_York", utc(2026, 3, 9, 14)),  # the clocks went forward in between
        (utc(2026, 3, 1, 20), "Pacific/Kiritimati", utc(2026, 3, 8, 20)),  # Monday begins on Sunday there
        (utc(2026, 3, 1, 19, 59), "Pacific/Kiritimati", utc(2026, 3, 1, 20)),
        (utc(2026, 3, 2, 4, 0), "Asia/Kathmandu", utc(2026, 3, 2, 4, 15)),
    ],
)
def test_the_next_monday_at_ten_is_ten_there(now, zone, expected):
    assert schedule.next_weekly(now, time(10), ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [(utc(2026, 1, 31, 23), utc(2026, 2, 1, 10)), (utc(2026, 12, 1, 10), utc(2027, 1, 1, 10))],
)
def test_the_next_first_of_the_month(now, expected):
    assert schedule.next_monthly(now, time(10), ZoneInfo("UTC")) == expected


def test_a_time_that_the_clocks_skip_comes_as_much_later_and_a_repeated_one_is_its_first():
    assert schedule.instant(date(2026, 3, 8), time(2, 30), NEW_YORK) == utc(2026, 3, 8, 7, 30)
    assert schedule.instant(date(2026, 11, 1), time(1, 30), NEW_YORK) == utc(2026, 11, 1, 5, 30)
    # Half an hour is all that Lord Howe Island moves its clocks.
    assert schedule.instant(date(2026, 10, 4), time(2, 15), LORD_HOWE) == utc(2026, 10, 3, 15, 45)


@pytest.mark.parametrize(
    ("local", "quiet", "ends"),
    [
        ("2026-03-02T21:59", QuietHours(), "2026-03-02T21:59"),
        ("2026-03-02T22:00", QuietHours(), "2026-03-03T07:00"),
        ("2026-03-03T06:59", QuietHours(), "2026-03-03T07:00"),
        ("2026-03-03T07:00", QuietHours(), "2026-03-03T07:00"),
        ("2026-03-02T13:30", QuietHours(start="13:00", end="14:00"), "2026-03-02T14:00"),
        ("2026-03-02T14:00", QuietHours(start="13:00", end="14:00"), "2026-03-02T14:00"),
        ("2026-03-02T14:00", None, "2026-03-02T14:00"),
    ],
)
def test_quiet_hours_end_where_the_person_is(local, quiet, ends):
    at, until = (datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) for text in (local, ends))
    assert schedule.quiet_until(at.astimezone(UTC), quiet, NEW_YORK) == until


def test_an_end_of_quiet_hours_that_the_clocks_repeat_is_not_before_now():
    # 01:40 in New York for the second time that night; the first 01:50 was half an hour ago.
    again = utc(2026, 11, 1, 6, 40)
    assert schedule.quiet_until(again, QuietHours(start="22:00", end="01:50"), NEW_YORK) == again


def test_another_zone_moves_the_hour_of_a_pending_day_and_never_the_day():
    user = schedule.scheduled(User(uid="u", preferences=Preferences(time_zone="Asia/Tokyo")), now=utc(2026, 3, 3))
    assert user.weekly_at == utc(2026, 3, 9, 1)
    west = schedule.rescheduled(user, Preferences(time_zone="America/Los_Angeles"), now=utc(2026, 3, 8, 23))
    assert west.weekly_at == utc(2026, 3, 9, 17)
    # East of it the hour may be past already: then it is due at once, and not a week later.
    east = schedule.rescheduled(west, Preferences(time_zone="Asia/Tokyo"), now=utc(2026, 3, 9, 16))
    assert east.weekly_at == utc(2026, 3, 9, 1)


def test_nothing_pending_is_moved_by_a_change_that_is_not_of_the_zone():
    user = schedule.scheduled(User(uid="u"), now=utc(2026, 3, 3))
    assert schedule.rescheduled(user, Preferences(language="de"), now=utc(2026, 5, 1)) == replace(
        user, preferences=Preferences(language="de")
    )


def test_a_zone_that_no_database_knows_counts_as_utc():
    assert schedule.zone_of(Preferences(time_zone="Mars/Olympus")).key == "UTC"


def test_a_year_of_mondays_in_a_zone_with_summer_time_are_all_at_ten():
    zone, moments = ZoneInfo("Pacific/Chatham"), [utc(2026, 1, 1)]
    while moments[-1] < utc(2027, 1, 1):
        moments.append(schedule.next_weekly(moments[-1], time(10), zone))
    locals_ = [moment.astimezone(zone) for moment in moments[1:]]
    assert {(moment.weekday(), moment.hour, moment.minute) for moment in locals_} == {(0, 10, 0)}
    days = [moment.date() for moment in locals_]
    assert [after - before for before, after in pairwise(days)] == [timedelta(days=7)] * 52
