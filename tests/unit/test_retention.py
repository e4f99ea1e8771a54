"""What is kept no longer: which applications go, what goes with them, and that nothing is left to point at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import applications, codec, preferences, retention, schedule
from shared.adapters.blobs import FolderBlobs
from shared.adapters.clock import SystemIds
from shared.applications import Correction, NewApplication
from shared.due import RetentionDue
from shared.errors import NotFound, Rejected, TryAgain
from shared.mailbox import lookback
from shared.model import (
    AdviceDay,
    Candidate,
    Delivery,
    Dispatch,
    DispatchState,
    Interview,
    InterviewFacts,
    InterviewStatus,
    LinkSuggestion,
    MailStatus,
    Outcome,
    Report,
    Send,
    SendQuestion,
    SendRequest,
    Share,
    Stage,
    User,
)
from shared.schema import (
    ADVICE_DAYS,
    APPLICATIONS,
    APPLICATIONS_OF_USER,
    DISPATCHES,
    INTERVIEWS,
    MAILS,
    NOTIFICATIONS_OF_USER,
    OF_PERSON,
    REPORTS,
    REQUESTS,
    SENDS,
    SUGGESTIONS,
    THREADS,
    USERS,
)
from shared.sending.desk import REQUEST_KEPT
from tests.support.world import ADDRESS, UID, World
from tests.unit.test_confirm_first import INVITATION, RECEIPT, REJECTION, arrives

DAY = timedelta(days=1)
KEPT = timedelta(days=30)
"""What the person of these tests has chosen."""

OUTREACH = (
    "Robin <robin@agency.example>",
    "A role for you: Staff Engineer at Northwind",
    (
        "Hi Ada,\n\nI came across your profile and have an exciting opportunity as a Staff Engineer at Northwind."
        " Are you open to a call?\n\nRobin\n"
    ),
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.connect()
    keeps(world, KEPT)
    yield world
    world.close()


def keeps(world: World, kept: timedelta) -> None:
    preferences.put(UID, lambda p: replace(p, retention_days=kept.days), store=world.store, clock=world.clock)


def person(world: World) -> User:
    found = world.store.get(USERS.key(UID))
    assert found is not None
    return found.value


def apply(world: World, *, settings: Any = None, store: Any = None) -> retention.Applied:
    return retention.apply(
        RetentionDue(uid=UID),
        settings=settings or world.settings,
        store=store or world.store,
        queue=world.queue,
        clock=world.clock,
    )


def later(world: World, wait: timedelta = KEPT + DAY) -> retention.Applied:
    """So much time passes, and the person is named as often as they are due meanwhile."""
    until = world.clock.now() + wait
    done = retention.Applied(outcome="early")
    while (due_at := person(world).retention_at) is not None and due_at <= until:
        world.clock.set(max(world.clock.now(), due_at))
        done = apply(world)
    world.clock.set(until)
    return done


def tracked(world: World) -> list[str]:
    return [item.value.company for item in world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=50).items]


def recorded(world: World, company: str, correction: Correction | None = None) -> str:
    """The person has recorded an application, and perhaps said what became of it."""
    ports: dict[str, Any] = {"store": world.store, "clock": world.clock, "ids": SystemIds()}
    made = applications.create(UID, NewApplication(company=company, role="Baker"), **ports)
    if correction is not None:
        applications.correct(UID, made.id, correction, **ports)
    return made.id


CLOSED = Correction(stage=Stage.CLOSED, outcome=Outcome.REJECTED)


def put(world: World, key: Any, value: Any) -> None:
    world.store.transact(lambda tx: tx.put(key, value))


def send(world: World, application_id: str, id_: str = "s1", **changes: Any) -> Send:
    now = world.clock.now()
    made = Send(
        id=id_,
        uid=UID,
        application_id=application_id,
        created_at=now,
        send_after=now,
        delivery=Delivery.SENT,
        sent_to="jobs@acme.example",
        enclosed=("cv.pdf",),
        thread_id="t-of-send",
    )
    made = replace(made, **changes)
    put(world, SENDS.key(id_), made)
    return made


def report_of(now: datetime) -> Report:
    return Report(
        id="weekly:2026-01-05",
        uid=UID,
        kind="weekly",
        created_at=now,
        since=now - 7 * DAY,
        until=now,
        applications=1,
        replies=0,
        interviews_held=0,
        rejections=0,
        offers=0,
        total=Share(name="", applications=1, answered=0),
    )


def named(world: World, id_: str) -> list[str]:
    """Every document of the person's in which an id is to be found, by collection."""
    found = []
    for query in OF_PERSON:
        asked = {"parent": UID} if query.collection.parent else {"equal": {"uid": UID}}
        items = world.store.find(query, limit=300, **asked).items
        plain = [f"{item.key.id} {codec.to_json(codec.to_plain(item.value)).decode()}" for item in items]
        found += [query.collection.name for text in plain if id_ in text]
    return found


