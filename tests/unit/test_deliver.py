"""A mail leaves once, or its person knows why not: every row of the failure table, and every state."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from typing import Literal

import pytest

from shared import accounts, consent, due
from shared import mailbox as reading
from shared.adapters.gmail import GoogleGmail
from shared.errors import NotFound, Refused, TryAgain
from shared.local.clock import FakeClock
from shared.local.gmail.model import GmailModel
from shared.local.google_server import GoogleServer
from shared.local.mailfiles import wrap
from shared.model import Delivery, Enclosure, MailRecord, MailStatus, NotificationKind, Outcome, SendQuestion, Stage
from shared.ports import Gmail
from shared.schema import MAILBOXES, MAILS
from shared.sending import bounce, person, states
from shared.sending.draft import MOST_LOOKED_AT
from tests.support.gmail_mail import mail
from tests.support.outbox import APPLICATION, DAY, HOUR, LETTER, MINUTE, SEND, UID, Outbox

D = Delivery


@pytest.fixture(scope="module")
def server() -> Iterator[GoogleServer]:
    with GoogleServer(GmailModel(FakeClock(), random.Random(0))) as server:
        yield server


@pytest.fixture(params=["model", "http"])
def outbox(request, server, tmp_path) -> Iterator[Outbox]:
    """The same on the model of Gmail and through Google's client over HTTP."""
    adapters: list[GoogleGmail] = []

    def by_http(model: GmailModel) -> Gmail:
        server.model = model
        adapters.append(GoogleGmail(server.url, "client", "secret", model.clock, timeout=0.5))
        return adapters[0]

    made = Outbox(tmp_path, gmail=by_http) if request.param == "http" else Outbox(tmp_path)
    yield made
    made.close()
    for each in adapters:
        each.close()


@pytest.fixture
def box(tmp_path) -> Iterator[Outbox]:
    """On the model alone, where the transport makes no difference."""
    made = Outbox(tmp_path)
    yield made
    made.close()


def edit(outbox: Outbox, draft_id: str, *, subject: str = "Baker, please") -> None:
    outbox.google.edit_draft(outbox.address, draft_id, mail(subject, sender=outbox.address, to="jobs@acme.example"))


def unsure(outbox: Outbox, *, has_left: bool) -> None:
    """A send whose draft Gmail took, or did not take, and did not say so."""
    outbox.fails("reset", method="drafts.send", times=1, after_effect=has_left)
    outbox.ask()
    assert outbox.deliver() == D.UNSURE
    assert len(outbox.sent) == has_left


# --- All is well ------------------------------------------------------------------------------------------------------


def test_a_mail_leaves_once_and_its_record_says_so(outbox):
    outbox.ask()
    assert outbox.deliver() == D.SENT
    assert outbox.deliver() == "nothing_due"
    (raw,) = outbox.sent
    mail_, send = message_from_bytes(raw), outbox.send()
    assert (mail_["To"], mail_["Subject"], mail_["X-Hearback-Send"]) == ("jobs@acme.example", "Baker", SEND)
    assert send.message_id == mail_["Message-ID"]
    assert (send.letter, send.sent_to, send.due_at, send.lease_until) == (None, "jobs@acme.example", None, None)
    assert [(each.number, each.outcome) for each in send.attempts] == [(1, "sent")]
    assert outbox.application.delivery is D.SENT
    assert outbox.application.stage is Stage.APPLIED
    assert outbox.drafts == []


def test_an_answer_in_its_thread_or_to_its_message_id_belongs_to_the_application(box):
    box.ask()
    box.deliver()
    send = box.send()
    thread = box.thread(send.thread_id)
    assert thread is not None
    assert thread.application_ids == (APPLICATION,)
    assert send.thread_id in box.application.thread_ids
    assert send.message_id in box.application.message_ids


def test_an_answer_in_the_thread_moves_the_application(box):
    box.ask()
    box.deliver()
    box.clock.step(DAY)
    words = "We regret that we have decided not to move forward with your application.\n"
    answer = wrap("Acme <people@acme.example>", "Re: Baker", f"Hi Ada,\n\n{words}\nAcme\n")
    box.google.receive(box.address, answer, thread_id=box.send().thread_id)
    assert sync(box).outcome == "synced"
    assert (box.application.stage, box.application.outcome) == (Stage.CLOSED, Outcome.REJECTED)


def sync(box, gmail=None):
    return reading.sync(
        reading.MailboxDirty(mailbox_id=box.mailbox.id),
        settings=box.settings,
        store=box.store,
        queue=box.queue,
        gmail=gmail or box.gmail,
        vault=box.vault,
        clock=box.clock,
    )


def test_the_mail_that_left_is_on_record_before_anybody_takes_it_for_the_persons_answer(box):
    box.ask()
    box.deliver()
    found = box.store.get(MAILS.key(UID, box.send().gmail_id))
    assert found is not None
    assert (found.value.status, found.value.application_id) == (MailStatus.SENT, APPLICATION)


