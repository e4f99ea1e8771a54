"""One suite for the Gmail port: straight on the model, and by Google's client through HTTP."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes

import pytest

from shared.adapters.gmail import GoogleGmail
from shared.adapters.gmail_methods import METADATA_HEADERS, UNITS, UPLOAD_BYTES
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure
from shared.local.clock import FakeClock
from shared.local.gmail import Fault, GmailModel, ModelGmail
from shared.local.google_server import GoogleServer
from shared.ports import Gmail, GmailMailbox
from tests.support.gmail_mail import ADA, mail

TOPIC = "projects/p/topics/gmail-push"
OUTGOING = mail("Application", sender=f"Ada <{ADA}>", to="jobs@acme.com", X_Hearback="k")


@dataclass
class Wiring:
    model: GmailModel
    clock: FakeClock
    gmail: Gmail
    refresh_token: str
    pushed: list[bytes]

    def mailbox(self) -> GmailMailbox:
        return self.gmail.mailbox(self.gmail.refresh(self.refresh_token).token)

    def receive(self, raw: bytes | None = None, *labels: str) -> str:
        return self.model.receive(ADA, raw or mail(), labels or ("INBOX",))


@pytest.fixture(scope="module")
def server() -> Iterator[GoogleServer]:
    with GoogleServer(GmailModel(FakeClock(), random.Random(0))) as server:
        yield server


@pytest.fixture(params=["model", "http"])
def wiring(request, server) -> Iterator[Wiring]:
    clock, pushed = FakeClock(), []
    model = GmailModel(clock, random.Random(11), publish=lambda _, data: pushed.append(data), project="p")
    refresh_token = model.add_person(ADA)
    if request.param == "model":
        yield Wiring(model, clock, ModelGmail(model), refresh_token, pushed)
        return
    server.model = model  # one server for all tests, another Google in it for each
    gmail = GoogleGmail(server.url, "client", "secret", clock, timeout=0.3)
    yield Wiring(model, clock, gmail, refresh_token, pushed)
    gmail.close()


@pytest.fixture
def box(wiring):
    return wiring.mailbox()


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_refresh_token_gives_an_access_token_for_an_hour(wiring):
    access = wiring.gmail.refresh(wiring.refresh_token)
    assert access.expires_at == wiring.clock.now() + timedelta(seconds=3599)
    assert wiring.gmail.mailbox(access.token).profile().email_address == ADA


def test_a_revoked_grant_is_dead_for_both_kinds_of_token(wiring, box):
    wiring.model.revoke(ADA)
    with pytest.raises(GrantRevoked):
        wiring.gmail.refresh(wiring.refresh_token)
    with pytest.raises(GrantRevoked):
        box.profile()


def test_an_unknown_access_token_is_a_dead_grant_until_refreshed(wiring):
    with pytest.raises(GrantRevoked):
        wiring.gmail.mailbox("ya29.guess").profile()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="error", status=503, method="token"), TryAgain),
        (Fault(kind="error", status=429, retry_after=7, method="token"), RateLimited),
        (Fault(kind="error", status=401, reason="invalid_client", method="token"), TryAgain),
        (Fault(kind="reset", method="token"), TryAgain),
        (Fault(kind="hang", method="token"), TryAgain),
        (Fault(kind="truncated", method="token"), TryAgain),
        (Fault(kind="revoked", method="token"), GrantRevoked),
    ],
)
def test_a_token_endpoint_in_trouble(wiring, fault, kind):
    with wiring.model.faults.during(fault), pytest.raises(kind) as caught:
        wiring.gmail.refresh(wiring.refresh_token)
    assert type(caught.value) is kind
    assert fault.retry_after is None or caught.value.after == timedelta(seconds=7)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_profile_names_the_mailbox_and_its_history_id(wiring, box):
    profile = box.profile()
    wiring.receive()
    assert profile.email_address == ADA
    assert box.profile().history_id > profile.history_id


def test_history_shows_each_new_message_once(wiring, box):
    start = box.profile().history_id
    ids = [wiring.receive() for _ in range(40)]
    page = box.history(start)
    assert [message.id for message in page.messages] == ids
    assert {message.labels for message in page.messages} == {("UNREAD", "INBOX"), None}
    assert page.history_id == box.profile().history_id
    assert page.next_page == ""


def test_history_goes_on_where_a_page_ended(wiring, box):
    start = box.profile().history_id
    ids = [wiring.receive() for _ in range(700)]
    seen, page = [], box.history(start)
    while page.next_page:
        seen += [message.id for message in page.messages]
        page = box.history(start, page=page.next_page)
    seen += [message.id for message in page.messages]
    assert list(dict.fromkeys(seen)) == ids


def test_history_too_old_is_none(wiring, box):
    start = box.profile().history_id
    wiring.model.forget_history(ADA)
    assert box.history(start) is None


def test_a_history_page_token_that_is_none_is_rejected(box):
    with pytest.raises(Rejected):
        box.history(box.profile().history_id, page="x")


def test_a_mail_rescued_from_spam_is_new_and_other_label_changes_are_not(wiring, box):
    spam, read = wiring.receive(mail(), "SPAM"), wiring.receive()
    start = box.profile().history_id
    wiring.model.mark_read(ADA, read)
    wiring.model.relabel(ADA, read, remove=("INBOX",))
    wiring.model.move_from_spam(ADA, spam)
    wiring.model.relabel(ADA, spam, add=("STARRED",))
    assert [message.id for message in box.history(start).messages] == [spam]


def test_ones_own_sent_mail_stands_in_history_with_its_label(box):
    start = box.profile().history_id
    sent = box.send(OUTGOING)
    [message] = box.history(start).messages
    assert (message.id, message.thread_id) == (sent.id, sent.thread_id)
    assert message.labels in (("SENT",), None)


def test_metadata_shows_the_headers_that_we_read_and_no_body(wiring, box):
    raw = mail(message_id="<1@acme.com>", List_Id="jobs.acme.com", X_Private="secret", text="It's private")
    message = box.message(wiring.receive(raw), form="metadata")
    names = {header["name"] for header in message["payload"]["headers"]}
    assert {"From", "To", "Subject", "Message-ID", "List-Id", "Content-Type"} <= names <= set(METADATA_HEADERS)
    assert set(message["payload"]) == {"mimeType", "headers"}
    assert message["snippet"] == "It's private"
    assert message["labelIds"] == ["UNREAD", "INBOX"]
    assert int(message["internalDate"]) == wiring.clock.now().timestamp() * 1000


def test_full_shows_the_parts_and_attachments_are_fetched(wiring, box):
    message_id = wiring.receive(mail(attachment=("CV.pdf", b"%PDF\x00\xff")))
    text, pdf = box.message(message_id, form="full")["payload"]["parts"]
    assert text["mimeType"] == "text/plain"
    assert text["body"]["data"]
    assert box.attachment(message_id, pdf["body"]["attachmentId"]) == b"%PDF\x00\xff"


def test_what_has_been_deleted_meanwhile_is_none(wiring, box):
    message_id = wiring.receive(mail(attachment=("CV.pdf", b"%PDF")))
    attachment_id = box.message(message_id, form="full")["payload"]["parts"][1]["body"]["attachmentId"]
    wiring.model.delete_message(ADA, message_id)
    assert box.message(message_id, form="full") is None
    assert box.message(message_id, form="metadata") is None
    assert box.attachment(message_id, attachment_id) is None
    assert box.thread(message_id) is None


def test_an_impossible_id_is_rejected(box):
    with pytest.raises(Rejected):
        box.message("no id", form="metadata")


def test_a_search_is_newest_first_and_pages(wiring, box):
    ids = []
    for n in range(5):
        wiring.clock.step(timedelta(minutes=1))
        ids.append(wiring.receive(mail("Application" if n % 2 == 0 else "Dinner")))
    first = box.search("subject:application", limit=2)
    second = box.search("subject:application", limit=2, page=first.next_page)
    assert [message_id for message_id, _ in (*first.messages, *second.messages)] == [ids[4], ids[2], ids[0]]
    assert second.next_page == ""


def test_a_search_longer_than_a_url_arrives_whole(wiring, box):
    wiring.receive()
    query = "{" + " ".join(f"nothing{n}" for n in range(500)) + " application}"
    assert len(query) > 2048
    assert len(box.search(query).messages) == 1


@pytest.mark.parametrize("query", ['"a & b"', "from:ü@x.de", "subject:(x=y) #1 50%", "a+b", "面接 OR 選考"])
def test_a_search_survives_its_way(wiring, box, query):
    box.search(query)
    wiring.receive(mail("a & b, x=y, #1 50% a+b 面接", sender="ü@x.de"))
    assert len(box.search(query).messages) == 1


def test_a_search_that_gmail_does_not_understand_is_rejected(box):
    with pytest.raises(Rejected):
        box.search("after:soon")


def test_a_thread_shows_its_messages_oldest_first(wiring, box):
    first = wiring.receive(mail(message_id="<1@acme.com>"))
    second = wiring.receive(mail("Re: Your application", References="<1@acme.com>", text="It's on."))
    messages = box.thread(first)
    assert [message["id"] for message in messages] == [first, second]
    assert messages[1]["snippet"] == "It's on."
    assert messages[0]["internalDate"]


# --- watch ------------------------------------------------------------------------------------------------------------


def test_a_watch_lasts_a_week_and_pushes_changes_of_the_inbox(wiring, box):
    watch = box.watch(TOPIC)
    assert watch.expires_at == wiring.clock.now() + timedelta(days=7)
    assert watch.history_id == box.profile().history_id
    for label in ("SPAM", "INBOX"):
        wiring.clock.step(timedelta(seconds=2))
        wiring.receive(mail(), label)
    assert len(wiring.pushed) == 2  # the watch itself, and the mail in the inbox


def test_stop_ends_the_pushes(wiring, box):
    box.watch(TOPIC)
    box.stop()
    wiring.clock.step(timedelta(seconds=2))
    wiring.receive()
    assert len(wiring.pushed) == 1


def test_a_watch_on_another_topic_is_replaced(wiring, box):
    box.watch("projects/p/topics/old")
    spent = box.units
    wiring.clock.step(timedelta(seconds=2))
    box.watch(TOPIC)
    assert wiring.model.mailbox(ADA).subscription.topic == TOPIC
    assert box.units - spent == 250


def test_a_topic_of_another_project_is_rejected(box):
    with pytest.raises(Rejected, match="Invalid topicName"):
        box.watch("projects/other/topics/gmail-push")


# --- drafts and sending -----------------------------------------------------------------------------------------------


def test_a_draft_is_sent_once_and_gone(wiring, box):
    draft = box.create_draft(OUTGOING)
    assert box.get_draft(draft.id).raw == OUTGOING
    sent = box.send_draft(draft.id)
    assert sent.thread_id == draft.thread_id
    assert sent.id != draft.message_id
    assert box.get_draft(draft.id) is None
    assert box.send_draft(draft.id) is None
    assert len(wiring.model.sent(ADA)) == 1


def test_a_sent_mail_is_named_by_gmail(box):
    sent = box.send(OUTGOING)
    headers = {h["name"]: h["value"] for h in box.message(sent.id, form="metadata")["payload"]["headers"]}
    assert headers["Message-ID"].endswith("@mail.gmail.com>")


def test_an_edited_draft_shows_another_message(wiring, box):
    draft = box.create_draft(OUTGOING)
    wiring.model.edit_draft(ADA, draft.id, mail("Changed", to="jobs@acme.com"))
    read = box.get_draft(draft.id)
    assert read.id == draft.id
    assert read.message_id != draft.message_id
    assert message_from_bytes(read.raw)["Subject"] == "Changed"


def test_drafts_are_listed_without_their_content(box):
    first, second = box.create_draft(OUTGOING), box.create_draft(mail("Other", to="x@acme.com"))
    page = box.list_drafts()
    assert {draft.id: draft.raw for draft in page.drafts} == {first.id: None, second.id: None}
    assert [draft.id for draft in box.list_drafts("subject:application").drafts] == [first.id]
    one = box.list_drafts(limit=1)
    rest = box.list_drafts(limit=1, page=one.next_page)
    assert {one.drafts[0].id, rest.drafts[0].id} == {first.id, second.id}


def test_a_deleted_draft_is_gone_and_deleting_it_again_is_no_error(box):
    draft = box.create_draft(OUTGOING)
    box.delete_draft(draft.id)
    box.delete_draft(draft.id)
    assert box.get_draft(draft.id) is None


def test_a_follow_up_stays_in_its_thread(box):
    sent = box.send(OUTGOING)
    headers = {h["name"]: h["value"] for h in box.message(sent.id, form="metadata")["payload"]["headers"]}
    follow_up = mail("Application", sender=ADA, to="jobs@acme.com", References=headers["Message-ID"])
    assert box.send(follow_up, thread_id=sent.thread_id).thread_id == sent.thread_id
    draft = box.create_draft(follow_up, thread_id=sent.thread_id)
    assert draft.thread_id == sent.thread_id


@pytest.mark.parametrize("way", ["send", "draft"])
def test_a_large_mail_goes_by_upload_byte_for_byte(wiring, box, way):
    text = b"".join(b"%076d\r\n" % n for n in range(UPLOAD_BYTES // 78 + 1))
    raw = b"From: ada@example.com\r\nTo: jobs@acme.com\r\nSubject: large\r\n\r\n--boundary\r\n" + text + b"\x00\xff--"
    assert len(raw) > UPLOAD_BYTES
    first = box.send(OUTGOING)
    if way == "send":
        box.send(raw, thread_id=first.thread_id)
        box.send(raw)
    else:
        assert box.get_draft(box.create_draft(raw).id).raw == raw
        box.send_draft(box.create_draft(raw, thread_id=first.thread_id).id)
    assert wiring.model.sent(ADA)[-1].endswith(raw.partition(b"\r\n\r\n")[2])


def test_a_mail_without_recipient_is_rejected_for_a_reason(box):
    with pytest.raises(Rejected, match="Recipient address required"):
        box.send(b"Subject: x\r\n\r\ntext")


def test_the_days_limit_says_when_to_try_again(wiring, box):
    wiring.model.mailbox(ADA).sends_a_day = 1
    box.send(OUTGOING)
    wiring.clock.step(timedelta(minutes=30))
    with pytest.raises(RateLimited) as caught:
        box.send(OUTGOING)
    assert caught.value.after == timedelta(hours=23, minutes=30)


# --- units ------------------------------------------------------------------------------------------------------------


def test_the_units_counted_are_the_units_charged(wiring, box):
    message_id = wiring.receive()
    start = box.profile().history_id
    box.history(start)
    box.message(message_id, form="metadata")
    box.message(message_id, form="full")
    box.search("application")
    box.watch(TOPIC)
    box.stop()
    box.send_draft(box.create_draft(OUTGOING).id)
    box.list_drafts()
    box.delete_draft(box.create_draft(OUTGOING).id)
    box.send(OUTGOING)
    box.thread(message_id)
    assert box.units == wiring.model.units(ADA)
    assert box.units == 1 + 2 + 2 * 20 + 5 + 100 + 50 + 2 * 10 + 100 + 5 + 10 + 100 + 40
    assert sum(UNITS.values()) > 0


def test_a_spent_quota_is_rate_limited(wiring, box):
    wiring.model.units_per_minute = 30
    box.search("x")
    for _ in range(12):  # Gmail says it in three ways
        with pytest.raises(RateLimited):
            box.thread("18c0ffee18c0ffee")
    wiring.clock.step(timedelta(minutes=1))
    box.search("x")


# --- faults -----------------------------------------------------------------------------------------------------------

CALLS = {
    "getProfile": lambda box, _: box.profile(),
    "history.list": lambda box, _: box.history(box.profile().history_id),
    "messages.get": lambda box, message_id: box.message(message_id, form="full"),
    "messages.list": lambda box, _: box.search("x"),
    "watch": lambda box, _: box.watch(TOPIC),
    "stop": lambda box, _: box.stop(),
    "drafts.create": lambda box, _: box.create_draft(OUTGOING),
    "drafts.list": lambda box, _: box.list_drafts(),
    "messages.send": lambda box, _: box.send(OUTGOING),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 401}, GrantRevoked),
        ({"status": 403, "reason": "rateLimitExceeded"}, RateLimited),
        ({"status": 403, "reason": "userRateLimitExceeded"}, RateLimited),
        ({"status": 403, "reason": "domainPolicy"}, Rejected),
        ({"status": 403, "reason": "insufficientPermissions"}, Rejected),
        ({"status": 429}, RateLimited),
        ({"status": 400, "reason": "failedPrecondition"}, TryAgain),
        ({"status": 400}, Rejected),
        ({"status": 500}, TryAgain),
        ({"status": 503}, TryAgain),
    ],
)
def test_an_error_of_gmails_becomes_one_of_ours(wiring, box, method, fault, kind):
    if kind is TryAgain and fault["status"] >= 500 and method == "messages.send":
        kind = Unsure
    message_id = wiring.receive()
    with wiring.model.faults.during(Fault(kind="error", method=method, **fault)), pytest.raises(kind) as caught:
        CALLS[method](box, message_id)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("method", "kind"), [(m, k) for m in CALLS for k in ("reset", "truncated") if (m, k) != ("stop", "truncated")]
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_broken_answer_is_tried_again_but_a_send_is_unsure(wiring, box, method, kind, after_effect):
    expected = Unsure if method == "messages.send" else TryAgain
    message_id = wiring.receive()
    with (
        wiring.model.faults.during(Fault(kind=kind, method=method, after_effect=after_effect)),
        pytest.raises(expected) as caught,
    ):
        CALLS[method](box, message_id)
    assert type(caught.value) is expected


@pytest.mark.parametrize(("method", "kind"), [("messages.list", TryAgain), ("messages.send", Unsure)])
def test_a_hanging_gmail_is_given_up(wiring, box, method, kind):
    with wiring.model.faults.during(Fault(kind="hang", method=method)), pytest.raises(kind):
        CALLS[method](box, "")


def test_what_answers_nothing_cannot_be_cut_off(wiring, box):
    with wiring.model.faults.during(Fault(kind="truncated")):
        box.stop()


@pytest.mark.parametrize("kind", ["reset", "hang", "truncated", "error"])
def test_a_draft_whose_reply_is_lost_was_sent_all_the_same(wiring, box, kind):
    draft = box.create_draft(OUTGOING)
    fault = Fault(kind=kind, method="drafts.send", after_effect=True)
    with wiring.model.faults.during(fault), pytest.raises(Unsure):
        box.send_draft(draft.id)
    assert len(wiring.model.sent(ADA)) == 1
    assert box.get_draft(draft.id) is None


@pytest.mark.parametrize("kind", ["reset", "hang", "truncated", "error"])
def test_a_draft_that_was_not_sent_is_still_there_unchanged(wiring, box, kind):
    draft = box.create_draft(OUTGOING)
    with wiring.model.faults.during(Fault(kind=kind, method="drafts.send")), pytest.raises(Unsure):
        box.send_draft(draft.id)
    assert wiring.model.sent(ADA) == []
    assert box.get_draft(draft.id).message_id == draft.message_id


def test_gmails_wait_is_passed_on(wiring, box):
    with (
        wiring.model.faults.during(Fault(kind="error", status=429, retry_after=42)),
        pytest.raises(RateLimited) as caught,
    ):
        box.profile()
    assert caught.value.after == timedelta(seconds=42)
    with wiring.model.faults.during(Fault(kind="error", status=429)), pytest.raises(RateLimited) as caught:
        box.profile()
    assert caught.value.after is None


def test_after_any_fault_the_next_call_is_answered(wiring, box):
    for kind in ("reset", "truncated", "error", "hang"):
        with wiring.model.faults.during(Fault(kind=kind)), pytest.raises(TryAgain):
            box.profile()
        assert box.profile().email_address == ADA


def test_history_may_be_behind_its_push(wiring, box):
    start = box.profile().history_id
    wiring.receive()
    with wiring.model.faults.during(Fault(kind="history_behind", seconds=60)):
        page = box.history(start)
    assert (page.history_id, page.messages) == (start, ())
    with wiring.model.faults.during(Fault(kind="history_empty", seconds=60)):
        page = box.history(start)
    assert page.history_id > start
    assert page.messages == ()


def test_no_error_names_an_address_or_a_token(wiring, box):
    fault = Fault(kind="error", status=403, reason="forbidden", message=f"Delegation denied for {ADA}")
    with wiring.model.faults.during(fault), pytest.raises(Rejected) as caught:
        box.search("from:somebody@secret.example")
    chain: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain.append(f"{error!r} {error}")
        error = error.__cause__ if error.__cause__ or error.__suppress_context__ else error.__context__
    assert "@" not in " ".join(chain)
    assert "ya29" not in " ".join(chain)


def test_a_mail_is_had_byte_for_byte(wiring, box):
    sent = box.send(OUTGOING)
    assert box.raw(sent.id) == wiring.model.sent(ADA)[0]
    assert box.raw("19b000000000beef") is None
