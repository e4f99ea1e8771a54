"""Reminders of interviews: each once, in its window, and none for what was moved, called off or closed."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from shared import applications, interviews, reminders
from shared.due import WriteReminder
from shared.errors import NotFound, Refused, Rejected
from shared.interviews import RoundByHand
from shared.model import Delivery, FollowUps, InterviewStatus, NotificationKind, Send, Signal, Stage
from shared.schema import INTERVIEWS_OF_USER, SENDS
from tests.support.telling import DAY, HOUR, MINUTE, Telling

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = NOW + 10 * DAY
REMINDER = NotificationKind.INTERVIEW_REMINDER


@pytest.fixture
def world():
    with closing(Telling(NOW)) as made:
        yield made


@pytest.fixture
def ids(world):
    class Counting:
        number = 0

        def new(self) -> str:
            self.number += 1
            return f"id{self.number}"

    return {"store": world.store, "clock": world.clock, "ids": Counting()}


def names(world, uid="ada"):
    return [told.detail for told in world.told(uid, REMINDER) if told.withdrawn_at is None]


def invited(world, start=START, **chosen):
    world.person("ada", "Asia/Kolkata", **chosen)
    world.applied("ada", "a1")
    world.invited("ada", "a1", start, zone="America/New_York", link="https://meet.example/1", platform="Zoom")


def test_each_step_of_the_ladder_is_made_once_and_at_its_time(world):
    invited(world)
    world.run_until(START + HOUR, again=True)
    made = [(told.detail, told.created_at.replace(microsecond=0)) for told in world.told("ada", REMINDER)]
    assert made == [
        (str(7 * 24 * 60), START - 7 * DAY + 5 * MINUTE),
        (reminders.DAY, START - DAY),
        ("120", START - 2 * HOUR + 5 * MINUTE),
        ("15", START - 10 * MINUTE),
    ]
    assert len(world.mailed("ada", REMINDER)) == 4
    assert max(world.outside["email"].tries.values()) == 1


def test_a_reminder_says_role_both_times_link_and_thread(world):
    invited(world)
    world.clock.set(START - DAY)
    world.sweep()
    (sent,) = world.mailed("ada", REMINDER)
    assert sent.message.subject == "Interview in 24 hours: Baker at Acme"
    assert sent.message.text.splitlines() == [
        "For: Baker at Acme",
        "Your time: Thu 12 Mar 2026, 17:30 IST",
        "Their time: Thu 12 Mar 2026, 08:00 EDT",
        "Join: Zoom https://meet.example/1",
        "The mail: https://mail.google.com/mail/#all/t-a1",
    ]


def test_a_reminder_names_the_version_of_the_cv_that_was_sent(world):
    invited(world)
    sent = Send(
        id="s1",
        uid="ada",
        application_id="a1",
        delivery=Delivery.SENT,
        created_at=NOW,
        send_after=NOW,
        due_at=None,
        letter=None,
        enclosed=("CV Ada 2026-03.pdf",),
    )
    world.store.create(SENDS.key("s1"), sent)
    world.clock.set(START - DAY)
    world.sweep()
    (mail,) = world.mailed("ada", REMINDER)
    assert "They have from you: CV Ada 2026-03.pdf" in mail.message.text


def test_the_window_of_the_day_before_holds_for_whoever_has_no_ladder(world):
    invited(world, reminder_minutes=())
    world.run_until(START)
    (told,) = world.told("ada", REMINDER)
    assert told.detail == reminders.DAY
    assert 20 * HOUR <= START - told.created_at <= 28 * HOUR


def test_an_invitation_within_the_window_is_still_reminded_of(world):
    invited(world, NOW + 22 * HOUR)
    world.run_until(NOW + HOUR)
    assert names(world) == [reminders.DAY]


def test_steps_that_had_passed_before_the_invitation_are_not_made_up_for(world):
    invited(world, NOW + 3 * HOUR)
    world.run_until(NOW + 30 * MINUTE)
    assert names(world) == []


def test_of_several_steps_that_were_missed_only_the_last_is_made(world):
    invited(world)
    world.sweep()
    world.clock.set(START - HOUR)
    world.sweep(again=True)
    assert names(world) == ["120"]


def test_nothing_is_made_for_an_interview_that_has_begun(world):
    invited(world)
    world.sweep()
    world.clock.set(START + MINUTE)
    world.sweep()
    assert names(world) == []


def test_a_moved_interview_takes_its_reminders_back_and_has_new_ones(world):
    invited(world)
    world.clock.set(START - DAY)
    world.sweep()
    world.invited("ada", "a1", START + 3 * DAY, ics_sequence=1)
    world.sweep()
    assert [(told.detail, told.withdrawn_at is not None) for told in world.told("ada", REMINDER)] == [("day", True)]
    world.run_until(START + 3 * DAY)
    assert names(world) == [reminders.DAY, "120", "15"]
    assert [told.at for told in world.told("ada", REMINDER)][1:] == [START + 3 * DAY] * 3


def test_a_cancelled_interview_has_none_and_a_queued_one_is_withdrawn(world):
    invited(world)
    world.sweep()
    world.clock.set(START - 2 * HOUR)
    reminders.remind(WriteReminder(uid="ada", interview_id=_id(world)), **world.ports)
    world.invited("ada", "a1", START, ics_sequence=1, cancelled=True)
    world.run_until(START + HOUR)
    assert names(world) == []
    assert world.mailed("ada", REMINDER) == []


def test_thanks_for_an_interview_that_was_held_at_another_time_are_taken_back(world, ids):
    invited(world, NOW + DAY, follow_ups=FollowUps(thank_you_days=1))
    world.run_until(NOW + 3 * DAY)
    assert [told.withdrawn_at for told in world.told("ada", NotificationKind.FOLLOW_UP)] == [None]
    interviews.move("ada", _id(world), RoundByHand(start=NOW + 5 * DAY), **ids)
    world.sweep()
    assert [told.withdrawn_at is None for told in world.told("ada", NotificationKind.FOLLOW_UP)] == [False]


def test_a_closed_application_has_none(world):
    invited(world)
    world.mail("ada", "a1", Signal.REJECTION)
    world.run_until(START)
    assert world.told("ada", REMINDER) == []


def test_another_ladder_holds_for_interviews_that_are_known_already(world):
    invited(world, reminder_minutes=(60,))
    world.sweep()
    world.choose("ada", reminder_minutes=(3 * 24 * 60, 60))
    world.run_until(START)
    assert names(world) == [str(3 * 24 * 60), reminders.DAY, "60"]


@pytest.mark.parametrize("interview_id", ["a/b", ".."])
def test_an_id_that_is_none_is_rejected(world, interview_id):
    with pytest.raises(Rejected):
        reminders.remind(WriteReminder(uid="ada", interview_id=interview_id), **world.ports)


# --- Interviews by hand -----------------------------------------------------------------------------------------------


def held(world, uid="ada"):
    return [item.value for item in world.store.find(INTERVIEWS_OF_USER, parent=uid, limit=50).items]


def _id(world):
    (only,) = held(world)
    return only.id


def test_rounds_by_hand_are_made_moved_and_called_off(world, ids):
    world.person("ada")
    world.applied("ada", "a1")
    told = RoundByHand(start=START, zone="Europe/Berlin", duration_minutes=45, platform="Zoom", link="https://z.us/1")
    made = interviews.add("ada", "a1", told, request_id="r1", **ids)
    assert interviews.add("ada", "a1", told, request_id="r1", **ids).interviews == made.interviews
    assert (made.stage, len(made.interviews)) == (Stage.INTERVIEW, 1)
    interviews.add("ada", "a1", RoundByHand(start=START + 2 * HOUR), **ids)
    first, second = held(world)
    assert (first.status, first.facts.start_local, second.start) == (
        InterviewStatus.CONFIRMED,
        "2026-03-12T13:00",
        START + 2 * HOUR,
    )
    interviews.move("ada", first.id, RoundByHand(start=START + DAY), **ids)
    assert [(each.status, each.start) for each in held(world)] == [
        (InterviewStatus.CONFIRMED, START + 2 * HOUR),
        (InterviewStatus.MOVED, START + DAY),
    ]
    interviews.call_off("ada", second.id, **ids)
    world.run_until(START + 2 * DAY)
    assert {each.at for each in world.told("ada", REMINDER)} == {START + DAY}


def test_calling_a_round_off_does_not_say_that_there_was_one(world, ids):
    invited(world)
    asked = applications.Correction(stage=Stage.APPLIED)
    applications.correct("ada", "a1", asked, **ids)
    assert interviews.call_off("ada", _id(world), **ids).stage is Stage.APPLIED


def test_a_later_invitation_for_the_same_hour_is_the_same_round(world, ids):
    world.person("ada")
    world.applied("ada", "a1")
    interviews.add("ada", "a1", RoundByHand(start=START), **ids)
    world.clock.step(MINUTE)
    world.invited("ada", "a1", START, link="https://meet.example/1")
    (only,) = held(world)
    assert only.facts.link == "https://meet.example/1"


def test_two_interviews_at_one_time_need_the_persons_word(world, ids):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
    world.invited("ada", "a1", START)
    (invitation,) = held(world)
    for start in (START - 59 * MINUTE, START, START + 59 * MINUTE):
        with pytest.raises(Refused, match=invitation.id):
            interviews.add("ada", "a2", RoundByHand(start=start), **ids)
    interviews.add("ada", "a2", RoundByHand(start=START + HOUR), **ids)
    interviews.add("ada", "a2", RoundByHand(start=START, despite_clash=True), **ids)
    clashes = {
        each.interview.id: each.clashes
        for each in interviews.upcoming("ada", store=world.store, clock=world.clock)
        if each.clashes
    }
    assert set(clashes) == {invitation.id, *clashes[invitation.id]}


def test_what_is_over_or_called_off_is_neither_ahead_nor_in_the_way(world, ids):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)

    def ahead():
        return [each.interview.start for each in interviews.upcoming("ada", store=world.store, clock=world.clock)]

    world.invited("ada", "a1", START)
    world.invited("ada", "a2", START + 3 * HOUR)
    assert ahead() == [START, START + 3 * HOUR]
    world.clock.step(MINUTE)
    world.invited("ada", "a1", START, ics_sequence=1, cancelled=True)
    assert ahead() == [START + 3 * HOUR]
    interviews.add("ada", "a1", RoundByHand(start=START), **ids)
    world.clock.set(START + 59 * MINUTE)
    assert ahead() == [START, START + 3 * HOUR]
    world.clock.set(START + HOUR)
    assert ahead() == [START + 3 * HOUR]


def test_the_persons_word_counts_after_a_mail_whatever_our_clock_says(world, ids):
    invited(world)
    world.clock.set(NOW - MINUTE)
    interviews.move("ada", _id(world), RoundByHand(start=START + DAY), **ids)
    assert [each.start for each in held(world)] == [START + DAY]


def test_a_proposed_slot_clashes_too(world, ids):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
    world.invited("ada", "a1", START, zone="Europe/Berlin", alternatives=("2026-03-13T10:00", "2026-03-14"))
    with pytest.raises(Refused):
        interviews.add("ada", "a2", RoundByHand(start=datetime(2026, 3, 13, 9, 30, tzinfo=UTC)), **ids)
    interviews.add("ada", "a2", RoundByHand(start=datetime(2026, 3, 13, 10, 30, tzinfo=UTC)), **ids)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"start": datetime(2026, 3, 12, 12)}, "start"),  # noqa: DTZ001 - a time without its zone is the point
        ({"start": datetime(2036, 3, 12, 12, tzinfo=UTC)}, "start"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"duration_minutes": 0}, "duration_minutes"),
        ({"duration_minutes": 100_000}, "duration_minutes"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"platform": "x" * 61}, "platform"),
    ],
)
def test_a_round_that_cannot_be_is_refused_by_field(world, ids, changed, field):
    world.person("ada")
    world.applied("ada", "a1")
    with pytest.raises(Rejected, match=f"^{field}: "):
        interviews.add("ada", "a1", RoundByHand(**{"start": START, **changed}), **ids)


def test_nobody_elses_round_is_moved(world, ids):
    invited(world)
    interview_id = _id(world)
    for uid, id_ in (("bob", interview_id), ("ada", "none"), ("ada", "a/b")):
        with pytest.raises(NotFound):
            interviews.move(uid, id_, RoundByHand(start=START), **ids)
    with pytest.raises(NotFound):
        interviews.add("bob", "a1", RoundByHand(start=START), **ids)


# --- The calendar -----------------------------------------------------------------------------------------------------


def test_the_calendar_is_one_that_programs_read(world, ids):
    from icalendar import Calendar  # noqa: PLC0415 - a second is spent on it only here

    world.person("ada")
    world.applied("ada", "a1", company="Bäcker, Söhne; & Co\\Ltd", role="面接" * 30)
    world.invited("ada", "a1", START, link="https://meet.example/1", duration_minutes=30)
    token = interviews.open_feed("ada", **ids)
    text = interviews.calendar("ada", token, store=world.store, clock=world.clock)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert event.decoded("DTSTART") == START
    assert event.decoded("DTEND") == START + 30 * MINUTE
    assert str(event["SUMMARY"]) == f"Interview - {'面接' * 30} - Bäcker, Söhne; & Co\\Ltd"
    assert (str(event["STATUS"]), str(event["LOCATION"])) == ("CONFIRMED", "https://meet.example/1")
    world.invited("ada", "a1", START, ics_sequence=1, cancelled=True)
    text = interviews.calendar("ada", token, store=world.store, clock=world.clock)
    assert "STATUS:CANCELLED" in text


def test_only_the_newest_key_opens_the_calendar_and_none_after_it_was_closed(world, ids):
    invited(world)
    p = {"store": world.store, "clock": world.clock}
    for wrong in ("", "id1"):
        with pytest.raises(NotFound):
            interviews.calendar("ada", wrong, **p)
    first = interviews.open_feed("ada", **ids)
    second = interviews.open_feed("ada", **ids)
    with pytest.raises(NotFound):
        interviews.calendar("ada", first, **p)
    with pytest.raises(NotFound):
        interviews.calendar("bob", second, **p)
    assert interviews.calendar("ada", second, **p).startswith("BEGIN:VCALENDAR")
    interviews.close_feed("ada", store=world.store)
    with pytest.raises(NotFound):
        interviews.calendar("ada", second, **p)
