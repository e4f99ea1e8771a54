"""How applications are written: what one change writes, what a person is told, and what a person may do by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import applications, schedule
from shared.adapters.clock import SystemIds
from shared.adapters.sqlite_store import SqliteStore
from shared.applications import Correction, NewApplication, born, doubt, mail_event, notices, with_event
from shared.applications.change import EVENT_BYTES, RESERVED_EVENTS, applications_of, as_matched, interviews
from shared.codec import to_json
from shared.errors import NotFound, Rejected, TryAgain
from shared.ledger import FOLD_VERSION, fold
from shared.local.clock import FakeClock
from shared.matching import match
from shared.model import (
    EVENTS_PER_APPLICATION,
    Application,
    Candidate,
    Delivery,
    EventKind,
    Facts,
    Interview,
    InterviewStatus,
    Link,
    LinkSuggestion,
    Mail,
    MailRecord,
    MailStatus,
    NotificationKind,
    Outcome,
    Preferences,
    Signal,
    Span,
    Stage,
    Thread,
    User,
    Verdict,
)
from shared.schema import APPLICATIONS, INTERVIEWS, MAILS, NOTIFICATIONS_OF_USER, SUGGESTIONS, THREADS, USERS
from tests.support.ledgers import (
    SPOOFED,
    T0,
    VOUCHED,
    answered,
    at,
    corrected,
    created,
    delivered,
    hour,
    mail,
    replied,
    retracted,
)

S = Stage


def application(*events, uid="u1"):
    """An application whose ledger has these events after its creation."""
    made = born(uid, "a1", created(), now=T0)
    for event in events:
        made = with_event(made, event, now=event.recorded_at)
    return made


# --- with_event -------------------------------------------------------------------------------------------------------


def test_an_event_changes_the_ledger_and_the_projection_together():
    made = application(mail(1, Signal.OFFER))
    assert (made.stage, made.company, made.role) == (S.OFFER, "Acme", "Baker")
    assert list(made.events) == ["created", "mail:m1:1"]
    assert (made.created_at, made.updated_at, made.fold_version) == (T0, hour(1), FOLD_VERSION)


def test_of_two_events_with_one_key_the_first_stays():
    once = application(mail(1, Signal.OFFER))
    assert with_event(once, mail(1, Signal.REJECTION), now=hour(2)) is once


def test_a_change_never_moves_updated_at_backwards():
    assert with_event(application(mail(5, Signal.OFFER)), replied(6), now=hour(2)).updated_at == hour(5)


def test_a_full_ledger_takes_no_more_mail_but_still_the_persons_word():
    full = application()
    events = {f"mail:{n}:1": mail(n, Signal.OTHER) for n in range(1, EVENTS_PER_APPLICATION)}
    full = replace(full, events={**full.events, **events})
    for event in (mail(900, Signal.OFFER), replied(901)):
        with pytest.raises(Rejected, match="full"):
            with_event(full, event, now=T0)
    for n in range(RESERVED_EVENTS):
        full = with_event(full, corrected(1000 + n, S.INTERVIEW), now=T0)
    assert full.stage is S.INTERVIEW
    with pytest.raises(Rejected, match="full"):
        with_event(full, corrected(2000, S.INTERVIEW), now=T0)


def test_a_newer_releases_projection_is_left_alone():
    newer = replace(application(), fold_version=FOLD_VERSION + 1)
    with pytest.raises(TryAgain):
        with_event(newer, mail(1, Signal.OFFER), now=T0)
    with pytest.raises(TryAgain):
        applications.refolded(newer, now=T0)


def test_an_older_releases_projection_is_folded_again():
    older = replace(application(mail(1, Signal.OFFER)), fold_version=FOLD_VERSION - 1, stage=S.SAVED, moves=())
    assert applications.refolded(older, now=hour(1)) == application(mail(1, Signal.OFFER))


@pytest.mark.parametrize("letter", ["x", "ü", "面", "🥐"])
def test_evidence_is_cut_to_what_a_ledger_keeps(letter):
    spans = tuple(Span(where="body", text=letter * 500) for _ in range(20))
    event = application(mail(1, Signal.OFFER, evidence=spans)).events["mail:m1:1"]
    assert 1 <= len(event.evidence) <= 8
    assert {len(span.text) for span in event.evidence} == {160}
    assert len(to_json(event)) <= EVENT_BYTES


def test_an_event_that_is_too_large_without_evidence_is_refused():
    with pytest.raises(Rejected, match="bytes"):
        application(mail(1, Signal.OFFER, job_url="https://a.example/" + "x" * EVENT_BYTES))


def test_the_largest_ledger_still_fits_into_one_document(store):
    links = [f"https://meet.example/{'x' * 600}{n}" for n in range(EVENTS_PER_APPLICATION)]
    events = {
        event.key: event
        for event in (
            mail(
                n,
                Signal.INTERVIEW_INVITATION,
                interview=at(n + 500, ics_uid=f"{n}@acme.example", link=links[n]),
                evidence=tuple(Span(where="body", text="面" * 160) for _ in range(8)),
            )
            for n in range(1, EVENTS_PER_APPLICATION)
        )
    }
    full = application()
    for event in events.values():
        full = with_event(full, event, now=T0)
    for n in range(RESERVED_EVENTS):
        full = with_event(full, corrected(1000 + n, S.INTERVIEW, note="面" * 500), now=T0)
    assert len(full.interviews) == EVENTS_PER_APPLICATION - 1
    store.create(APPLICATIONS.key("u1", "a1"), full)


# --- as_matched -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [mail(1, Signal.REJECTION), corrected(1, role="Chef"), mail(1, Signal.ACKNOWLEDGEMENT), created(1, role="Chef")],
    ids=["it closes", "its role", "its threads and messages", "it is new"],
)
def test_what_matching_reads_changes_the_as_matched(event):
    before = application()
    after = application(event) if event.key != "created" else born("u1", "a1", event, now=T0)
    assert as_matched(after) != as_matched(before)


@pytest.mark.parametrize(
    "event", [corrected(1, S.OFFER), delivered(1, Delivery.QUEUED), mail(1, Signal.JOB_ALERT)], ids=lambda e: e.key
)
def test_what_matching_does_not_read_leaves_the_as_matched(event):
    assert as_matched(application(event)) == as_matched(application())


# --- notices ----------------------------------------------------------------------------------------------------------


def told(*events):
    """What the last of these events tells, after the others."""
    after = application(*events)
    return [(n.kind, n.event) for n in notices(application(*events[:-1]), after, now=T0)]


def test_a_status_that_changes_is_told_with_its_cause():
    [notice] = notices(application(), application(mail(1, Signal.OFFER)), now=hour(2))
    assert (notice.kind, notice.event, notice.key) == ("status_changed", "mail:m1:1", "a1:mail:m1:1")
    assert (notice.uid, notice.application_id, notice.created_at, notice.read_at) == ("u1", "a1", hour(2), None)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (mail(2, Signal.REJECTION), NotificationKind.STATUS_CHANGED),
        (mail(2, Signal.OFFER, automatic=False), NotificationKind.MOVE_SUGGESTED),
        (mail(2, Signal.INTERVIEW_INVITATION, interview=at(90)), NotificationKind.INTERVIEW_CHANGED),
        (mail(2, Signal.INFO_REQUEST), NotificationKind.NEEDS_ACTION),
        (mail(2, Signal.ON_HOLD), NotificationKind.ON_HOLD),
        (mail(2, Signal.DELIVERY_FAILURE), NotificationKind.DELIVERY_TROUBLE),
        (delivered(2, Delivery.UNSURE), NotificationKind.DELIVERY_TROUBLE),
    ],
)
def test_each_kind_of_news_is_told_once(event, kind):
    assert told(mail(1, Signal.INTERVIEW_INVITATION, interview=at(80)), event) == [(kind, event.key)]


def test_an_event_with_several_effects_tells_the_most_telling_one():
    assert told(mail(1, Signal.ASSESSMENT)) == [(NotificationKind.STATUS_CHANGED, "mail:m1:1")]


@pytest.mark.parametrize(
    "events",
    [
        [mail(1, Signal.ACKNOWLEDGEMENT)],
        [mail(1, Signal.OFFER), mail(2, Signal.ACKNOWLEDGEMENT)],
        [mail(1, Signal.JOB_ALERT)],
        [corrected(1, S.CLOSED, Outcome.ACCEPTED)],
        [delivered(1, Delivery.QUEUED)],
        [mail(1, Signal.OFFER), mail(1, Signal.OFFER, reading=2)],
        [mail(1, Signal.INFO_REQUEST), mail(1, Signal.INFO_REQUEST, reading=2)],
        [mail(1, Signal.OFFER, automatic=False), mail(1, Signal.OFFER, automatic=False, reading=2)],
        [
            mail(1, Signal.INTERVIEW_INVITATION, interview=at(80)),
            mail(1, Signal.INTERVIEW_INVITATION, interview=at(80), reading=2),
        ],
        [mail(1, Signal.OFFER), mail(2, Signal.REJECTION), retracted(3, "mail:m2:1")],
        [mail(1, Signal.OFFER, automatic=False), answered(2, "mail:m1:1", accepted=True)],
        [mail(1, Signal.OFFER, by="person")],
    ],
    ids=[
        "a receipt of what is known",
        "a late receipt",
        "noise",
        "the person's word",
        "a delivery on its way",
        "a status read again",
        "a request read again",
        "a suggestion read again",
        "an interview read again",
        "an undo",
        "an answer",
        "a mail that the person linked",
    ],
)
def test_what_is_no_news_is_not_told(events):
    assert told(*events) == []


def test_an_application_that_a_mail_proves_is_told_as_found():
    receipt = mail(1, Signal.ACKNOWLEDGEMENT)
    after = with_event(born("u1", "a1", created(1, by="mail"), now=T0), receipt, now=T0)
    assert [(n.kind, n.event) for n in notices(None, after, now=T0)] == [("application_found", receipt.key)]


def test_an_application_recorded_by_hand_is_not_told():
    assert notices(None, application(), now=T0) == ()


# --- write ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["good", "flaky"])
def store(request):
    """A store; the flaky one fails every other commit as if somebody had been faster."""
    answers = itertools.cycle([True, False])
    conflicts = (lambda: next(answers)) if request.param == "flaky" else (lambda: False)
    with_conflicts = SqliteStore(conflicts=conflicts, sleep=lambda seconds: None)
    yield with_conflicts
    with_conflicts.close()


@pytest.fixture
def clock():
    return FakeClock(hour(500))


@pytest.fixture
def p(store, clock):
    """The ports of a use case that makes ids."""
    return {"store": store, "clock": clock, "ids": SystemIds()}


@pytest.fixture
def sc(store, clock):
    """The ports of a use case that makes none."""
    return {"store": store, "clock": clock}


def save(store, *events, uid="u1"):
    """Write the application as a mail's transaction does, event by event."""

    def work(tx, event):
        user, before = tx.get(USERS.key(uid)), tx.get(APPLICATIONS.key(uid, "a1"))
        after = with_event(before or born(uid, "a1", created(), now=T0), event, now=event.recorded_at)
        applications.write(tx, before, after, user=user, now=event.recorded_at)
        return after

    for event in events:
        made = store.transact(lambda tx, event=event: work(tx, event))
    return made


