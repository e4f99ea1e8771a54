"""Dates, times and zones as mails write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared.classify.facts import dates, zones

RECEIVED = datetime(2026, 7, 1, 12, tzinfo=UTC)
"""A Wednesday."""


def read(text, context=""):
    return dates.moments(text, RECEIVED, context or text.lower())


@pytest.mark.parametrize(
    ("text", "local"),
    [
        # English
        ("Monday, January 20th at 2:00 PM", "2027-01-20T14:00"),
        ("on March 5 at 9am", "2027-03-05T09:00"),
        ("the 5th of March 2027, 09:15", "2027-03-05T09:15"),
        ("5 Mar 2027 at noon", "2027-03-05T12:00"),
        ("July 14, 2026 10:30 a.m.", "2026-07-14T10:30"),
        ("at 10:00 AM on August 5", "2026-08-05T10:00"),
        ("- Date: Friday, 11 July 2026\n- Time: 10:00 AM - 11:00 AM", "2026-07-11T10:00"),
        ("When: Tue, 7 Jul 2026 15:00", "2026-07-07T15:00"),
        ("2026-08-05 14:30", "2026-08-05T14:30"),
        ("2026-08-05T14:30", "2026-08-05T14:30"),
        ("2-3 PM on Tuesday", "2026-07-07T14:00"),
        ("11-1 PM tomorrow", "2026-07-02T11:00"),
        ("between 9am and 5pm on Monday", "2026-07-06T09:00"),
        # Weekdays alone are the next such day after the mail.
        ("Thursday at 3pm", "2026-07-02T15:00"),
        ("Wednesday at 3pm", "2026-07-08T15:00"),
        ("next Tuesday at 3pm", "2026-07-07T15:00"),
        ("next Thursday at 3pm", "2026-07-09T15:00"),
        ("tomorrow at 8:45", "2026-07-02T08:45"),
        # German, French, Spanish, Portuguese, Italian, Dutch
        ("am Donnerstag, den 5. August um 14:30 Uhr", "2026-08-05T14:30"),
        ("am 14.07. um 10 Uhr", "2026-07-14T10:00"),
        ("am 14.07.2026 um 10.30 Uhr", "2026-07-14T10:30"),
        ("le mardi 4 août à 14h30", "2026-08-04T14:30"),
        ("le 1er septembre à 9h", "2026-09-01T09:00"),
        ("el lunes 10 de agosto de 2026 a las 10:00", "2026-08-10T10:00"),
        ("na terça-feira, 4 de agosto, às 15h", "2026-08-04T15:00"),
        ("martedì 4 agosto alle ore 15:00", "2026-08-04T15:00"),
        ("dinsdag 4 augustus om 14.00 uur", "2026-08-04T14:00"),
        # Chinese, Japanese
        ("2026年08月06日 14点00分", "2026-08-06T14:00"),
        ("下周二下午3点半", "2026-07-07T15:30"),
        ("明天上午10点", "2026-07-02T10:00"),
        ("8月5日(水)午後3時", "2026-08-05T15:00"),
        ("来週の火曜日 15:00", "2026-07-07T15:00"),
        # American order, where a clock of twelve hours or a weekday says so.
        ("7/14/2026 at 2pm", "2026-07-14T14:00"),
        ("Tuesday 7/14 1:00pm", "2026-07-14T13:00"),
        ("Thursday 7/9/2026", "2026-07-09"),
        # A date alone
        ("on Friday, August 7", "2026-08-07"),
        ("noch im Juli, am 14.07.2026", "2026-07-14"),
    ],
)
def test_a_date_is_read_as_it_is_written(text, local):
    assert [moment.local for moment in read(text)] == [local]


@pytest.mark.parametrize(
    "text",
    [
        "We sat down and will march 3 times",
        "you may 2 times",
        "call 555-10:30 or use v1.2.3 at 3.50",
        "03/04/2026 at 10:00",  # 3 April or 4 March
        "3/4",
        "$10,000 or 45.000 EUR",
        "30 February 2026",
        "31.02.2026",
        "99/99/2026",
        "2026-13-40",
        "1.1",
        "version 12.5",
        "at 25:00 or 9:75",
        "Sun Microsystems",
        "",
    ],
)
def test_what_is_no_date_or_could_be_two_is_none(text):
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("January 20", date(2027, 1, 20)),
        ("June 25", date(2026, 6, 25)),  # six days ago: this year's
        ("June 10", date(2027, 6, 10)),  # three weeks ago: the next one
        ("July 1", date(2026, 7, 1)),
        ("February 29", date(2028, 2, 29)),
    ],
)
def test_a_missing_year_is_that_of_the_next_such_date(text, day):
    assert [moment.day for moment in read(text)] == [day]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("July 7, 10:00 - 10:45", 45),
        ("July 7, 10:00 AM to 11:30 AM", 90),
        ("July 7, 14:00 bis 15:00 Uhr", 60),
        ("7月7日 19:00-21:00", 120),
        ("July 7 at 10:00", None),
        ("July 7, 22:00 - 02:00", None),
    ],
)
def test_a_range_says_how_long_it_lasts(text, minutes):
    assert read(text)[0].minutes == minutes


def test_one_date_carries_several_times():
    assert [m.local for m in read("Tuesday at 10:00 or 14:00")] == ["2026-07-07T10:00", "2026-07-07T14:00"]


def test_each_of_several_dates_keeps_its_own_time():
    text = "- Monday, July 6 at 9am\n- Tuesday, July 7 at 2pm\n- Friday, July 10"
    assert [m.local for m in read(text)] == ["2026-07-06T09:00", "2026-07-07T14:00", "2026-07-10"]


def test_a_time_in_another_sentence_is_not_the_dates():
    assert [m.local for m in read("We open at 9:00. Your interview is on July 7.")] == ["2026-07-07"]


# --- Zones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("July 14 at 2pm PT", "PT", "2026-07-14T21:00"),
        ("January 20 at 2pm EST", "EST", "2027-01-20T19:00"),
        ("July 14 at 2pm EDT", "EDT", "2026-07-14T18:00"),
        ("July 14 at 14:00 CEST", "CEST", "2026-07-14T12:00"),
        ("July 14 at 14:00 UTC+5:30", "UTC+5:30", "2026-07-14T08:30"),
        ("July 14 at 14:00 (GMT-3)", "GMT-3", "2026-07-14T17:00"),
        ("2026-07-14T14:00+05:45", "+05:45", "2026-07-14T08:15"),
        ("July 14 at 14:00 (Europe/Berlin)", "Europe/Berlin", "2026-07-14T12:00"),
        ("July 14 at 10:00am Pacific Time (US & Canada)", "Pacific Time", "2026-07-14T17:00"),
        ("July 14 at 10:00 AM Eastern", "Eastern", "2026-07-14T14:00"),
        ("July 14 at 10:00, London time", "London time", "2026-07-14T09:00"),
        ("14 juillet à 10h (heure de Paris)", "heure de Paris", "2026-07-14T08:00"),
        ("14. Juli um 10 Uhr MESZ", "MESZ", "2026-07-14T08:00"),
        ("2026年7月14日 14:00(北京时间)", "北京时间", "2026-07-14T06:00"),
        ("7月14日 14:00 日本時間", "日本時間", "2026-07-14T05:00"),
        ("July 14 at 3:30 PM ACST", "ACST", "2026-07-14T06:00"),
        ("July 14 at 3:00 PM NPT", "NPT", "2026-07-14T09:15"),
        ("July 14 at 10:00 AM - 11:00 AM AEST", "AEST", "2026-07-14T00:00"),
        ("July 14, 10:00. All times are in CET/CEST.", "CET/CEST", "2026-07-14T08:00"),
        ("July 14, 10:00.\nTime zone: America/New_York", "America/New_York", "2026-07-14T14:00"),
        ("Monday, July 6 10am, Tuesday, July 7 2pm, or Wed 3pm ET", "ET", "2026-07-06T14:00"),
    ],
)
def test_a_stated_zone_gives_the_moment(text, zone, utc):
    moment = read(text)[0]
    assert moment.zone.written == zone
    assert moment.utc() == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "July 14 at 2pm",
        "July 14 at 2pm local time",
        "July 14 at 2pm your time",
        "July 14 at 2pm in Berlin",  # a room, a town: no zone
        "July 14 at 2pm XST",
        "July 14 at 2pm +99:99",
        "July 14 at 2pm UTC+25",
        "July 14 at 2pm Europe/Atlantis",
        "July 14 at 2pm ../../etc/passwd",
    ],
)
def test_a_missing_zone_is_never_guessed(text):
    moment = read(text)[0]
    assert moment.local == "2026-07-14T14:00"
    assert moment.zone is None
    assert moment.utc() is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("July 14 at 2pm EST", "New York has no EST in July"),
        ("January 14 at 2pm CEST", "nor Berlin CEST in January"),
        ("July 14 at 2pm IST", "India, Israel or Ireland"),
        ("March 29, 2027 at 2:30 CET, and 2026-03-29 at 02:30 Europe/Berlin", "the clock skips it"),
        ("2026-10-25 at 02:30 (Europe/Berlin)", "the clock has it twice"),
    ],
)
def test_a_zone_that_does_not_give_one_moment_is_asked(text, why):
    moment = read(text, context="-")[-1]
    assert moment.zone is not None, why
    assert moment.utc() is None, why


@pytest.mark.parametrize(
    ("context", "utc"),
    [
        ("hr@acme.in", "2026-07-14T08:30"),
        ("our office in bengaluru", "2026-07-14T08:30"),
        ("hr@acme.co.il", "2026-07-14T11:00"),
        ("call +353 1 555", "2026-07-14T13:00"),
    ],
)
def test_the_mail_itself_settles_a_shared_abbreviation(context, utc):
    moment = read("July 14 at 2pm IST", context=context)[0]
    assert moment.utc() == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_an_abbreviation_picks_the_right_hour_of_the_two_that_a_clock_repeats():
    cest, cet = read("2026-10-25 at 02:30 CEST")[0], read("2026-10-25 at 02:30 CET")[0]
    assert cest.utc() == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert cet.utc() == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "Europe/../../x", "posixrules", "", "Europe/"])
def test_a_zone_name_opens_no_file_but_a_zones(name):
    assert zones.named(name) is None


def test_a_moment_at_the_end_of_time_is_none():
    last = datetime.max.replace(microsecond=0)  # noqa: DTZ901 - a naive time is the point
    assert zones.Zone("UTC-14", timezone(timedelta(hours=-14))).utc(last) is None
