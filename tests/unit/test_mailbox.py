"""How a mailbox is read: what a push costs, what is never lost, and who may work on it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from shared import accounts, applications, classify, mailbox, matching, preferences
from shared.adapters.clock import SystemIds
from shared.applications import change
from shared.errors import Rejected
from shared.local.gmail.faults import Fault
from shared.mailbox import decisions, intake, rescan, run, taking
from shared.mailbox.lease import LeaseLost, claim
from shared.model import MailStatus, Monitoring, Roster, Stage
from shared.schema import APPLICATIONS_OF_USER, MAILBOXES, NOTIFICATIONS_OF_USER, USERS
from tests.support.world import ADDRESS, UID, World

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
OTHER_RECEIPT = (
    "Lumen Careers <no-reply@us.greenhouse-mail.io>",
    "Thank you for applying to Lumen",
    "Hi Ada,\n\nThank you for applying to Lumen. We have received your application.\n\nThe Lumen Team\n",
)
PRIVATE = ("Grace <grace@example.org>", "Dinner on Saturday?", "Shall we try the new place by the river?\n")
NEWSLETTER = ("Shoes <news@shoes.example>", "Everything must go", "Half price on all trainers until Sunday.\n")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.connect()
    yield world
    world.close()


# --- Gmail's notification -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history_id", [9876543210, "9876543210"])
def test_a_history_id_may_be_a_number_or_a_string(history_id):
    push = mailbox.GmailPush.parse({"emailAddress": "Ada@Example.com", "historyId": history_id})
    assert push == mailbox.GmailPush(email_address="ada@example.com", history_id=9876543210)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"historyId": 1}, "emailAddress"),
        ({"emailAddress": 7, "historyId": 1}, "emailAddress"),
        ({"emailAddress": "nobody", "historyId": 1}, "emailAddress"),
        ({"emailAddress": "a@" + "b" * 400, "historyId": 1}, "emailAddress"),
        ({"emailAddress": "a@b.example"}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": "soon"}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": True}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": -1}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": 2**64}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": "9" * 21}, "historyId"),
        ({"emailAddress": "a@b.example", "historyId": "٣٤"}, "historyId"),
    ],
)
def test_a_bad_notification_is_rejected_and_names_the_field(payload, field):
    with pytest.raises(Rejected, match=field):
        mailbox.GmailPush.parse(payload)


# --- What a push may cost -------------------------------------------------------------------------------------------


def test_a_push_behind_the_cursor_costs_one_read_and_no_write(world):
    data = json.dumps({"emailAddress": ADDRESS, "historyId": int(world.mailbox.history_id)}).encode()
    world.forget()
    assert world.deliver(data).outcome == "already_read"
    assert (world.store.bill.reads, world.store.bill.writes) == (1, 0)
    assert not world.gmail.calls


def test_a_push_with_nothing_new_costs_one_list_one_read_and_two_writes(world):
    message = world.receive(*PRIVATE)
    world.settle()
    world.clock.step(timedelta(minutes=5))
    world.google.mark_read(ADDRESS, message)
    world.forget()
    [synced] = world.push()
    assert synced.outcome == "synced"
    assert (world.store.bill.reads, world.store.bill.writes) == (1, 2)
    assert world.gmail.calls == Counter(history=1)


def test_a_private_mail_costs_one_metadata_get_and_its_body_is_never_fetched(world):
    message = world.receive(*PRIVATE)
    world.push()
    assert world.gmail.calls == Counter(history=1, metadata=1)
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.PRIVATE
    assert (record.subject, record.from_address, record.snippet) == ("", "", "")


@pytest.mark.parametrize("label", ["CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_FORUMS", "SPAM"])
def test_promotions_and_the_like_cost_one_search_and_no_get(world, label):
    world.receive(*NEWSLETTER, labels=("INBOX", label) if label != "SPAM" else ("SPAM",))
    world.push()
    world.sync()
    assert world.gmail.calls["metadata"] == world.gmail.calls["full"] == 0
    assert world.gmail.calls["search"] == 1


def test_a_relevant_mail_costs_at_most_two_gets_and_one_transaction(world):
    message = world.receive(*RECEIPT)
    world.push()
    assert world.gmail.calls == Counter(history=1, metadata=1, full=1)
    assert world.store.bill.transactions == 1
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_mail_in_a_known_thread_costs_one_get(world):
    first = world.receive(*RECEIPT)
    world.settle()
    thread_id = world.google.mailbox(ADDRESS).messages[first].thread_id
    world.forget()
    world.receive(*REJECTION, thread_id=thread_id)
    world.push()
    assert world.gmail.calls == Counter(history=1, full=1)
    assert world.store.bill.transactions == 1


def test_a_burst_of_mail_is_decided_in_one_transaction_that_also_releases_the_mailbox(world):
    receipt, private, rejection = world.receive(*RECEIPT), world.receive(*PRIVATE), world.receive(*REJECTION)
    other = world.receive(*OTHER_RECEIPT)
    assert world.push_last().taken == 4
    assert world.store.bill.transactions == 1
    # The mailbox, twice; four mails, two applications, three threads, three notices, and the person.
    assert world.store.bill.writes == 2 + 4 + 2 + 3 + 3 + 1
    assert world.mailbox.lease_until is None
    assert world.mailbox.due_at is None
    records = [world.record(id_) for id_ in (receipt, private, rejection, other)]
    assert [record and record.status for record in records] == ["linked", "private", "linked", "linked"]
    assert records[0].application_id == records[2].application_id != records[3].application_id
    assert world.application(records[0].application_id).stage is Stage.CLOSED


def test_what_a_burst_does_is_what_its_mails_do_one_by_one(world, monkeypatch):
    burst = [RECEIPT, OTHER_RECEIPT, REJECTION, PRIVATE, RECEIPT, REJECTION]
    together = World()
    together.connect()
    monkeypatch.setattr(taking, "MOST_TOGETHER", 1)
    for mail in burst:
        world.receive(*mail)
        world.push()
    monkeypatch.undo()
    for mail in burst:
        together.receive(*mail)
    together.push_last()
    left, right = ({name: left_behind(each, name) for name in LEFT} for each in (world, together))
    together.close()
    assert left == right
    assert len(left["applications"]) > 1


LEFT = {"applications": APPLICATIONS_OF_USER, "notifications": NOTIFICATIONS_OF_USER}


def left_behind(world, name):
    """What a query finds, without the moments at which we learnt of it."""
    items = [item.value for item in world.store.find(LEFT[name], parent=UID, limit=50).items]
    moments = {"created_at", "updated_at", "due_at"}
    return sorted(
        ({field: value for field, value in vars_of(item).items() if field not in moments} for item in items), key=repr
    )


def vars_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_a_push_during_the_last_decisions_is_not_forgotten(world, monkeypatch):
    """It comes between the release's reading and its writing: the mailbox stays dirty, the mails are decided once."""
    first = world.receive(*RECEIPT)
    settle = intake.Desk.settle
    later: list[str] = []

    def interrupted(self, readings, *, also=None):
        if not later:
            later.append(world.receive(*REJECTION))
            assert world.deliver(world.notifications.pop()).outcome == "left_to_holder"
        return settle(self, readings, also=also)

    monkeypatch.setattr(intake.Desk, "settle", interrupted)
    world.push()
    assert world.record(first) is not None
    assert world.mailbox.dirty > world.mailbox.history_id
    assert world.mailbox.due_at is not None
    world.settle()
    record = world.record(later[0])
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_one_mail_that_fails_in_a_burst_keeps_no_other_from_its_decision(world, monkeypatch):
    good, broken, late = world.receive(*RECEIPT), world.receive(*OTHER_RECEIPT), world.receive(*REJECTION)
    stumble_over(monkeypatch, {broken}, "decided")
    cursor = world.mailbox.history_id
    world.push_last()
    assert world.record(good) is not None
    assert world.record(late) is not None
    assert world.record(broken) is None
    assert world.mailbox.history_id == cursor
    assert world.mailbox.tries == {broken: 1}