def revision(store, uid="u1"):
    user = store.get(USERS.key(uid))
    return user.value.applications_rev if user else 0


def notified(store):
    page = store.find(NOTIFICATIONS_OF_USER, parent="u1", limit=100)
    return [item.value.key for item in reversed(page.items)]


def kept(store, uid="u1"):
    return store.get(APPLICATIONS.key(uid, "a1")).value


def test_one_change_writes_application_interview_notice_and_revision_together(store):
    made = save(store, mail(1, Signal.INTERVIEW_INVITATION, interview=at(90, ics_uid="u/1@acme")))
    assert kept(store) == made
    [(id_, interview)] = interviews(made).items()
    # Whoever sees to its reminders must look at it now.
    assert store.get(INTERVIEWS.key("u1", id_)).value == replace(interview, due_at=hour(1))
    assert interview == Interview(
        id=id_,
        uid="u1",
        application_id="a1",
        status=InterviewStatus.CONFIRMED,
        facts=made.interviews[0].facts,
        start=hour(90),
        event="mail:m1:1",
    )
    assert notified(store) == ["a1:mail:m1:1"]
    assert revision(store) == 1


def test_the_same_event_twice_writes_nothing_the_second_time(store):
    save(store, mail(1, Signal.OFFER))
    before = store.get(APPLICATIONS.key("u1", "a1"))
    save(store, mail(1, Signal.OFFER))
    assert store.get(APPLICATIONS.key("u1", "a1")) == before
    assert (notified(store), revision(store)) == (["a1:mail:m1:1"], 1)


