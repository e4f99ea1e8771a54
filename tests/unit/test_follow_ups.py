"""Follow-ups: at 09:00 where the person is, by cadence, once an episode, and ended by any mail."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared import follow_ups, notifications
from shared.due import WriteReminder
from shared.errors import NotFound, Rejected
from shared.model import Delivery, FollowUps, NotificationKind, Preferences, Signal
from shared.preferences import checked
from shared.schema import APPLICATIONS
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


def test_a_mail_that_comes_during_the_look_is_heard(world, monkeypatch):
    world.person("ada")
    world.applied("ada", "a1")
    world.clock.set(NOW + 7 * DAY)
    get_many = world.store.get_many

    def late(keys):
        found = get_many(keys)
        world.mail("ada", "a1", Signal.ACKNOWLEDGEMENT)
        return found

    monkeypatch.setattr(world.store, "get_many", late)
    follow_ups.look(WriteReminder(uid="ada"), **world.ports)
    assert world.told("ada", FOLLOW_UP) == []


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


def test_nobody_is_asked_who_has_asked_for_time(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.ON_HOLD)
    world.run_until(NOW + 40 * DAY)
    assert days(world, FOLLOW_UP, SILENCE) == []


def test_nobody_is_asked_whose_offer_waits_for_the_person(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER)
    world.clock.step(HOUR)
    world.replied("ada", "a1")
    world.run_until(NOW + 40 * DAY)
    assert days(world, FOLLOW_UP, SILENCE) == [(SILENCE, 5.9)]


@pytest.mark.parametrize("delivery", [Delivery.QUEUED, Delivery.PARKED, Delivery.UNSURE, Delivery.BOUNCED])
def test_nobody_is_asked_who_has_nothing_to_answer(world, delivery):
    world.person("ada")
    world.applied("ada", "a1")
    world.delivered("ada", "a1", delivery)
    world.run_until(NOW + 20 * DAY)
    assert days(world, FOLLOW_UP) == []


@pytest.mark.parametrize("said", [{"merged_into": "a2"}, {"dismissed": True}])
def test_what_the_person_has_put_away_is_left_alone(world, said):
    world.person("ada")
    world.applied("ada", "a1")
    key, other = APPLICATIONS.key("ada", "a1"), replace(world.application("ada", "a1"), **said)
    world.store.transact(lambda tx: tx.put(key, other))
    world.run_until(NOW + 8 * DAY)
    assert world.told("ada") == []


def test_after_a_late_answer_of_the_persons_the_days_count_from_it(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.ASSESSMENT)
    world.clock.step(4 * DAY)
    world.replied("ada", "a1")
    world.run_until(NOW + 10 * DAY)
    assert days(world, FOLLOW_UP) == [("1", 4.9), ("2", 7.9)]


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


def test_thanks_that_would_look_forgotten_are_left_out(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.invited("ada", "a1", NOW + 2 * DAY)
    world.clock.set(NOW + 9 * DAY)
    world.sweep()
    assert "thank_you" not in [each.detail for each in world.told("ada", FOLLOW_UP)]


def test_an_offers_end_is_told_three_days_and_one_day_before_and_on_the_day(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-10")
    world.run_until(NOW + 20 * DAY)
    told = world.told("ada", NotificationKind.OFFER_DEADLINE)
    assert [each.created_at.day for each in told] == [7, 9, 10]


def test_an_offer_whose_day_is_over_is_not_told_any_more(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-04")
    world.clock.set(NOW + 3 * DAY)
    world.sweep()
    assert world.told("ada", NotificationKind.OFFER_DEADLINE) == []


def test_an_offer_that_was_answered_has_no_clock(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-10")
    world.closed("ada", "a1")
    world.run_until(NOW + 20 * DAY)
    assert world.told("ada", NotificationKind.OFFER_DEADLINE) == []


def test_an_offer_that_was_given_more_time_is_not_told_by_its_old_day(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-05")
    world.clock.set(NOW + DAY)
    follow_ups.look(WriteReminder(uid="ada"), **world.ports)
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-20")
    world.sweep()
    (told,) = world.told("ada", NotificationKind.OFFER_DEADLINE)
    assert (told.detail, told.withdrawn_at is not None) == ("2026-03-05", True)


def test_the_persons_own_cadence_holds(world):
    world.person("ada", follow_ups=FollowUps(after_days=(3,), thank_you_days=0), silence_days={"applied": 10})
    world.applied("ada", "a1")
    world.run_until(NOW + 30 * DAY)
    assert days(world, FOLLOW_UP, SILENCE) == [("1", 2.9), (SILENCE, 10.9)]


def test_an_imported_search_does_not_flood_and_the_oldest_come_first(world):
    world.person("ada")
    for number in range(15):
        world.applied("ada", f"a{number:02}")
        world.clock.step(HOUR)
    world.clock.step(8 * DAY)
    world.sweep()
    assert sorted(told.application_id for told in world.told("ada", FOLLOW_UP)) == [f"a{n:02}" for n in range(10)]
    world.clock.step(DAY)
    world.sweep()
    assert len(world.told("ada", FOLLOW_UP)) == 15


def test_offers_that_end_come_before_everything_that_can_wait(world):
    world.person("ada")
    for number in range(15):
        world.applied("ada", f"a{number}")
    world.clock.step(7 * DAY)
    world.applied("ada", "last")
    world.mail("ada", "last", Signal.OFFER, reply_by="2026-03-10")
    world.clock.step(DAY)
    world.sweep()
    assert [told.application_id for told in world.told("ada", NotificationKind.OFFER_DEADLINE)] == ["last"]
    assert len(world.told("ada", FOLLOW_UP)) == 9


def test_what_has_been_due_for_long_is_past_following_up(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.clock.set(NOW + 100 * DAY)
    world.sweep()
    assert world.told("ada", FOLLOW_UP, SILENCE) == []


def test_the_longest_cadence_is_told_once_though_the_history_is_cleaned(world):
    checked(Preferences(follow_ups=FollowUps(after_days=(60, 60)), silence_days={"applied": 90}))
    world.person("ada", follow_ups=FollowUps(after_days=(60, 60)), silence_days={"applied": 90})
    world.applied("ada", "a1")
    found: dict[Any, Any] = {}
    for week in range(52):
        world.run_until(NOW + week * 7 * DAY)
        notifications.cleanup(store=world.store, clock=world.clock)
        found |= {(told.key, told.created_at): told for told in world.told("ada", FOLLOW_UP, SILENCE)}
    told = [(each.detail or each.kind, round((each.created_at - NOW) / DAY)) for each in found.values()]
    assert told == [("1", 60), (SILENCE, 91), ("2", 120)]


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


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "to your company (advertised position)"),
        ("de", "bei Ihrem Unternehmen beworben (ausgeschriebene Stelle)"),
        ("fr", "auprès de votre entreprise (poste proposé)"),
        ("es", "a su empresa (puesto ofrecido)"),
    ],
)
def test_a_draft_to_an_employer_whose_name_nobody_knows_has_no_hole(world, language, words):
    world.person("ada", language=language)
    world.applied("ada", "a1", company="", role="")
    for thanks in (False, True):
        draft = follow_ups.draft("ada", "a1", thanks=thanks, store=world.store)
        assert "  " not in draft.text
        assert "()" not in draft.text
    assert words in follow_ups.draft("ada", "a1", store=world.store).text


def test_nobody_elses_application_has_a_draft(world):
    world.person("ada")
    world.applied("ada", "a1")
    for uid, id_ in (("bob", "a1"), ("ada", "a/b")):
        with pytest.raises(NotFound):
            follow_ups.draft(uid, id_, store=world.store)
    with pytest.raises(Rejected):
        follow_ups.look(WriteReminder(uid="a/b"), **world.ports)
