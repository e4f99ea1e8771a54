"""Follow-ups: at 09:00 where the person is, by cadence, once an episode, and ended by any mail."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from shared import follow_ups
from shared.due import WriteReminder
from shared.errors import NotFound, Rejected
from shared.model import FollowUps, NotificationKind, Signal
from tests.support.telling import DAY, HOUR, Telling

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FOLLOW_UP, SILENCE = NotificationKind.FOLLOW_UP, NotificationKind.SILENCE


@pytest.fixture
def world():
    with closing(Telling(NOW)) as made:
        yield made


def days(world, *kinds):
    """(kind or detail, whole days since the beginning) of what was told."""
    return [(told.detail or told.kind, round((told.created_at - NOW) / DAY, 1)) for told in world.told("ada", *kinds)]


def test_a_silent_employer_is_asked_after_a_week_and_once_more_and_then_called_silent(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.run_until(NOW + 60 * DAY, again=True)
    assert days(world, FOLLOW_UP, SILENCE) == [("1", 6.9), ("2", 13.9), (SILENCE, 21.9)]


def test_it_is_nine_where_the_person_is(world):
    world.person("ada", "Asia/Kathmandu")
    world.applied("ada", "a1")
    world.run_until(NOW + 9 * DAY)
    (told,) = world.told("ada", FOLLOW_UP)
    # 09:00 in Kathmandu is 03:15 UTC, and the function fires at the quarter after it.
    assert told.created_at == datetime(2026, 3, 9, 3, 30, tzinfo=UTC)


def test_a_mail_ends_the_episode_and_begins_another(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.run_until(NOW + 5 * DAY)
    world.mail("ada", "a1", Signal.ACKNOWLEDGEMENT)
    world.run_until(NOW + 15 * DAY)
    assert days(world, FOLLOW_UP) == [("1", 11.9)]


def test_what_a_mail_overtakes_on_its_way_is_withdrawn(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.clock.set(NOW + 7 * DAY)
    follow_ups.look(WriteReminder(uid="ada"), **world.ports)
    (told,) = world.told("ada", FOLLOW_UP)
    world.mail("ada", "a1", Signal.ACKNOWLEDGEMENT)
    world.sweep()
    (told,) = world.told("ada", FOLLOW_UP)
    assert told.withdrawn_at is not None
    assert world.outcomes["withdrawn"] == 1


def test_after_the_persons_own_answer_it_is_a_day_and_then_three(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.ASSESSMENT)
    world.clock.step(HOUR)
    world.replied("ada", "a1")
    world.run_until(NOW + 10 * DAY)
    assert days(world, FOLLOW_UP) == [("1", 0.9), ("2", 3.9)]


def test_nobody_is_asked_while_the_person_has_something_to_do(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.INFO_REQUEST)
    world.run_until(NOW + 40 * DAY)
    assert days(world, FOLLOW_UP) == []


def test_a_closed_application_is_left_alone(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    world.run_until(NOW + 60 * DAY)
    assert days(world, FOLLOW_UP, SILENCE) == []


def test_thanks_are_due_a_day_after_the_interview_and_only_if_it_was_held(world):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
        world.invited("ada", id_, NOW + 2 * DAY)
    world.clock.step(HOUR)
    world.invited("ada", "a2", NOW + 2 * DAY, ics_sequence=1, cancelled=True)
    world.run_until(NOW + 8 * DAY, again=True)
    told = [each for each in world.told("ada", FOLLOW_UP) if each.detail == "thank_you"]
    assert [(each.application_id, each.created_at) for each in told] == [
        ("a1", datetime(2026, 3, 5, 9, 15, tzinfo=UTC))
    ]


def test_an_offers_end_is_told_three_days_and_one_day_before_and_on_the_day(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-10")
    world.run_until(NOW + 20 * DAY)
    told = world.told("ada", NotificationKind.OFFER_DEADLINE)
    assert [each.created_at.day for each in told] == [7, 9, 10]


def test_an_offer_that_was_answered_has_no_clock(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-10")
    world.closed("ada", "a1")
    world.run_until(NOW + 20 * DAY)
    assert world.told("ada", NotificationKind.OFFER_DEADLINE) == []


def test_the_persons_own_cadence_holds(world):
    world.person("ada", follow_ups=FollowUps(after_days=(3,), thank_you_days=0), silence_days={"applied": 10})
    world.applied("ada", "a1")
    world.run_until(NOW + 30 * DAY)
    assert days(world, FOLLOW_UP, SILENCE) == [("1", 2.9), (SILENCE, 10.9)]


def test_an_imported_search_does_not_flood(world):
    world.person("ada")
    for number in range(15):
        world.applied("ada", f"a{number}")
    world.clock.step(8 * DAY)
    world.sweep()
    assert len(world.told("ada", FOLLOW_UP)) == 10
    world.clock.step(DAY)
    world.sweep()
    assert len(world.told("ada", FOLLOW_UP)) == 15


def test_a_silence_that_began_long_ago_is_past_following_up(world):
    world.person("ada", follow_ups=FollowUps(after_days=(70,)), silence_days={"applied": 70})
    world.applied("ada", "a1")
    world.run_until(NOW + 100 * DAY)
    assert world.told("ada", FOLLOW_UP, SILENCE) == []


@pytest.mark.parametrize(("language", "word"), [("en", "Hello,"), ("de", "Guten Tag,"), ("ja", "Hello,")])
def test_the_draft_is_ready_in_the_persons_language_and_belongs_into_the_thread(world, language, word):
    world.person("ada", language=language)
    world.applied("ada", "a1", company="{0} & Söhne")
    world.mail("ada", "a1", Signal.ACKNOWLEDGEMENT)
    draft = follow_ups.draft("ada", "a1", store=world.store)
    assert draft.text.startswith(word)
    assert "{0} & Söhne" in draft.text
    assert "Baker" in draft.subject
    assert (draft.thread_id, draft.in_reply_to) == ("t-a1", "<m1@acme.example>")
    assert follow_ups.draft("ada", "a1", thanks=True, store=world.store).text != draft.text


def test_nobody_elses_application_has_a_draft(world):
    world.person("ada")
    world.applied("ada", "a1")
    for uid, id_ in (("bob", "a1"), ("ada", "a/b")):
        with pytest.raises(NotFound):
            follow_ups.draft(uid, id_, store=world.store)
    with pytest.raises(Rejected):
        follow_ups.look(WriteReminder(uid="a/b"), **world.ports)