@pytest.fixture
def story(world) -> str:
    """An application that came to an end, with everything that can hang on one; its id."""
    receipt = arrives(world, RECEIPT)
    arrives(world, INVITATION, hour=10)
    rejection = arrives(world, REJECTION)
    world.settle()
    (item,) = world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=5).items
    id_, now = item.value.id, world.clock.now()
    assert world.application(id_).stage is Stage.CLOSED
    assert world.application(id_).interviews
    send(world, id_)
    send(world, id_, "s2", kind="follow_up")
    told = world.store.find(NOTIFICATIONS_OF_USER, parent=UID, limit=50).items
    dispatch = f"{told[0].value.key}:email"
    put(
        world,
        DISPATCHES.key(UID, dispatch),
        Dispatch(
            id=dispatch,
            uid=UID,
            notification=told[0].value.key,
            channel="email",
            state=DispatchState.SENT,
            created_at=now,
        ),
    )
    question = LinkSuggestion(
        id="elsewhere",
        uid=UID,
        created_at=now,
        candidates=(
            Candidate(application_id=id_, rule="company", score=0.6),
            Candidate(application_id="another", rule="company", score=0.5),
        ),
    )
    put(world, SUGGESTIONS.key(UID, "elsewhere"), question)
    put(world, SUGGESTIONS.key(UID, rejection), replace(question, id=rejection, open=False))
    assert world.record(receipt) is not None
    assert {"applications", "mails", "threads", "interviews", "notifications", "dispatches", "sends", "users"} <= set(
        named(world, id_)
    )
    return str(id_)


def test_an_application_goes_with_all_that_hangs_on_it(world, story):
    revision = person(world).applications_rev
    done = later(world)

    assert (done.outcome, done.applications, done.mails) == ("applied", 1, 3)
    assert not named(world, story)
    assert not named(world, "Fernhill")
    roster = person(world).roster
    assert roster is not None
    assert roster.applications == ()
    assert person(world).applications_rev == revision + 1
    asked = world.store.get(SUGGESTIONS.key(UID, "elsewhere"))
    assert asked is not None
    assert [each.application_id for each in asked.value.candidates] == ["another"]


def test_what_is_younger_and_what_has_not_ended_stays(world, story):
    open_ = [recorded(world, "Applied"), recorded(world, "Offered", Correction(stage=Stage.OFFER))]
    world.clock.step(KEPT / 2)
    young = recorded(world, "Young", CLOSED)
    before = {id_: world.application(id_) for id_ in (*open_, young)}
    later(world, KEPT / 2 + DAY)

    assert sorted(tracked(world)) == ["Applied", "Offered", "Young"]
    assert {id_: world.application(id_) for id_ in before} == before
    roster = person(world).roster
    assert roster is not None
    assert {each.id for each in roster.applications} == {*open_, young}
    assert named(world, young)
    later(world, KEPT)
    assert sorted(tracked(world)) == ["Applied", "Offered"]


def test_no_day_too_soon_and_the_last_change_counts(world):
    id_ = recorded(world, "Acme", CLOSED)
    later(world, KEPT - DAY)
    assert tracked(world) == ["Acme"]
    applications.correct(
        UID, id_, Correction(note="Kept for the record."), store=world.store, clock=world.clock, ids=SystemIds()
    )
    later(world, KEPT - DAY)
    assert tracked(world) == ["Acme"]
    later(world, 2 * DAY)
    assert tracked(world) == []