def test_a_push_that_was_faster_and_took_it_for_an_answer_is_taken_back(box):
    box.ask()
    # The mail is read in the mailbox after it left and before its record says so.
    real = box.gmail.mailbox

    class Racing:
        def __init__(self, session):
            self._session = session

        def __getattr__(self, name):
            return getattr(self._session, name)

        def send_draft(self, draft_id):
            sent = self._session.send_draft(draft_id)
            sync(box, type("Plain", (), {"mailbox": staticmethod(real), "refresh": box.gmail.refresh})())
            return sent

    box.gmail = type("Raced", (), {"mailbox": lambda _, token: Racing(real(token)), "refresh": box.gmail.refresh})()
    assert box.deliver() == D.SENT
    taken = f"mail:{box.send().gmail_id}:1"
    assert taken in box.application.events
    assert box.application.replied_at is None


def test_its_files_go_with_it(box):
    box.blobs.put(f"{UID}/cv", b"%PDF-1.7", media_type="application/pdf")
    file = Enclosure(document_id="cv", name="cv.pdf", media_type="application/pdf", size=8)
    box.ask(letter=replace(LETTER, attachments=(file,)))
    assert box.deliver() == D.SENT
    (found,) = [part for part in message_from_bytes(box.sent[0]).walk() if part.get_filename()]
    assert (found.get_filename(), found.get_payload(decode=True)) == ("cv.pdf", b"%PDF-1.7")


def test_a_file_that_is_gone_is_a_reason_to_fail(box):
    file = Enclosure(document_id="cv", name="cv.pdf", media_type="application/pdf", size=8)
    box.ask(letter=replace(LETTER, attachments=(file,)))
    assert box.deliver() == D.FAILED
    assert "not there any more" in box.send().reason
    assert box.sent == []


def test_a_follow_up_stays_in_its_thread_and_is_no_delivery_of_the_application(outbox):
    outbox.ask()
    outbox.deliver()
    first = outbox.send()
    outbox.clock.step(DAY)
    letter = replace(
        LETTER,
        subject="Re: Baker",
        thread_id=first.thread_id,
        in_reply_to=first.message_id,
        references=(first.message_id,),
    )
    outbox.ask("s2", kind="follow_up", letter=letter)
    assert outbox.deliver("s2") == D.SENT
    assert outbox.send("s2").thread_id == first.thread_id
    assert outbox.send("s2").gmail_id != first.gmail_id
    assert outbox.application.delivery is D.SENT
    assert outbox.application.replied_at == outbox.clock.now()


# --- The recall window ------------------------------------------------------------------------------------------------


def test_a_recall_window_of_half_a_minute_is_waited_out(box):
    box.ask(after=timedelta(seconds=30))
    assert box.deliver() == D.SENT
    assert box.waited == [timedelta(seconds=30)]


def test_a_longer_one_is_left_to_the_sweep(box):
    box.ask(after=timedelta(seconds=31))
    assert box.deliver() == "not_due"
    assert box.waited == []


def test_a_mail_that_is_called_back_while_its_window_is_waited_out_does_not_leave(box):
    box.ask(after=timedelta(seconds=10))
    box.meanwhile = lambda: person.cancel(UID, SEND, store=box.store, clock=box.clock)
    assert box.deliver() == "nothing_due"
    assert (box.sent, box.send().delivery, box.send().letter) == ([], D.CANCELLED, None)
    assert box.application.delivery is D.CANCELLED


def test_a_mail_is_called_back_once_and_not_while_it_leaves(box):
    box.ask()
    cancelled = person.cancel(UID, SEND, store=box.store, clock=box.clock)
    assert person.cancel(UID, SEND, store=box.store, clock=box.clock) == cancelled
    box.ask("s2")
    states_of = {D.SENDING: "leaving", D.UNSURE: "may have left", D.SENT: "has left"}
    for state, words in states_of.items():
        box.ask(f"s-{state}", delivery=state)
        with pytest.raises(Refused, match=words):
            person.cancel(UID, f"s-{state}", store=box.store, clock=box.clock)


@pytest.mark.parametrize("id_", ["nothing", "a/b", "", "."])
def test_nobody_reaches_what_is_not_theirs(box, id_):
    box.ask()
    with pytest.raises(NotFound):
        person.cancel("eve", SEND, store=box.store, clock=box.clock)
    with pytest.raises(NotFound):
        person.cancel(UID, id_, store=box.store, clock=box.clock)
    assert box.deliver(id_) == "unknown_send"


# --- Row 1: certainly not sent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "method": "token", "status": 503},
        {"kind": "error", "method": "getProfile", "status": 500},
        {"kind": "reset", "method": "getProfile"},
        {"kind": "error", "method": "drafts.create", "status": 503},
        {"kind": "reset", "method": "drafts.create"},
        {"kind": "truncated", "method": "drafts.create"},
        {"kind": "error", "method": "drafts.send", "status": 400, "message": "Precondition check failed."},
    ],
    ids=lambda fault: f"{fault['method']} {fault['kind']}",
)
def test_what_certainly_sent_nothing_is_tried_three_times_more_and_then_goes_to_the_dead_letter(outbox, fault):
    outbox.clock.step(2 * HOUR)  # the access token has ended, so that the token endpoint is asked
    outbox.fails(**fault)
    outbox.ask()
    for number in range(1, 5):
        assert outbox.deliver() == "again"
        assert outbox.send().tries == number
        assert outbox.send().delivery is D.QUEUED
        outbox.clock.step(MINUTE)
    units = outbox.google.units(outbox.address)
    assert outbox.deliver() == "again"
    assert outbox.google.units(outbox.address) == units  # the fifth sends nothing, and asks Gmail nothing
    assert outbox.bury() == D.FAILED
    assert outbox.send().reason == "It could not be sent in 4 tries."
    assert [each.outcome for each in outbox.send().attempts] == ["again"] * 4
    assert outbox.sent == []
    assert outbox.told()[0].kind == NotificationKind.DELIVERY_TROUBLE