def test_a_reply_in_the_thread_of_a_mail_of_the_same_burst_is_read_as_such(world):
    receipt = world.receive(*RECEIPT)
    thread_id = world.google.mailbox(ADDRESS).messages[receipt].thread_id
    reply = world.receive(f"Ada <{ADDRESS}>", "Re: Fernhill", "Thank you.\n", labels=("SENT",), thread_id=thread_id)
    small_talk = world.receive(RECEIPT[0], "Re: Fernhill", "See you then!\n", thread_id=thread_id)
    world.sync()
    for message, status in ((receipt, "linked"), (reply, "reply"), (small_talk, "noted")):
        record = world.record(message)
        assert record is not None
        assert record.status == status


# --- The person's applications --------------------------------------------------------------------------------------


def person(world):
    found = world.store.get(USERS.key(UID))
    assert found is not None
    return found.value


def test_the_person_bears_their_applications_so_that_no_mail_asks_for_them(world, monkeypatch):
    world.receive(*RECEIPT)
    world.settle()
    roster = person(world).roster
    assert roster is not None
    assert [each.company for each in roster.applications] == ["Fernhill"]
    monkeypatch.setattr(world.store, "find", None)
    rejection = world.receive(*REJECTION)
    world.push()
    record = world.record(rejection)
    assert record is not None
    assert record.status is MailStatus.LINKED


@pytest.mark.parametrize("spoilt", [None, Roster(version=0, applications=())])
def test_a_roster_that_an_older_release_has_dropped_is_made_anew(world, spoilt):
    first = world.receive(*RECEIPT)
    world.settle()
    world.store.transact(lambda tx: tx.put(USERS.key(UID), replace(tx.get(USERS.key(UID)), roster=spoilt)))
    rejection = world.receive(*REJECTION)
    world.settle()
    records = [world.record(first), world.record(rejection)]
    assert records[0].application_id == records[1].application_id
    roster = person(world).roster
    assert roster is not None
    assert [each.stage for each in roster.applications] == [Stage.CLOSED]


