"""Meetings, deadlines and bounces, read from whole mails."""

from datetime import UTC, datetime

import pytest

from shared.classify.facts import bounce, extract
from shared.model import CalendarPart, Mail, Signal

RECEIVED = datetime(2026, 7, 1, 12, tzinfo=UTC)
"""A Wednesday."""

INVITATION = Signal.INTERVIEW_INVITATION


def read(body, signal=INVITATION, *, subject="", calendars=(), address="hr@acme.com"):
    mail = Mail(
        id="m1",
        thread_id="t1",
        internal_date=RECEIVED,
        from_address=address,
        subject=subject,
        text=body,
        calendars=calendars,
    )
    return extract(mail, signal)


# --- The meeting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "start_local", "zone", "start"),
    [
        ("Your interview is confirmed for July 14 at 2:00 PM EDT.", "2026-07-14T14:00", "EDT", "2026-07-14T18:00"),
        ("Your interview is confirmed for July 14 at 2:00 PM.", "2026-07-14T14:00", "", None),
        ("Interview on Thursday at 3pm PT", "2026-07-02T15:00", "PT", "2026-07-02T22:00"),
        (
            "New interview details:\n- Date: Friday, 11 July 2026\n- Time: 10:00 AM - 11:00 AM AEST",
            "2026-07-11T10:00",
            "AEST",
            "2026-07-11T00:00",
        ),
        ("面试时间：2026年08月06日 14点00分，面试时长60分钟。", "2026-08-06T14:00", "", None),
        (
            "Ihr Gespräch findet am 14.07. um 10 Uhr MESZ statt.",
            "2026-07-14T10:00",
            "MESZ",
            "2026-07-14T08:00",
        ),
        ("Please come for an interview on Friday, August 7.", "2026-08-07", "", None),
    ],
)
def test_a_start_is_a_moment_only_with_its_zone(body, start_local, zone, start):
    met = read(body).interview
    assert (met.start_local, met.zone) == (start_local, zone)
    assert met.start == (datetime.fromisoformat(start).replace(tzinfo=UTC) if start else None)


@pytest.mark.parametrize(
    "body",
    [
        "You applied on June 20. Your interview is on July 14 at 2pm.",
        "Sent on Wednesday, July 1 at 9:00. Your interview is on July 14 at 2pm.",
        "Please reply by July 3 at 5pm. Your interview is on July 14 at 2pm.",
        "Your interview on July 14 at 2pm: please confirm before Friday, July 10 at noon.",
        "The role starts soon, start date September 1. The interview takes place on July 14 at 2pm.",
        "Your interview, originally planned for July 9 at 10am, takes place on July 14 at 2pm.",
        "We moved your interview from Thursday, July 9 at 10am to Tuesday, July 14 at 2pm.",
        "原面试时间为7月9日 10:00，调整为7月14日 14:00。",
        "Ihre Bewerbung vom 20. Juni: das Gespräch ist am 14. Juli um 14 Uhr.",
    ],
)
def test_another_day_in_the_mail_is_not_the_meetings(body):
    assert read(body).interview.start_local == "2026-07-14T14:00"


@pytest.mark.parametrize(
    "body",
    [
        "Please share your availability by Friday, July 10.",
        "We received your application on June 20, 2026.",
        "This invitation expires on July 9 at 5pm.",
        "AI面试有效期为2026年7月29日 10:20至2026年7月31日 10:20，请在有效期内完成。",
        "请务必在2026年08月01日 23点59分（北京时间）前反馈面试时间。",
    ],
)
def test_a_deadline_is_no_meeting(body):
    met = read(body).interview
    assert met is None or met.start_local == ""


def test_several_offered_times_are_alternatives():
    met = read(
        "Would any of these work?\n- Monday, July 6 at 9am\n- Tuesday, July 7 at 2pm\n- or July 8, 10:00"
    ).interview
    assert met.start_local == "2026-07-06T09:00"
    assert met.alternatives == ("2026-07-07T14:00", "2026-07-08T10:00")


def test_one_moment_in_two_zones_is_one_time():
    met = read("Interview: July 14 at 2:00 PM ET or 11:00 AM PT, whichever you prefer to read.").interview
    assert met.start == datetime(2026, 7, 14, 18, tzinfo=UTC)
    assert met.alternatives == ()


def test_an_agenda_is_not_a_list_of_alternatives():
    met = read("Your interview is on Monday, July 6. Agenda: 9am design, 10am coding, 12pm lunch.").interview
    assert (met.start_local, met.alternatives) == ("2026-07-06T09:00", ())


