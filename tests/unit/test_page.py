"""A page of the past beside live mail: it holds nobody up, whoever dies over it, and takes no more than its share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import mailbox
from shared.due import wake
from shared.local.gmail.faults import Fault
from shared.mailbox import lease, lookback, page
from shared.mailbox.lease import MOST_CRASHES, QUARANTINE
from shared.mailbox.page import KEPT_FOR_LIVE_WORK, MOST_UNITS, SLICE
from shared.mailbox.taking import CRASHES
from shared.model import MailStatus
from shared.schema import MAILS
from tests.support.connecting import ADA, connecting
from tests.unit.test_lookback import arrive, companies, crash, settle, sync

PAST = timedelta(days=85)
"""In the first window that is read of ninety days."""


@pytest.fixture
def world():
    """Connected, with a past that is still to be read."""
    with connecting() as world:
        for number in range(3):
            arrive(world, f"Firm{number}", at=world.clock.now() - PAST + timedelta(minutes=number))
        world.connect()
        yield world


def push(world):
    """Gmail tells of its newest change."""
    s = world.services
    history_id = world.google.mailbox(ADA).history_id
    return mailbox.on_push(
        mailbox.GmailPush(email_address=ADA, history_id=history_id),
        settings=s.settings,
        store=s.store,
        queue=s.queue,
        gmail=s.gmail,
        vault=s.vault,
        clock=s.clock,
    )


def during(world, method, act):
    """Have something happen, once, in the middle of the next run, before it calls a method of Gmail."""
    s = world.services
    open_ = s.gmail.mailbox

    def opened(token):
        s.gmail.mailbox = open_
        session = open_(token)
        call = getattr(session, method)

        def interrupted(*args, **more):
            setattr(session, method, call)
            act()
            return call(*args, **more)

        setattr(session, method, interrupted)
        return session

    s.gmail.mailbox = opened


def record(world, id_):
    found = world.services.store.get(MAILS.key("ada", id_))
    return found.value if found else None


def published(world):
    """How many wake-ups wait for a run."""
    return world.services.queue.depth()["mailbox-sync.sync_mailbox"]


# --- Beside live mail -------------------------------------------------------------------------------------------------


def test_a_push_in_the_middle_of_a_page_is_answered_at_once_and_both_end_well(world):
    seen = []

    def live():
        id_ = arrive(world, "Globex")
        seen.append((push(world).outcome, record(world, id_).status, companies(world)))

    during(world, "message", live)
    sync(world)

    assert seen == [("synced", MailStatus.LINKED, ["Globex"])]
    assert companies(world) == ["Firm0", "Firm1", "Firm2", "Globex"]
    assert world.mailbox().page.until is None
    assert world.mailbox().history_id == world.mailbox().dirty


@pytest.mark.parametrize("at", ["search", "message"])
def test_whoever_dies_over_a_page_holds_up_no_live_mail(world, at):
    now = world.clock.now()
    crash(world, at=at)
    world.clock.set(now)
    id_ = arrive(world, "Globex")

    assert push(world).outcome == "synced"

    assert record(world, id_).status is MailStatus.LINKED


def test_a_page_is_in_one_hand_alone(world):
    inner = []
    during(world, "message", lambda: inner.append((sync(world), world.mailbox().page.number)))

    sync(world)

    assert [(synced.taken, number) for synced, number in inner] == [(0, 1)]
    assert companies(world) == ["Firm0", "Firm1", "Firm2"]


def test_a_page_whose_holder_died_is_due_when_its_time_is_over_and_read_to_its_end(world):
    s, now = world.services, world.clock.now()
    crash(world, at="message")
    assert world.mailbox().page.until == world.mailbox().due_at == now + s.settings.lease
    world.clock.step(timedelta(seconds=1))
    assert wake(store=s.store, queue=s.queue, clock=s.clock).queued == 1

    settle(world)

    assert companies(world) == ["Firm0", "Firm1", "Firm2"]


def test_a_past_that_is_called_off_when_its_reader_is_dead_leaves_nothing_due(world):
    crash(world, at="message")
    assert world.send("DELETE", "/v1/gmail/backfill")[0] == 204

    settle(world, most=5)

    assert world.mailbox().due_at is None
    assert companies(world) == []


def test_who_comes_back_after_the_page_has_another_holder_changes_nothing_of_it(world):
    s = world.services

    def another():
        world.clock.step(s.settings.lease)
        crash(world, at="message")

    during(world, "message", another)
    sync(world)

    assert (world.mailbox().page.number, world.mailbox().page.until is None) == (2, False)
    settle(world)
    assert world.mailbox().backfill.ended_at is not None


def test_a_push_reads_no_past_but_sees_to_it_that_somebody_does(world):
    arrive(world, "Globex")
    before = published(world)

    push(world)

    assert companies(world) == ["Globex"]
    assert published(world) == before + 1


def test_a_push_while_a_page_is_in_hands_wakes_nobody(world):
    counted = []

    def live():
        arrive(world, "Globex")
        before = published(world)
        push(world)
        counted.append(published(world) - before)

    during(world, "message", live)
    sync(world)

    assert counted == [0]


def test_between_pages_history_is_read_once_a_minute_for_mail_whose_push_was_lost(world):
    sync(world)
    first = arrive(world, "Globex")
    sync(world)
    assert record(world, first) is None

    world.clock.step(lookback.LIVE_EVERY)
    sync(world)

    assert record(world, first) is not None


def test_whoever_asks_for_a_look_gets_one_although_a_page_is_due(world):
    world.clock.step(timedelta(seconds=5))
    id_ = arrive(world, "Globex")
    assert world.send("POST", "/v1/gmail/sync")[0] == 202

    sync(world)

    assert record(world, id_) is not None


# --- Poison, failures, ends -------------------------------------------------------------------------------------------


def test_a_mail_of_the_past_that_kills_is_parked_however_much_live_mail_comes_between(world):
    s = world.services
    poison = min(world.google.mailbox(ADA).messages)
    open_ = s.gmail.mailbox

    def opened(token):
        session = open_(token)
        read = session.message

        def message(id_, **more):
            if id_ == poison:
                raise KeyboardInterrupt
            return read(id_, **more)

        session.message = message
        return session

    s.gmail.mailbox = opened
    for turn in range(CRASHES + 1):
        with pytest.raises(KeyboardInterrupt):
            sync(world)
        arrive(world, f"Live{turn}")
        assert push(world).outcome == "synced"
        world.clock.step(s.settings.lease)

    settle(world)

    assert record(world, poison).status is MailStatus.PARKED
    assert set(companies(world)) >= {"Firm1", "Firm2", "Live0", "Live1", "Live2"}


def test_pages_that_kill_without_a_mail_open_are_set_aside_for_an_hour_and_live_mail_is_not(world):
    for _ in range(MOST_CRASHES):
        crash(world, at="search")
    sync(world)
    assert world.mailbox().page.at == world.clock.now() + QUARANTINE
    assert world.mailbox().health == "ok"

    arrive(world, "Globex")
    push(world)
    assert companies(world) == ["Globex"]

    world.clock.step(QUARANTINE)
    settle(world)
    assert companies(world) == ["Firm0", "Firm1", "Firm2", "Globex"]


def test_a_page_that_fails_is_put_off_for_longer_each_time_and_live_mail_is_not(world):
    waits = []
    with world.google.faults.during(Fault(kind="error", method="messages.list", status=503)):
        for _ in range(3):
            sync(world)
            waits.append(world.mailbox().due_at - world.clock.now())
            world.clock.set(world.mailbox().due_at)
        assert (world.mailbox().failures, world.mailbox().page.failures) == (0, 3)
        world.clock.step(timedelta(seconds=1))
        arrive(world, "Globex")
        push(world)
        assert companies(world) == ["Globex"]
    assert waits == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]

    settle(world)

    assert world.mailbox().page.failures == 0
    assert companies(world) == ["Firm0", "Firm1", "Firm2", "Globex"]


def test_a_grant_that_dies_over_a_page_is_told_and_the_page_waits_for_the_next(world):
    during(world, "message", lambda: world.google.revoke(ADA))
    sync(world)
    world.clock.step(lookback.LIVE_EVERY)
    assert sync(world).outcome == "needs_reauth"
    assert world.mailbox().due_at is None

    world.google.add_person(ADA)
    world.connect()
    settle(world)

    assert companies(world) == ["Firm0", "Firm1", "Firm2"]


def test_who_puts_a_page_back_after_monitoring_was_switched_off_leaves_nothing_due(world):
    def off():
        world.send("PATCH", "/v1/preferences", {"monitoring": "off"})
        sync(world)

    during(world, "message", off)
    sync(world)

    assert world.mailbox().page.until is None
    assert world.mailbox().due_at is None

    world.send("PATCH", "/v1/preferences", {"monitoring": "real_time"})
    settle(world)
    assert companies(world) == ["Firm0", "Firm1", "Firm2"]


# --- Its share of the quota -------------------------------------------------------------------------------------------


def spent(world):
    return sum(world.mailbox().read_units.values())


@pytest.mark.parametrize("units_per_minute", [1_000, 4_500])
def test_a_page_books_its_units_of_three_quarters_of_the_quota_and_gives_back_the_rest(world, units_per_minute):
    s = world.services
    s.settings = replace(s.settings, units_per_minute=units_per_minute)
    share = min(int(units_per_minute * (1 - KEPT_FOR_LIVE_WORK)), MOST_UNITS)
    booked = []
    before = world.google.units(ADA)
    during(world, "message", lambda: booked.append(spent(world)))

    sync(world)

    assert booked == [share]
    assert spent(world) == world.google.units(ADA) - before


def test_the_units_of_a_page_whose_holder_died_count_as_spent_for_a_minute(world):
    now = world.clock.now()
    crash(world, at="message")
    world.clock.set(now)
    arrive(world, "Globex")

    push(world)

    assert spent(world) > MOST_UNITS


def test_a_page_waits_until_there_are_units_for_it(world):
    s = world.services
    s.settings = replace(s.settings, units_per_minute=1_000)
    for turn in range(20):
        arrive(world, f"More{turn}", at=world.clock.now() - PAST + timedelta(hours=1, minutes=turn))
    sync(world)
    sync(world)
    assert world.mailbox().page.until is None
    assert world.clock.now() < world.mailbox().due_at <= world.clock.now() + timedelta(minutes=2)

    settle(world)

    assert len(companies(world)) == 23


def test_a_page_is_put_back_after_some_seconds(world):
    during(world, "message", lambda: world.clock.step(SLICE))

    sync(world)

    assert companies(world) == ["Firm0"]
    assert world.mailbox().page.until is None
    assert world.mailbox().due_at <= world.clock.now()


def test_a_lease_that_is_held_stays_due_at_its_end_though_a_page_is_claimed_by_a_clock_that_is_ahead(world):
    s, mailbox_id = world.services, world.mailbox().id
    newest = int(world.mailbox().history_id) + 1
    lease.claim(mailbox_id, pushed=newest, duration=s.settings.lease, store=s.store, clock=s.clock)
    held_until = world.mailbox().lease_until
    assert held_until is not None
    world.clock.step(timedelta(days=2))

    per_minute, duration = s.settings.units_per_minute, s.settings.lease
    assert page.claim(mailbox_id, units_per_minute=per_minute, duration=duration, store=s.store, clock=s.clock)

    assert world.mailbox().due_at == held_until