def test_applications_too_many_for_the_persons_document_are_asked_for(world, monkeypatch):
    monkeypatch.setattr(change, "ROSTER_BYTES", 100)
    first = world.receive(*RECEIPT)
    world.settle()
    assert person(world).roster is None
    rejection = world.receive(*REJECTION)
    world.settle()
    records = [world.record(first), world.record(rejection)]
    assert records[0].application_id == records[1].application_id
    assert person(world).roster is None


# --- What a mail does -----------------------------------------------------------------------------------------------


def test_a_receipt_for_an_application_made_elsewhere_creates_it_with_its_evidence(world):
    message = world.receive(*RECEIPT)
    world.push()
    record = world.record(message)
    assert record is not None
    application = world.application(record.application_id)
    assert (application.company, application.stage) == ("Fernhill", Stage.APPLIED)
    event = application.events[f"mail:{message}:1"]
    assert event.automatic
    assert event.evidence
    assert event.sender is not None
    assert event.sender.passed


def test_a_rejection_closes_the_application_that_it_is_about(world):
    first = world.receive(*RECEIPT)
    second = world.receive(*REJECTION)
    world.push()
    world.settle()
    records = [world.record(first), world.record(second)]
    assert records[0] is not None
    assert records[1] is not None
    assert records[0].application_id == records[1].application_id != ""
    application = world.application(records[0].application_id)
    assert application.stage is Stage.CLOSED
    assert application.unconfirmed


def test_a_mail_that_fails_authentication_moves_nothing_by_itself(world):
    first = world.receive(*RECEIPT)
    second = world.receive(*REJECTION, passing=False)
    world.push()
    world.settle()
    record = world.record(first)
    assert record is not None
    application = world.application(record.application_id)
    assert application.stage is Stage.APPLIED
    event = application.events.get(f"mail:{second}:1")
    assert event is None or not event.automatic


def test_the_same_push_again_changes_nothing(world):
    message = world.receive(*RECEIPT)
    [data] = world.notifications
    world.push()
    world.settle()
    record = world.record(message)
    assert record is not None
    before = (world.application(record.application_id), world.notifications_of_person())
    for _ in range(3):
        world.deliver(data)
        world.sync()
    assert (world.application(record.application_id), world.notifications_of_person()) == before


def test_a_message_that_is_gone_before_it_is_read_is_no_error(world):
    message = world.receive(*RECEIPT)
    world.google.delete_message(ADDRESS, message)
    world.push()
    world.settle()
    assert world.record(message) is None
    assert world.mailbox.trouble == ""


def test_mail_rescued_from_spam_is_read(world):
    message = world.receive(*RECEIPT, labels=("SPAM",))
    world.google.faults.add(Fault(kind="search_behind", seconds=10**6))
    world.settle()
    world.google.faults.clear()
    assert world.record(message) is None
    world.clock.step(timedelta(days=2))
    world.google.move_from_spam(ADDRESS, message)
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


# --- Nothing is lost ------------------------------------------------------------------------------------------------