def test_a_retry_that_works_sends_one_mail_by_one_draft(outbox):
    outbox.fails("error", method="drafts.create", status=503, times=2)
    outbox.ask()
    assert [outbox.later() for _ in range(3)] == ["again", "again", D.SENT]
    assert len(outbox.sent) == 1
    assert outbox.drafts == []


def test_a_store_that_is_down_sends_nothing_and_spends_no_try(box):
    box.ask()
    transact = box.store.transact

    def down(*_args, **_more):
        raise TryAgain("the store is down")

    box.store.transact = down
    assert [box.deliver() for _ in range(5)] == ["again"] * 5
    box.store.transact = transact
    assert box.bury() == D.QUEUED
    assert box.send().tries == 0
    assert box.deliver() == D.SENT


def test_gmail_that_cannot_be_connected_to_is_tried_again(box, free_port):
    box.ask()
    box.gmail = GoogleGmail(f"http://127.0.0.1:{free_port}", "client", "secret", box.clock, timeout=0.5)
    assert box.deliver() == "again"
    box.gmail.close()
    assert box.send().delivery is D.QUEUED


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_message_that_comes_before_its_time_is_put_off(box):
    box.fails("error", method="drafts.create", status=503, times=1)
    box.ask()
    assert box.deliver() == "again"
    assert box.deliver() == "not_due"
    box.clock.step(timedelta(seconds=40))
    assert box.deliver() == D.SENT
    assert box.waited == [timedelta(seconds=20)]


# --- Row 2: it may have left ------------------------------------------------------------------------------------------

LOST = [
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 502},
    {"kind": "reset"},
    {"kind": "hang", "seconds": 0.6},
    {"kind": "truncated"},
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}")
def test_a_mail_that_left_without_an_answer_is_found_in_its_thread(outbox, fault):
    outbox.fails(method="drafts.send", times=1, after_effect=True, **fault)
    outbox.ask()
    assert outbox.deliver() == D.UNSURE
    assert outbox.deliver() == "not_due"
    assert outbox.send().due_at == outbox.clock.now() + timedelta(minutes=2)
    assert outbox.later() == D.SENT
    assert len(outbox.sent) == 1
    assert outbox.send().message_id == message_from_bytes(outbox.sent[0])["Message-ID"]
    assert outbox.application.delivery is D.SENT


@pytest.mark.parametrize("fault", LOST[:-1], ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}")
def test_a_draft_that_is_still_there_unchanged_is_sent(outbox, fault):
    outbox.fails(method="drafts.send", times=1, **fault)
    outbox.ask()
    assert outbox.deliver() == D.UNSURE
    (draft,) = outbox.drafts
    assert outbox.later() == D.SENT
    assert outbox.send().draft_id == draft
    assert len(outbox.sent) == 1
    assert outbox.drafts == []


def test_a_draft_that_the_person_edited_is_theirs_to_send(outbox):
    unsure(outbox, has_left=False)
    edit(outbox, outbox.drafts[0])
    assert outbox.later() == D.PARKED
    send = outbox.send()
    assert (send.question, send.due_at) == (SendQuestion.EDITED, None)
    assert outbox.sent == []


def test_when_neither_is_there_the_person_decides(outbox):
    unsure(outbox, has_left=False)
    outbox.google.delete_draft(outbox.address, outbox.drafts[0])
    assert outbox.later() == D.UNSURE
    send = outbox.send()
    assert (send.question, send.due_at) == (SendQuestion.DID_IT_LEAVE, None)
    assert send.reason
    told = [each.key for each in outbox.told()]
    assert f"{APPLICATION}:send:{SEND}:2:did_it_leave:1" in told
    assert len(told) == len(set(told)) == 2


def test_a_draft_that_the_person_sent_themselves_was_sent(outbox):
    unsure(outbox, has_left=False)
    outbox.google.send_draft(outbox.address, outbox.drafts[0])
    assert outbox.later() == D.SENT
    assert len(outbox.sent) == 1


@pytest.mark.parametrize("has_left", [True, False])
def test_a_run_that_dies_at_sending_is_settled_after_its_lease(box, has_left):
    class Death(BaseException):
        pass

    real = box.gmail.mailbox

    class Dying:
        def __init__(self, session):
            self._session = session

        def __getattr__(self, name):
            return getattr(self._session, name)

        def send_draft(self, draft_id):
            if has_left:
                self._session.send_draft(draft_id)
            raise Death

    box.ask()
    working, box.gmail = box.gmail, type("Dies", (), {"mailbox": lambda _, token: Dying(real(token))})()
    with pytest.raises(Death):
        box.deliver()
    box.gmail = working
    assert box.send().delivery is D.SENDING
    assert box.deliver() == "left_to_another"
    assert box.later() == D.UNSURE
    assert box.later() == D.SENT
    assert len(box.sent) == 1


