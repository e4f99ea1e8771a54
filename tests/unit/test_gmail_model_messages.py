"""The model of Gmail: messages, labels and threads."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest

from tests.support.gmail_google import SCOPE, Google, added
from tests.support.gmail_mail import ADA, mail


@pytest.fixture
def google():
    return Google()


def test_formats_show_what_they_promise(google):
    arrived = mail(attachment=("CV.pdf", b"%PDF"))
    message_id = google.receive(arrived)
    minimal, metadata, full, raw = (
        google.call("messages.get", id=message_id, format=form) for form in ("minimal", "metadata", "full", "raw")
    )
    assert set(minimal) == {"id", "threadId", "labelIds", "snippet", "historyId", "internalDate", "sizeEstimate"}
    assert set(metadata["payload"]) == {"mimeType", "headers"}
    assert urlsafe_b64decode(raw["raw"]) == arrived
    text, pdf = full["payload"]["parts"]
    assert urlsafe_b64decode(text["body"]["data"]) == b"Thank you for applying.\n"
    assert pdf["filename"] == "CV.pdf"
    assert set(pdf["body"]) == {"attachmentId", "size"}


def test_metadata_shows_the_asked_headers_in_the_mails_own_spelling(google):
    message_id = google.receive(mail(message_id="<a@b>", X_Extra="1"))
    asked = google.call("messages.get", id=message_id, format="metadata", metadataHeaders=["message-id", "SUBJECT"])
    assert [header["name"] for header in asked["payload"]["headers"]] == ["Subject", "Message-ID"]
    everything = google.call("messages.get", id=message_id, format="metadata")
    assert "X-Extra" in [header["name"] for header in everything["payload"]["headers"]]


def test_an_attachment_is_fetched_by_its_id(google):
    message_id = google.receive(mail(attachment=("CV.pdf", b"%PDF\x00\xff")))
    pdf = google.call("messages.get", id=message_id)["payload"]["parts"][1]
    fetched = google.call("messages.attachments.get", messageId=message_id, id=pdf["body"]["attachmentId"])
    assert urlsafe_b64decode(fetched["data"]) == b"%PDF\x00\xff"
    assert fetched["size"] == pdf["body"]["size"] == 6
    assert google.refused("messages.attachments.get", messageId=message_id, id="ANGjdJxyz") == (400, "invalidArgument")


def test_unknown_ids_are_404_and_impossible_ones_400(google):
    assert google.refused("messages.get", id="18c0ffee18c0ffee") == (404, "notFound")
    assert google.refused("messages.get", id="not an id") == (400, "invalidArgument")
    assert google.refused("messages.get", id=google.receive(), format="pretty")[0] == 400


def test_a_deleted_message_stays_in_history_and_is_404(google):
    start = google.history_id
    message_id = google.receive()
    google.model.delete_message(ADA, message_id)
    assert message_id in added(google.history(start))
    assert google.refused("messages.get", id=message_id)[0] == 404


def test_fields_cut_the_answer_down(google):
    message_id = google.receive(mail(message_id="<a@b>"))
    answer = google.call("messages.get", id=message_id, fields="id,payload/headers(value)")
    assert set(answer) == {"id", "payload"}
    assert answer["payload"]["headers"][0] == {"value": "Acme Careers <jobs@acme.com>"}
    assert google.refused("messages.get", id=message_id, fields="id,subject")[0] == 400


def test_fields_choose_among_the_records_of_history(google):
    start = google.history_id
    google.receive()
    answer = google.history(start, fields="history(messagesAdded/message(id))")
    assert list(answer) == ["history"]
    assert set(answer["history"][0]["messagesAdded"][0]["message"]) == {"id"}


def test_messages_list_is_newest_first_and_pages_to_the_end(google):
    ids = []
    for _ in range(7):
        google.clock.step(timedelta(minutes=1))
        ids.append(google.receive())
    seen, token = [], ""
    while True:
        page = google.call("messages.list", maxResults=3, **({"pageToken": token} if token else {}))
        seen += [message["id"] for message in page["messages"]]
        google.clock.step(timedelta(minutes=1))
        google.receive()  # arrives while somebody pages: it moves nothing
        token = page.get("nextPageToken")
        if not token:
            break
    assert seen == ids[::-1]


def test_an_empty_list_has_no_messages_field(google):
    assert google.call("messages.list") == {"resultSizeEstimate": 0}


def test_spam_and_trash_are_listed_only_when_asked_for(google):
    inbox, spam, trash = (google.receive(mail(), label) for label in ("INBOX", "SPAM", "TRASH"))

    def listed(**params):
        return {message["id"] for message in google.call("messages.list", **params).get("messages", [])}

    assert listed() == {inbox}
    assert listed(includeSpamTrash="true") == {inbox, spam, trash}
    assert listed(labelIds=["SPAM"]) == {spam}
    assert listed(q="in:anywhere") == {inbox, spam, trash}
    assert listed(q="in:spam") == {spam}
    assert listed(q="-in:spam") == {inbox}


@pytest.mark.parametrize(
    "params", [{"pageToken": "x"}, {"maxResults": "0"}, {"maxResults": "x"}, {"labelIds": ["NOPE"]}]
)
def test_a_wrong_list_is_refused(google, params):
    assert google.refused("messages.list", **params)[0] == 400


def test_modify_changes_labels_and_nothing_else(google):
    message_id = google.receive()
    label = google.model.add_label(ADA, "Job hunt")
    google.token = google.open(google.model.add_person(ADA, scopes=[f"{SCOPE}modify"]))
    answer = google.call("messages.modify", {"addLabelIds": [label], "removeLabelIds": ["UNREAD"]}, id=message_id)
    assert answer["labelIds"] == ["INBOX", label]
    assert google.refused("messages.modify", {"addLabelIds": ["NOPE"]}, id=message_id)[0] == 400
    assert google.refused("messages.modify", {"addLabelIds": ["SENT"]}, id=message_id)[0] == 400
    assert google.refused("messages.modify", {"addLabelIds": "UNREAD"}, id=message_id)[0] == 400


def test_labels_are_listed_and_counted(google):
    google.receive()
    google.model.mark_read(ADA, google.receive())
    label = google.model.add_label(ADA, "Job hunt")
    listed = {each["id"]: each for each in google.call("labels.list")["labels"]}
    assert listed[label] | {"name": "Job hunt", "type": "user"} == listed[label]
    assert listed["INBOX"]["type"] == "system"
    inbox = google.call("labels.get", id="INBOX")
    assert (inbox["messagesTotal"], inbox["messagesUnread"]) == (2, 1)
    assert google.refused("labels.get", id="Label_9")[0] == 404


def test_the_internal_date_is_when_it_came_not_what_it_says(google):
    message_id = google.receive(mail(Date="Thu, 01 Jan 1998 00:00:00 +0000"))
    answer = google.call("messages.get", id=message_id)
    assert int(answer["internalDate"]) == google.clock.now().timestamp() * 1000


def test_old_mail_can_be_put_into_a_mailbox(google):
    at = google.clock.now() - timedelta(days=80)
    message_id = google.receive(at=at)
    google.receive()
    assert google.call("messages.list")["messages"][-1]["id"] == message_id
    assert int(google.call("messages.get", id=message_id)["internalDate"]) == at.timestamp() * 1000


def test_an_answer_joins_its_thread_by_references_and_subject(google):
    first = google.receive(mail("Your application", message_id="<1@acme.com>"))
    answer = google.receive(mail("RE: AW: your  application", References="<0@x> <1@acme.com>"))
    other_subject = google.receive(mail("Another role", In_Reply_To="<1@acme.com>"))
    stranger = google.receive(mail("Your application", References="<9@else.where>"))
    threads = {
        each: google.call("messages.get", id=each, format="minimal")["threadId"]
        for each in (first, answer, other_subject, stranger)
    }
    assert threads == {first: first, answer: first, other_subject: other_subject, stranger: stranger}
    thread = google.call("threads.get", id=first, format="metadata")
    assert [message["id"] for message in thread["messages"]] == [first, answer]
    assert google.refused("threads.get", id=first, format="raw")[0] == 400
    assert google.refused("threads.get", id="18c0ffee18c0ffee")[0] == 404


def test_a_thread_can_be_forced(google):
    first = google.receive(mail("One role"))
    second = google.receive(mail("Another role"), thread_id=first)
    assert google.call("messages.get", id=second)["threadId"] == first