def test_an_empty_history_after_a_push_is_asked_again(world):
    world.google.faults.add(Fault(kind="history_behind", seconds=30))
    message = world.receive(*RECEIPT)
    world.push()
    assert world.record(message) is None
    assert world.mailbox.due_at is not None
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_promotion_that_the_search_index_did_not_show_is_found_a_quarter_of_an_hour_later(world):
    world.google.faults.add(Fault(kind="search_behind", seconds=600))
    message = world.receive(*RECEIPT, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    world.push()
    assert world.record(message) is None
    asked_at = world.mailbox.due_at
    assert asked_at is not None
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_cursor_that_gmail_has_forgotten_starts_a_rescan_that_loses_nothing(world):
    message = world.receive(*RECEIPT)
    world.google.forget_history(ADDRESS)
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED
    assert world.mailbox.rescan is None


def test_a_rescan_finds_everything_between_from_old_to_new(world):
    """Weeks of mail of every kind, more of it than one run can take, while Gmail has forgotten where we were."""
    receipt = world.receive(*RECEIPT)
    noise = []
    for _ in range(40):
        world.clock.step(timedelta(hours=6))
        noise += [world.receive(*NEWSLETTER, labels=("INBOX", "CATEGORY_PROMOTIONS")) for _ in range(12)]
    spam = world.receive(*OTHER_RECEIPT, labels=("SPAM",))
    private = world.receive(*PRIVATE)
    rejection = world.receive(*REJECTION)
    world.notifications.clear()
    world.google.forget_history(ADDRESS)
    world.sync()
    world.settle()
    assert world.mailbox.rescan is None
    records = {name: world.record(id_) for name, id_ in (("receipt", receipt), ("rejection", rejection))}
    assert all(record is not None and record.status is MailStatus.LINKED for record in records.values())
    closed = records["rejection"]
    assert closed is not None
    assert world.application(closed.application_id).stage is Stage.CLOSED
    assert world.record(private) is not None
    suspect = world.record(spam)
    assert suspect is not None
    assert suspect.status is MailStatus.SUGGESTED
    assert not any(world.record(message) for message in noise)


def test_mail_rescued_from_spam_is_read_whatever_tab_it_lands_in_and_however_old_it_is(world):
    message = world.receive(*RECEIPT, labels=("SPAM",))
    with world.google.faults.during(Fault(kind="search_behind", seconds=10**7)):
        world.sync()
        world.settle()
    assert world.record(message) is None
    assert world.mailbox.asks == ()
    world.clock.step(timedelta(days=3))
    world.sync()
    world.google.relabel(ADDRESS, message, add=("INBOX", "CATEGORY_PROMOTIONS"), remove=("SPAM",))
    world.settle()
    world.sync()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_grant_that_was_revoked_stops_all_calls_and_is_told_once(world):
    world.google.revoke(ADDRESS)
    world.receive(*RECEIPT)
    [synced] = world.push()
    assert synced.outcome == "needs_reauth"
    assert world.mailbox.health == "needs_reauth"
    assert world.mailbox.due_at is None
    world.forget()
    assert world.sync().outcome == "needs_reauth"
    assert not world.gmail.calls
    assert [n.kind for n in world.notifications_of_person()] == ["needs_reauth"]


def test_an_access_token_that_died_early_is_renewed_once(world):
    message = world.receive(*RECEIPT)
    world.google.faults.add(Fault(kind="error", status=401, reason="authError", method="history.list", times=1))
    world.push()
    assert world.gmail.calls["refresh"] == 1
    assert world.record(message) is not None


def test_when_gmail_is_down_the_mailbox_waits_and_the_message_is_acked(world):
    message = world.receive(*RECEIPT)
    world.google.faults.add(Fault(kind="error", status=503, method="history.list", times=1))
    [synced] = world.push()
    assert synced.outcome == "put_off"
    assert world.mailbox.due_at is not None
    assert world.mailbox.lease_until is None
    assert world.mailbox.trouble
    world.settle()
    assert world.record(message) is not None
    assert world.mailbox.trouble == ""


def test_a_message_that_gmail_never_hands_out_is_parked_and_the_others_go_on(world):
    lost, found = world.receive(*PRIVATE), world.receive(*RECEIPT)
    world.gmail.refuses = {lost}
    world.push_last()
    receipt = world.record(found)
    assert receipt is not None
    assert receipt.status is MailStatus.LINKED
    cursor = world.mailbox.history_id
    assert world.record(lost) is None
    started = world.clock.now()
    while world.record(lost) is None:
        assert world.mailbox.history_id == cursor
        due_at = world.mailbox.due_at
        assert due_at is not None
        world.clock.set(due_at)
        world.sync()
    record = world.record(lost)
    assert record is not None
    assert record.status is MailStatus.PARKED
    assert "12 tries" in record.reason
    assert timedelta(hours=4) < world.clock.now() - started < timedelta(hours=12)
    world.settle()
    assert int(world.mailbox.history_id) >= int(world.mailbox.dirty)


def test_a_message_that_has_failed_is_asked_for_again_when_its_time_comes_and_not_at_every_push(world):
    lost = world.receive(*PRIVATE)
    world.gmail.refuses = {lost}
    world.push_last()
    asked = world.gmail.calls["metadata"]
    for number in range(1, 4):
        other = world.receive(*PRIVATE)
        world.push_last()
        assert world.record(other) is not None
        assert world.gmail.calls["metadata"] == asked + number
    world.gmail.refuses = set()
    world.clock.set(world.mailbox.retry_at)
    world.sync()
    assert world.record(lost) is not None


def test_pushes_in_quick_succession_do_not_use_up_the_tries_of_a_failing_message(world):
    lost = world.receive(*PRIVATE)
    world.gmail.refuses = {lost}
    world.push_last()
    for _ in range(20):
        world.receive(*PRIVATE)
        world.push_last()
    assert world.record(lost) is None
    assert world.mailbox.tries[lost] <= 2  # Forty seconds have passed.
    for _ in range(200):
        world.clock.step(timedelta(minutes=9))
        world.receive(*PRIVATE)
        world.push_last()
        if world.record(lost):
            break
    record = world.record(lost)
    assert record is not None
    assert record.status is MailStatus.PARKED


def test_three_neighbours_that_gmail_never_hands_out_do_not_block_the_mailbox_for_good(world):
    lost = [world.receive(*PRIVATE) for _ in range(3)]
    found = world.receive(*RECEIPT)
    world.gmail.refuses = set(lost)
    world.push_last()
    world.settle()
    assert world.record(found) is not None
    for message in lost:
        record = world.record(message)
        assert record is not None
        assert record.status is MailStatus.PARKED


def stumble_over(monkeypatch, broken, place):
    """Our own code fails over these mails, where they are read or where they are decided."""
    decide, classify_ = decisions.Settlement._decide, classify.classify

    def deciding(self, reading):
        if reading.record.id in broken:
            raise ZeroDivisionError
        return decide(self, reading)

    def reading(mail):
        if mail.id in broken:
            raise ZeroDivisionError
        return classify_(mail)

    if place == "decided":
        monkeypatch.setattr(decisions.Settlement, "_decide", deciding)
    else:
        monkeypatch.setattr(classify, "classify", reading)


@pytest.mark.parametrize("place", ["read", "decided"])
def test_a_mail_that_breaks_our_own_code_is_parked_after_three_tries(world, monkeypatch, place):
    broken, found = world.receive(*RECEIPT), world.receive(*PRIVATE)
    stumble_over(monkeypatch, {broken}, place)
    world.push_last()
    world.settle()
    record = world.record(broken)
    assert record is not None
    assert (record.status, record.reason) == (MailStatus.PARKED, "ZeroDivisionError in 3 tries")
    assert world.record(found) is not None
    assert [n.kind for n in world.notifications_of_person()].count("mail_parked") == 1


@pytest.mark.parametrize("place", ["read", "decided"])
def test_a_defect_of_ours_that_breaks_every_mail_parks_none(world, monkeypatch, place):
    messages = [world.receive(*RECEIPT), world.receive(*OTHER_RECEIPT), world.receive(*REJECTION)]
    with monkeypatch.context() as defect:
        stumble_over(defect, messages, place)
        world.push_last()
        for _ in range(6):
            due_at = world.mailbox.due_at
            assert due_at is not None
            world.clock.set(due_at)
            world.sync()
        assert world.mailbox.tries == {}
        assert world.mailbox.trouble == "3 messages in a row failed: ZeroDivisionError"
    world.settle()
    for message in messages:
        record = world.record(message)
        assert record is not None
        assert record.status is MailStatus.LINKED


def test_the_cursor_never_passes_a_failing_message_however_the_run_ends(world):
    """The failing message is on the first page of history, and the quota ends on a later one."""
    failing = world.receive(*RECEIPT)
    others = [world.receive(*PRIVATE) for _ in range(700)]
    world.gmail.refuses = {failing}
    cursor = world.mailbox.history_id
    world.push_last()
    while world.record(others[-1]) is None:
        assert world.mailbox.history_id == cursor
        due_at = world.mailbox.due_at
        assert due_at is not None
        world.clock.set(due_at)
        world.sync()
    assert world.record(failing) is None
    assert world.mailbox.history_id == cursor
    world.gmail.refuses = set()
    world.settle()
    for message in (failing, *others):
        assert world.record(message) is not None


def test_a_mail_that_failed_a_moment_ago_does_not_wait_for_itself(world):
    """It fails, then the access token does, and under the fresh one both go well in the same run."""
    question, other = world.receive(*REJECTION), world.receive(*PRIVATE)
    world.google.faults.add(Fault(kind="error", status=500, method="messages.get", times=1))
    world.google.faults.add(Fault(kind="error", status=401, reason="authError", method="messages.get", times=1))

    assert world.push_last().outcome == "synced"

    assert world.gmail.calls["refresh"] == 1
    assert {world.record(question).status, world.record(other).status} == {MailStatus.SUGGESTED, MailStatus.PRIVATE}
    assert world.mailbox.history_id == world.mailbox.dirty
    assert world.mailbox.due_at is None


def test_a_mail_whose_older_one_is_read_later_in_the_same_run_is_due_at_once(world, monkeypatch):
    """The rescan reads the receipt that failed when the history named it; the question behind it has waited."""
    receipt, question = world.receive(*RECEIPT), world.receive(*REJECTION)
    world.google.faults.add(Fault(kind="error", status=500, method="messages.get", times=1))
    span = rescan.begun(world.clock.now() - timedelta(hours=1), None, now=world.clock.now())
    found = world.store.get(MAILBOXES.key(world.mailbox_id))
    world.store.put(found.key, replace(found.value, rescan=span), revision=found.revision)
    monkeypatch.setattr(
        run.Run,
        "_list",
        lambda _self, _query, _session: ({receipt: world.google.mailbox(ADDRESS).messages[receipt].thread_id}, True),
    )

    world.push_last()

    assert world.record(receipt).status is MailStatus.LINKED
    assert world.record(question) is None
    assert world.mailbox.due_at == world.clock.now()
    monkeypatch.undo()
    world.settle()
    assert world.record(question).status is MailStatus.LINKED


def test_what_is_unfinished_waits_while_monitoring_is_off_and_goes_on_when_it_is_on_again(world):
    failing = world.receive(*RECEIPT)
    promoted = world.receive(*OTHER_RECEIPT, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    world.google.faults.add(behind := Fault(kind="search_behind", seconds=600))
    world.gmail.refuses = {failing}
    world.push_last()
    assert world.mailbox.tries
    assert world.mailbox.asks
    choose(world, Monitoring.OFF)
    world.sync()

    assert (world.mailbox.due_at, world.mailbox.tries, world.mailbox.retry_at) == (None, {}, None)
    assert world.mailbox.history_id == world.mailbox.dirty

    world.google.faults.remove(behind)
    world.gmail.refuses = set()
    world.clock.step(timedelta(hours=1))
    choose(world, Monitoring.REAL_TIME)
    world.settle()

    assert world.record(failing).status is MailStatus.LINKED
    assert world.record(promoted).status is MailStatus.LINKED


def choose(world, monitoring):
    """The person says how soon they want mail to be read."""
    preferences.put(UID, lambda present: replace(present, monitoring=monitoring), store=world.store, clock=world.clock)
    accounts.follow(UID, store=world.store, queue=world.queue, clock=world.clock)


def test_a_history_of_many_pages_is_read_to_its_end(world):
    messages = [world.receive(*PRIVATE) for _ in range(1_100)]
    world.push_last()
    world.settle()
    assert world.gmail.calls["metadata"] <= len(messages) + 10  # a few are refused for quota and asked for again
    assert all(world.record(message) is not None for message in messages)


def test_an_empty_history_is_asked_again_five_times_and_then_believed(world):
    higher = int(world.mailbox.history_id) + 10**6
    started = world.clock.now()
    world.deliver(json.dumps({"emailAddress": ADDRESS, "historyId": higher}).encode())
    waits = []
    while (due_at := world.mailbox.due_at) is not None:
        waits.append((due_at - world.clock.now()).total_seconds())
        world.clock.set(due_at)
        world.sync()
    assert waits == [15, 30, 60, 120, 240]
    assert world.clock.now() - started < timedelta(minutes=10)
    assert int(world.mailbox.dirty) < higher


def test_a_run_out_of_time_goes_on_where_it_stopped(world):
    messages = [world.receive(*PRIVATE) for _ in range(8)]
    world.gmail.message_takes = timedelta(seconds=30)
    world.push_last()
    assert sum(world.record(message) is not None for message in messages) < len(messages)
    world.settle()
    assert all(world.record(message) is not None for message in messages)
    assert world.gmail.calls["metadata"] <= len(messages) + 10  # a few are refused for quota and asked for again


def test_an_empty_history_is_not_believed_while_the_push_is_young(world):
    """Gmail names the new history id at once, and shows what happened under it a little later."""
    world.google.faults.add(fault := Fault(kind="history_empty", seconds=60))
    message = world.receive(*RECEIPT)
    cursor = world.mailbox.history_id
    world.push()
    assert world.mailbox.history_id == cursor
    assert world.mailbox.due_at is not None
    world.google.faults.remove(fault)
    world.settle()
    assert world.record(message) is not None


# --- One mailbox, one run -------------------------------------------------------------------------------------------


def test_while_another_run_holds_the_mailbox_a_push_is_only_written_down(world):
    claimed = claim(world.mailbox_id, pushed=0, duration=timedelta(minutes=3), store=world.store, clock=world.clock)
    assert not isinstance(claimed, str)
    world.receive(*RECEIPT)
    [synced] = world.push()
    assert synced.outcome == "left_to_holder"
    assert world.mailbox.dirty > world.mailbox.history_id
    assert not world.gmail.calls


def test_a_dead_holder_is_taken_over_when_its_lease_ends(world):
    claimed = claim(world.mailbox_id, pushed=0, duration=timedelta(minutes=3), store=world.store, clock=world.clock)
    assert not isinstance(claimed, str)
    message = world.receive(*RECEIPT)
    world.push()
    world.settle()
    assert world.record(message) is not None
    with pytest.raises(LeaseLost):
        claimed.write(lambda current: current)


def test_a_message_that_crashes_every_run_is_parked_unread_and_the_others_go_on(world, monkeypatch):
    poison = world.receive(*RECEIPT)
    fetch = intake._fetch

    class Killed(BaseException):
        pass

    def fetch_or_die(message_id, session, *, whole):
        if message_id == poison:
            raise Killed
        return fetch(message_id, session, whole=whole)

    monkeypatch.setattr(intake, "_fetch", fetch_or_die)
    good = world.receive(*PRIVATE)
    for _ in range(6):
        try:
            world.push()
            world.settle()
        except Killed:
            continue
    record = world.record(poison)
    assert record is not None
    assert record.status is MailStatus.PARKED
    assert "crashed" in record.reason
    assert world.record(good) is not None


# --- What is read, and what is not ------------------------------------------------------------------------------------


def test_a_draft_is_never_opened(world):
    message = world.receive(*RECEIPT, labels=("DRAFT",))
    world.settle()
    assert world.record(message) is None
    assert world.gmail.calls["full"] == 0


def test_the_persons_own_mail_outside_our_threads_is_never_opened(world):
    message = world.receive(f"Ada <{ADDRESS}>", "Happy birthday", "Many happy returns!\n", labels=("SENT",))
    world.settle()
    assert world.record(message) is None
    assert world.gmail.calls["full"] == 0


def test_the_persons_reply_in_our_thread_settles_what_was_asked_of_them(world):
    first = world.receive(*RECEIPT)
    world.settle()
    thread_id = world.google.mailbox(ADDRESS).messages[first].thread_id
    asked = world.receive(
        RECEIPT[0],
        "Re: Thank you for applying to Fernhill",
        "Hi Ada,\n\nAs the next step, please complete the online coding assessment within five days.\n\nFernhill\n",
        thread_id=thread_id,
    )
    world.settle()
    record = world.record(asked)
    assert record is not None
    assert world.application(record.application_id).needs_action
    reply = world.receive(f"Ada <{ADDRESS}>", "Re: ...", "Done!\n", labels=("SENT",), thread_id=thread_id)
    world.sync()  # Gmail's watch is on the inbox: what the person sends is seen with the next wake-up.
    replied = world.record(reply)
    assert replied is not None
    assert replied.status is MailStatus.REPLY
    application = world.application(record.application_id)
    assert not application.needs_action
    assert application.replied_at is not None


def test_a_mail_to_oneself_counts_as_received(world):
    message = world.receive(*RECEIPT, labels=("SENT", "INBOX"))
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_newsletter_is_never_opened_however_often_it_is_asked_about(world):
    message = world.receive(*NEWSLETTER, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    world.settle()
    assert world.record(message) is None
    assert world.gmail.calls["metadata"] == world.gmail.calls["full"] == 0
    assert world.gmail.calls["search"] == 3
    assert world.mailbox.asks == ()


def test_many_newsletters_at_once_are_asked_about_together(world):
    for _ in range(20):
        world.receive(*NEWSLETTER, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    world.push_last()
    assert world.gmail.calls["search"] == 1
    assert len(world.mailbox.asks) == 1


def test_no_word_of_a_mails_body_is_stored(world):
    canary = "xylophone-canary-7731"
    filler = "We look forward to reading it with great care and will come back to you as soon as we can. " * 4
    message = world.receive(RECEIPT[0], RECEIPT[1], f"{RECEIPT[2]}\n{filler}\n{canary}\n")
    world.settle()
    record = world.record(message)
    assert record is not None
    assert canary not in repr(record)
    assert canary not in repr(world.application(record.application_id))
    assert len(record.snippet) <= 200


# --- Quota ------------------------------------------------------------------------------------------------------------


def test_a_run_stops_before_the_persons_quota_is_spent_and_goes_on_later(world):
    messages = [world.receive(*PRIVATE) for _ in range(400)]
    before = world.google.units(ADDRESS)
    world.push_last()
    assert world.google.units(ADDRESS) - before <= 6000
    assert any(world.record(message) is None for message in messages)
    assert world.mailbox.due_at is not None
    world.settle()
    assert all(world.record(message) is not None for message in messages)
    assert world.google.faults.struck.total() == 0


def test_a_refusal_for_quota_is_waited_out_as_gmail_says(world):
    message = world.receive(*RECEIPT)
    world.google.faults.add(Fault(kind="error", status=429, method="messages.get", retry_after=40, times=1))
    before = world.clock.now()
    world.push()
    assert world.mailbox.due_at == before + timedelta(seconds=40)
    assert world.mailbox.tries == {}
    world.settle()
    assert world.record(message) is not None


def test_an_outage_of_gmail_parks_nothing(world):
    messages = [world.receive(*RECEIPT) for _ in range(4)]
    world.google.faults.add(Fault(kind="error", status=503, method="messages.get", times=40))
    world.settle()
    for message in messages:
        record = world.record(message)
        assert record is not None
        assert record.status is not MailStatus.PARKED


def test_an_invitation_that_comes_as_a_file_is_fetched(world):
    first = world.receive(*RECEIPT)
    world.settle()
    record = world.record(first)
    assert record is not None
    message = EmailMessage(policy=SMTP)
    message["Authentication-Results"] = "mx.google.com; dmarc=pass header.from=us.greenhouse-mail.io"
    message["From"], message["To"], message["Subject"] = RECEIPT[0], ADDRESS, "Interview with Fernhill"
    message.set_content(
        "Hi Ada,\n\nWe would like to invite you to an interview for the Senior Python Developer role at"
        " Fernhill. The invitation is attached.\n"
    )
    lines = (
        "BEGIN:VCALENDAR",
        "METHOD:REQUEST",
        "VERSION:2.0",
        "PRODID:-//Fernhill//EN",
        "BEGIN:VEVENT",
        "UID:fernhill-1@example",
        "SEQUENCE:0",
        "DTSTAMP:20260105T100000Z",
        "DTSTART:20260112T150000Z",
        "DTEND:20260112T160000Z",
        "SUMMARY:Interview",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    message.add_attachment("\r\n".join(lines).encode(), maintype="text", subtype="calendar", filename="invite.ics")
    world.clock.step(timedelta(seconds=2))
    world.google.receive(ADDRESS, message.as_bytes())
    world.settle()
    [interview] = world.application(record.application_id).interviews
    assert interview.start == datetime(2026, 1, 12, 15, 0, tzinfo=UTC)
    assert interview.facts.ics_uid == "fernhill-1@example"


def test_while_gmail_is_down_the_mailbox_is_left_alone_whatever_is_due(world):
    """A question that is due in the past must not wake the mailbox again and again during an outage."""
    world.receive(*NEWSLETTER, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    world.push()
    world.clock.step(timedelta(hours=1))
    world.google.faults.add(Fault(kind="error", status=503))
    waits = []
    for _ in range(8):
        world.sync()
        due_at = world.mailbox.due_at
        assert due_at is not None
        waits.append(due_at - world.clock.now())
        world.clock.set(due_at)
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=30)
    assert waits[-1] == timedelta(hours=1)


def test_a_page_of_a_rescan_that_fails_is_tried_again_later_and_not_at_once(world):
    message = world.receive(*RECEIPT)
    world.google.forget_history(ADDRESS)
    world.google.faults.add(Fault(kind="error", status=503, method="messages.get", times=2))
    world.sync()
    due_at = world.mailbox.due_at
    assert due_at is not None
    assert due_at >= world.clock.now() + timedelta(seconds=30)
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_a_reconnect_wins_over_a_run_that_still_has_the_old_grant(world):
    world.google.revoke(ADDRESS)
    message = world.receive(*RECEIPT)
    refresh = world.gmail.refresh

    def reconnect_meanwhile(refresh_token):
        world.gmail.refresh = refresh
        world.grant = world.google.add_person(ADDRESS)
        world.connect_again()
        return refresh(refresh_token)

    world.gmail.refresh = reconnect_meanwhile
    [synced, *_] = world.push()
    assert synced.outcome == "lease_lost"
    assert world.mailbox.health == "ok"
    world.settle()
    assert world.record(message) is not None


def test_an_idle_hour_is_no_credit_for_more_than_a_minutes_quota(world):
    world.clock.step(timedelta(hours=1))
    for _ in range(400):
        world.receive(*PRIVATE)
    before = world.google.units(ADDRESS)
    world.push_last()
    assert world.google.units(ADDRESS) - before <= 6000
    assert sum(world.mailbox.read_units.values()) > 5000


def test_one_crash_parks_nothing(world, monkeypatch):
    message = world.receive(*RECEIPT, labels=("INBOX", "CATEGORY_PROMOTIONS"))
    fetch, deaths = intake._fetch, [True]

    class Killed(BaseException):
        pass

    def die_once(message_id, session, *, whole):
        if deaths:
            deaths.pop()
            raise Killed
        return fetch(message_id, session, whole=whole)

    monkeypatch.setattr(intake, "_fetch", die_once)
    with pytest.raises(Killed):
        world.push()
    world.settle()
    record = world.record(message)
    assert record is not None
    assert record.status is MailStatus.LINKED


def test_what_is_matched_to_an_application_that_changed_meanwhile_is_matched_anew(world, monkeypatch):
    """The person records the application while its rejection is being read."""
    matched: list[str] = []
    match = matching.match

    def match_slowly(mail, verdict, known):
        if not matched:
            applications.create(
                UID,
                applications.NewApplication(company="Fernhill", role="Senior Python Developer"),
                store=world.store,
                clock=world.clock,
                ids=SystemIds(),
            )
        matched.append(mail.id)
        return match(mail, verdict, known)

    monkeypatch.setattr(matching, "match", match_slowly)
    message = world.receive(*REJECTION)
    world.push()
    record = world.record(message)
    assert record is not None
    assert matched == [message, message]
    assert record.status is MailStatus.LINKED


def test_undoing_the_mail_that_made_an_application_dismisses_it(world):
    message = world.receive(*RECEIPT)
    world.settle()
    record = world.record(message)
    assert record is not None
    application_id = record.application_id
    applications.undo(UID, application_id, f"mail:{message}:1", store=world.store, clock=world.clock)
    assert applications.listed(UID, limit=10, store=world.store).items == ()
    later = world.receive(*REJECTION)
    world.settle()
    record = world.record(later)
    assert record is not None
    assert record.status is MailStatus.SUGGESTED
    applications.link_suggestion(UID, later, application_id, store=world.store, clock=world.clock)
    [item] = applications.listed(UID, limit=10, store=world.store).items
    assert item.value.id == application_id
