"""The model of Gmail: sending, and drafts."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from email import message_from_bytes

import pytest

from shared.adapters.gmail_errors import GoogleError
from tests.support.gmail_google import Google, encoded
from tests.support.gmail_mail import ADA, mail


@pytest.fixture
def google():
    return Google()


OUTGOING = mail(
    "Application", sender=f"Ada <{ADA}>", to="jobs@acme.com", message_id="<own@example.com>", X_Hearback="k"
)


def headers_of(raw):
    return message_from_bytes(raw)


def test_gmail_gives_a_sent_mail_its_own_message_id(google):
    answer = google.call("messages.send", {"raw": encoded(OUTGOING)})
    [sent] = google.model.sent(ADA)
    assert headers_of(sent)["Message-ID"].startswith("<CA")
    assert headers_of(sent)["Message-ID"].endswith("@mail.gmail.com>")
    assert b"own@example.com" not in sent
    assert headers_of(sent)["X-Hearback"] == "k"
    assert headers_of(sent)["Date"]
    assert answer["labelIds"] == ["SENT"]
    stored = google.call("messages.get", id=answer["id"], format="raw")
    assert urlsafe_b64decode(stored["raw"]) == sent


def test_an_uploaded_mail_is_sent_byte_for_byte(google):
    google.call("messages.send", {}, OUTGOING)
    assert google.model.sent(ADA)[0].partition(b"\n\n")[2] == OUTGOING.partition(b"\n\n")[2]


def test_a_foreign_sender_is_replaced_by_the_account(google):
    google.call("messages.send", {"raw": encoded(mail(sender="boss@acme.com", to="x@acme.com"))})
    assert headers_of(google.model.sent(ADA)[0])["From"] == ADA


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "'raw' RFC822 payload"),
        (b"Subject: x\r\n\r\ntext", "Recipient address required"),
        (b"To: nobody\r\n\r\ntext", "Invalid To header"),
        (b"To: a@b.c\r\nCc: x@localhost\r\n\r\ntext", "Invalid Cc header"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_nothing_leaves(google, raw, message):
    with pytest.raises(GoogleError, match="400") as caught:
        google.call("messages.send", {"raw": encoded(raw)})
    assert message in caught.value.message
    assert google.model.sent(ADA) == []


@pytest.mark.parametrize("body", [{"raw": "ä"}, {"raw": 7}, {"raw": encoded(OUTGOING), "threadId": 7}])
def test_a_malformed_body_is_refused(google, body):
    assert google.refused("messages.send", body)[0] == 400


def test_a_follow_up_stays_in_the_thread_only_with_references_and_the_same_subject(google):
    first = google.call("messages.send", {"raw": encoded(OUTGOING)})
    message_id = headers_of(google.model.sent(ADA)[0])["Message-ID"]

    def sent_into(subject, **headers):
        raw = mail(subject, sender=ADA, to="jobs@acme.com", **headers)
        return google.call("messages.send", {"raw": encoded(raw), "threadId": first["threadId"]})["threadId"]

    assert sent_into("Re: Application", In_Reply_To=message_id, References=message_id) == first["threadId"]
    assert sent_into("Other", References=message_id) != first["threadId"]
    assert sent_into("Re: Application") != first["threadId"]
    assert google.refused("messages.send", {"raw": encoded(OUTGOING), "threadId": "18c0ffee18c0ffee"})[0] == 404


def test_the_days_limit_is_said_with_the_time_when_it_ends(google):
    google.model.mailbox(ADA).sends_a_day = 2
    google.call("messages.send", {"raw": encoded(OUTGOING)})
    google.wait(hours=1)
    google.call("messages.send", {"raw": encoded(OUTGOING)})
    with pytest.raises(GoogleError, match="429") as caught:
        google.call("messages.send", {"raw": encoded(OUTGOING)})
    assert caught.value.message == "User-rate limit exceeded.  Retry after 2026-01-06T09:00:00.000Z (Mail sending)"
    google.wait(hours=23)
    google.call("messages.send", {"raw": encoded(OUTGOING)})
    assert len(google.model.sent(ADA)) == 3


def test_a_mail_to_somebody_here_arrives_there_vouched_for(google):
    google.model.add_person("jobs@acme.com")
    raw = mail("Application", sender=ADA, to="jobs@acme.com", Bcc="secret@x.org")
    google.call("messages.send", {"raw": encoded(raw)})
    [stored] = google.model.mailbox("jobs@acme.com").messages.values()
    arrived = headers_of(stored.mail.raw)
    assert set(stored.labels) == {"UNREAD", "INBOX"}
    assert "dmarc=pass header.from=example.com" in arrived["Authentication-Results"]
    assert arrived["Bcc"] is None


def test_a_mail_to_oneself_is_one_message_in_sent_and_inbox(google):
    answer = google.call("messages.send", {"raw": encoded(mail(sender=ADA, to=ADA))})
    assert set(answer["labelIds"]) == {"SENT", "INBOX", "UNREAD"}
    assert len(google.model.mailbox(ADA).messages) == 1


def draft(google, raw=OUTGOING, **message):
    return google.call("drafts.create", {"message": {"raw": encoded(raw), **message}})


def test_a_sent_draft_is_gone_and_its_mail_is_another_message(google):
    made = draft(google)
    sent = google.call("drafts.send", {"id": made["id"]})
    assert sent["id"] != made["message"]["id"]
    assert sent["threadId"] == made["message"]["threadId"]
    assert sent["labelIds"] == ["SENT"]
    assert google.refused("drafts.get", id=made["id"]) == (404, "notFound")
    assert google.refused("messages.get", id=made["message"]["id"])[0] == 404
    assert google.refused("drafts.send", {"id": made["id"]}) == (404, "notFound")
    assert len(google.model.sent(ADA)) == 1


def test_a_draft_is_read_back_as_it_was_written(google):
    made = draft(google)
    read = google.call("drafts.get", id=made["id"], format="raw")
    assert urlsafe_b64decode(read["message"]["raw"]) == OUTGOING
    assert read["message"]["labelIds"] == ["DRAFT"]


def test_an_edited_draft_keeps_its_id_and_thread_but_not_its_message(google):
    made = draft(google)
    google.model.edit_draft(ADA, made["id"], mail("Other", to="x@acme.com"))
    read = google.call("drafts.get", id=made["id"], format="minimal")
    assert read["message"]["id"] != made["message"]["id"]
    assert read["message"]["threadId"] == made["message"]["threadId"]
    updated = google.call("drafts.update", {"message": {"raw": encoded(OUTGOING)}}, id=made["id"])
    assert updated["id"] == made["id"]
    assert google.refused("drafts.update", {"message": {"raw": encoded(OUTGOING)}}, id="r1")[0] == 404


def test_drafts_are_listed_by_search_and_deleted(google):
    made, other = draft(google), draft(google, mail("Other", to="x@acme.com"))
    assert google.call("drafts.list", q="subject:application")["drafts"][0]["id"] == made["id"]
    assert {each["id"] for each in google.call("drafts.list")["drafts"]} == {made["id"], other["id"]}
    assert google.call("drafts.delete", id=other["id"]) == {}
    google.model.delete_draft(ADA, made["id"])
    assert google.call("drafts.list") == {"resultSizeEstimate": 0}


def test_a_draft_without_recipient_is_kept_but_not_sent(google):
    made = draft(google, b"Subject: later\r\n\r\ntext")
    assert google.refused("drafts.send", {"id": made["id"]}) == (400, "invalidArgument")
    assert google.call("drafts.get", id=made["id"])["id"] == made["id"]


def test_the_person_may_send_the_draft_too(google):
    made = draft(google)
    google.model.send_draft(ADA, made["id"])
    assert len(google.model.sent(ADA)) == 1
    assert google.refused("drafts.send", {"id": made["id"]})[0] == 404


def test_drafts_send_takes_new_content_and_a_mail_without_a_draft(google):
    made = draft(google)
    google.call("drafts.send", {"id": made["id"], "message": {"raw": encoded(mail("Changed", to="x@acme.com"))}})
    google.call("drafts.send", {"message": {"raw": encoded(OUTGOING)}})
    assert [headers_of(raw)["Subject"] for raw in google.model.sent(ADA)] == ["Changed", "Application"]


def test_mail_written_elsewhere_counts_as_sent(google):
    message_id = google.receive(OUTGOING, "SENT")
    assert google.call("messages.get", id=message_id)["labelIds"] == ["SENT"]
    assert google.model.sent(ADA) == [OUTGOING]
