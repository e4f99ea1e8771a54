"""A message becomes a Mail, from RFC 5322 bytes and from Gmail's JSON; the messages are in tests/data/mail."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.classify.mail import EPOCH, from_bytes, from_gmail, unreadable, with_calendar
from shared.model import Attachment

DATA = Path(__file__).parents[1] / "data" / "mail"
NOW = datetime(2026, 3, 2, 10, 11, 9, tzinfo=UTC)
HEADER = b"From: Li Wei <li@acme.example>\nSubject: Interview\n"


def _read(name):
    path = DATA / name
    if path.suffix == ".json":
        return from_gmail(json.loads(path.read_text(encoding="utf-8")))
    return _bytes(path.read_bytes())


def _bytes(data):
    return from_bytes(data, id="19c0", thread_id="19c1", internal_date=NOW, labels=["INBOX"])


def _gmail(**payload):
    return from_gmail({"id": "19c0", "threadId": "19c1", "internalDate": "1772446269000", "payload": payload})


def _data(text):
    return {"data": base64.urlsafe_b64encode(text.encode()).decode()}


# --- Whole mails ------------------------------------------------------------------------------------------------------


def test_a_receipt_is_read():
    mail = _read("receipt.eml")
    assert (mail.from_name, mail.from_address) == ("Norrland Robotics Hiring Team", "no-reply@us.greenhouse-mail.io")
    assert mail.subject == "Thank you for applying to Norrland Robotics"
    assert mail.to == ("jane.doe@gmail.com",)
    assert mail.message_id == "<69a5.1@us.greenhouse-mail.io>"
    assert mail.text.startswith("Hi Jane,\n\nThank you for applying to the Controls Engineer position")
    assert "We’ve received your application" in mail.text
    assert mail.headers["list-unsubscribe"] == "<https://us.greenhouse-mail.io/u/1>"
    assert mail.sender.passed
    assert (mail.problem, mail.quoted, mail.attachments) == ("", "", ())
    assert (mail.id, mail.thread_id, mail.internal_date, mail.labels) == ("19c0", "19c1", NOW, ("INBOX",))


def test_html_alone_is_read_as_a_person_sees_it():
    mail = _read("rejection_html.eml")
    assert mail.from_name == "Okafor, Ada"
    assert mail.subject == "Your application at Tidewater Cafés – an update"
    assert mail.text == (
        "Dear Jane,\n\n"
        "Thank you for your interest in Tidewater Cafés & Co. After careful consideration we have decided "
        "not to move forward with your application for Shift Manager <https://jobs.example.com/p/77?src=mail&id=9>.\n\n"
        "We wish you all the best."
    )
    assert "http" not in mail.snippet


def test_a_reply_keeps_only_what_is_new():
    mail = _read("reply.eml")
    assert "Could you send us your availability for a 30 minute call next week?" in mail.text
    assert "withdraw" not in mail.text
    assert "withdraw" in mail.quoted
    assert "+1 (415)" in mail.quoted
    assert mail.in_reply_to == "<CAF1@mail.gmail.com>"
    assert mail.references == ("<CAF0@mail.gmail.com>", "<CAF1@mail.gmail.com>")


def test_outlooks_german_history_is_split_off():
    mail = _read("outlook_de.eml")
    assert mail.from_name == "Björn Müller"
    assert "am 12. März um 14:00 Uhr" in mail.text
    assert "Absage" not in mail.text


def test_chinese_in_gb2312_is_read_although_its_subject_is_cut_inside_a_character():
    mail = _read("offer_gb2312.eml")
    assert (mail.from_name, mail.subject) == ("人力资源部", "录用通知书")
    assert "正式向您发出录用通知" in mail.text


def test_japanese_in_seven_bits_is_read_and_its_history_split_off():
    mail = _read("interview_iso2022jp.eml")
    assert (mail.from_name, mail.subject) == ("採用担当", "Re: 面接のご案内")
    assert mail.text.endswith("面接の日程をご連絡いたします。")
    assert "応募いたします" in mail.quoted


def test_a_forwarded_mail_stays_in_the_text():
    mail = _read("forwarded.eml")
    assert "pleased to offer her the position" in mail.text
    assert "From: Human Resources <hr@acme-tools.example>" in mail.text
    assert "Any news about Jane?" in mail.quoted


def test_an_invitation_has_its_calendar_once():
    mail = _read("invitation.eml")
    (calendar,) = mail.calendars
    assert calendar.method == "REQUEST"
    assert "UID:abc123@stripe.com" in calendar.text
    assert mail.attachments == (Attachment(name="invite.ics", media_type="application/ics", size=288),)
    assert mail.text.startswith("You are invited to an interview with Li Wei.")


@pytest.mark.parametrize("name", ["bounce.eml", "gmail_bounce.json"])
def test_a_bounce_says_what_came_back_and_why(name):
    mail = _read(name)
    assert "couldn't be found" in mail.text
    assert "We are pleased" not in mail.text
    lines = mail.quoted.split("\n")
    assert "Status: 5.1.1" in lines
    assert "Action: failed" in lines
    assert "Final-Recipient: rfc822; jobs@acme-tools.example" in lines
    assert lines[-1] == "Message-ID: <CAF9@mail.gmail.com>"
    assert mail.headers["x-failed-recipients"] == "jobs@acme-tools.example"
    assert mail.headers["content-type"].startswith("multipart/report")


def test_a_spoof_does_not_pass():
    mail = _read("spoof.eml")
    assert not mail.sender.passed
    assert mail.reply_to == "stripe.jobs@outlook.com"


def test_attachments_have_their_names_and_types():
    mail = _read("attachments.eml")
    assert [(found.name, found.media_type.rpartition(".")[2], found.size) for found in mail.attachments] == [
        ("Vertrag Jäger.pdf", "application/pdf", 9),
        ("劳动合同.docx", "document", 6),
        ("notes.txt", "text/plain", 24),
    ]
    assert mail.text == "The contract is attached. =)"
    assert mail.problem == "a text is in an unknown charset"
    assert mail.to == ()


def test_gmails_metadata_gives_headers_and_snippet():
    mail = _read("gmail_metadata.json")
    assert (mail.from_name, mail.from_address) == ("Müller, Eva", "eva@stripe.com")
    assert mail.internal_date == NOW
    assert mail.labels == ("INBOX", "CATEGORY_UPDATES")
    assert mail.snippet == "We've received your application"
    assert mail.sender.passed
    assert (mail.text, unreadable(mail), mail.problem) == ("", "", "")


def test_gmails_full_message_is_utf8_whatever_its_charset_says():
    mail = _read("gmail_full.json")
    assert mail.text == "Hi Jane,\n\nplease join us for an interview. 面接"
    assert mail.attachments[0] == Attachment(
        name="invite.ics", media_type="application/ics", size=812, attachment_id="ANGjdJ9"
    )
    assert [calendar.method for calendar in mail.calendars] == ["REQUEST"]


# --- Which text -------------------------------------------------------------------------------------------------------


def _alternative(plain, html):
    body = f"--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n"
    return _bytes(HEADER + b"Content-Type: multipart/alternative; boundary=b\n\n" + body.encode())


@pytest.mark.parametrize(
    ("plain", "html", "text"),
    [
        (
            "We invite you to an interview on 3 March at 10:00.",
            "<p>Other words</p>",
            "We invite you to an interview on 3 March at 10:00.",
        ),
        ("", "<p>We invite you.</p>", "We invite you."),
        (" \n", "<p>We invite you.</p>", "We invite you."),
        ("Please view this email in your browser to read it.", "<p>We invite you.</p>", "We invite you."),
        ("Your e-mail program does not support HTML messages.", "<p>We invite you.</p>", "We invite you."),
        ("<html><body>We invite you to an interview.</body></html>", "<p>We invite you.</p>", "We invite you."),
        ("p {color: red} td {margin: 0} We invite you to an interview.", "<p>We invite you.</p>", "We invite you."),
        ("Too short", "", "Too short"),
        ("Too short to be all of it", "<script>x</script>", "Too short to be all of it"),
        (
            "Please choose a time for your interview with us next week.",
            '<p>Please choose a <a href="https://cal.example/x">time</a> for your interview with us next week.</p>',
            "Please choose a time <https://cal.example/x> for your interview with us next week.",
        ),
        (
            "A long plain text that says all there is to say about your application, at some length, and more of it.",
            '<a href="https://x.example">Logo</a>',
            "A long plain text that says all there is to say about your application, at some length, and more of it.",
        ),
    ],
)
def test_the_best_text_is_taken(plain, html, text):
    assert _alternative(plain, html).text == text


def test_texts_between_pictures_are_joined():
    parts = b"--b\n\nfirst\n--b\nContent-Type: image/png\n\nx\n--b\nContent-Type: text/html\n\n<p>second</p>\n--b--"
    assert _bytes(HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n" + parts).text == "first\n\nsecond"


def test_flowed_lines_are_joined():
    body = b"We would like to \ninvite you to an \n interview.\n\n> old \n> text\n>> older\n-- \nLi\n"
    mail = _bytes(HEADER + b"In-Reply-To: <a@b>\nContent-Type: text/plain; format=flowed\n\n" + body)
    assert mail.text == "We would like to invite you to an interview."
    assert mail.quoted == "--\nLi\n\n> old text\n> older"


def test_a_signature_does_not_flow_into_the_line_above_it():
    mail = _bytes(HEADER + b"Content-Type: text/plain; format=flowed\n\nhello \n-- \nLi\n")
    assert (mail.text, mail.quoted) == ("hello", "--\nLi")


def test_flowed_lines_of_a_language_without_spaces_lose_them():
    mail = _bytes(HEADER + "Content-Type: text/plain; format=flowed; delsp=yes\n\n面 \n接".encode())
    assert mail.text == "面接"


def test_a_mail_forwarded_as_an_attachment_is_read_when_there_is_no_other_text():
    inner = b"From: HR <hr@acme.example>\nSubject: Offer\n\nYou are hired."
    part = b"--b\nContent-Type: message/rfc822\n\n" + inner + b"\n--b--"
    assert _bytes(HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n" + part).text == "You are hired."
    beside = b"--b\n\nSee below.\n" + part
    assert _bytes(HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n" + beside).text == "See below."


def test_a_digests_messages_are_attachments_without_text():
    parts = b"--b\n\nSubject: a\n\nfirst\n--b\n\nSubject: b\n\nsecond\n--b--"
    assert _bytes(HEADER + b"Content-Type: multipart/digest; boundary=b\n\n" + parts).text == "first"


def test_only_words_that_were_kept_are_in_the_snippet():
    mail = _bytes(HEADER + b"\n" + b"word " * 200)
    assert len(mail.snippet) <= 200
    assert mail.snippet.startswith("word word")


# --- Broken mails -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "text", "problem"),
    [
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello", "hello", ""),
        (b"Content-Type: multipart/mixed; boundary=b\n\nno boundary here", "no boundary here", "no readable boundary"),
        (b"Content-Type: multipart/mixed\n\n--b\nhello", "--b\nhello", "no readable boundary"),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--bx\n\nno\n--b \t\n\nhello\n--bb\n--b--\nend",
            "hello\n--bb",
            "",
        ),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\nhello, no header\n--b--", "hello, no header", ""),
        (b"Content-Type: nonsense\n\nhello", "hello", ""),
        (b"Content-Transfer-Encoding: base64\n\naGVsbG8\x00gd29ybGQ", "hello world", ""),
        (b"Content-Transfer-Encoding: quoted-printable\n\nhel=\nlo =ZZ =C3=BC =", "hello =ZZ ü", ""),
        (b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x", "begin 644 x", "unknown transfer encoding"),
        (b"Content-Type: text/plain; charset=klingon\n\nhello", "hello", "unknown charset"),
        (
            b"Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/x\n\nx\n--b--",
            "",
            "encrypted",
        ),
        (b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx", "", "encrypted"),
    ],
)
def test_a_broken_mail_is_read_as_far_as_it_goes(message, text, problem):
    mail = _bytes(HEADER + message)
    assert mail.text == text
    assert problem in mail.problem
    assert bool(problem) == bool(mail.problem)
    assert unreadable(mail) == ""


CALENDAR_PART = b"\n--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n--b--"


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        (
            b"".join(b"Content-Type: multipart/mixed; boundary=c%d\n\n--c%d\n" % (i, i) for i in range(12)),
            "more than 10 deep",
        ),
        (b"\n--bx" * 3_000, "too many lines that look like a boundary"),
        (b"\n--b\n\n" * 300, "more than 200 parts"),
        (b"\n\n" + b"a" * (32 * 1024 * 1024), "longer than 32 MB"),
    ],
    ids=["depth", "false boundaries", "parts", "bytes"],
)
def test_what_stands_behind_a_limit_is_not_read_and_the_limit_is_named(before, problem):
    mixed = HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    assert _bytes(mixed + b"\nhello" + CALENDAR_PART).calendars
    mail = _bytes(mixed + before + CALENDAR_PART[5 if problem.endswith("deep") else 0 :])
    assert mail.calendars == ()
    assert problem in mail.problem


def test_carriage_returns_alone_or_with_line_feeds_end_lines():
    assert _bytes(b"Subject: a\r\n\r\nb\r\nc").text == "b\nc"
    assert _bytes(b"Subject: a\n\nb\rc").text == "b\nc"


def test_a_text_that_did_not_come_along_is_a_problem():
    mail = _gmail(mimeType="text/html", body={"attachmentId": "x", "size": 9_000_000})
    assert mail.problem == "a text is too large to come along"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x00" * 100, b"Content-Type: multipart/mixed; boundary=x\n\n"])
def test_a_mail_with_nothing_to_read_must_be_parked(data):
    assert unreadable(_bytes(data))


def test_a_text_without_a_header_is_still_a_text():
    assert _bytes(b"hello, I am no mail").text == "hello, I am no mail"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": ""}, "id is missing"),
        ({"thread_id": ""}, "id is missing"),
        ({"internal_date": EPOCH}, "date is missing"),
    ],
)
def test_a_mail_without_gmails_own_fields_must_be_parked(change, reason):
    assert reason in unreadable(replace(_read("receipt.eml"), **change))


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"id": 7, "threadId": None, "internalDate": [], "labelIds": "INBOX", "snippet": 3, "payload": []},
        {"payload": {"headers": "x", "parts": {}, "body": [], "mimeType": 1, "filename": {}}},
        {"payload": {"headers": [1, None, {}, {"name": 1, "value": "x"}, {"name": "From"}, {"value": "x"}]}},
        {"payload": {"parts": [1, None, [], {"body": {"data": 5, "size": "x", "attachmentId": 1}}]}},
        {"payload": {"body": {"data": "\ud800\u1234!!"}, "mimeType": "text/plain"}},
        {"payload": {"mimeType": "/", "headers": [{"name": "Content-Type", "value": "text/html"}]}},
        {"internalDate": "9" * 5000},
        {"internalDate": 10**30},
        {"internalDate": -1},
        {"internalDate": "²"},
        {"labelIds": [1, None, "INBOX"]},
    ],
)
def test_json_of_the_wrong_shape_is_read_as_what_it_lacks(message):
    mail = from_gmail(message)
    assert mail.internal_date == EPOCH
    assert all(isinstance(label, str) for label in mail.labels)
    assert unreadable(mail)


def test_gmails_date_may_be_a_number_or_a_string():
    for value in (1772446269000, "1772446269000"):
        assert from_gmail({"internalDate": value}).internal_date == NOW
    assert from_gmail({"internalDate": "1"}).internal_date == EPOCH + timedelta(milliseconds=1)


def test_a_lone_surrogate_becomes_a_replacement_character():
    mail = _gmail(mimeType="text/plain", headers=[{"name": "Subject", "value": "a\ud83d"}], body=_data("b"))
    assert mail.subject == "a\ufffd"


@pytest.mark.parametrize("encoded", ["aGVsbG8gd29ybGQ", "aGVsbG8gd29ybGQ=", "aGVsbG8g\nd29ybGQ="])
def test_gmails_base64_is_read_with_or_without_padding(encoded):
    assert _gmail(mimeType="text/plain", body={"data": encoded}).text == "hello world"


# --- Calendars --------------------------------------------------------------------------------------------------------

ICS = b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def test_a_fetched_calendar_is_added_once():
    mail = with_calendar(_read("gmail_full.json"), ICS)
    assert [calendar.method for calendar in mail.calendars] == ["REQUEST", "CANCEL"]
    assert with_calendar(mail, ICS) == mail


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"\xff" * 1000, b"BEGIN:VCARD"])
def test_what_is_no_calendar_is_not_added(content):
    mail = _read("gmail_full.json")
    assert with_calendar(mail, content) == mail


def test_a_calendar_in_a_file_of_another_type_is_found_by_its_name():
    for kind in (b"application/octet-stream", b"text/plain"):
        part = b"--b\nContent-Type: " + kind + b'; name="Invite.ICS"\n\n' + ICS + b"\n--b--"
        mail = _bytes(HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n" + part)
        assert [calendar.method for calendar in mail.calendars] == ["CANCEL"]
        assert mail.text == ""


# --- Reports ----------------------------------------------------------------------------------------------------------


def test_a_report_with_the_returned_header_alone_names_the_mail():
    parts = (
        b"--b\n\nNot delivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.2.2\n"
        b"--b\nContent-Type: text/rfc822-headers\n\nFrom: j@gmail.com\nMessage-ID: <CAF5@mail.gmail.com>\n--b--"
    )
    mail = _bytes(HEADER + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" + parts)
    assert mail.text == "Not delivered."
    assert mail.quoted.endswith("Status: 5.2.2\nMessage-ID: <CAF5@mail.gmail.com>")


def test_the_text_of_a_returned_mail_is_not_the_reports():
    inner = b"Message-ID: <CAF5@mail.gmail.com>\n\nWe are pleased to offer."
    parts = (
        b"--b\nContent-Type: message/delivery-status\n\nAction: failed\n--b\nContent-Type: message/rfc822\n\n" + inner
    )
    mail = _bytes(HEADER + b"Content-Type: multipart/report; boundary=b\n\n" + parts + b"\n--b--")
    assert (mail.text, mail.quoted) == ("", "Action: failed\nMessage-ID: <CAF5@mail.gmail.com>")


def test_an_ordinary_mail_cannot_pose_as_a_report_by_its_header():
    mail = _bytes(HEADER + b"Status: 5.1.1\nAction: failed\n\nhello")
    assert mail.quoted == ""
    assert "status" not in mail.headers


# --- Headers ----------------------------------------------------------------------------------------------------------


def test_headers_that_rules_read_are_kept_and_others_are_not():
    fields = b"Auto-Submitted: auto-generated\nPrecedence: bulk\nList-Id: <jobs.acme>\nX-Hearback-Notification: n1\n"
    assert _bytes(HEADER + fields + b"X-Other: x\n\nhello").headers == {
        "auto-submitted": "auto-generated",
        "precedence": "bulk",
        "list-id": "<jobs.acme>",
        "x-hearback-notification": "n1",
    }


def test_a_header_too_long_to_be_read_whole_proves_no_sender():
    proof = b"Authentication-Results: mx.google.com; dmarc=pass header.from=acme.example\n"
    assert _bytes(proof + HEADER + b"\nhello").sender.passed
    mail = _bytes(proof + HEADER + b"X: y\n" * 2_000 + b"From: evil@evil.example\n\nhello")
    assert not mail.sender.passed
    assert mail.text == "hello"