def test_gmail_that_cannot_say_is_asked_again_later(box):
    unsure(box, has_left=True)
    box.fails("error", method="threads.get", status=503, times=1)
    assert box.later() == D.UNSURE
    assert box.send().due_at == box.clock.now() + states.ASK_AGAIN
    assert box.later() == D.SENT


def test_a_mail_that_gmail_never_takes_fails_after_its_tries(box):
    box.fails("error", method="drafts.send", status=503)
    box.ask()
    send = box.until_quiet_or_failed()
    assert send.delivery is D.FAILED
    assert len([each for each in send.attempts if each.outcome == "unsure"]) == states.TRIES
    assert box.sent == []


# --- Row 3: a draft that is not on record -----------------------------------------------------------------------------


def test_a_draft_whose_answer_was_lost_is_adopted(outbox):
    outbox.fails("reset", method="drafts.create", times=1, after_effect=True)
    outbox.ask()
    assert outbox.deliver() == "again"
    (draft,) = outbox.drafts
    assert outbox.later() == D.SENT
    assert outbox.send().draft_id == draft
    assert outbox.drafts == []
    assert len(outbox.sent) == 1


def test_a_lost_draft_that_the_person_sent_themselves_is_not_sent_again(outbox):
    outbox.fails("reset", method="drafts.create", times=1, after_effect=True)
    outbox.ask()
    outbox.deliver()
    outbox.google.send_draft(outbox.address, outbox.drafts[0])
    assert outbox.later() == D.SENT
    assert len(outbox.sent) == 1
    assert outbox.send().message_id == message_from_bytes(outbox.sent[0])["Message-ID"]


def test_only_a_draft_that_bears_our_header_is_adopted_or_deleted(box):
    box.fails("error", method="drafts.create", status=503, times=1)
    box.ask()
    box.deliver()
    theirs = [
        box.google.mailbox(box.address).create_draft(mail(f"Mine {n}", sender=box.address), "").draft_id
        for n in range(3)
    ]
    others = box.google.mailbox(box.address).create_draft(mail("Baker", X_Hearback_Send="s2"), "").draft_id
    assert box.later() == D.SENT
    assert sorted(box.drafts) == sorted([*theirs, others])


def test_a_lost_draft_that_the_person_edited_meanwhile_is_theirs_to_send(box):
    box.fails("reset", method="drafts.create", times=1, after_effect=True)
    box.ask()
    box.deliver()
    changed = mail("Baker", sender=box.address, to="boss@acme.example", X_Hearback_Send=SEND)
    box.google.edit_draft(box.address, box.drafts[0], changed)
    assert box.later() == D.PARKED
    assert box.send().question is SendQuestion.EDITED
    assert box.sent == []


def test_not_more_than_a_few_drafts_are_opened_for_it(box):
    box.fails("error", method="drafts.create", status=503, times=1)
    box.ask()
    box.deliver()
    for n in range(40):
        box.google.mailbox(box.address).create_draft(mail(f"Mine {n}", sender=box.address), "")
    before = box.google.units(box.address)
    assert box.later() == D.SENT
    assert box.google.units(box.address) - before <= 300 + 5 + 20 * MOST_LOOKED_AT


# --- Row 4: 401 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["getProfile", "drafts.create", "drafts.send"])
def test_a_dead_access_token_is_renewed_once_and_costs_no_try(outbox, method):
    outbox.fails("error", method=method, status=401, reason="authError", times=1)
    outbox.ask()
    assert outbox.deliver() == D.SENT
    assert len(outbox.sent) == 1
    assert outbox.send().tries == 0


@pytest.mark.parametrize("method", ["getProfile", "drafts.create", "drafts.send"])
def test_a_dead_grant_parks_the_mail_until_the_person_connects_again(outbox, method):
    outbox.fails("revoked", method=method, times=1)
    outbox.ask()
    assert outbox.deliver() == D.PARKED
    assert outbox.send().question is SendQuestion.RECONNECT
    assert outbox.mailbox.health == "needs_reauth"
    assert {each.kind for each in outbox.told()} == {NotificationKind.NEEDS_REAUTH, NotificationKind.DELIVERY_TROUBLE}
    assert outbox.later() == D.PARKED  # nobody has connected
    outbox.connect()
    assert outbox.send().due_at == outbox.clock.now()
    assert outbox.deliver() == D.SENT
    assert len(outbox.sent) == 1


def test_a_dead_grant_is_told_once_however_many_mails_wait_for_it(box):
    box.google.revoke(box.address)
    for n in range(3):
        box.ask(f"s{n}", application_id=f"a{n}")
        assert box.deliver(f"s{n}") == D.PARKED
    kinds = [each.kind for each in box.told()]
    assert kinds.count(NotificationKind.NEEDS_REAUTH) == 1