LIVE: dict[str, Callable[[World, str], object]] = {
    "queued": lambda world, id_: send(world, id_, delivery=Delivery.QUEUED, due_at=world.clock.now() + 90 * DAY),
    "parked": lambda world, id_: send(world, id_, delivery=Delivery.PARKED, question=SendQuestion.RECONNECT),
    "unsure": lambda world, id_: send(world, id_, delivery=Delivery.UNSURE, question=SendQuestion.DID_IT_LEAVE),
    "failed, and tried again at night": lambda world, id_: send(
        world, id_, delivery=Delivery.FAILED, due_at=world.clock.now() + 90 * DAY
    ),
}


@pytest.mark.parametrize("live", LIVE)
def test_an_application_with_a_mail_of_which_nobody_knows_the_end_stays(world, live):
    id_ = recorded(world, "Acme", CLOSED)
    LIVE[live](world, id_)
    done = later(world)
    assert (done.outcome, done.applications, tracked(world)) == ("applied", 0, ["Acme"])
    # It is looked at every night, and goes when it has come to rest.
    due_at = person(world).retention_at
    assert due_at is not None
    assert due_at - world.clock.now() <= DAY
    send(world, id_, delivery=Delivery.CANCELLED)
    later(world, 2 * DAY)
    assert tracked(world) == []


def test_nothing_that_hangs_on_a_live_application_goes(world, story):
    world.settle()
    send(world, story, "s3", delivery=Delivery.PARKED, question=SendQuestion.RECONNECT)
    before = set(named(world, story))
    assert "mails" in before
    done = later(world)
    assert (done.applications, done.mails) == (0, 0)
    assert set(named(world, story)) == before


def test_a_mail_that_is_taken_up_again_while_its_application_is_deleted_keeps_it(world, monkeypatch):
    id_ = recorded(world, "Acme", CLOSED)
    send(world, id_, delivery=Delivery.FAILED)
    world.clock.step(KEPT + DAY)
    deleting = retention._Look._delete_notifications

    def interrupted(self, application_id):
        monkeypatch.undo()
        send(world, id_, delivery=Delivery.QUEUED, due_at=world.clock.now())
        return deleting(self, application_id)

    monkeypatch.setattr(retention._Look, "_delete_notifications", interrupted)
    assert apply(world).applications == 0
    assert tracked(world) == ["Acme"]
    assert world.store.get(SENDS.key("s1")) is not None


def test_a_person_who_is_erased_meanwhile_is_not_made_anew(world, monkeypatch):
    recorded(world, "Acme", CLOSED)
    world.clock.step(KEPT + DAY)
    deleting = retention._Look._delete_notifications

    def interrupted(self, application_id):
        monkeypatch.undo()
        world.store.delete(USERS.key(UID))
        return deleting(self, application_id)

    monkeypatch.setattr(retention._Look, "_delete_notifications", interrupted)
    apply(world)
    assert world.store.get(USERS.key(UID)) is None


def test_an_application_with_an_interview_ahead_stays(world):
    id_ = recorded(world, "Acme", CLOSED)
    application = world.application(id_)
    start = world.clock.now() + KEPT + 10 * DAY
    ahead = Interview(
        id="i1",
        uid=UID,
        application_id=id_,
        status=InterviewStatus.CONFIRMED,
        facts=InterviewFacts(),
        start=start,
    )
    put(world, APPLICATIONS.key(UID, id_), replace(application, interviews=(ahead,)))
    later(world)
    assert tracked(world) == ["Acme"]
    later(world, 15 * DAY)
    assert tracked(world) == []


def test_an_application_that_was_a_misreading_goes_as_well(world):
    message = arrives(world, RECEIPT)
    world.settle()
    (item,) = world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=5).items
    applications.undo(UID, item.value.id, f"mail:{message}:1", store=world.store, clock=world.clock)
    assert world.application(item.value.id).dismissed
    later(world)
    assert not named(world, item.value.id)