@pytest.mark.parametrize(
    ("body", "minutes"),
    [
        ("a 30-minute phone screen", 30),
        ("The call takes 45 min.", 45),
        ("a one-hour conversation", 60),
        ("half an hour on Zoom", 30),
        ("1.5 hours with the team", 90),
        ("ein 45-minütiges Gespräch, also 45 Minuten", 45),
        ("面试时长60分钟", 60),
        ("July 14, 10:00 - 10:45", 45),
        ("Please join 5 minutes early. Zoom", None),
        ("Please arrive 15 minutes early at our office", None),
    ],
)
def test_how_long_it_lasts(body, minutes):
    assert read(body).interview.duration_minutes == minutes


@pytest.mark.parametrize(
    ("body", "platform", "link"),
    [
        ("Join https://us02web.zoom.us/j/1?pwd=a at 3pm", "Zoom", "https://us02web.zoom.us/j/1?pwd=a"),
        ("Join link: meet.google.com/abc-defg-hij.", "Google Meet", "meet.google.com/abc-defg-hij"),
        ("We will meet on Microsoft Teams.", "Microsoft Teams", ""),
        ("We will call you: a phone screen.", "phone", ""),
        ("Come to our office at 123 Main St.", "on-site", ""),
        ("Book a time: https://calendly.com/acme/30min", "", "https://calendly.com/acme/30min"),
        ("Book at calendly.com/acme or join zoom.us/j/9", "Zoom", "zoom.us/j/9"),
        ("Das Gespräch führen wir telefonisch.", "phone", ""),
        ("视频面试", "video", ""),
    ],
)
def test_where_people_meet(body, platform, link):
    met = read(body).interview
    assert (met.platform, met.link) == (platform, link)


@pytest.mark.parametrize(
    ("body", "cancelled"),
    [
        ("Unfortunately we have to cancel your interview on July 14 at 2pm.", True),
        ("Your interview has been cancelled.", True),
        ("Das Gespräch am 14. Juli wurde abgesagt.", True),
        ("面试已取消。", True),
        ("Monday's interview is cancelled. The new time is July 14 at 2pm.", False),
        ("Your interview has been moved to July 14 at 2pm.", False),
    ],
)
def test_a_cancelled_meeting_is_not_a_moved_one(body, cancelled):
    assert read(body, Signal.INTERVIEW_UPDATE).interview.cancelled is cancelled


def test_only_an_update_cancels():
    assert read("If you cancelled, ignore this: interview July 14, 2pm").interview.cancelled is False


@pytest.mark.parametrize("signal", [Signal.ACKNOWLEDGEMENT, Signal.REJECTION, Signal.OFFER, Signal.JOB_ALERT])
def test_other_mail_states_no_meeting_in_its_text(signal):
    assert read("Your interview is on July 14 at 2pm.", signal).interview is None


# --- Calendar parts, as far as the mail adds to them ------------------------------------------------------------------


def part(start, *, more="", method="REQUEST"):
    event = f"BEGIN:VEVENT\r\nUID:u1@acme.com\r\nDTSTART{start}\r\n{more}END:VEVENT\r\n"
    return CalendarPart(text=f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{event}END:VCALENDAR\r\n")


def test_a_calendar_part_wins_over_the_text_in_any_mail_about_an_application():
    facts = read("Thank you. Interview: July 9 at 9am.", Signal.ACKNOWLEDGEMENT, calendars=(part(":20260714T140000Z"),))
    assert facts.interview.start == datetime(2026, 7, 14, 14, tzinfo=UTC)
    assert facts.interview.ics_uid == "u1@acme.com"
    assert facts.quotes["interview"] == "DTSTART:20260714T140000Z"


def test_a_floating_time_takes_the_zone_that_the_text_gives_the_same_time():
    facts = read("Your interview is on July 14 at 2:00 PM EDT.", calendars=(part(":20260714T140000"),))
    assert (facts.interview.start, facts.interview.zone) == (datetime(2026, 7, 14, 18, tzinfo=UTC), "EDT")


def test_a_floating_time_alone_is_asked():
    facts = read("See the invitation.", calendars=(part(":20260714T140000"),))
    assert (facts.interview.start, facts.interview.start_local) == (None, "2026-07-14T14:00")


def test_the_room_is_found_in_the_calendar_part():
    more = "LOCATION:https://acme.zoom.us/j/1\r\nDTEND:20260714T144500Z\r\n"
    met = read("Hi", calendars=(part(":20260714T140000Z", more=more),)).interview
    assert (met.platform, met.link, met.duration_minutes) == ("Zoom", "https://acme.zoom.us/j/1", 45)


def test_a_cancel_calls_the_meeting_off():
    assert read(
        "", Signal.INTERVIEW_UPDATE, calendars=(part(":20260714T140000Z", method="CANCEL"),)
    ).interview.cancelled


# --- Deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "deadline"),
    [
        ("Please complete the test by July 7, 2026.", "2026-07-07"),
        ("Please complete the assessment by: Sunday, 5 July 2026 at 11:59 PM AEST", "2026-07-05T23:59"),
        ("The link expires on July 9 at 17:00.", "2026-07-09T17:00"),
        ("You have 72 hours to complete the challenge.", "2026-07-04"),
        ("Complete it within three business days.", "2026-07-06"),
        ("You have one week to submit your work.", "2026-07-08"),
        ("Bitte reichen Sie die Aufgabe bis zum 10. Juli ein.", "2026-07-10"),
        ("Merci de terminer le test avant le 10 juillet.", "2026-07-10"),
        ("请在48小时内完成在线测评", "2026-07-03"),
        ("测评将于 2026年07月08日 12:35 失效。", "2026-07-08T12:35"),
        ("笔试时间：2026年7月30日 19:00-21:00", "2026-07-30T19:00"),
        ("7月8日までにご回答ください。", "2026-07-08"),
        ("The test takes 90 minutes.", ""),
    ],
)
def test_the_last_day_of_an_assessment(body, deadline):
    facts = read(body, Signal.ASSESSMENT)
    assert facts.assessment_deadline == deadline
    assert bool(facts.quotes.get("assessment_deadline")) is bool(deadline)
    assert facts.reply_by == ""