def test_a_mail_that_may_have_left_waits_for_the_grant_and_is_settled_then(box):
    unsure(box, has_left=True)
    box.google.revoke(box.address)
    assert box.later() == D.UNSURE
    assert box.send().question is SendQuestion.RECONNECT
    box.connect()
    assert box.later() == D.SENT
    assert len(box.sent) == 1


# --- Row 5: limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        ({"status": 429, "retry_after": 70}, timedelta(seconds=70)),
        ({"status": 403, "reason": "rateLimitExceeded"}, states.RATE_PAUSE),
        ({"status": 403, "reason": "dailyLimitExceeded"}, DAY),
        ({"status": 429, "message": "User-rate limit exceeded.  Retry after 2026-01-05T15:00:00.000Z"}, 6 * HOUR),
        ({"status": 429, "message": "User-rate limit exceeded (Mail sending)"}, DAY),
    ],
)
@pytest.mark.parametrize("method", ["drafts.create", "drafts.send"])
def test_a_limit_of_gmails_parks_the_mail_for_as_long_as_gmail_says(outbox, method, fault, wait):
    outbox.fails("error", method=method, times=1, **fault)
    outbox.ask()
    assert outbox.deliver() == D.PARKED
    assert outbox.send().due_at == outbox.clock.now() + wait
    assert outbox.send().tries == 0
    assert outbox.told()[0].kind == NotificationKind.DELIVERY_TROUBLE
    assert outbox.later() == D.SENT
    assert len(outbox.sent) == 1


@pytest.mark.parametrize(("address", "most"), [("ada@gmail.com", 500), ("ada@work.example", 2_000)])
def test_the_accounts_own_limit_of_a_day_is_kept(tmp_path, address, most):
    box = Outbox(tmp_path, address=address)
    key = box.mailbox
    found = box.store.get(_mailbox_key(box))
    assert found is not None
    hour = box.clock.now().strftime("%Y-%m-%dT%H")
    box.store.put(_mailbox_key(box), replace(key, sent_in_hours={hour: most - 1}), revision=found.revision)
    box.ask("s1", application_id="a1")
    box.ask("s2", application_id="a2")
    assert box.deliver("s1") == D.SENT
    assert box.deliver("s2") == D.PARKED
    assert str(most) in box.send("s2").reason
    assert box.send("s2").due_at == box.clock.now() + 25 * HOUR
    assert box.later("s2") == D.SENT
    box.close()


def _mailbox_key(box):
    return MAILBOXES.key(box.mailbox.id)


def test_a_mail_counts_once_a_day_however_often_it_is_tried(box):
    box.fails("error", method="drafts.create", status=503, times=3)
    box.ask()
    assert [box.later() for _ in range(4)] == ["again"] * 3 + [D.SENT]
    assert sum(box.mailbox.sent_in_hours.values()) == 1


def test_mails_of_one_person_keep_to_their_share_of_gmails_units(box):
    for n in range(12):
        box.ask(f"s{n}", application_id=f"a{n}")
    outcomes = [box.deliver(f"s{n}") for n in range(12)]
    assert outcomes == [D.SENT] * 5 + [D.QUEUED] * 7
    assert all(box.send(f"s{n}").tries == 0 for n in range(12))
    for _ in range(20):
        for n in range(12):
            if box.send(f"s{n}").due_at is not None:
                box.later(f"s{n}")
    assert len(box.sent) == 12
    assert (box.clock.now() - box.send("s0").created_at) < 5 * MINUTE


# --- A grant that only reads ------------------------------------------------------------------------------------------


def grants(box: Outbox, *rungs: consent.Rung) -> None:
    """The person connects again, with these steps of the ladder ticked."""
    scopes = [rung.scope for rung in rungs]
    box.google.revoke(box.address)
    accounts.connect(
        UID,
        refresh_token=box.google.add_person(box.address, scopes=scopes),
        scopes=scopes,
        settings=box.settings,
        store=box.store,
        gmail=box.gmail,
        vault=box.vault,
        clock=box.clock,
    )


def test_a_mail_whose_grant_has_come_to_be_for_reading_alone_waits_for_another(box):
    box.ask(after=HOUR)
    grants(box, consent.HEARS)
    assert box.later() == D.PARKED
    send = box.send()
    assert send.question is SendQuestion.RECONNECT
    assert "allow drafts" in send.reason
    assert box.told()[0].kind == NotificationKind.DELIVERY_TROUBLE
    # No further try, however often somebody looks whether there is another grant.
    tries = len(send.attempts)
    for _ in range(5):
        assert box.later() == D.PARKED
    assert len(box.send().attempts) == tries
    assert len(box.told()) == 1
    assert (box.drafts, box.sent) == ([], [])

    grants(box, consent.HEARS, consent.APPLIES)
    assert box.later() == D.SENT
    assert len(box.sent) == 1


def test_a_grant_for_reading_alone_costs_no_call(box, monkeypatch):
    grants(box, consent.HEARS)
    box.ask()
    monkeypatch.setattr(box.gmail, "mailbox", None)
    assert box.deliver() == D.PARKED


def test_a_grant_of_unknown_scopes_is_tried(box):
    assert box.mailbox.scopes == ()
    box.ask()
    assert box.deliver() == D.SENT


