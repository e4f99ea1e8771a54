"""The meeting in a text/calendar part."""

from datetime import UTC, datetime

import pytest

from shared.classify.facts import calendar
from shared.model import CalendarPart

YEARLY = "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"


def event(start, *lines, uid="u1@acme.com"):
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART{start}", *lines, "END:VEVENT", ""])


def zone(name, *rules):
    return "\r\n".join(
        [
            "BEGIN:VTIMEZONE", f"TZID:{name}",
            "BEGIN:STANDARD", "DTSTART:16011028T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD",
            "BEGIN:DAYLIGHT", "DTSTART:16010325T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200",
            *rules, "END:DAYLIGHT", "END:VTIMEZONE", "",
        ]
    )  # fmt: skip


def read(*parts, method="REQUEST"):
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{''.join(parts)}END:VCALENDAR\r\n"
    return meeting_in(text)


def meeting_in(text, method=""):
    meeting = calendar.meeting(CalendarPart(text=text, method=method))
    assert meeting is not None
    return meeting


@pytest.mark.parametrize(
    ("start", "local", "zone_name", "utc"),
    [
        (":20260714T140000Z", "2026-07-14T14:00", "UTC", "2026-07-14T14:00"),
        (";TZID=Europe/Berlin:20260714T140000", "2026-07-14T14:00", "Europe/Berlin", "2026-07-14T12:00"),
        (';TZID="America/New_York":20260114T140000', "2026-01-14T14:00", "America/New_York", "2026-01-14T19:00"),
        # Windows' own names, which Outlook writes
        (";TZID=Pacific Standard Time:20260714T140000", "2026-07-14T14:00", "America/Los_Angeles", "2026-07-14T21:00"),
        (";TZID=India Standard Time:20260714T140000", "2026-07-14T14:00", "Asia/Calcutta", "2026-07-14T08:30"),
        # What has no zone, or one that nobody knows, is asked.
        (":20260714T140000", "2026-07-14T14:00", "", None),
        (";TZID=Nowhere/Land:20260714T140000", "2026-07-14T14:00", "Nowhere/Land", None),
        (";TZID=../../etc/passwd:20260714T140000", "2026-07-14T14:00", "../../etc/passwd", None),
        (";VALUE=DATE:20260714", "2026-07-14", "", None),
        # What is no date
        (":00000000T000000Z", "", "", None),
        (":99991231T235959Z", "", "", None),
        (":18500101T000000Z", "", "", None),
        (":tomorrow", "", "", None),
        (":", "", "", None),
    ],
)
def test_a_start_is_a_moment_only_in_a_known_zone(start, local, zone_name, utc):
    meeting = read(event(start))
    assert (meeting.start_local, meeting.zone) == (local, zone_name)
    assert meeting.start == (datetime.fromisoformat(utc).replace(tzinfo=UTC) if utc else None)


def test_a_zone_of_the_senders_own_is_read_from_its_rules():
    meeting = read(zone("Acme HQ", YEARLY), event(";TZID=Acme HQ:20260714T140000"))
    assert meeting.start == datetime(2026, 7, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=MINUTELY",
        "RRULE:FREQ=YEARLY;BYHOUR=0,1,2;BYMINUTE=0,1,2;BYSECOND=0,1,2",
        "RRULE:FREQ=YEARLY;INTERVAL=0",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU\r\nRRULE:FREQ=SECONDLY;COUNT=999999999",
    ],
)
def test_a_zone_with_rules_that_no_clock_has_is_not_computed(rule):
    meeting = read(zone("Evil", rule), event(";TZID=Evil:20260714T140000"))
    assert (meeting.start, meeting.start_local, meeting.zone) == (None, "2026-07-14T14:00", "Evil")


def test_what_identifies_and_describes_it():
    meeting = read(
        event(
            ":20260714T140000Z",
            "SEQUENCE:3",
            "DTEND:20260714T144500Z",
            "SUMMARY:Interview\\, Acme",
            "ORGANIZER;CN=Jo Roe:mailto:Jo@Acme.com",
            "LOCATION:Room 1",
            "X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij",
        )
    )
    assert (meeting.uid, meeting.sequence, meeting.minutes) == ("u1@acme.com", 3, 45)
    assert (meeting.summary, meeting.location, meeting.organizer) == ("Interview, Acme", "Room 1", "jo@acme.com")
    assert meeting.url == "https://meet.google.com/abc-defg-hij"
    assert meeting.line == "DTSTART:20260714T140000Z"


@pytest.mark.parametrize(
    ("lines", "minutes"),
    [
        (["DURATION:PT30M"], 30),
        (["DTEND:20260714T150000Z"], 60),
        (["DTEND:20260714T130000Z"], None),
        (["DURATION:P9999999999D"], None),
        (["DURATION:P3D"], None),
        (["DTEND:20260714T150000"], None),
        ([], None),
    ],
)
def test_how_long_it_lasts(lines, minutes):
    assert read(event(":20260714T140000Z", *lines)).minutes == minutes


@pytest.mark.parametrize(
    ("method", "lines", "cancelled"),
    [
        ("REQUEST", [], False),
        ("CANCEL", [], True),
        ("cancel", [], True),
        ("REQUEST", ["STATUS:CANCELLED"], True),
        ("PUBLISH", ["STATUS:CONFIRMED"], False),
    ],
)
def test_what_calls_it_off(method, lines, cancelled):
    assert read(event(":20260714T140000Z", *lines), method=method).cancelled is cancelled


def test_the_part_states_the_method_over_its_text():
    text = f"BEGIN:VCALENDAR\r\n{event(':20260714T140000Z')}END:VCALENDAR\r\n"
    assert meeting_in(text, method="CANCEL").cancelled


def test_only_the_first_event_and_one_occurrence_count():
    meeting = read(event(":20260714T140000Z", "RRULE:FREQ=SECONDLY"), event(":20270714T140000Z", uid="u2@acme.com"))
    assert (meeting.uid, meeting.start) == ("u1@acme.com", datetime(2026, 7, 14, 14, tzinfo=UTC))


def test_an_alarm_inside_an_event_is_not_the_event():
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Reminder\r\nUID:alarm\r\nEND:VALARM"
    assert read(event(":20260714T140000Z", alarm, "SUMMARY:Interview")).uid == "u1@acme.com"


def test_folded_lines_and_bare_line_feeds_are_read():
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a-very-\n long-uid\nDTSTART:2026\n\t0714T140000Z\nEND:VEVENT\nEND:VCALENDAR"
    )
    meeting = meeting_in(text)
    assert (meeting.uid, meeting.start) == ("a-very-long-uid", datetime(2026, 7, 14, 14, tzinfo=UTC))


def test_a_part_that_was_cut_off_still_says_when():
    text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260714T140000Z\r\nDESCRIPTION:and so on"
    assert meeting_in(text).start == datetime(2026, 7, 14, 14, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "x" * 1000, "BEGIN:VCALENDAR\r\nEND:VCALENDAR", "BEGIN:VTODO\r\nEND:VTODO"])
def test_a_part_without_an_event_is_no_meeting(text):
    assert calendar.meeting(CalendarPart(text=text)) is None
