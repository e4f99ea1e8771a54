"""Laws of the fold that hold for every ledger, tried on ledgers that nobody would think of."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.applications import born, notices, with_event
from shared.ledger import counted, fold
from shared.ledger.folding import order
from shared.model import (
    Application,
    Delivery,
    Event,
    EventKind,
    InterviewFacts,
    InterviewStatus,
    Outcome,
    Projection,
    Signal,
    Stage,
)
from tests.support.ledgers import SPOOFED, T0, VOUCHED, created, hour

law = settings(max_examples=80, deadline=None)  # The machine may be busy; a slow example breaks no law.

# Few moments and few names, so that events meet: at one instant, in one thread, about one meeting.
MOMENTS = st.integers(0, 12).map(hour)
PERSONAL = {EventKind.CORRECTED, EventKind.RETRACTED, EventKind.ANSWERED}

FACTS = st.none() | st.sampled_from(
    [
        InterviewFacts(
            start_local=local,
            start=start,
            alternatives=alternatives,
            ics_uid=uid,
            ics_sequence=sequence,
            cancelled=cancelled,
        )
        for local, start in [
            ("", None),
            ("2026-03-02", None),
            ("2026-03-02T14:00", None),
            ("2026-03-02T14:00", hour(5)),
            ("", hour(20)),
        ]
        for alternatives in [(), ("2026-03-03T10:00",)]
        for uid, sequence in [("", 0), ("u1", 0), ("u1", 1), ("u2", 0)]
        for cancelled in [False, True]
    ]
)
"""Drawn as a whole: a draw for each field would take most of the suite's time."""


READINGS = st.sampled_from([(name, n) for name in ("m1", "m2", "m3", "m4") for n in (1, 1, 1, 2, 3)])
TRUST = st.sampled_from([(automatic, sender) for automatic in (True, False) for sender in (VOUCHED, SPOOFED, None)])
WORDS = st.sampled_from(
    [
        {"thread_id": thread, "reply_by": reply_by, "role": role}
        for thread in ("t1", "t2")
        for reply_by in ("", "2026-03-09")
        for role in ("", "Baker")
    ]
)


@st.composite
def mails(draw):
    (name, reading), (automatic, sender) = draw(READINGS), draw(TRUST)
    return Event(
        key=f"mail:{name}:{reading}",
        kind=EventKind.MAIL,
        occurred_at=draw(MOMENTS),
        recorded_at=T0,
        by="mail",
        mail_id=name,
        message_id=f"<{name}>",
        signal=draw(st.sampled_from(Signal)),
        automatic=automatic,
        why_not="" if automatic else "unclear",
        sender=sender,
        interview=draw(FACTS),
        supersedes=f"mail:{name}:{reading - 1}" if reading > 1 else "",
        **draw(WORDS),
    )


TARGETS = st.sampled_from(["created", "person:1", "answer:1", "delivery:1", "nowhere"]) | READINGS.map(
    lambda reading: "mail:{}:{}".format(*reading)
)


@st.composite
def personal(draw):
    number, target = draw(st.integers(1, 3)), draw(TARGETS)
    kind = draw(st.sampled_from([EventKind.CORRECTED, EventKind.RETRACTED, EventKind.ANSWERED, EventKind.REPLIED]))
    event = Event(key="", kind=kind, occurred_at=draw(MOMENTS), recorded_at=T0, by="person")
    match kind:
        case EventKind.CORRECTED:
            stage = draw(st.none() | st.sampled_from(Stage))
            outcome = draw(st.sampled_from(Outcome)) if stage is Stage.CLOSED else None
            return replace(
                event, key=f"person:{number}", stage=stage, outcome=outcome, role=draw(st.sampled_from(["", "Chef"]))
            )
        case EventKind.RETRACTED:
            return replace(event, key=f"retract:{target}", target=target)
        case EventKind.ANSWERED:
            return replace(event, key=f"answer:{number}", target=target, accepted=draw(st.booleans()))
        case _:
            return replace(event, key=f"reply:{number}")


@st.composite
def deliveries(draw):
    number = draw(st.integers(1, 4))
    return Event(
        key=f"delivery:{number}",
        kind=EventKind.DELIVERY,
        occurred_at=draw(MOMENTS),
        recorded_at=T0,
        by="service",
        delivery=draw(st.sampled_from(Delivery)),
    )


CREATIONS = st.builds(created, st.integers(0, 6), st.none() | st.sampled_from([Stage.SAVED, Stage.APPLIED]))


ANYTHING = mails() | mails() | personal() | deliveries() | CREATIONS


def ledgers(events=ANYTHING):
    """Events with one key each, as a ledger keeps them."""
    return st.lists(events, max_size=10, unique_by=lambda event: event.key)


def names(events):
    return {event.key for event in events}


# --- Order, duplicates, increments ------------------------------------------------------------------------------------