def test_what_belongs_to_another_person_stays(world, story):
    theirs = world.store.get(APPLICATIONS.key(UID, story))
    assert theirs is not None
    other = replace(theirs.value, uid="bob")
    put(world, APPLICATIONS.key("bob", story), other)
    put(world, SENDS.key("s9"), replace(send(world, story, "s9"), uid="bob"))
    later(world)
    assert world.store.get(APPLICATIONS.key("bob", story)) is not None
    assert world.store.get(SENDS.key("s9")) is not None


def test_mail_of_no_application_and_reports_go_as_well(world):
    message = arrives(world, OUTREACH)
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status in (MailStatus.NOTED, MailStatus.SUGGESTED)
    assert record.subject
    now = world.clock.now()
    report = report_of(now)
    put(world, REPORTS.key(UID, report.id), report)
    later(world)
    forgotten = world.record(message)
    assert forgotten is not None
    assert (forgotten.status, forgotten.subject, forgotten.from_address, forgotten.snippet, forgotten.verdict) == (
        MailStatus.PRIVATE,
        "",
        "",
        "",
        None,
    )
    assert world.store.get(SUGGESTIONS.key(UID, message)) is None
    assert world.store.get(REPORTS.key(UID, report.id)) is None


# --- After it ---------------------------------------------------------------------------------------------------------


def test_a_later_mail_in_an_old_thread_is_read_like_any_other(world):
    receipt = arrives(world, RECEIPT)
    thread_id = world.google.mailbox(ADDRESS).messages[receipt].thread_id
    world.receive(*REJECTION, thread_id=thread_id)
    world.settle()
    (item,) = world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=5).items
    later(world)
    assert world.store.get(THREADS.key(UID, thread_id)) is None
    again = world.receive(*REJECTION, thread_id=thread_id)
    reply = world.receive(f"Ada <{ADDRESS}>", "Re: Fernhill", "Thank you.\n", labels=("SENT",), thread_id=thread_id)
    world.sync()
    world.settle()
    record = world.record(again)
    assert record is not None
    assert (record.status, record.application_id) == (MailStatus.SUGGESTED, "")
    assert world.record(reply) is None
    assert not named(world, item.value.id)
    # A new application at the same employer begins with a receipt of its own.
    new = world.receive(*RECEIPT, thread_id=thread_id)
    world.sync()
    world.settle()
    born = world.record(new)
    assert born is not None
    assert born.status is MailStatus.LINKED
    assert born.application_id != item.value.id
    assert tracked(world) == ["Fernhill"]


def test_a_look_into_the_past_finds_nothing_anew(world, story):
    """The ids that are left keep a backfill, and a rescan after a reconnect, from reading the mails again."""
    later(world)
    world.forget()
    lookback.begin(UID, 365, store=world.store, queue=world.queue, clock=world.clock)
    world.connect_again()
    world.settle()
    assert world.gmail.calls["search"] > 0
    assert world.gmail.calls["full"] == world.gmail.calls["metadata"] == 0
    assert tracked(world) == []
    assert not named(world, "Fernhill")


def test_the_ids_go_when_no_look_reaches_so_far_back(world, story, files):
    later(world)
    (mails,) = (each for each in OF_PERSON if each.collection is MAILS)
    left = [item.value for item in world.store.find(mails, parent=UID, limit=50).items]
    assert {mail.status for mail in left} == {MailStatus.PRIVATE}
    assert len(left) == 3
    world.clock.step(retention.REACH)
    assert clean(world, files).updated == 3
    assert not world.store.find(mails, parent=UID, limit=50).items


def test_mail_older_than_any_look_leaves_nothing_at_once(world, story):
    keeps(world, retention.REACH + DAY)
    later(world, retention.REACH + 3 * DAY)
    assert not named(world, story)
    (mails,) = (each for each in OF_PERSON if each.collection is MAILS)
    assert not world.store.find(mails, parent=UID, limit=50).items


def test_what_was_said_of_a_deleted_application_is_not_found(world, story):
    later(world)
    with pytest.raises(NotFound):
        applications.get(UID, story, store=world.store)
    with pytest.raises(NotFound):
        applications.undo(UID, story, "created", store=world.store, clock=world.clock)


# --- Piece by piece ---------------------------------------------------------------------------------------------------


