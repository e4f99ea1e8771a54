"""Mail out of files reaches the local Gmail as it would have reached the real one."""

from __future__ import annotations

import json
import mailbox
from email import message_from_bytes
from email.policy import default

import pytest

from shared.classify.mail import from_bytes
from shared.errors import Rejected
from shared.local import mailfiles
from shared.local.clock import START

ODD_TEXTS = [
    "",
    "Grüße",
    "面接のご案内",
    "a\r\nBcc: victim@example.com",
    "x" * 5_000,
    "\x00",
    "=?utf-8?q?=0A?=",
    "🙂 <>@",
]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_labelled_text_becomes_one_mail_with_no_header_of_its_own(text):
    parsed = message_from_bytes(mailfiles.wrap(text, text, text), policy=default)
    assert sorted(parsed.keys()) == sorted(
        ["Authentication-Results", "From", "To", "Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    )
    assert len(parsed["From"].addresses) == 1


@pytest.mark.parametrize("passing", [True, False])
def test_its_sender_passes_as_it_was_told(passing):
    data = mailfiles.wrap("Stripe <jobs@stripe.com>", "Hello", "World", passing=passing)
    mail = from_bytes(data, id="1", thread_id="1", internal_date=START)
    assert mail.sender.passed is passing
    assert (mail.from_address, mail.subject, mail.text.strip()) == ("jobs@stripe.com", "Hello", "World")


def test_takeouts_labels_become_gmails(tmp_path):
    box = mailbox.mbox(tmp_path / "all.mbox")
    for labels in ("Inbox,Category Promotions,Unread", "Sent", "Spam", "Archived,Work", "Drafts"):
        box.add(f"From: a@example.com\nX-Gmail-Labels: {labels}\nSubject: x\n\nbody\n".encode())
    box.close()
    read = [mail.labels for mail in mailfiles.read(tmp_path / "all.mbox")]
    assert read == [("CATEGORY_PROMOTIONS", "INBOX"), ("SENT",), ("SPAM",), ("INBOX",), ("DRAFT",)]
    assert mailfiles.count(tmp_path / "all.mbox") == len(read)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    for name in ("b.eml", "a.eml", "c.txt"):
        (tmp_path / name).write_bytes(name.encode())
    assert [mail.data for mail in mailfiles.read(tmp_path)] == [b"a.eml", b"b.eml"]
    assert mailfiles.count(tmp_path) == 2


def test_empty_lines_of_a_jsonl_are_no_mail(tmp_path):
    path = tmp_path / "mail.jsonl"
    path.write_text("\n" + json.dumps({"from": "a@example.com", "subject": "s", "body": "b"}) + "\n\n")
    assert len(list(mailfiles.read(path))) == mailfiles.count(path) == 1


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("mail.jsonl", "{", "mail.jsonl:1"),
        ("mail.jsonl", '{"from": "a"}\n[1]', "mail.jsonl:2"),
        ("mail.jsonl", '{"body": null}', "mail.jsonl:1"),
        ("mail.jsonl", '{"body": "' + "x" * 6_000_000 + '"}', "mail.jsonl:1"),
        ("mail.txt", "hello", "mail.txt"),
    ],
    ids=["no json", "no object", "no text", "too long", "no mail file"],
)
def test_what_is_no_mail_is_refused_by_name_and_line(tmp_path, name, content, named):
    (tmp_path / name).write_text(content)
    with pytest.raises(Rejected, match=named):
        list(mailfiles.read(tmp_path / name))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(Rejected, match=r"no \.eml"):
        list(mailfiles.read(tmp_path))