@pytest.mark.parametrize("state", [D.CANCELLED, D.SENT])
def test_what_gmail_no_longer_allows_is_not_asked_for_ever(box, state):
    """Of a cancelled mail its draft stays; of one that has left its Message-ID stays unknown."""
    if state is D.CANCELLED:
        box.fails("error", method="drafts.send", status=429, retry_after=600, times=1)
        box.ask()
        box.deliver()
        person.cancel(UID, SEND, store=box.store, clock=box.clock)
    else:
        box.fails("error", method="messages.get", status=503, times=1)
        box.ask()
        box.deliver()
    assert (box.send().delivery, box.send().due_at is None) == (state, False)
    box.fails("error", method="*", status=403, reason="insufficientPermissions")
    assert box.later() == state
    assert box.send().due_at is None


# --- Row 6: other refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 400, "reason": "invalidArgument", "message": "Invalid To header"}, "recipient's address"),
        ({"status": 413, "reason": "uploadTooLarge"}, "too large"),
        ({"status": 403, "reason": "insufficientPermissions"}, "allow drafts"),
        ({"status": 403, "reason": "domainPolicy"}, "administrator"),
        ({"status": 400, "reason": "failedPrecondition", "message": "Mail service not enabled"}, "cannot send"),
        ({"status": 400, "reason": "badRequest"}, "refused"),
    ],
)
@pytest.mark.parametrize("method", ["drafts.create", "drafts.send"])
def test_what_gmail_will_never_take_fails_at_once_with_a_reason(outbox, method, fault, words):
    outbox.fails("error", method=method, times=1, **fault)
    outbox.ask()
    assert outbox.deliver() == D.FAILED
    assert words in outbox.send().reason
    assert outbox.send().due_at is None
    assert outbox.told()[0].kind == NotificationKind.DELIVERY_TROUBLE
    outbox.clock.step(2 * DAY)
    assert outbox.deliver() == "nothing_due"
    assert outbox.sent == []


# --- The dead letter and the night ------------------------------------------------------------------------------------


def failed(box: Outbox) -> None:
    box.fails("error", method="drafts.create", status=503)
    box.ask()
    for _ in range(4):
        assert box.later() == "again"
    assert box.bury() == D.FAILED


def test_a_dead_letter_that_comes_twice_changes_nothing(box):
    failed(box)
    before = (box.send(), box.application, box.told())
    assert box.bury() == D.FAILED
    assert box.deliver() == "not_due"
    assert (box.send(), box.application, box.told()) == before


def test_a_dead_letter_of_a_mail_that_has_left_changes_nothing(box):
    box.ask()
    box.deliver()
    before = box.send()
    assert box.bury() == D.SENT
    assert box.send() == before


def test_a_dead_letter_with_tries_left_leaves_the_mail_due(box):
    before = box.ask()
    assert box.bury() == D.QUEUED
    assert box.send() == before


def test_a_mail_that_is_older_than_a_day_is_given_up(box):
    box.ask()
    box.clock.step(DAY + MINUTE)
    assert box.bury() == D.FAILED
    assert box.send().reason == "It could not be sent in 24 hours."


def test_a_message_that_names_no_send_is_refused_and_an_unknown_one_is_told(box):
    assert box.bury("nothing") == "unknown_send"


def test_a_failed_mail_is_taken_up_again_at_night_and_not_before(box):
    failed(box)
    box.faults.clear()
    night = box.send().due_at
    assert (night.hour, night.minute) == (3, 30)
    assert due.wake(due.FAILED_SENDS, store=box.store, queue=box.queue, clock=box.clock).queued == 0
    box.clock.set(night + MINUTE)
    assert due.wake(due.FAILED_SENDS, store=box.store, queue=box.queue, clock=box.clock).queued == 1
    assert box.deliver() == D.SENT
    assert box.send().rounds == 1
    assert len(box.sent) == 1


def test_a_mail_is_taken_up_again_three_nights_at_most(box):
    failed(box)
    send = box.until_quiet()
    assert (send.delivery, send.rounds, send.due_at) == (D.FAILED, states.ROUNDS, None)
    assert box.sent == []


def test_no_night_takes_up_what_may_have_left(box):
    unsure(box, has_left=True)
    box.clock.step(DAY)
    assert due.wake(due.FAILED_SENDS, store=box.store, queue=box.queue, clock=box.clock).queued == 0
    assert due.wake(due.UNSETTLED_SENDS, store=box.store, queue=box.queue, clock=box.clock).queued == 1


# --- What only the person can say -------------------------------------------------------------------------------------


def say(box: Outbox, said: Literal["sent", "send", "drop"]):
    return person.answer(UID, SEND, said, store=box.store, queue=box.queue, clock=box.clock)


def asked(box: Outbox) -> None:
    """Neither draft nor sent mail is there."""
    unsure(box, has_left=False)
    box.google.delete_draft(box.address, box.drafts[0])
    box.later()
    assert box.send().question is SendQuestion.DID_IT_LEAVE