class Mortal:
    """The store of a run that dies before its n-th transaction."""

    def __init__(self, store: Any, lives: int) -> None:
        self._store, self.lives = store, lives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transact(self, work: Any, *, reads: Any = ()) -> Any:
        if self.lives == 0:
            raise TryAgain("the run died")
        self.lives -= 1
        return self._store.transact(work, reads=reads)


def test_a_run_may_die_anywhere_and_the_next_one_goes_on(world, story):
    recorded(world, "Second", CLOSED)
    recorded(world, "Open")
    world.clock.step(KEPT + DAY)
    deaths = 0
    while True:
        mortal = Mortal(world.store, deaths)
        try:
            done = apply(world, store=mortal)
        except TryAgain:
            deaths += 1
            # Until the application is gone it is whole: whoever looks at it finds its ledger.
            for item in world.store.find(APPLICATIONS_OF_USER, parent=UID, limit=5).items:
                assert world.application(item.value.id).events
            roster = person(world).roster
            assert roster is not None
            assert {each.company for each in roster.applications} == set(tracked(world))
            continue
        break
    assert deaths > 3
    assert done.outcome == "applied"
    assert tracked(world) == ["Open"]
    assert not named(world, story)


def test_a_run_out_of_time_is_named_again_and_goes_on_where_it_stopped(world):
    for number in range(12):
        recorded(world, f"Employer {number}", CLOSED)
    world.clock.step(KEPT + DAY)
    look, rounds = Slow(world), 0
    while (done := apply(world, store=look)).outcome == "going_on":
        rounds += 1
        assert [delivery.subscription.function for delivery in taken(world)] == ["apply_retention"]
        assert len(tracked(world)) == 12 - look.deleted
    assert rounds >= 2
    assert done.outcome == "applied"
    assert tracked(world) == []


class Slow(Mortal):
    """A store whose every transaction takes twenty seconds of the clock."""

    def __init__(self, world: World) -> None:
        super().__init__(world.store, -1)
        self._world, self.deleted = world, 0

    def transact(self, work: Any, *, reads: Any = ()) -> Any:
        before = len(tracked(self._world))
        done = super().transact(work, reads=reads)
        self.deleted += before - len(tracked(self._world))
        self._world.clock.step(timedelta(seconds=20))
        return done


def taken(world: World) -> list[Any]:
    deliveries = [each for each in world.queue.lease(100) if each.subscription.function == "apply_retention"]
    for delivery in deliveries:
        world.queue.ack(delivery)
    return deliveries


def test_a_mail_that_comes_while_its_application_is_deleted_keeps_it(world, story, monkeypatch):
    world.clock.step(KEPT + DAY)
    deleting = retention._Look._delete_notifications

    def interrupted(self, application_id):
        monkeypatch.undo()
        world.receive(*INVITATION[:2], INVITATION[2].format(hour=11))
        world.sync()
        return deleting(self, application_id)

    monkeypatch.setattr(retention._Look, "_delete_notifications", interrupted)
    done = apply(world)
    assert done.applications == 0
    application = world.application(story)
    assert application.moves
    roster = person(world).roster
    assert roster is not None
    assert [each.id for each in roster.applications] == [story]


def test_twice_is_once(world, story):
    assert later(world).applications == 1
    assert apply(world).outcome == "early"


def test_a_person_who_has_left_is_not_made_anew(world, story):
    world.clock.step(KEPT + DAY)
    world.store.delete(USERS.key(UID))
    assert apply(world).outcome == "settled"
    assert world.store.get(USERS.key(UID)) is None
    with pytest.raises(Rejected):
        retention.apply(
            RetentionDue(uid="a/b"), settings=world.settings, store=world.store, queue=world.queue, clock=world.clock
        )


# --- When -------------------------------------------------------------------------------------------------------------


def clean(world: World, files: FolderBlobs, *, store: Any = None) -> retention.Cleaned:
    return retention.clean(
        settings=world.settings, store=store or world.store, queue=world.queue, blobs=files, clock=world.clock
    )


