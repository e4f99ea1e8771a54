"""Automatic or confirm-first, signal by signal: what a mail does for a person who wants to be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared import applications, preferences
from shared.errors import Rejected
from shared.ledger import MOVES_A_STATUS, attention
from shared.mailbox import intake
from shared.mailbox.decisions import ASKED_FIRST
from shared.model import Attention, NotificationKind, Outcome, Signal, Stage
from shared.schema import APPLICATIONS_OF_USER
from tests.support.world import UID, World

RECEIPT = (
    "Fernhill Careers <no-reply@us.greenhouse-mail.io>",
    "Thank you for applying to Fernhill",
    (
        "Hi Ada,\n\nThank you for applying to Fernhill. We have received your application for the Senior Python"
        " Developer position and will review it.\n\nThe Fernhill Team\n"
    ),
)
REJECTION = (
    "Fernhill Careers <no-reply@us.greenhouse-mail.io>",
    "Your application at Fernhill",
    (
        "Hi Ada,\n\nThank you for your interest in the Senior Python Developer position at Fernhill. Unfortunately, we"
        " have decided not to move forward with your application.\n\nThe Fernhill Team\n"
    ),
)
INVITATION = (
    "Fernhill Careers <no-reply@us.greenhouse-mail.io>",
    "Interview invitation: Senior Python Developer at Fernhill",
    (
        "Hi Ada,\n\nwe would like to invite you to an interview for the Senior Python Developer position at Fernhill"
        " on 12 January 2026 at {hour}:00 CET.\n\nThe Fernhill Team\n"
    ),
)
CLOSED = (
    "Fernhill Careers <no-reply@us.greenhouse-mail.io>",
    "Your application at Fernhill",
    (
        "Hi Ada,\n\nThank you for applying for the Senior Python Developer position at Fernhill. This position has been"
        " closed and is no longer available.\n\nThe Fernhill Team\n"
    ),
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.connect()
    yield world
    world.close()


def chooses(world: World, **modes: str) -> None:
    def change(chosen):
        return replace(chosen, signals=modes)

    preferences.put(UID, change, store=world.store, clock=world.clock)
    world.forget()


def the_application(world: World):
    (item,) = world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=5).items
    return world.application(item.value.id)


def arrives(world: World, mail, **words) -> str:
    sender, subject, body = mail
    message = world.receive(sender, subject, body.format(**words))
    world.push()
    return message


def answered(world: World, message: str, *, accepted: bool):
    application = the_application(world)
    key = f"mail:{message}:1"
    return applications.answer(UID, application.id, key, accepted=accepted, store=world.store, clock=world.clock)


def test_a_signal_that_waits_for_the_person_suggests_what_it_would_have_done(world):
    arrives(world, RECEIPT)
    chooses(world, rejection="confirm")
    message = arrives(world, REJECTION)

    application = the_application(world)
    assert (application.stage, application.outcome) == (Stage.APPLIED, None)
    (move,) = application.moves
    assert (move.event, move.stage, move.outcome) == (f"mail:{message}:1", Stage.CLOSED, Outcome.REJECTED)
    assert move.reason == ASKED_FIRST
    assert attention(application, world.clock.now()) is Attention.UNCONFIRMED
    record = world.record(message)
    assert record is not None
    assert (record.application_id, record.reason) == (application.id, ASKED_FIRST)
    told = [each.kind for each in world.notifications_of_person() if each.event == f"mail:{message}:1"]
    assert told == [NotificationKind.MOVE_SUGGESTED]


@pytest.mark.parametrize("accepted", [True, False])
def test_the_persons_word_settles_it(world, accepted):
    arrives(world, RECEIPT)
    chooses(world, rejection="confirm")
    message = arrives(world, REJECTION)
    application = answered(world, message, accepted=accepted)

    assert application.stage is (Stage.CLOSED if accepted else Stage.APPLIED)
    assert not application.unconfirmed
    assert not application.moves


def test_other_signals_go_on_by_themselves(world):
    arrives(world, RECEIPT)
    chooses(world, offer="confirm", interview_invitation="confirm")
    arrives(world, REJECTION)

    assert the_application(world).outcome is Outcome.REJECTED


def test_an_application_that_a_receipt_proves_is_recorded_and_its_status_waits(world):
    chooses(world, acknowledgement="confirm")
    message = arrives(world, RECEIPT)

    application = the_application(world)
    assert (application.company, application.stage) == ("Fernhill", Stage.SAVED)
    assert [move.stage for move in application.moves] == [Stage.APPLIED]
    assert answered(world, message, accepted=True).stage is Stage.APPLIED


def test_only_the_status_waits_and_the_interviews_time_does_not(world):
    arrives(world, RECEIPT)
    chooses(world, interview_invitation="confirm", interview_update="confirm")
    message = arrives(world, INVITATION, hour=10)

    application = the_application(world)
    assert application.stage is Stage.APPLIED
    assert [move.stage for move in application.moves] == [Stage.INTERVIEW]
    (round_,) = application.interviews
    assert round_.start is not None
    assert round_.start.hour == 9
    assert answered(world, message, accepted=True).stage is Stage.INTERVIEW


def test_a_choice_made_while_mail_is_read_holds_for_the_mail_that_is_decided_after_it(world, monkeypatch):
    arrives(world, RECEIPT)
    settle = intake.Desk.settle

    def chosen_meanwhile(self, readings, *, also=None):
        monkeypatch.undo()
        chooses(world, rejection="confirm")
        return settle(self, readings, also=also)

    monkeypatch.setattr(intake.Desk, "settle", chosen_meanwhile)
    arrives(world, REJECTION)

    assert the_application(world).stage is Stage.APPLIED


def test_another_choice_moves_nothing_that_has_been_decided(world):
    arrives(world, RECEIPT)
    chooses(world, rejection="confirm")
    arrives(world, REJECTION)
    chooses(world)
    arrives(world, INVITATION, hour=10)

    application = the_application(world)
    assert application.stage is Stage.INTERVIEW
    assert [move.outcome for move in application.moves] == [Outcome.REJECTED]


def test_after_the_end_it_asks_whether_that_was_the_end(world):
    arrives(world, RECEIPT)
    arrives(world, REJECTION)
    chooses(world, interview_invitation="confirm", position_closed="confirm")
    arrives(world, INVITATION, hour=10)

    application = the_application(world)
    assert application.outcome is Outcome.REJECTED
    (move,) = application.moves
    assert (move.stage, move.reason) == (Stage.INTERVIEW, "The employer has written again after the end.")


def test_another_end_waits_as_well(world):
    arrives(world, RECEIPT)
    arrives(world, CLOSED)
    chooses(world, rejection="confirm")
    arrives(world, REJECTION)

    application = the_application(world)
    assert application.outcome is Outcome.POSITION_CLOSED
    assert [move.outcome for move in application.moves] == [Outcome.REJECTED]


def test_what_the_person_wants_to_confirm_still_has_to_prove_as_much(world):
    arrives(world, RECEIPT)
    chooses(world, rejection="confirm")
    sender, subject, body = REJECTION
    message = world.receive(sender, subject, body, passing=False)
    world.push()

    record = world.record(message)
    assert record is not None
    assert record.reason != ASKED_FIRST


def test_being_asked_first_costs_no_read_and_no_write_more(world):
    bills = []
    for mode in ("automatic", "confirm"):
        other = World()
        other.connect()
        arrives(other, RECEIPT)
        chooses(other, rejection=mode)
        arrives(other, REJECTION)
        bill = other.store.bill
        bills.append((bill.reads, bill.writes, bill.transactions, Counter(other.gmail.calls)))
        other.close()

    assert bills[0] == bills[1]


@pytest.mark.parametrize("signal", sorted(set(Signal) - MOVES_A_STATUS))
def test_what_moves_no_status_has_nothing_to_confirm(world, signal):
    with pytest.raises(Rejected, match=rf"signals\.{signal}: moves no status"):
        chooses(world, **{signal: "confirm"})


@pytest.mark.parametrize("signal", sorted(MOVES_A_STATUS))
def test_whatever_moves_a_status_can_be_confirmed_first(world, signal):
    chooses(world, **{signal: "confirm"})

    assert preferences.get(UID, store=world.store).mode_of(signal) == "confirm"