def test_the_revision_moves_only_when_matching_would_see_it(store):
    save(store, mail(1, Signal.ACKNOWLEDGEMENT))
    assert revision(store) == 1
    save(store, corrected(2, S.OFFER))
    assert revision(store) == 1
    save(store, mail(3, Signal.REJECTION))
    assert revision(store) == 2


def test_the_persons_other_data_stays_when_the_revision_moves(store):
    chosen = Preferences(time_zone="Asia/Kathmandu")
    store.create(USERS.key("u1"), User(uid="u1", applications_rev=7, mailbox_id="mb", preferences=chosen))
    save(store, mail(1, Signal.ACKNOWLEDGEMENT))
    person = User(uid="u1", applications_rev=8, mailbox_id="mb", preferences=chosen)
    # Whoever writes a person's record sees to it that they are written to in their week, month and morning.
    assert store.get(USERS.key("u1")).value == schedule.scheduled(person, now=hour(1))


def test_an_undone_invitation_takes_its_interview_away(store, sc):
    made = save(store, mail(1, Signal.INTERVIEW_INVITATION, interview=at(90)))
    [id_] = interviews(made)
    applications.undo("u1", "a1", "mail:m1:1", **sc)
    assert store.get(INTERVIEWS.key("u1", id_)) is None


def test_a_meeting_of_two_applications_is_a_record_of_each():
    one = application(mail(1, Signal.INTERVIEW_INVITATION, interview=at(90, ics_uid="u1")))
    assert interviews(one).keys().isdisjoint(interviews(replace(one, id="a2")))