@pytest.fixture
def files(tmp_path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def test_the_night_names_whoever_has_something_too_old_and_nobody_else(world, story, files):
    put(world, USERS.key("bob"), schedule.scheduled(User(uid="bob"), now=world.clock.now()))
    clean(world, files)
    taken(world)
    later(world, KEPT - DAY)
    assert clean(world, files).queued == 0
    world.clock.step(2 * DAY)
    assert clean(world, files).queued == 1
    assert [b'"ada"' in bytes(delivery.data) for delivery in taken(world)] == [True]


def test_whoever_keeps_things_for_less_time_is_looked_at_the_next_night(world, files):
    keeps(world, 700 * DAY)
    recorded(world, "Acme", CLOSED)
    later(world, 100 * DAY)
    assert tracked(world) == ["Acme"]
    keeps(world, KEPT)
    world.clock.step(DAY)
    assert clean(world, files).queued == 1
    assert apply(world).applications == 1


def test_whoever_connects_is_looked_at_even_if_they_never_apply():
    world = World()
    world.connect()
    kept = timedelta(days=preferences.get(UID, store=world.store).retention_days)
    assert person(world).retention_at == world.clock.now() + kept
    world.close()


def test_another_choice_does_not_put_off_what_is_due(world):
    recorded(world, "Acme", CLOSED)
    due_at = person(world).retention_at
    preferences.put(UID, lambda p: replace(p, language="de"), store=world.store, clock=world.clock)
    assert person(world).retention_at == due_at


def test_a_person_with_nothing_old_costs_one_write_and_is_left_alone_for_long(world):
    recorded(world, "Open")
    world.clock.step(KEPT + DAY)
    world.forget()
    assert apply(world).outcome == "applied"
    # The person twice, and two questions of each of seven kinds, of which Firestore bills an empty one as a read.
    assert (world.store.bill.reads, world.store.bill.writes) == (2 + 2 * 7, 1)
    assert person(world).retention_at == world.clock.now() + KEPT


def test_a_request_is_kept_for_a_month_and_no_application_goes_sooner(world, files):
    assert timedelta(days=preferences.RETENTION_DAYS[0]) >= REQUEST_KEPT
    now = world.clock.now()
    for id_, expires_at in (("old", now + REQUEST_KEPT), ("older release", None)):
        request = SendRequest(
            id=id_, uid=UID, digest="d", application_id="a", send_id="s", created_at=now, expires_at=expires_at
        )
        put(world, REQUESTS.key(UID, id_), request)
    put(world, ADVICE_DAYS.key(UID, "2026-01-05"), AdviceDay(id="2026-01-05", asked=1, expires_at=now + DAY))
    world.clock.step(REQUEST_KEPT)
    clean(world, files)
    assert world.store.get(ADVICE_DAYS.key(UID, "2026-01-05")) is None
    assert world.store.get(REQUESTS.key(UID, "old")) is not None
    world.clock.step(DAY)
    clean(world, files)
    assert world.store.get(REQUESTS.key(UID, "old")) is None
    assert world.store.get(REQUESTS.key(UID, "older release")) is not None


def test_what_is_renewed_while_the_night_looks_stays(world, files):
    key = ADVICE_DAYS.key(UID, "2026-01-05")
    put(world, key, AdviceDay(id="2026-01-05", asked=1, expires_at=world.clock.now() - DAY))
    renewed = AdviceDay(id="2026-01-05", asked=2, expires_at=world.clock.now() + DAY)

    class Meanwhile(Mortal):
        def transact(self, work: Any, *, reads: Any = ()) -> Any:
            self._store.transact(lambda tx: tx.put(key, renewed))
            return self._store.transact(work, reads=reads)

    clean(world, files, store=Meanwhile(world.store, -1))
    found = world.store.get(key)
    assert found is not None
    assert found.value == renewed


def test_interviews_of_an_application_that_stays_stay(world, story):
    other = recorded(world, "Open")
    kept = Interview(
        id="i9", uid=UID, application_id=other, status=InterviewStatus.DONE, facts=InterviewFacts(), start=None
    )
    put(world, INTERVIEWS.key(UID, "i9"), kept)
    later(world)
    assert world.store.get(INTERVIEWS.key(UID, "i9")) is not None