def test_the_person_says_that_it_was_sent(box):
    asked(box)
    assert say(box, "sent").delivery is D.SENT
    assert say(box, "sent").due_at is None
    assert box.application.stage is Stage.APPLIED
    assert box.sent == []


def test_the_person_has_it_sent(box):
    asked(box)
    assert say(box, "send").delivery is D.QUEUED
    assert box.queue.depth()["application-send.send_application"] == 1
    assert box.deliver() == D.SENT
    assert len(box.sent) == 1


def test_the_person_drops_it(box):
    asked(box)
    assert say(box, "drop").delivery is D.CANCELLED
    assert say(box, "drop").letter is None
    box.until_quiet()
    assert box.sent == []


def test_an_edited_draft_is_sent_as_it_is_when_the_person_says_so(box):
    unsure(box, has_left=False)
    edit(box, box.drafts[0])
    box.later()
    say(box, "send")
    assert box.deliver() == D.SENT
    (raw,) = box.sent
    assert message_from_bytes(raw)["Subject"] == "Baker, please"


def test_nothing_is_answered_that_is_not_asked(box):
    box.ask()
    with pytest.raises(Refused, match="nothing is asked"):
        say(box, "drop")
    box.google.revoke(box.address)
    box.deliver()
    with pytest.raises(Refused, match="connect"):
        say(box, "send")
    assert say(box, "drop").delivery is D.CANCELLED


def test_a_draft_of_ours_goes_when_its_mail_is_cancelled_and_an_edited_one_stays(box):
    box.fails("error", method="drafts.send", status=429, retry_after=3600)
    box.ask("s1", application_id="a1")
    box.ask("s2", application_id="a2")
    assert [box.deliver(id_) for id_ in ("s1", "s2")] == [D.PARKED, D.PARKED]
    edit(box, box.send("s2").draft_id)
    for id_ in ("s1", "s2"):
        person.cancel(UID, id_, store=box.store, clock=box.clock)
        box.deliver(id_)
        assert box.send(id_).due_at is None
    assert box.drafts == [box.send("s2").draft_id]


def test_proof_that_it_left_wins_over_a_cancel(box):
    """The run was slow, the person was asked and dropped it; then the run learns that Gmail has taken the mail."""
    real = box.gmail.mailbox

    class Slow:
        def __init__(self, session):
            self._session = session

        def __getattr__(self, name):
            return getattr(self._session, name)

        def send_draft(self, draft_id):
            sent = self._session.send_draft(draft_id)
            box.gmail = quick
            box.google.faults.clear()
            box.clock.step(4 * MINUTE)
            assert box.deliver() == D.UNSURE
            # Gmail's own view lags, so that the mail is not to be seen.
            message = box.google.mailbox(box.address).message(sent.id)
            del message.labels["SENT"]
            assert box.later() == D.UNSURE
            say(box, "drop")
            message.labels["SENT"] = None
            return sent

    quick, box.gmail = box.gmail, type("Slowly", (), {"mailbox": lambda _, token: Slow(real(token))})()
    box.ask()
    assert box.deliver() == D.SENT
    assert box.send().delivery is D.SENT
    assert box.application.delivery is D.SENT
    assert len(box.sent) == 1


# --- Two at a time ----------------------------------------------------------------------------------------------------


def test_of_two_runs_one_sends(box):
    box.ask()
    found: list[str] = []
    real = box.gmail.mailbox

    class Meeting:
        def __init__(self, session):
            self._session = session

        def __getattr__(self, name):
            return getattr(self._session, name)

        def create_draft(self, raw, *, thread_id=""):
            found.append(box.deliver())
            return self._session.create_draft(raw, thread_id=thread_id)

    box.gmail = type("Met", (), {"mailbox": lambda _, token: Meeting(real(token))})()
    assert box.deliver() == D.SENT
    assert found == ["left_to_another"]
    assert len(box.sent) == 1


def test_a_run_that_was_overtaken_sends_nothing_and_takes_its_draft_away(box):
    """It stood still while its lease ended, and another run sent the mail by a draft of its own."""
    real = box.gmail.mailbox

    class Stalled:
        def __init__(self, session):
            self._session = session

        def __getattr__(self, name):
            return getattr(self._session, name)

        def create_draft(self, raw, *, thread_id=""):
            box.gmail = quick
            box.clock.step(4 * MINUTE)
            assert box.deliver() == D.UNSURE
            assert box.later() == D.SENT
            return self._session.create_draft(raw, thread_id=thread_id)

    quick, box.gmail = box.gmail, type("Stalls", (), {"mailbox": lambda _, token: Stalled(real(token))})()
    box.ask()
    assert box.deliver() == "left_to_another"
    assert len(box.sent) == 1
    assert box.drafts == []


def test_a_message_id_that_gmail_did_not_say_is_asked_for_later(box):
    box.fails("error", method="messages.get", status=503, times=1)
    box.ask()
    assert box.deliver() == D.SENT
    assert (box.send().message_id, box.send().due_at) == ("", box.clock.now() + states.ASK_AGAIN)
    assert due.wake(due.UNSETTLED_SENDS, store=box.store, queue=box.queue, clock=box.clock).queued == 0
    box.later()
    assert box.send().message_id in box.application.message_ids
    assert box.send().due_at is None