@pytest.mark.parametrize(
    ("body", "signal", "reply_by"),
    [
        ("Please review and sign by July 10.", Signal.OFFER, "2026-07-10"),
        ("This offer expires: Friday, 10 July 2026. Start date: July 20.", Signal.OFFER, "2026-07-10"),
        ("Please tell us your availability by Friday.", Signal.AVAILABILITY_REQUEST, "2026-07-03"),
        ("Please send your documents within 5 days.", Signal.INFO_REQUEST, "2026-07-06"),
        ("We will decide by July 10.", Signal.REJECTION, ""),
        ("Your start date is July 20.", Signal.OFFER, ""),
    ],
)
def test_the_last_day_to_answer(body, signal, reply_by):
    assert read(body, signal).reply_by == reply_by


# --- Bounces ----------------------------------------------------------------------------------------------------------

OURS = "<CAF1@mail.gmail.com>"


def returned(quoted, *, subject="Delivery Status Notification (Failure)", text="Address not found", **more):
    return Mail(
        id="m1", thread_id="t1", internal_date=RECEIVED, subject=subject, text=text, quoted=quoted,
        message_id="<dsn@mx.example>", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("5.1.1", "The address does not exist."),
        ("5.1.2", "The domain of the address does not exist."),
        ("5.1.10", "The domain accepts no mail."),
        ("5.2.1", "The mailbox is disabled."),
        ("5.2.2", "The mailbox is full."),
        ("5.3.4", "The message is too large for the recipient's server."),
        ("5.4.4", "The recipient's server could not be found."),
        ("5.7.1", "The recipient's server refused the message by its rules."),
        ("5.7.26", "The recipient's server could not verify the sender (SPF, DKIM)."),
        ("5.7.515", "The recipient's server refused the message by its rules."),
        ("5.5.6", "The two mail servers did not understand each other."),
        ("5.0.0", "The message could not be delivered."),
        ("4.4.1", "The recipient's server did not answer. The server may try again."),
    ],
)
def test_a_status_is_said_in_plain_words(status, meaning):
    mail = returned(f"Final-Recipient: rfc822; jobs@acme.example\nAction: failed\nStatus: {status}\nMessage-ID: {OURS}")
    facts = extract(mail, Signal.DELIVERY_FAILURE)
    assert (facts.bounced_message_id, facts.bounce_diagnosis) == (OURS, meaning)
    assert facts.quotes["bounce_diagnosis"] == f"Status: {status}"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Your message wasn't delivered because the address couldn't be found.", "The address does not exist."),
        ("550 No such user here", "The address does not exist."),
        ("The recipient's inbox is over quota", "The mailbox is full."),
        ("554 rejected for policy reasons", "The recipient's server refused the message."),
        ("Something went wrong.", ""),
    ],
)
def test_without_a_status_the_servers_words_count(text, meaning):
    assert bounce.diagnosis(returned("", text=text, subject="Undelivered"))[0] == meaning


def test_the_returned_mail_is_named_by_the_report_not_by_the_notification():
    mail = returned(f"Message-ID: <dsn@mx.example>\nStatus: 5.1.1\n\nMessage-ID: {OURS}", in_reply_to="<other@x>")
    assert bounce.original_message_id(mail) == OURS


def test_without_a_report_the_notification_answers_the_mail():
    assert bounce.original_message_id(returned("", in_reply_to=OURS)) == OURS
    assert bounce.original_message_id(returned("", references=("<a@x>", OURS))) == OURS
    assert bounce.original_message_id(returned("")) == ""