@law
@given(st.data())
def test_any_arrival_order_and_any_duplicates_give_the_same_state(data):
    ledger = data.draw(ledgers())
    arrival = data.draw(st.permutations(ledger))
    again = data.draw(st.lists(st.sampled_from(ledger), max_size=6)) if ledger else []
    assert fold(arrival + again) == fold(ledger)


@law
@given(st.data())
def test_one_event_after_the_other_gives_the_state_of_them_all(data):
    ledger = data.draw(ledgers(mails() | mails() | personal() | deliveries()))
    arrival = data.draw(st.permutations(ledger + ledger[:3]))
    application = born("u1", "a1", created(), now=T0)
    for event in arrival:
        application = with_event(application, event, now=T0)
    assert set(application.events) == names(ledger) | {"created"}
    whole = fold([created(), *ledger])
    assert {f.name: getattr(application, f.name) for f in fields(Projection)} == {
        f.name: getattr(whole, f.name) for f in fields(Projection)
    }


# --- Undo -------------------------------------------------------------------------------------------------------------


@law
@given(st.data())
def test_the_undo_of_any_event_is_the_fold_without_it(data):
    ledger = data.draw(ledgers(mails() | personal() | deliveries()).filter(bool))
    in_order = sorted(ledger, key=lambda event: (event.occurred_at, event.key))
    undoable = [e for e in in_order if e.kind in {EventKind.MAIL, EventKind.REPLIED, *PERSONAL} - {EventKind.RETRACTED}]
    assume(undoable)
    place = data.draw(st.sampled_from(["oldest", "middle", "newest"]))
    target = {"oldest": undoable[0], "middle": undoable[len(undoable) // 2], "newest": undoable[-1]}[place]
    # A mail and its readings are undone together: the person has undone the mail, whichever reading they saw.
    gone = names(e for e in ledger if e.mail_id and e.mail_id == target.mail_id) or {target.key}
    assume(f"retract:{target.key}" not in names(ledger))
    assume(not target.mail_id or len(gone) == 1)
    undo = Event(
        key=f"retract:{target.key}",
        kind=EventKind.RETRACTED,
        occurred_at=data.draw(MOMENTS),
        recorded_at=T0,
        by="person",
        target=target.key,
    )
    assert fold(data.draw(st.permutations([*ledger, undo]))) == fold(e for e in ledger if e.key not in gone)


@law
@given(st.data())
def test_no_reading_of_an_undone_mail_counts_from_the_undone_one_on(data):
    others = [e for e in data.draw(ledgers(mails() | deliveries())) if e.mail_id != "m1"]
    readings = [
        replace(e, key=f"mail:m1:{n}", mail_id="m1", supersedes=f"mail:m1:{n - 1}")
        for n, e in enumerate(data.draw(st.lists(mails(), min_size=1, max_size=3)), 1)
    ]
    undo = Event(
        key="retract:1",
        kind=EventKind.RETRACTED,
        occurred_at=data.draw(MOMENTS),
        recorded_at=T0,
        by="person",
        target=readings[0].key,
    )
    assert fold([*others, *readings, undo]) == fold(others)


# --- The person's word ------------------------------------------------------------------------------------------------


@law
@given(st.data())
def test_a_correction_binds_every_event_that_occurred_before_it(data):
    before = data.draw(ledgers(mails() | deliveries() | CREATIONS))
    stage = data.draw(st.sampled_from(Stage))
    outcome = data.draw(st.sampled_from(Outcome)) if stage is Stage.CLOSED else None
    word = Event(
        key="person:last",
        kind=EventKind.CORRECTED,
        occurred_at=hour(13),
        recorded_at=T0,
        by="person",
        stage=stage,
        outcome=outcome,
    )
    summary = fold(data.draw(st.permutations([*before, word])))
    assert (summary.stage, summary.outcome, summary.stage_event) == (stage, outcome, "person:last")
    assert (summary.moves, summary.needs_action, summary.unconfirmed, summary.on_hold) == ((), "", False, False)


@law
@given(st.data())
def test_what_occurs_after_a_correction_does_not_depend_on_the_stage_before_it(data):
    before = data.draw(ledgers(mails()))
    after = [
        replace(e, occurred_at=e.occurred_at + timedelta(hours=20), key=f"later:{e.key}", supersedes="", interview=None)
        for e in data.draw(ledgers(mails()))
    ]
    word = Event(
        key="person:1",
        kind=EventKind.CORRECTED,
        occurred_at=hour(13),
        recorded_at=T0,
        by="person",
        stage=Stage.SCREENING,
    )
    with_past, fresh = fold([*before, word, *after]), fold([word, *after])
    assert (with_past.stage, with_past.outcome, with_past.stage_event, with_past.moves) == (
        fresh.stage,
        fresh.outcome,
        fresh.stage_event,
        fresh.moves,
    )


# --- What no mail can do ----------------------------------------------------------------------------------------------


@law
@given(ledgers(), mails() | deliveries() | CREATIONS)
def test_a_closed_application_never_reopens_by_itself(ledger, event):
    # An answer that was given before its mail is read is the person's act, too; so is an undo.
    assume(event.key not in names(ledger))
    assume(event.key not in {e.target for e in ledger})
    if fold(ledger).stage is Stage.CLOSED:
        assert fold([*ledger, event]).stage is Stage.CLOSED


@law
@given(st.data())
def test_a_closed_application_does_not_even_reopen_when_its_mails_are_read_again(data):
    ledger = data.draw(ledgers(mails() | CREATIONS).filter(lambda ledger: any(e.mail_id for e in ledger)))
    older = data.draw(st.sampled_from([e for e in ledger if e.mail_id]))
    newer = replace(data.draw(mails()), key="mail:again:9", mail_id=older.mail_id, supersedes=older.key)
    newer = replace(newer, occurred_at=older.occurred_at)
    if fold(ledger).stage is Stage.CLOSED:
        assert fold([*ledger, newer]).stage is Stage.CLOSED


@law
@given(ledgers(), mails() | deliveries() | CREATIONS)
def test_the_stage_never_falls_by_what_nobody_did(ledger, event):
    assume(event.key not in names(ledger))
    assume(event.key not in {e.target for e in ledger})
    # A newer reading takes the older one's place, so it may say less.
    assume(not event.supersedes and event.key not in {e.supersedes for e in ledger})
    assert fold([*ledger, event]).stage.rank >= fold(ledger).stage.rank


@law
@given(ledgers(mails() | deliveries() | CREATIONS))
def test_without_the_person_nothing_is_accepted_declined_or_confirmed(ledger):
    summary = fold(ledger)
    assert summary.outcome not in {Outcome.ACCEPTED, Outcome.DECLINED, Outcome.NO_RESPONSE}
    assert summary.unconfirmed == (summary.stage is Stage.CLOSED)


@law
@given(ledgers())
def test_a_mail_that_may_not_act_moves_no_stage_until_the_person_says_so(ledger):
    ledger = [e for e in ledger if not e.supersedes and not e.accepted]
    with_all, without_weak = fold(ledger), fold(e for e in ledger if e.kind is not EventKind.MAIL or e.automatic)
    assert (with_all.stage, with_all.outcome, with_all.stage_event) == (
        without_weak.stage,
        without_weak.outcome,
        without_weak.stage_event,
    )


@law
@given(ledgers(), mails())
def test_noise_changes_nothing(ledger, event):
    noise = replace(event, key="mail:noise:1", mail_id="noise", signal=Signal.JOB_ALERT, supersedes="")
    assert fold([*ledger, noise]) == fold(ledger)


# --- What a projection always is --------------------------------------------------------------------------------------


@law
@given(ledgers())
def test_a_projection_is_consistent(ledger):
    summary, keys = fold(ledger), names(counted(ledger))
    closed = summary.stage is Stage.CLOSED
    assert closed or (summary.outcome is None and not summary.unconfirmed)
    assert not (closed and (summary.needs_action or summary.on_hold))
    assert summary.stage_event in keys | {""}
    assert (summary.stage_at is None) == (summary.stage_event == "")
    assert summary.needs_action in keys | {""}
    assert {move.event for move in summary.moves} <= keys
    assert (summary.delivery is None) == (summary.delivery_event == "")
    assert (summary.stage is not Stage.SAVED) or summary.applied_at is None
    ids = [round_.id for round_ in summary.interviews]
    assert len(ids) == len(set(ids))
    assert all(round_.event in keys and round_.status is not InterviewStatus.DONE for round_ in summary.interviews)
    assert all(move.stage is not summary.stage or move.outcome is not summary.outcome for move in summary.moves)


@law
@given(ledgers(deliveries()))
def test_proof_that_it_was_sent_wins_until_the_mail_is_sent_anew(ledger):
    states = [event.delivery for event in sorted(ledger, key=order) if event.delivery]
    delivery = fold(ledger).delivery
    proofs = [place for place, state in enumerate(states) if state in (Delivery.SENT, Delivery.BOUNCED)]
    if proofs and not {Delivery.PARKED, Delivery.QUEUED} & {*states[proofs[-1] :]}:
        assert delivery in (Delivery.SENT, Delivery.BOUNCED)
    assert (delivery is None) == (not states)


# --- What the person is told ------------------------------------------------------------------------------------------


@law
@given(st.data())
def test_each_event_tells_at_most_one_thing_and_never_again(data):
    arrival = data.draw(ledgers(mails() | mails() | personal() | deliveries()).flatmap(st.permutations))
    told: list[str] = []
    before: Application | None = None
    after = born("u1", "a1", created(), now=T0)
    for event in [*arrival, *arrival]:
        told += [notice.key for notice in notices(before, after, now=T0)]
        before, after = after, with_event(after, event, now=T0)
    assert len(told) == len(set(told))
    assert all(after.events[key.removeprefix("a1:")].by != "person" for key in told)