# --- create, get, listed ----------------------------------------------------------------------------------------------

NEW = NewApplication(
    company="  Café  Zentrum ", role="Bäcker:in", requisition="R-7", job_url="https://jobs.example/7?q=1", note="a\nb"
)


def test_an_application_recorded_by_hand(store, p):
    made = applications.create("u1", NEW, **p)
    assert (made.company, made.role, made.requisition, made.job_url) == (
        "Café Zentrum",
        "Bäcker:in",
        "R-7",
        "https://jobs.example/7?q=1",
    )
    assert (made.stage, made.applied_at, made.uid) == (S.APPLIED, hour(500), "u1")
    event = made.events["created"]
    assert (event.kind, event.by, event.note) == (EventKind.CREATED, "person", "a\nb")
    assert applications.get("u1", made.id, store=store) == made
    assert revision(store) == 1


def test_the_same_request_creates_one_application(store, p, clock):
    first = applications.create("u1", NEW, request_id="r-1", **p)
    clock.step(timedelta(minutes=1))
    assert applications.create("u1", NEW, request_id="r-1", **p) == first
    others = [
        applications.create("u1", NEW, request_id="r-2", **p),
        applications.create("u2", NEW, request_id="r-1", **p),
        applications.create("u1", NEW, **p),
        applications.create("u1", NEW, **p),
    ]
    assert len({first.id, *(other.id for other in others)}) == 5
    assert revision(store) == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company", ""),
        ("company", " \n "),
        ("company", "x" * 121),
        ("company", "Ac\x00me"),
        ("company", "Ac\ud800me"),
        ("role", "x" * 161),
        ("role", "\x1b[31mBaker"),
        ("requisition", "x" * 61),
        ("stage", S.OFFER),
        ("stage", S.CLOSED),
        ("note", "x" * 501),
        ("note", "a\x00"),
        ("job_url", "javascript:alert(1)"),
        ("job_url", "ftp://jobs.example/7"),
        ("job_url", "https://"),
        ("job_url", "//jobs.example/7"),
        ("job_url", "jobs.example/7"),
        ("job_url", "https://jobs.example/a b"),
        ("job_url", "https://jobs.example/a\nb"),
        ("job_url", "https://jobs.example/a\u2028b"),
        ("job_url", "https://me:secret@jobs.example/7"),
        ("job_url", "http://[::1"),
        ("job_url", "https://jobs.example/" + "x" * 1_000),
        ("request_id", "x" * 256),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(store, p, field, value):
    request = {"request_id": value} if field == "request_id" else {}
    new = NEW if request else replace(NEW, **{field: value})
    with pytest.raises(Rejected, match=f"^{field}: "):
        applications.create("u1", new, **request, **p)
    assert applications.listed("u1", limit=10, store=store).items == ()


