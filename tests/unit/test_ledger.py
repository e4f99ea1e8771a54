"""The rules of the fold, one test a rule, in the order of the notes that they come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.ledger import SilenceThresholds, attention, evidence_of, fold, silent_since
from shared.model import (
    Application,
    Attention,
    Delivery,
    Event,
    EventKind,
    InterviewFacts,
    InterviewStatus,
    Link,
    Move,
    Outcome,
    Projection,
    SenderCheck,
    Signal,
    Stage,
)
from tests.support.ledgers import (
    SPOOFED,
    answered,
    at,
    corrected,
    created,
    delivered,
    folded,
    hour,
    mail,
    replied,
    retracted,
)

S = Stage
NOISE = [Signal.RECRUITER_OUTREACH, Signal.JOB_ALERT, Signal.VERIFICATION_CODE, Signal.OTHER]
POSITIVE = [Signal.ASSESSMENT, Signal.INTERVIEW_INVITATION, Signal.INTERVIEW_UPDATE, Signal.OFFER]
ENDINGS = {
    Signal.REJECTION: Outcome.REJECTED,
    Signal.POSITION_CLOSED: Outcome.POSITION_CLOSED,
    Signal.WITHDRAWAL_CONFIRMED: Outcome.WITHDRAWN,
}


# --- 1. Forward by rank -----------------------------------------------------------------------------------------------


def test_an_empty_ledger_is_a_saved_application_of_nothing():
    assert fold([]) == Projection()


def test_a_receipt_makes_a_saved_application_applied():
    summary = folded(created(stage=S.SAVED), mail(1, Signal.ACKNOWLEDGEMENT))
    assert (summary.stage, summary.stage_event, summary.stage_at) == (S.APPLIED, "mail:m1:1", hour(1))
    assert summary.applied_at == hour(1)


@pytest.mark.parametrize(
    ("signal", "stage"),
    [
        (Signal.ASSESSMENT, S.ASSESSMENT),
        (Signal.INTERVIEW_INVITATION, S.INTERVIEW),
        (Signal.INTERVIEW_UPDATE, S.INTERVIEW),
        (Signal.OFFER, S.OFFER),
    ],
)
def test_a_clear_mail_moves_the_stage_forward(signal, stage):
    summary = folded(created(), mail(1, signal))
    assert (summary.stage, summary.stage_event, summary.outcome) == (stage, "mail:m1:1", None)


def test_a_late_receipt_never_lowers_the_stage():
    summary = folded(created(), mail(1, Signal.INTERVIEW_INVITATION), mail(2, Signal.ACKNOWLEDGEMENT))
    assert (summary.stage, summary.stage_event) == (S.INTERVIEW, "mail:m1:1")


def test_at_equal_rank_the_later_mail_names_the_stage():
    summary = folded(created(), corrected(1, S.SCREENING), mail(2, Signal.ASSESSMENT))
    assert (summary.stage, summary.stage_event) == (S.ASSESSMENT, "mail:m2:1")
    assert S.SCREENING.rank == S.ASSESSMENT.rank


def test_events_of_one_moment_are_taken_by_their_key():
    early, late = mail(1, Signal.ACKNOWLEDGEMENT, key="mail:a:1"), mail(1, Signal.ACKNOWLEDGEMENT, key="mail:b:1")
    assert folded(created(), late, early).stage_event == "mail:b:1"


def test_applied_at_is_the_first_event_that_makes_it_applied():
    summary = folded(created(stage=S.SAVED), mail(2, Signal.INTERVIEW_INVITATION), mail(1, Signal.ACKNOWLEDGEMENT))
    assert summary.applied_at == hour(1)


def test_what_a_person_puts_back_to_saved_has_not_been_applied_for():
    assert folded(created(), corrected(1, S.SAVED)).applied_at is None


def test_a_saved_posting_that_the_person_closes_was_never_applied_for():
    assert folded(created(stage=S.SAVED), corrected(1, S.CLOSED, Outcome.WITHDRAWN)).applied_at is None


# --- 2. Closed is never left automatically ----------------------------------------------------------------------------


@pytest.mark.parametrize("signal", POSITIVE)
def test_a_positive_mail_on_a_closed_application_asks_whether_to_reopen(signal):
    summary = folded(created(), mail(1, Signal.REJECTION), mail(2, signal))
    assert (summary.stage, summary.outcome, summary.stage_event) == (S.CLOSED, Outcome.REJECTED, "mail:m1:1")
    [move] = summary.moves
    assert (move.event, move.outcome) == ("mail:m2:1", None)
    assert move.stage.rank >= S.ASSESSMENT.rank
    assert move.reason


@pytest.mark.parametrize("signal", [Signal.INFO_REQUEST, Signal.AVAILABILITY_REQUEST])
def test_a_request_on_a_closed_application_asks_to_reopen_it_where_it_was(signal):
    summary = folded(created(), mail(1, Signal.ASSESSMENT), mail(2, Signal.REJECTION), mail(3, signal))
    assert [(move.event, move.stage) for move in summary.moves] == [("mail:m3:1", S.ASSESSMENT)]
    assert summary.needs_action == ""


@pytest.mark.parametrize("signal", [Signal.ACKNOWLEDGEMENT, Signal.ON_HOLD, Signal.INCOMPLETE_APPLICATION])
def test_what_is_no_good_news_does_not_ask_to_reopen(signal):
    ledger = [created(), mail(1, Signal.REJECTION)]
    summary = folded(*ledger, mail(2, signal))
    assert (summary.stage, summary.moves, summary.needs_action, summary.on_hold) == (S.CLOSED, (), "", False)


def test_a_reopening_that_the_person_accepts_goes_on_from_there():
    interview = mail(2, Signal.INTERVIEW_INVITATION, interview=at(90))
    ledger = [created(), mail(1, Signal.REJECTION), interview, answered(3, interview, accepted=True)]
    summary = folded(*ledger)
    assert (summary.stage, summary.outcome, summary.unconfirmed) == (S.INTERVIEW, None, False)
    assert (summary.stage_event, summary.moves) == (interview.key, ())
    assert [round_.start for round_ in summary.interviews] == [hour(90)]
    assert folded(*ledger, mail(4, Signal.OFFER)).stage is S.OFFER


def test_a_declined_reopening_stays_closed_and_is_not_asked_again():
    interview = mail(2, Signal.INTERVIEW_INVITATION)
    summary = folded(created(), mail(1, Signal.REJECTION), interview, answered(3, interview, accepted=False))
    assert (summary.stage, summary.moves) == (S.CLOSED, ())


def test_an_older_rejection_that_arrives_late_closes_and_the_newer_interview_asks():
    """The same events in any order: what is right when mail comes in order is right when it does not."""
    summary = folded(created(), mail(2, Signal.INTERVIEW_INVITATION), mail(1, Signal.REJECTION))
    assert summary.stage is S.CLOSED
    assert [move.stage for move in summary.moves] == [S.INTERVIEW]


# --- 3. Automatic or a suggestion -------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [*POSITIVE, *ENDINGS])
def test_a_mail_that_may_not_act_only_suggests(signal):
    weak = mail(1, signal, automatic=False)
    summary = folded(created(), weak)
    assert (summary.stage, summary.stage_event, summary.needs_action) == (S.APPLIED, "created", "")
    assert (summary.interviews, summary.unconfirmed) == ((), False)
    [move] = summary.moves
    assert (move.event, move.outcome) == (weak.key, ENDINGS.get(signal))
    assert move.reason == "the words are not clear enough"


def test_an_accepted_suggestion_does_what_its_mail_says_as_the_persons_act():
    weak = mail(1, Signal.REJECTION, automatic=False)
    summary = folded(created(), weak, answered(2, weak, accepted=True))
    assert (summary.stage, summary.outcome, summary.unconfirmed) == (S.CLOSED, Outcome.REJECTED, False)
    assert (summary.stage_event, summary.moves) == (weak.key, ())


def test_an_accepted_suggestion_makes_its_interview_and_asks_what_it_asks():
    weak = mail(1, Signal.INTERVIEW_INVITATION, automatic=False, interview=at(80))
    assert folded(created(), weak, answered(2, weak, accepted=True)).interviews[0].start == hour(80)
    weak = mail(1, Signal.OFFER, automatic=False, reply_by="2026-03-09")
    summary = folded(created(), weak, answered(2, weak, accepted=True))
    assert (summary.stage, summary.needs_action, summary.reply_by) == (S.OFFER, weak.key, "2026-03-09")


def test_a_declined_suggestion_is_gone():
    weak = mail(1, Signal.OFFER, automatic=False)
    summary = folded(created(), weak, answered(2, weak, accepted=False))
    assert (summary.stage, summary.moves, summary.needs_action) == (S.APPLIED, (), "")


def test_the_last_answer_counts():
    weak = mail(1, Signal.OFFER, automatic=False)
    ledger = [created(), weak, answered(2, weak, accepted=True), answered(3, weak, accepted=False)]
    assert folded(*ledger).stage is S.APPLIED


def test_an_undone_answer_opens_the_question_again():
    weak = mail(1, Signal.OFFER, automatic=False)
    yes = answered(2, weak, accepted=True)
    summary = folded(created(), weak, yes, retracted(3, yes))
    assert (summary.stage, [move.event for move in summary.moves]) == (S.APPLIED, [weak.key])


def test_no_mail_settles_a_suggestion_that_it_does_not_reach():
    weak = mail(1, Signal.OFFER, automatic=False)
    summary = folded(created(), weak, mail(2, Signal.INTERVIEW_INVITATION), mail(3, Signal.ACKNOWLEDGEMENT))
    assert [move.event for move in summary.moves] == [weak.key]


def test_a_suggestion_that_would_change_nothing_is_not_made():
    assert folded(created(), mail(1, Signal.ACKNOWLEDGEMENT, automatic=False)).moves == ()
    weak = mail(2, Signal.ASSESSMENT, automatic=False)
    assert folded(created(), mail(1, Signal.INTERVIEW_INVITATION), weak).moves == ()


def test_a_suggestion_that_the_stage_has_reached_or_passed_is_gone():
    weak = mail(1, Signal.INTERVIEW_INVITATION, automatic=False)
    assert folded(created(), weak, mail(2, Signal.INTERVIEW_INVITATION)).moves == ()
    assert folded(created(), weak, mail(2, Signal.OFFER)).moves == ()
    assert folded(created(), weak, mail(2, Signal.REJECTION)).moves == ()


def test_suggestions_stand_oldest_first():
    weak = [mail(3, Signal.REJECTION, automatic=False), mail(1, Signal.OFFER, automatic=False)]
    assert [move.event for move in folded(created(), *weak).moves] == ["mail:m1:1", "mail:m3:1"]


@pytest.mark.parametrize("signal", [Signal.INFO_REQUEST, Signal.AVAILABILITY_REQUEST, Signal.ON_HOLD])
def test_a_mail_that_may_not_act_asks_for_no_attention_either(signal):
    """An unverified "send us your passport" must not become a to-do of ours."""
    unverified = mail(1, signal, automatic=False, sender=SPOOFED, why_not=SPOOFED.reason)
    assert folded(created(), unverified) == folded(created())


def test_a_mail_of_an_unverified_sender_is_no_sign_of_the_employer_and_links_nothing():
    summary = folded(created(), mail(1, Signal.OFFER, automatic=False, sender=SPOOFED))
    assert (summary.last_heard_at, summary.thread_ids, summary.message_ids) == (None, (), ())


# --- 4. Endings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signal", "outcome"), ENDINGS.items())
def test_a_mail_that_ends_it_closes_unconfirmed(signal, outcome):
    summary = folded(created(), mail(1, Signal.ASSESSMENT), mail(2, signal))
    assert (summary.stage, summary.outcome, summary.unconfirmed) == (S.CLOSED, outcome, True)
    assert (summary.stage_event, summary.needs_action) == ("mail:m2:1", "")


def test_an_end_leaves_nothing_to_do_by_a_date():
    """A rejection that invites to a survey "by Friday" starts no clock."""
    assert folded(created(), mail(1, Signal.REJECTION, reply_by="2026-03-06")).reply_by == ""


def test_the_persons_yes_confirms_an_ending():
    rejection = mail(1, Signal.REJECTION)
    summary = folded(created(), rejection, answered(2, rejection, accepted=True))
    assert (summary.stage, summary.outcome, summary.unconfirmed) == (S.CLOSED, Outcome.REJECTED, False)
    assert summary.stage_event == rejection.key


def test_the_persons_no_takes_an_ending_back():
    rejection = mail(1, Signal.REJECTION)
    summary = folded(created(), rejection, answered(2, rejection, accepted=False))
    assert (summary.stage, summary.outcome, summary.unconfirmed) == (S.APPLIED, None, False)


def test_a_correction_confirms_an_ending_too():
    summary = folded(created(), mail(1, Signal.REJECTION), corrected(2, S.CLOSED, Outcome.REJECTED))
    assert (summary.outcome, summary.unconfirmed) == (Outcome.REJECTED, False)


def test_of_two_mails_that_end_it_the_later_names_the_end():
    summary = folded(created(), mail(1, Signal.REJECTION), mail(2, Signal.POSITION_CLOSED))
    assert (summary.outcome, summary.stage_event, summary.unconfirmed) == (Outcome.POSITION_CLOSED, "mail:m2:1", True)


def test_a_second_rejection_does_not_unconfirm_what_the_person_confirmed():
    rejection = mail(1, Signal.REJECTION)
    summary = folded(created(), rejection, answered(2, rejection, accepted=True), mail(3, Signal.REJECTION))
    assert (summary.unconfirmed, summary.stage_event, summary.moves) == (False, rejection.key, ())


def test_an_end_that_the_person_named_is_not_renamed_by_a_mail_but_asked():
    summary = folded(created(), corrected(1, S.CLOSED, Outcome.ACCEPTED), mail(2, Signal.REJECTION))
    assert (summary.outcome, summary.unconfirmed) == (Outcome.ACCEPTED, False)
    assert [(move.stage, move.outcome) for move in summary.moves] == [(S.CLOSED, Outcome.REJECTED)]


def test_an_undone_rejection_gives_the_former_stage_back():
    rejection = mail(2, Signal.REJECTION)
    ledger = [created(), mail(1, Signal.INTERVIEW_INVITATION, interview=at(90))]
    assert folded(*ledger, rejection, retracted(3, rejection)) == folded(*ledger)


# --- 5. Offers --------------------------------------------------------------------------------------------------------


def test_an_offer_sets_the_stage_and_waits_for_the_person():
    summary = folded(created(), mail(1, Signal.OFFER, reply_by="2026-03-10"))
    assert (summary.stage, summary.outcome) == (S.OFFER, None)
    assert (summary.needs_action, summary.reply_by) == ("mail:m1:1", "2026-03-10")


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.DECLINED])
def test_accepted_and_declined_come_from_the_person(outcome):
    summary = folded(created(), mail(1, Signal.OFFER), corrected(2, S.CLOSED, outcome))
    assert (summary.stage, summary.outcome, summary.needs_action) == (S.CLOSED, outcome, "")


def test_no_signal_leads_to_accepted_or_declined():
    for signal in Signal:
        for automatic in (True, False):
            weak = mail(2, signal, automatic=automatic)
            for answer in ([], [answered(3, weak, accepted=True)]):
                summary = folded(created(), mail(1, Signal.OFFER), weak, *answer)
                outcomes = {summary.outcome, *(move.outcome for move in summary.moves)}
                assert not outcomes & {Outcome.ACCEPTED, Outcome.DECLINED, Outcome.NO_RESPONSE}


def test_an_offers_clock_runs_on_when_the_person_has_written():
    summary = folded(created(), mail(1, Signal.OFFER, reply_by="2026-03-10"), replied(2))
    assert (summary.needs_action, summary.reply_by) == ("", "2026-03-10")


# --- 6. What changes no stage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("signal", NOISE)
def test_noise_has_no_effect_at_all(signal, automatic):
    ledger = [created(), mail(1, Signal.ASSESSMENT), mail(3, Signal.REJECTION)]
    noise = mail(2, signal, automatic=automatic, interview=at(50, ics_uid="u1"), company="Other", reply_by="x")
    assert folded(*ledger, noise) == folded(*ledger)


@pytest.mark.parametrize("signal", [Signal.INFO_REQUEST, Signal.AVAILABILITY_REQUEST])
def test_a_request_is_attention_only(signal):
    summary = folded(created(), mail(1, signal, reply_by="2026-03-08", interview=at(50)))
    assert (summary.stage, summary.needs_action, summary.reply_by) == (S.APPLIED, "mail:m1:1", "2026-03-08")
    assert summary.interviews == ()


def test_an_incomplete_application_is_a_to_do_and_not_applied():
    summary = folded(created(stage=S.SAVED), mail(1, Signal.INCOMPLETE_APPLICATION))
    assert (summary.stage, summary.needs_action, summary.applied_at) == (S.SAVED, "mail:m1:1", None)


def test_the_receipt_settles_an_incomplete_application():
    ledger = [created(), mail(1, Signal.INCOMPLETE_APPLICATION), mail(2, Signal.ACKNOWLEDGEMENT)]
    assert folded(*ledger).needs_action == ""


def test_a_receipt_settles_nothing_else():
    ledger = [created(), mail(1, Signal.INFO_REQUEST), mail(2, Signal.ACKNOWLEDGEMENT)]
    assert folded(*ledger).needs_action == "mail:m1:1"


def test_on_hold_is_attention_only():
    summary = folded(created(), mail(1, Signal.INTERVIEW_INVITATION, interview=at(90)), mail(2, Signal.ON_HOLD))
    assert (summary.stage, summary.on_hold, summary.stage_event) == (S.INTERVIEW, True, "mail:m1:1")


@pytest.mark.parametrize(
    "next_event",
    [mail(2, Signal.OFFER), mail(2, Signal.INFO_REQUEST), mail(2, Signal.REJECTION), corrected(2, S.INTERVIEW)],
    ids=["a step", "a request", "the end", "a correction"],
)
def test_a_hold_ends_with_the_next_step(next_event):
    assert folded(created(), mail(1, Signal.ON_HOLD), next_event).on_hold is False


@pytest.mark.parametrize(
    "settles",
    [
        replied(2),
        mail(2, Signal.INTERVIEW_INVITATION, interview=at(90)),
        mail(2, Signal.REJECTION),
        corrected(2, S.ASSESSMENT),
        retracted(2, "mail:m1:1"),
    ],
    ids=["the reply", "a move forward", "the end", "a correction", "the undo of its cause"],
)
def test_what_waits_for_the_person_is_settled_by(settles):
    ledger = [created(), mail(1, Signal.ASSESSMENT, reply_by="2026-03-09")]
    assert folded(*ledger).needs_action == "mail:m1:1"
    summary = folded(*ledger, settles)
    assert (summary.needs_action, summary.reply_by) == ("", "2026-03-09" if settles.stage is S.ASSESSMENT else "")


def test_a_reply_written_before_the_request_does_not_settle_it():
    summary = folded(created(), replied(1), mail(2, Signal.INFO_REQUEST))
    assert (summary.needs_action, summary.replied_at) == ("mail:m2:1", hour(1))


def test_correcting_words_alone_settles_nothing():
    summary = folded(
        created(), mail(1, Signal.ASSESSMENT), mail(2, Signal.OFFER, automatic=False), corrected(3, role="Chef")
    )
    assert (summary.role, summary.needs_action, summary.stage) == ("Chef", "mail:m1:1", S.ASSESSMENT)
    assert len(summary.moves) == 1


def test_last_heard_at_is_the_newest_mail_of_the_employer():
    ledger = [created(), mail(3, Signal.ACKNOWLEDGEMENT), mail(1, Signal.ASSESSMENT), replied(4)]
    summary = folded(*ledger, mail(5, Signal.OTHER), mail(6, Signal.DELIVERY_FAILURE))
    assert summary.last_heard_at == hour(3)


# --- Corrections, undo, newer readings --------------------------------------------------------------------------------


def test_a_correction_binds_what_occurred_before_it_whenever_that_arrives():
    summary = folded(
        created(), corrected(3, S.SCREENING), mail(1, Signal.INTERVIEW_INVITATION), mail(2, Signal.REJECTION)
    )
    assert (summary.stage, summary.outcome, summary.moves) == (S.SCREENING, None, ())
    assert (summary.stage_event, summary.unconfirmed) == ("person:3", False)


def test_what_occurs_after_a_correction_goes_on_from_there():
    ledger = [created(), mail(1, Signal.OFFER), corrected(2, S.APPLIED)]
    assert folded(*ledger, mail(3, Signal.ASSESSMENT)).stage is S.ASSESSMENT


def test_a_correction_of_the_stage_settles_the_suggestions_before_it():
    weak = mail(1, Signal.REJECTION, automatic=False)
    assert folded(created(), weak, corrected(2, S.INTERVIEW)).moves == ()


def test_an_outcome_alone_closes():
    summary = folded(created(), corrected(1, outcome=Outcome.NO_RESPONSE))
    assert (summary.stage, summary.outcome) == (S.CLOSED, Outcome.NO_RESPONSE)


def test_the_persons_words_win_over_the_mails_and_the_mails_fill_what_is_empty():
    said = mail(
        1,
        Signal.ACKNOWLEDGEMENT,
        company="ACME Inc",
        role="Pastry chef",
        requisition="R-7",
        job_url="https://a.example/7",
    )
    summary = folded(created(role=""), said)
    assert (summary.company, summary.role, summary.requisition) == ("Acme", "Pastry chef", "R-7")
    assert summary.job_url == "https://a.example/7"
    assert folded(created(role=""), said, corrected(2, role="Baker II")).role == "Baker II"
    assert folded(created(role=""), said, retracted(2, said)).requisition == ""
    assert folded(created(role=""), replace(said, automatic=False)).role == ""


def test_the_words_of_the_creation_count_even_when_older_mail_is_found_later():
    older = mail(1, Signal.ACKNOWLEDGEMENT, company="Acme Holding GmbH", role="")
    assert folded(created(5), older).company == "Acme"


def test_a_creation_never_reopens_what_older_mail_has_closed():
    assert folded(created(5), mail(1, Signal.REJECTION)).stage is S.CLOSED


def test_an_undo_counts_whichever_of_the_two_arrives_first():
    offer = mail(2, Signal.OFFER)
    ledger = [created(), mail(1, Signal.ASSESSMENT)]
    early_undo = replace(retracted(1, offer), occurred_at=hour(0))
    assert folded(*ledger, early_undo, offer) == folded(*ledger)
    assert folded(*ledger, early_undo) == folded(*ledger)


def test_an_undo_cannot_be_undone():
    offer = mail(1, Signal.OFFER)
    undo = retracted(2, offer)
    assert folded(created(), offer, undo, retracted(3, undo)) == folded(created())


@pytest.mark.parametrize("event", [created(), delivered(1, Delivery.SENT)], ids=["creation", "delivery"])
def test_facts_of_ours_cannot_be_undone(event):
    ledger = {created().key: created(), event.key: event}.values()
    assert folded(*ledger, retracted(2, event)) == folded(*ledger)


def test_an_undone_correction_lets_the_mails_speak_again():
    correction = corrected(2, S.APPLIED)
    ledger = [created(), mail(1, Signal.OFFER)]
    assert folded(*ledger, correction, retracted(3, correction)) == folded(*ledger)


def test_a_newer_reading_replaces_the_older_one():
    older, newer = mail(1, Signal.OFFER), mail(1, Signal.ASSESSMENT, reading=2)
    assert folded(created(), older, newer) == folded(created(), newer)


def test_a_newer_reading_does_not_reopen_what_the_older_one_closed_but_asks():
    older, newer = mail(1, Signal.REJECTION), mail(1, Signal.INTERVIEW_UPDATE, reading=2, interview=at(90))
    summary = folded(created(), older, newer)
    assert (summary.stage, summary.stage_event) == (S.CLOSED, older.key)
    assert [(move.event, move.stage) for move in summary.moves] == [(newer.key, S.INTERVIEW)]
    assert folded(created(), older, newer, answered(2, newer, accepted=True)).stage is S.INTERVIEW


def test_a_newer_reading_that_sees_nothing_asks_to_reopen_where_it_was():
    older, newer = mail(2, Signal.REJECTION), mail(2, Signal.OTHER, reading=2)
    ledger = [created(), mail(1, Signal.ASSESSMENT), older, newer]
    assert [(move.event, move.stage) for move in folded(*ledger).moves] == [(newer.key, S.ASSESSMENT)]
    summary = folded(*ledger, answered(3, newer, accepted=True))
    assert (summary.stage, summary.outcome) == (S.ASSESSMENT, None)


def test_a_weaker_newer_reading_of_an_end_does_not_reopen_it():
    newer = mail(1, Signal.REJECTION, reading=2, automatic=False)
    assert folded(created(), mail(1, Signal.REJECTION), newer).stage is S.CLOSED


def test_a_newer_reading_may_name_another_end():
    newer = mail(1, Signal.POSITION_CLOSED, reading=2)
    assert folded(created(), mail(1, Signal.REJECTION), newer) == folded(created(), newer)


@pytest.mark.parametrize("reading", [1, 2])
def test_the_undo_of_any_reading_undoes_the_mail(reading):
    older, newer = mail(1, Signal.OFFER), mail(1, Signal.ASSESSMENT, reading=2)
    ledger = [created(), older, newer]
    assert folded(*ledger, retracted(2, f"mail:m1:{reading}")) == folded(created())


# --- Delivery ---------------------------------------------------------------------------------------------------------

D = Delivery


@pytest.mark.parametrize(
    ("course", "end"),
    [
        ([D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.SENDING, D.SENT], D.SENT),
        ([D.QUEUED, D.CANCELLED], D.CANCELLED),
        ([D.QUEUED, D.SENDING, D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.SENDING, D.SENT, D.PARKED, D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.SENDING, D.SENT, D.BOUNCED, D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.FAILED], D.FAILED),
        ([D.QUEUED, D.SENDING, D.PARKED, D.QUEUED, D.SENDING, D.SENT], D.SENT),
        ([D.QUEUED, D.SENDING, D.PARKED, D.CANCELLED], D.CANCELLED),
        ([D.QUEUED, D.SENDING, D.UNSURE, D.SENT], D.SENT),
        ([D.QUEUED, D.SENDING, D.UNSURE, D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.SENDING, D.UNSURE, D.PARKED], D.PARKED),
        ([D.QUEUED, D.SENDING, D.FAILED, D.QUEUED], D.QUEUED),
        ([D.QUEUED, D.SENDING, D.SENT, D.BOUNCED], D.BOUNCED),
        # Proof that it was sent wins over everything that said otherwise, before or after.
        ([D.QUEUED, D.CANCELLED, D.SENT], D.SENT),
        ([D.QUEUED, D.SENDING, D.SENT, D.CANCELLED], D.SENT),
        ([D.QUEUED, D.SENDING, D.SENT, D.FAILED], D.SENT),
        ([D.QUEUED, D.SENDING, D.FAILED, D.SENT], D.SENT),
        ([D.PARKED, D.SENT, D.QUEUED], D.SENT),
        ([D.SENDING, D.BOUNCED, D.SENT], D.BOUNCED),
        # What is no transition is ignored.
        ([D.QUEUED, D.CANCELLED, D.SENDING], D.CANCELLED),
        ([D.QUEUED, D.SENDING, D.CANCELLED], D.SENDING),
        ([D.QUEUED, D.SENDING, D.FAILED, D.UNSURE], D.FAILED),
    ],
)
def test_delivery_follows_its_transitions(course, end):
    assert folded(created(), *(delivered(n, to) for n, to in enumerate(course, 1))).delivery is end


def test_delivery_names_the_event_that_brought_it():
    summary = folded(created(), delivered(1, D.QUEUED), delivered(2, D.SENDING), delivered(3, D.CANCELLED))
    assert summary.delivery_event == "delivery:s1:2"


def test_a_mail_that_left_makes_the_application_applied():
    queued = folded(created(stage=S.SAVED), delivered(1, D.QUEUED))
    assert (queued.stage, queued.applied_at) == (S.SAVED, None)
    sent = folded(created(stage=S.SAVED), delivered(1, D.QUEUED), delivered(2, D.SENDING), delivered(3, D.SENT))
    assert (sent.stage, sent.applied_at, sent.stage_event) == (S.APPLIED, hour(3), "delivery:s1:3")


def test_a_delivery_failure_bounces_what_was_sent():
    bounce = mail(4, Signal.DELIVERY_FAILURE)
    ledger = [created(), delivered(1, D.QUEUED), delivered(2, D.SENDING), delivered(3, D.SENT)]
    summary = folded(*ledger, bounce)
    assert (summary.delivery, summary.delivery_event, summary.stage) == (D.BOUNCED, bounce.key, S.APPLIED)
    assert folded(*ledger, bounce, retracted(5, bounce)).delivery is D.SENT


def test_a_delivery_failure_that_overtakes_our_own_record_bounces_too():
    ledger = [created(), delivered(1, D.SENDING), mail(2, Signal.DELIVERY_FAILURE), delivered(3, D.SENT)]
    assert folded(*ledger).delivery is D.BOUNCED


def test_a_delivery_failure_of_an_unverified_sender_bounces_nothing():
    forged = mail(2, Signal.DELIVERY_FAILURE, automatic=False, sender=SPOOFED)
    assert folded(created(), delivered(1, D.SENT), forged).delivery is D.SENT


# --- Interviews -------------------------------------------------------------------------------------------------------


def invited(number, facts, **more):
    return mail(number, Signal.INTERVIEW_INVITATION, interview=facts, **more)


def updated(number, facts, **more):
    return mail(number, Signal.INTERVIEW_UPDATE, interview=facts, **more)


def rounds(*events):
    return [(round_.status.value, round_.start) for round_ in folded(created(), *events).interviews]


def test_an_invitation_with_a_fixed_time_confirms_a_round():
    first = invited(1, at(90, link="https://meet.example/1"))
    summary = folded(created(), first)
    [round_] = summary.interviews
    assert (round_.status, round_.start, round_.event) == (InterviewStatus.CONFIRMED, hour(90), first.key)
    assert round_.facts.link == "https://meet.example/1"
    assert summary.needs_action == ""


@pytest.mark.parametrize(
    "facts",
    [
        None,
        InterviewFacts(),
        InterviewFacts(start_local="2026-03-09"),
        at(90, alternatives=("2026-03-07T10:00",)),
    ],
    ids=["no facts", "no time", "a day", "several"],
)
def test_an_invitation_that_leaves_the_time_open_is_a_proposal_that_waits_for_the_person(facts):
    summary = folded(created(), invited(1, facts))
    assert summary.needs_action == "mail:m1:1"
    assert [round_.status for round_ in summary.interviews] == ([InterviewStatus.PROPOSED] if facts else [])


def test_a_time_without_a_zone_is_asked_for_and_not_guessed():
    summary = folded(created(), invited(1, InterviewFacts(start_local="2026-03-09T10:00")))
    assert (summary.interviews[0].start, summary.needs_action) == (None, "mail:m1:1")


def test_the_highest_sequence_wins_whatever_the_order():
    newest = invited(2, at(95, ics_uid="u1", ics_sequence=2))
    stale = invited(3, at(90, ics_uid="u1", ics_sequence=1))
    assert rounds(invited(1, at(80, ics_uid="u1")), newest, stale) == [("moved", hour(95))]


def test_at_equal_sequence_the_later_mail_wins():
    assert rounds(invited(1, at(80, ics_uid="u1")), updated(2, at(85, ics_uid="u1"))) == [("moved", hour(85))]


def test_the_same_invitation_again_moves_nothing():
    assert rounds(invited(1, at(80, ics_uid="u1")), invited(2, at(80, ics_uid="u1"))) == [("confirmed", hour(80))]


def test_a_cancel_calls_its_round_off_and_the_stage_stays():
    cancel = updated(2, at(80, ics_uid="u1", ics_sequence=1, cancelled=True))
    summary = folded(created(), invited(1, at(80, ics_uid="u1")), cancel)
    assert [(round_.status, round_.event) for round_ in summary.interviews] == [(InterviewStatus.CANCELLED, cancel.key)]
    assert (summary.stage, summary.stage_event) == (S.INTERVIEW, "mail:m1:1")


def test_a_cancel_alone_makes_no_interview_stage():
    cancel = updated(1, at(80, ics_uid="u1", ics_sequence=1, cancelled=True))
    summary = folded(created(), cancel, invited(2, at(80, ics_uid="u1", ics_sequence=0), automatic=False))
    assert (summary.stage, summary.interviews[0].status) == (S.APPLIED, InterviewStatus.CANCELLED)


def test_a_stale_invitation_does_not_revive_a_cancelled_round():
    cancel = updated(1, at(80, ics_uid="u1", ics_sequence=1, cancelled=True))
    assert rounds(cancel, invited(2, at(80, ics_uid="u1"))) == [("cancelled", hour(80))]


def test_a_stale_cancel_does_not_call_a_newer_date_off():
    moved = invited(1, at(80, ics_uid="u1", ics_sequence=3))
    assert rounds(moved, updated(2, at(70, ics_uid="u1", ics_sequence=2, cancelled=True))) == [("confirmed", hour(80))]


def test_a_rejection_with_a_cancel_calls_the_round_off():
    rejection = mail(2, Signal.REJECTION, interview=at(80, ics_uid="u1", ics_sequence=1, cancelled=True))
    summary = folded(created(), invited(1, at(80, ics_uid="u1")), rejection)
    assert (summary.stage, summary.interviews[0].status) == (S.CLOSED, InterviewStatus.CANCELLED)


def test_a_cancel_after_the_end_still_calls_the_round_off():
    cancel = updated(3, at(80, ics_uid="u1", ics_sequence=1, cancelled=True))
    summary = folded(created(), invited(1, at(80, ics_uid="u1")), mail(2, Signal.REJECTION), cancel)
    assert (summary.interviews[0].status, summary.moves) == (InterviewStatus.CANCELLED, ())


def test_without_a_uid_each_invitation_is_a_round():
    assert rounds(invited(1, at(80)), invited(2, at(90))) == [("confirmed", hour(80)), ("confirmed", hour(90))]


def test_two_mails_that_name_the_same_hour_speak_of_one_round():
    assert rounds(invited(1, at(80)), invited(2, at(80, ics_uid="u1"))) == [("confirmed", hour(80))]


def test_an_update_moves_the_single_open_round():
    assert rounds(invited(1, at(80)), updated(2, at(90))) == [("moved", hour(90))]
    assert rounds(invited(1, at(80, ics_uid="u1")), updated(2, at(90))) == [("moved", hour(90))]


def test_an_update_that_names_no_time_moves_nothing():
    assert rounds(invited(1, at(80)), updated(2, InterviewFacts(link="https://meet.example/2"))) == [
        ("confirmed", hour(80))
    ]


def test_a_round_that_is_over_is_not_the_one_that_is_moved():
    assert rounds(invited(1, at(10)), invited(2, at(80)), updated(20, at(90))) == [
        ("confirmed", hour(10)),
        ("moved", hour(90)),
    ]


def test_an_update_that_could_mean_two_rounds_moves_neither_and_asks():
    summary = folded(created(), invited(1, at(80)), invited(2, at(90)), updated(3, at(100)))
    assert [round_.start for round_ in summary.interviews] == [hour(80), hour(90)]
    assert summary.needs_action == "mail:m3:1"


def test_a_cancel_without_uid_is_told_by_its_hour():
    off = updated(3, at(90, cancelled=True))
    assert rounds(invited(1, at(80)), invited(2, at(90)), off) == [("confirmed", hour(80)), ("cancelled", hour(90))]


def test_an_update_of_a_round_that_nobody_has_seen_makes_it():
    assert rounds(updated(1, at(80))) == [("confirmed", hour(80))]


def test_the_date_that_follows_an_open_invitation_settles_it():
    ledger = [created(), invited(1, InterviewFacts()), invited(2, at(80, ics_uid="u1"))]
    summary = folded(*ledger)
    assert [(r.id, r.status, r.start) for r in summary.interviews] == [("mail:m1", InterviewStatus.CONFIRMED, hour(80))]
    assert (summary.needs_action, summary.ics_uids) == ("", ("u1",))


def test_a_date_settles_the_question_when_the_person_is_free():
    assert folded(created(), mail(1, Signal.AVAILABILITY_REQUEST), invited(2, at(80))).needs_action == ""


def test_a_reminder_without_zone_does_not_forget_the_zone():
    reminder = updated(2, replace(at(80), start=None, zone=""))
    assert rounds(invited(1, at(80)), reminder) == [("confirmed", hour(80))]


def test_a_new_hour_without_zone_is_asked_for():
    moved = updated(2, replace(at(90), start=None, zone=""))
    summary = folded(created(), invited(1, at(80)), moved)
    assert (summary.interviews[0].status, summary.interviews[0].start) == (InterviewStatus.MOVED, None)
    assert summary.needs_action == moved.key


@pytest.mark.parametrize("which", [0, 1])
def test_the_undo_of_a_mail_undoes_what_it_did_to_the_interviews(which):
    mails = [invited(1, at(80, ics_uid="u1")), updated(2, at(90, ics_uid="u1", ics_sequence=1))]
    left = [created(), mails[1 - which]]
    assert folded(created(), *mails, retracted(3, mails[which])) == folded(*left)


# --- What matching reads ----------------------------------------------------------------------------------------------


def test_threads_messages_and_meetings_are_those_of_the_mails_that_count():
    first, second = mail(1, Signal.ACKNOWLEDGEMENT), invited(2, at(80, ics_uid="u1"))
    summary = folded(created(), first, second)
    assert summary.thread_ids == ("t-m1", "t-m2")
    assert summary.message_ids == ("<m1@acme.example>", "<m2@acme.example>")
    assert summary.ics_uids == ("u1",)
    undone = folded(created(), first, second, retracted(3, second))
    assert (undone.thread_ids, undone.ics_uids) == (("t-m1",), ())


def test_what_matching_reads_is_bounded_and_keeps_the_newest():
    summary = fold([created(), *(mail(n, Signal.ACKNOWLEDGEMENT) for n in range(1, 100))])
    assert (len(summary.thread_ids), summary.thread_ids[-1]) == (20, "t-m99")
    assert (len(summary.message_ids), summary.message_ids[-1]) == (50, "<m99@acme.example>")


# --- Attention --------------------------------------------------------------------------------------------------------


def summary_at(stage, **more):
    return replace(Projection(), **{"stage": stage, "stage_at": hour(0), "applied_at": hour(0), **more})


@pytest.mark.parametrize(
    ("stage", "days"), [(S.APPLIED, 21), (S.SCREENING, 18), (S.ASSESSMENT, 15), (S.INTERVIEW, 12), (S.OFFER, 5)]
)
def test_an_employer_is_silent_after_the_days_of_its_stage(stage, days):
    summary = summary_at(stage)
    before = hour(0) + timedelta(days=days) - timedelta(seconds=1)
    assert attention(summary, before) is Attention.NONE
    assert attention(summary, before + timedelta(seconds=1)) is Attention.SILENT


@pytest.mark.parametrize("stage", [S.SAVED, S.CLOSED])
def test_nobody_is_silent_who_was_not_asked_or_has_answered(stage):
    assert attention(summary_at(stage), hour(24 * 365)) is Attention.NONE


def test_once_the_person_has_answered_the_employer_silence_is_shorter():
    summary = summary_at(S.APPLIED, last_heard_at=hour(1), replied_at=hour(2))
    assert attention(summary, hour(1) + timedelta(days=15)) is Attention.SILENT
    assert attention(replace(summary, replied_at=None), hour(1) + timedelta(days=15)) is Attention.NONE
    assert attention(replace(summary, replied_at=hour(0)), hour(1) + timedelta(days=15)) is Attention.NONE


def test_the_persons_own_follow_up_does_not_reset_the_clock():
    summary = folded(created(), replied(20 * 24))
    assert silent_since(summary) == hour(0)
    assert attention(summary, hour(21 * 24)) is Attention.SILENT


def test_the_employers_mail_resets_the_clock():
    summary = folded(created(), mail(10 * 24, Signal.ACKNOWLEDGEMENT))
    assert attention(summary, hour(30 * 24)) is Attention.NONE
    assert attention(summary, hour(31 * 24)) is Attention.SILENT


def test_nobody_is_silent_before_an_interview_that_is_still_ahead():
    summary = folded(created(), invited(1, at(40 * 24)))
    assert attention(summary, hour(39 * 24)) is Attention.NONE
    assert attention(summary, hour(52 * 24)) is Attention.SILENT


def test_a_person_may_choose_other_days():
    thresholds = SilenceThresholds(applied=timedelta(days=3))
    assert attention(summary_at(S.APPLIED), hour(3 * 24), thresholds) is Attention.SILENT


def test_attention_names_the_most_pressing_thing():
    late = hour(24 * 365)
    everything = summary_at(
        S.APPLIED, needs_action="mail:m1:1", moves=(Move(event="mail:m2:1", stage=S.OFFER),), on_hold=True
    )
    assert attention(everything, late) is Attention.NEEDS_ACTION
    assert attention(replace(everything, needs_action=""), late) is Attention.UNCONFIRMED
    assert attention(replace(everything, needs_action="", moves=()), late) is Attention.ON_HOLD
    assert attention(replace(everything, needs_action="", moves=(), on_hold=False), late) is Attention.SILENT


def test_an_end_that_a_mail_alone_brought_asks_for_confirmation():
    assert attention(folded(created(), mail(1, Signal.REJECTION)), hour(2)) is Attention.UNCONFIRMED


@pytest.mark.parametrize("delivery", [D.FAILED, D.BOUNCED])
def test_a_mail_that_nobody_got_needs_action(delivery):
    summary = summary_at(S.APPLIED, delivery=delivery)
    assert attention(summary, hour(1)) is Attention.NEEDS_ACTION
    assert attention(replace(summary, stage=S.CLOSED), hour(1)) is Attention.NONE


# --- Evidence ---------------------------------------------------------------------------------------------------------


def test_the_evidence_of_a_status_is_the_event_that_named_it():
    events = {event.key: event for event in (created(), mail(1, Signal.OFFER), mail(2, Signal.ACKNOWLEDGEMENT))}
    application = Application(
        id="a1",
        uid="u1",
        created_at=hour(0),
        updated_at=hour(0),
        events=events,
        stage_event=fold(events.values()).stage_event,
    )
    evidence = evidence_of(application)
    assert evidence is not None
    assert (evidence.kind, evidence.evidence[0].text) == (EventKind.MAIL, "the words of m1")
    assert evidence_of(replace(application, stage_event="")) is None


# --- Who has written --------------------------------------------------------------------------------------------------


def from_domain(number: float, domain: str, *, rule: str = "company_role", passed: bool = True, **more) -> Event:
    sender = SenderCheck(passed=passed, reason="as the test says", domain=domain)
    link = Link(application_id="a1", rule=rule, confidence=0.95)
    return mail(number, Signal.ACKNOWLEDGEMENT, sender=sender, link=link, **more)


def test_the_first_sender_is_known_and_a_later_one_that_only_names_the_company_is_not():
    events = [created(), from_domain(1, "greenhouse-mail.io"), from_domain(2, "attacker.example")]
    assert fold(events).sender_domains == ("greenhouse-mail.io",)


@pytest.mark.parametrize(("rule", "by"), [("thread", "mail"), ("reference", "mail"), ("company", "person")])
def test_who_answers_in_a_thread_or_is_linked_by_hand_is_known(rule, by):
    events = [created(), from_domain(1, "greenhouse-mail.io"), from_domain(2, "acme.example", rule=rule, by=by)]
    assert fold(events).sender_domains == ("greenhouse-mail.io", "acme.example")


def test_a_mail_linked_by_hand_teaches_what_its_sender_calls_the_company():
    linked = from_domain(2, "facebook.example", rule="person", by="person", company="Facebook")
    ledger = [created(company="Meta"), from_domain(1, "meta.example", company="Fakebook"), linked]
    assert fold(ledger).known_as == ("Facebook",)
    assert fold([*ledger, retracted(3, linked)]).known_as == ()
    assert fold([*ledger, corrected(3, company="Facebook Inc.")]).known_as == ()


def test_a_mail_that_fails_the_check_makes_nobody_known():
    assert fold([created(), from_domain(1, "attacker.example", passed=False)]).sender_domains == ()