def test_a_mail_record_that_somebody_else_made_keeps_its_time(box):
    box.ask()
    box.deliver()
    found = box.store.get(MAILS.key(UID, box.send().gmail_id))
    assert isinstance(found.value, MailRecord)
    assert found.value.message_id == box.send().message_id


# --- Mail that comes back ---------------------------------------------------------------------------------------------


def comes_back(box: Outbox, status: str, words: str, *, of: str = SEND) -> None:
    """Google's mailer tells that a mail of ours could not be delivered (RFC 3464), and we read it."""
    send = box.send(of)
    box.clock.step(MINUTE)
    box.google.receive(
        box.address,
        wrap(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            f"{words}\n\nFinal-Recipient: rfc822; {send.sent_to}\nAction: failed\nStatus: {status}\n\n"
            f"Message-ID: {send.message_id or '<unknown@mail.gmail.com>'}\nSubject: {send.subject}\n",
        ),
        thread_id=send.thread_id,
    )
    assert sync(box).outcome == "synced"


NO_SUCH_ADDRESS = "Your message wasn't delivered to jobs@acme.example because the address couldn't be found."
LIMIT = "You have reached a limit for sending mail. Your message was not sent."


def test_a_mail_that_comes_back_says_why_in_plain_words(box):
    box.ask(next_addresses=("jobs@acme.example", "careers@acme.example"))
    box.deliver()
    comes_back(box, "5.1.1", NO_SUCH_ADDRESS)
    send = box.send()
    assert (send.delivery, send.reason) == (D.BOUNCED, "The address does not exist.")
    assert box.application.delivery is D.BOUNCED
    assert bounce.next_addresses(UID, SEND, store=box.store) == ("careers@acme.example",)
    assert NotificationKind.DELIVERY_TROUBLE in {each.kind for each in box.told()}
    with pytest.raises(NotFound):
        bounce.next_addresses("eve", SEND, store=box.store)


def test_whoever_wrote_in_the_thread_is_offered_when_a_mail_comes_back(box):
    box.ask()
    box.deliver()
    box.clock.step(MINUTE)
    words = "Thank you for applying for the Baker position at Acme. We have received your application.\n"
    for sender in ("people@acme.example", "no-reply@acme.example"):
        box.google.receive(box.address, wrap(f"Acme <{sender}>", "Re: Baker", words), thread_id=box.send().thread_id)
    comes_back(box, "5.1.1", NO_SUCH_ADDRESS)
    assert bounce.next_addresses(UID, SEND, store=box.store) == ("people@acme.example",)


def test_a_stranger_can_neither_forge_a_bounce_nor_be_offered_when_a_real_one_comes(box):
    box.ask()
    box.deliver()
    box.clock.step(MINUTE)
    failure = "Your message to Acme for the role Baker wasn't delivered: address not found.\n550 5.1.1 no such user\n"
    receipt = "Thank you for applying for the Baker position at Acme. We have received your application.\n"
    for subject, words in (("Delivery failure: Baker at Acme", failure), ("Your application at Acme", receipt)):
        box.google.receive(box.address, wrap("Acme <jobs@attacker.example>", subject, words))
        assert sync(box).outcome == "synced"
    assert (box.send().delivery, box.application.delivery) == (D.SENT, D.SENT)
    comes_back(box, "5.1.1", NO_SUCH_ADDRESS)
    assert bounce.next_addresses(UID, SEND, store=box.store) == ()


def test_a_bounce_at_the_accounts_own_limit_parks_the_mail_and_it_leaves_when_the_day_is_over(outbox):
    outbox.ask()
    outbox.deliver()
    comes_back(outbox, "5.4.5", LIMIT)
    send = outbox.send()
    assert (send.delivery, send.due_at) == (D.PARKED, outbox.clock.now() + DAY)
    assert outbox.application.delivery == "parked"
    assert outbox.later() == D.SENT
    first, second = (message_from_bytes(raw) for raw in outbox.sent)
    first_text, second_text = ([*each.walk()][1].get_payload() for each in (first, second))
    assert first_text == second_text
    assert first["Message-ID"] != second["Message-ID"]
    assert outbox.application.delivery is D.SENT


def test_a_mail_to_another_address_after_a_bounce_is_the_applications_delivery(box):
    box.ask()
    box.deliver()
    comes_back(box, "5.1.1", NO_SUCH_ADDRESS)
    box.clock.step(MINUTE)
    box.ask("s2", letter=replace(LETTER, recipient="careers@acme.example"))
    assert box.application.delivery == "queued"
    assert box.deliver("s2") == D.SENT
    assert box.application.delivery is D.SENT
    comes_back(box, "5.2.2", "The mailbox is full.", of="s2")
    assert (box.send("s2").delivery, box.send().reason) == (D.BOUNCED, "The address does not exist.")


def test_a_mail_that_may_have_left_and_comes_back_has_left(box):
    unsure(box, has_left=True)
    comes_back(box, "5.1.1", NO_SUCH_ADDRESS)
    assert (box.send().delivery, box.send().letter, box.send().due_at) == (D.BOUNCED, None, None)
    assert box.application.delivery is D.BOUNCED