@pytest.mark.parametrize("application_id", ["nowhere", "", "a/b", "../u2"])
def test_what_is_not_there_is_not_found(store, p, sc, application_id):
    acts = [
        lambda: applications.get("u1", application_id, store=store),
        lambda: applications.undo("u1", application_id, "created", **sc),
        lambda: applications.correct("u1", application_id, Correction(stage=S.OFFER), **p),
        lambda: applications.answer("u1", application_id, "created", accepted=True, **sc),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_somebody_elses_application_is_not_found_and_stays_as_it_is(store, p, sc):
    theirs = applications.create("u2", NEW, **p)
    answers = set()
    for application_id in (theirs.id, "nowhere"):
        for act in (
            lambda id_=application_id: applications.get("u1", id_, store=store),
            lambda id_=application_id: applications.correct("u1", id_, Correction(stage=S.OFFER), **p),
            lambda id_=application_id: applications.undo("u1", id_, "created", **sc),
        ):
            with pytest.raises(NotFound) as refused:
                act()
            answers.add(str(refused.value))
    assert len(answers) == 1
    assert applications.get("u2", theirs.id, store=store) == theirs


def test_a_list_has_the_projections_last_changed_first_page_by_page(p, store, clock):
    made = []
    for n in range(3):
        clock.step(timedelta(seconds=1))
        made.append(applications.create("u1", replace(NEW, company=f"Company {n}"), **p))
    applications.create("u2", NEW, **p)
    first = applications.listed("u1", limit=2, store=store)
    rest = applications.listed("u1", limit=2, cursor=first.next, store=store)
    assert [item.value.id for item in (*first.items, *rest.items)] == [one.id for one in reversed(made)]
    assert rest.next == ""
    assert all(not hasattr(item.value, "events") for item in first.items)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_list_has_a_limit(store, limit):
    with pytest.raises(Rejected, match=r"^limit: "):
        applications.listed("u1", limit=limit, store=store)


# --- correct ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.DECLINED])
def test_a_person_accepts_or_declines_by_a_correction(store, p, outcome):
    save(store, mail(1, Signal.OFFER))
    applications.correct("u1", "a1", Correction(stage=S.CLOSED, outcome=outcome, note="at last"), **p)
    now = kept(store)
    assert (now.stage, now.outcome, now.unconfirmed) == (S.CLOSED, outcome, False)
    assert now.events[now.stage_event].note == "at last"


def test_a_correction_binds_all_that_the_person_could_see_even_when_clocks_disagree(store, p, clock):
    save(store, mail(1, Signal.REJECTION))
    clock.set(hour(-48))
    assert applications.correct("u1", "a1", Correction(stage=S.INTERVIEW), **p).stage is S.INTERVIEW


def test_the_same_request_corrects_once(store, p):
    save(store, mail(1, Signal.OFFER))
    first = applications.correct("u1", "a1", Correction(role="Chef"), request_id="r/1", **p)
    assert applications.correct("u1", "a1", Correction(role="Chef"), request_id="r/1", **p) == first
    assert len(applications.correct("u1", "a1", Correction(role="Chef"), **p).events) == len(first.events) + 1


@pytest.mark.parametrize(
    ("correction", "field"),
    [
        (Correction(), "correction"),
        (Correction(company="  "), "correction"),
        (Correction(stage=S.CLOSED), "outcome"),
        (Correction(outcome=Outcome.ACCEPTED), "outcome"),
        (Correction(stage=S.OFFER, outcome=Outcome.ACCEPTED), "outcome"),
        (Correction(role="x" * 161), "role"),
        (Correction(company="x" * 121), "company"),
        (Correction(note="\x07"), "note"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(store, p, correction, field):
    before = save(store, mail(1, Signal.OFFER))
    with pytest.raises(Rejected, match=f"^{field}: "):
        applications.correct("u1", "a1", correction, **p)
    assert kept(store) == before


# --- undo -------------------------------------------------------------------------------------------------------------


def test_an_undo_takes_the_event_back_and_twice_is_once(store, sc):
    save(store, mail(1, Signal.ASSESSMENT), mail(2, Signal.REJECTION))
    first = applications.undo("u1", "a1", "mail:m2:1", **sc)
    assert (first.stage, first.outcome, first.stage_event) == (S.ASSESSMENT, None, "mail:m1:1")
    assert applications.undo("u1", "a1", "mail:m2:1", **sc) == first
    assert "mail:m2:1" in first.events
    assert notified(store) == ["a1:mail:m1:1", "a1:mail:m2:1"]


def test_an_undone_correction_may_be_made_again(store, p, sc):
    save(store, mail(1, Signal.OFFER))
    done = applications.correct("u1", "a1", Correction(stage=S.APPLIED), **p)
    assert applications.undo("u1", "a1", done.stage_event, **sc).stage is S.OFFER
    assert applications.correct("u1", "a1", Correction(stage=S.APPLIED), **p).stage is S.APPLIED


@pytest.mark.parametrize("key", ["created", "delivery:s1:1", "retract:mail:m1:1"])
def test_what_cannot_be_undone_is_refused_with_the_reason(store, sc, key):
    save(store, mail(1, Signal.OFFER), delivered(1, Delivery.SENT))
    applications.undo("u1", "a1", "mail:m1:1", **sc)
    before = kept(store)
    with pytest.raises(Rejected, match="cannot be undone") as refused:
        applications.undo("u1", "a1", key, **sc)
    assert not isinstance(refused.value, NotFound)
    assert kept(store) == before


def test_an_event_that_nobody_knows_cannot_be_undone(store, sc):
    save(store, mail(1, Signal.OFFER))
    with pytest.raises(Rejected, match=r"^event: "):
        applications.undo("u1", "a1", "mail:m9:1", **sc)


def record(number=1, **more):
    """The record of a mail that `mail(number, ...)` is the event of."""
    return MailRecord(
        **{
            "id": f"m{number}",
            "uid": "u1",
            "thread_id": f"t-m{number}",
            "status": MailStatus.SUGGESTED,
            "recorded_at": hour(number),
            "internal_date": hour(number),
            "message_id": f"<m{number}@acme.example>",
            "sender": VOUCHED,
            "verdict": Verdict(
                signal=Signal.OFFER,
                confidence=0.9,
                strong=True,
                evidence=(Span(where="body", text="we would like to offer you"),),
                facts=Facts(company="Acme", reply_by="2026-03-20"),
            ),
            "reason": "it may belong to more than one application",
            **more,
        }
    )


def linked(number=1, **more):
    link = Link(application_id="a1", rule="thread", confidence=1.0)
    return record(number, **{"status": MailStatus.LINKED, "application_id": "a1", "link": link, "reason": "", **more})


def test_an_undone_mail_belongs_to_no_application(store, sc):
    save(store, mail(1, Signal.ASSESSMENT), mail(2, Signal.REJECTION))
    store.create(MAILS.key("u1", "m2"), linked(2))
    store.create(THREADS.key("u1", "t-m2"), Thread(id="t-m2", uid="u1", application_ids=("a0", "a1")))
    applications.undo("u1", "a1", "mail:m2:1", **sc)
    freed = store.get(MAILS.key("u1", "m2")).value
    assert (freed.status, freed.application_id, freed.link) == (MailStatus.NOTED, "", None)
    assert freed.reason == "undone by the person"
    assert store.get(THREADS.key("u1", "t-m2")).value.application_ids == ("a0",)
    assert kept(store).thread_ids == ("t-m1",)


def test_a_thread_that_other_mail_shares_stays_the_applications(store, sc):
    save(store, mail(1, Signal.ASSESSMENT, thread_id="t"), mail(2, Signal.REJECTION, thread_id="t"))
    store.create(THREADS.key("u1", "t"), Thread(id="t", uid="u1", application_ids=("a1",)))
    applications.undo("u1", "a1", "mail:m2:1", **sc)
    assert store.get(THREADS.key("u1", "t")).value.application_ids == ("a1",)


# --- answer -----------------------------------------------------------------------------------------------------------


def test_yes_does_what_the_mail_suggests_and_twice_is_once(store, sc):
    save(store, mail(1, Signal.OFFER, automatic=False))
    first = applications.answer("u1", "a1", "mail:m1:1", accepted=True, **sc)
    assert (first.stage, first.moves) == (S.OFFER, ())
    assert applications.answer("u1", "a1", "mail:m1:1", accepted=True, **sc) == first


def test_no_closes_the_question(store, sc):
    save(store, mail(1, Signal.OFFER, automatic=False))
    first = applications.answer("u1", "a1", "mail:m1:1", accepted=False, **sc)
    assert (first.stage, first.moves) == (S.APPLIED, ())
    assert applications.answer("u1", "a1", "mail:m1:1", accepted=False, **sc) == first


def test_a_person_may_change_their_mind_as_often_as_they_like(store, sc):
    save(store, mail(1, Signal.OFFER, automatic=False))
    for accepted in (True, False, True, False):
        answer = applications.answer("u1", "a1", "mail:m1:1", accepted=accepted, **sc)
        assert answer.stage is (S.OFFER if accepted else S.APPLIED)


def test_yes_confirms_an_end_and_no_takes_it_back(store, sc):
    save(store, mail(1, Signal.REJECTION))
    assert applications.answer("u1", "a1", "mail:m1:1", accepted=True, **sc).unconfirmed is False
    assert applications.answer("u1", "a1", "mail:m1:1", accepted=False, **sc).stage is S.APPLIED


def test_an_answer_that_was_undone_may_be_given_again(store, sc):
    save(store, mail(1, Signal.OFFER, automatic=False))
    yes = applications.answer("u1", "a1", "mail:m1:1", accepted=True, **sc)
    [key] = [key for key, event in yes.events.items() if event.kind is EventKind.ANSWERED]
    assert applications.undo("u1", "a1", key, **sc).stage is S.APPLIED
    assert applications.answer("u1", "a1", "mail:m1:1", accepted=True, **sc).stage is S.OFFER


@pytest.mark.parametrize("key", ["created", "mail:m1:1", "mail:m9:1"])
def test_an_answer_to_what_was_not_asked_is_refused(store, sc, key):
    before = save(store, mail(1, Signal.OFFER))
    with pytest.raises(Rejected, match=r"^event: "):
        applications.answer("u1", "a1", key, accepted=True, **sc)
    assert kept(store) == before


# --- link_suggestion --------------------------------------------------------------------------------------------------


def link(mail_id, application_id, sc):
    made = applications.link_suggestion("u1", mail_id, application_id, **sc)
    assert made is not None
    return made


def suggest(store, mail_record):
    store.create(MAILS.key("u1", mail_record.id), mail_record)
    store.create(
        SUGGESTIONS.key("u1", mail_record.id),
        LinkSuggestion(
            id=mail_record.id,
            uid="u1",
            created_at=hour(1),
            candidates=(Candidate(application_id="a1", rule="company", score=0.6),),
            signal=Signal.OFFER,
        ),
    )


def test_a_mail_that_the_person_links_counts_there_as_it_was_read(store, sc):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    suggest(store, record())
    told_before = notified(store)
    made = link("m1", "a1", sc)
    assert kept(store) == made
    assert (made.stage, made.reply_by, made.needs_action) == (S.OFFER, "2026-03-20", "mail:m1:1")
    event = made.events["mail:m1:1"]
    assert (event.by, event.automatic, event.occurred_at, event.recorded_at) == ("person", True, hour(1), hour(500))
    assert event.link is not None
    assert (event.link.rule, event.evidence[0].text) == ("person", "we would like to offer you")
    mail_record = store.get(MAILS.key("u1", "m1")).value
    assert (mail_record.status, mail_record.application_id, mail_record.link) == (MailStatus.LINKED, "a1", event.link)
    assert store.get(SUGGESTIONS.key("u1", "m1")).value.open is False
    assert store.get(THREADS.key("u1", "t-m1")).value.application_ids == ("a1",)
    assert "t-m1" in made.thread_ids
    assert notified(store) == told_before


def test_linking_twice_is_once(store, sc):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    suggest(store, record())
    first = link("m1", "a1", sc)
    at_first = revision(store)
    assert applications.link_suggestion("u1", "m1", "a1", **sc) == first
    assert revision(store) == at_first


def test_the_name_in_a_mail_that_the_person_links_finds_the_application_from_then_on(store, sc):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    verdict = replace(record().verdict, facts=Facts(company="Crumbs & Co", role="Baker"))
    later = Mail(id="m2", thread_id="t-m2", internal_date=hour(501))

    def found():
        return match(later, verdict, applications_of(store.get(USERS.key("u1")).value) or ())

    assert not isinstance(found(), Link)
    suggest(store, record(verdict=verdict))
    link("m1", "a1", sc)
    assert (found().application_id, found().rule) == ("a1", "company_role")
    assert "You said that Crumbs & Co is Acme" in found().reason
    applications.undo("u1", "a1", "mail:m1:1", **sc)
    assert not isinstance(found(), Link)


def test_an_unclear_mail_that_the_person_links_still_only_suggests(store, sc):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    suggest(store, record(verdict=replace(record().verdict, strong=False)))
    made = link("m1", "a1", sc)
    assert (made.stage, [move.stage for move in made.moves]) == (S.APPLIED, [S.OFFER])


def test_a_mail_that_nobody_vouches_for_changes_no_status_when_it_is_linked(store, sc):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    suggest(store, record(sender=SPOOFED))
    made = link("m1", "a1", sc)
    assert (made.stage, made.moves[0].reason) == (S.APPLIED, SPOOFED.reason)


def test_a_mail_of_no_application_leaves_the_questions(store, sc):
    suggest(store, record())
    assert applications.link_suggestion("u1", "m1", None, **sc) is None
    assert applications.link_suggestion("u1", "m1", None, **sc) is None
    assert store.get(MAILS.key("u1", "m1")).value.status is MailStatus.NOTED
    assert store.get(SUGGESTIONS.key("u1", "m1")).value.open is False


def test_an_undone_mail_may_be_linked_again(store, sc):
    save(store, mail(1, Signal.OFFER))
    store.create(MAILS.key("u1", "m1"), linked())
    assert applications.undo("u1", "a1", "mail:m1:1", **sc).stage is S.APPLIED
    made = link("m1", "a1", sc)
    assert (made.stage, made.stage_event) == (S.OFFER, "mail:m1:2")


def test_an_undo_that_comes_again_late_does_not_free_a_mail_that_was_linked_anew(store, sc):
    save(store, mail(1, Signal.OFFER))
    store.create(MAILS.key("u1", "m1"), linked())
    applications.undo("u1", "a1", "mail:m1:1", **sc)
    made = link("m1", "a1", sc)
    assert applications.undo("u1", "a1", "mail:m1:1", **sc) == made
    assert store.get(MAILS.key("u1", "m1")).value.status is MailStatus.LINKED


def test_a_mail_of_another_application_is_not_taken_away(store, sc, p):
    other = applications.create("u1", NEW, **p)
    save(store, mail(1, Signal.OFFER))
    store.create(MAILS.key("u1", "m1"), linked())
    for application_id in (other.id, None):
        with pytest.raises(Rejected, match=r"^mail: "):
            applications.link_suggestion("u1", "m1", application_id, **sc)
    assert store.get(MAILS.key("u1", "m1")).value == linked()


@pytest.mark.parametrize("status", [MailStatus.PARKED, MailStatus.PRIVATE, MailStatus.REPLY])
def test_a_mail_that_was_not_read_cannot_be_linked(store, sc, status):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    store.create(MAILS.key("u1", "m1"), record(status=status, verdict=None))
    with pytest.raises(Rejected, match=r"^mail: "):
        applications.link_suggestion("u1", "m1", "a1", **sc)


@pytest.mark.parametrize(("mail_id", "application_id"), [("m1", "nowhere"), ("m9", "a1"), ("a/b", "a1"), ("m1", "x/y")])
def test_a_link_between_what_is_not_there_is_not_found(store, sc, mail_id, application_id):
    save(store, mail(0.5, Signal.ACKNOWLEDGEMENT))
    suggest(store, record())
    with pytest.raises(NotFound):
        applications.link_suggestion("u1", mail_id, application_id, **sc)
    assert store.get(SUGGESTIONS.key("u1", "m1")).value.open is True


# --- A mail as an event -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "strong", "sender", "reason"),
    [
        (Signal.OFFER, True, VOUCHED, ""),
        (Signal.OFFER, False, VOUCHED, "the words are not clear enough"),
        (Signal.OFFER, True, SPOOFED, SPOOFED.reason),
        (Signal.OFFER, True, None, "nobody vouches for the sender"),
        (Signal.DELIVERY_FAILURE, False, VOUCHED, "the words are not clear enough"),
        (Signal.INFO_REQUEST, False, VOUCHED, ""),
        (Signal.ON_HOLD, False, VOUCHED, ""),
        (Signal.INFO_REQUEST, True, SPOOFED, SPOOFED.reason),
    ],
)
def test_a_mail_acts_by_itself_only_when_its_sender_and_its_words_are_clear(signal, strong, sender, reason):
    assert doubt(Verdict(signal=signal, confidence=0.9, strong=strong), sender) == reason


def test_a_mail_becomes_an_event_with_all_that_the_fold_and_the_person_need():
    link = Link(application_id="a1", rule="thread", confidence=1.0)
    event = mail_event(record(), link, why_not="", by="mail", now=hour(3), reading=2, supersedes="mail:m1:1")
    assert (event.key, event.supersedes, event.occurred_at, event.recorded_at) == (
        "mail:m1:2",
        "mail:m1:1",
        hour(1),
        hour(3),
    )
    assert (event.automatic, event.link, event.sender, event.message_id) == (True, link, VOUCHED, "<m1@acme.example>")
    assert mail_event(record(), link, why_not="unclear", by="mail", now=hour(3)).automatic is False


def test_a_mail_that_was_never_read_is_no_event():
    with pytest.raises(Rejected, match="not been read"):
        mail_event(
            record(verdict=None), Link(application_id="a1", rule="x", confidence=1), why_not="", by="mail", now=T0
        )


# --- The law ----------------------------------------------------------------------------------------------------------


def test_whatever_was_done_the_projection_is_the_fold_of_the_ledger(store, p, sc):
    save(store, mail(1, Signal.ASSESSMENT), mail(2, Signal.REJECTION), mail(3, Signal.OFFER, automatic=False))
    applications.answer("u1", "a1", "mail:m3:1", accepted=True, **sc)
    applications.correct("u1", "a1", Correction(stage=S.INTERVIEW, role="Chef"), **p)
    applications.undo("u1", "a1", "mail:m2:1", **sc)
    now = kept(store)
    assert isinstance(now, Application)
    folded = fold(now.events.values())
    assert all(getattr(now, name) == getattr(folded, name) for name in type(folded).__dataclass_fields__)
