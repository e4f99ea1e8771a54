"""The mail that leaves: what its bytes are, and that no text of anybody's adds a header or a recipient to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.model import Letter
from shared.sending import letter as letters
from shared.sending.content import content_hash, header_of
from shared.sending.letter import compose
from tests.support.hostile import LINE_ENDS, STRINGS, by_the_library, read

DATE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PLAIN: dict[str, Any] = {"recipient": "jobs@acme.example", "subject": "Application", "text": "Dear Acme,\n\nhello.\n"}
EXPECTED_HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "x-hearback-send",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}


def composed(attachments: Sequence[tuple[str, str, bytes]] = (), **fields: Any) -> bytes:
    sender = fields.pop("sender", "ada@example.com")
    send_id = fields.pop("send_id", "s1")
    return compose(Letter(**{**PLAIN, **fields}), send_id=send_id, sender=sender, attachments=attachments, date=DATE)


# --- What is in it ----------------------------------------------------------------------------------------------------


def test_a_letter_with_files_is_read_alike_by_two_parsers():
    pdf, text = bytes(range(256)) * 300, "één\n".encode()
    mail = composed(
        recipient_name="Jürgen Groß",
        subject="Bewerbung als Ingenieurin für Prüfstände – Grüße aus Zürich, 北京 und anderswo",
        html="<p>Dear Acme, <b>hello</b> ☃</p>",
        attachments=[("Lebenslauf Ada é.pdf", "application/pdf", pdf), ("notes.txt", "text/plain", text)],
    )
    seen = read(mail)

    assert seen.to == (("Jürgen Groß", "jobs@acme.example"),)
    assert seen.subject == "Bewerbung als Ingenieurin für Prüfstände – Grüße aus Zürich, 北京 und anderswo"
    assert seen.text == "Dear Acme,\n\nhello.\n"
    assert seen.html == "<p>Dear Acme, <b>hello</b> ☃</p>\n"
    assert seen.attachments == (
        ("Lebenslauf Ada é.pdf", "application/pdf", pdf),
        ("notes.txt", "text/plain", text),
    )


def test_every_line_is_ascii_and_short_and_ends_with_crlf():
    mail = composed(
        subject="é" * 200,
        text="ü" * 5_000 + "\n" + "x" * 5_000,
        html="<p>" + "ü" * 5_000 + "</p>",
        recipient_name="Émile",
        references=tuple(f"<{'x' * 300}{n}@mail.example>" for n in range(3)),
        attachments=[("田" * 100 + ".pdf", "application/pdf", b"x" * 1_000)],
    )
    assert mail.isascii()
    assert b"\n" not in mail.replace(b"\r\n", b"")
    assert b"\r" not in mail.replace(b"\r\n", b"")
    lines = mail.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(len(line) <= 78 for line in lines if b"@mail.example" not in line)


def test_the_header_that_names_the_send_is_there_and_no_message_id_is():
    message = by_the_library(composed(send_id="abc_DEF-1"))
    assert "x-hearback-send" in message.headers
    assert "message-id" not in message.headers
    assert b"\r\nX-Hearback-Send: abc_DEF-1\r\n" in composed(send_id="abc_DEF-1")
    assert b"\r\nDate: Sun, 01 Mar 2026 09:30:00 +0000\r\n" in composed()


def test_without_a_sender_gmail_puts_the_account():
    assert b"From:" not in composed(sender="")
    assert composed().startswith(b"From: ada@example.com\r\n")


def test_the_same_letter_gives_the_same_bytes():
    letter: dict[str, Any] = {"html": "<p>x</p>", "attachments": [("cv.pdf", "application/pdf", b"%PDF")]}
    assert composed(**letter) == composed(**letter)
    assert content_hash(composed(**letter)) == content_hash(composed(send_id="s2", **letter))
    assert content_hash(composed(**letter)) != content_hash(composed(**{**letter, "html": "<p>y</p>"}))


@pytest.mark.parametrize("name", ["To", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding"])
def test_a_draft_that_cannot_be_parsed_is_another_draft_and_no_error(name):
    ours = composed()
    foreign = f"{name}: {'(' * 2_000}\r\n".encode() + ours
    assert content_hash(foreign) == content_hash(foreign) != content_hash(ours)
    assert header_of(foreign, letters.SEND_HEADER) == header_of(ours, letters.SEND_HEADER) != ""


def test_a_follow_up_names_its_ancestors_the_first_and_the_last_nine():
    ids = tuple(f"<m{n}@mail.gmail.com>" for n in range(30))
    mail = composed(subject="Re: Application", in_reply_to=ids[-1], references=ids)
    message = by_the_library(mail)

    assert message.subject == "Re: Application"
    head = mail.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode().split("\r\n")
    assert f"In-Reply-To: {ids[-1]}" in head
    assert f"References: {' '.join((ids[0], *ids[-9:]))}" in head


def test_a_reference_that_is_named_twice_stands_once():
    assert composed(references=("<a@b>", "<a@b>", "<c@d>")).count(b"<a@b>") == 1


# --- What can't be in it ----------------------------------------------------------------------------------------------

HEADER_FIELDS = ("subject", "recipient_name", "recipient", "in_reply_to", "references", "send_id", "sender", "file")


TAKEN = {"subject": 100, "recipient_name": 100, "file": 50, "text": 200, "html": 200}
"""How many strings each field takes at the least; of addresses and ids it may be none."""


def with_text(field: str, text: str) -> bytes:
    if field == "file":
        return composed(attachments=[(text, "application/pdf", b"%PDF")])
    fields: dict[str, Any] = {field: (text,) if field == "references" else text}
    return composed(**fields)


@pytest.mark.parametrize("field", [*HEADER_FIELDS, "text", "html"])
def test_no_hostile_string_adds_a_header_or_a_recipient(field):
    """Each is refused by name, or stands in the mail as the text that it is."""
    passed = 0
    for text in STRINGS:
        try:
            mail = with_text(field, text)
        except Rejected:
            continue
        passed += 1
        seen = read(mail)
        assert set(seen.headers) <= EXPECTED_HEADERS, text
        assert len(seen.headers) == len(set(seen.headers)), text
        assert [address for _, address in seen.to] == [text if field == "recipient" else PLAIN["recipient"]]
        if field == "subject":
            assert seen.subject == " ".join(text.split())
        if field == "file":
            assert [name for name, _, _ in seen.attachments] == [" ".join(text.split())]
        if field == "recipient_name":
            assert seen.to[0][0] in (" ".join(text.split()), "")
        if field in ("text", "html"):
            said = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
            assert getattr(seen, field) == (said if said.endswith("\n") else f"{said}\n") or not said
            assert seen.attachments == ()
    # Most are harmless text to a person, and hardly any is an address or an id.
    assert passed > TAKEN.get(field, -1)


@pytest.mark.parametrize("field", HEADER_FIELDS)
@pytest.mark.parametrize("end", [*LINE_ENDS, "\0", "\ud800", "\u202e", "\u200b"], ids=ascii)
def test_what_ends_a_line_is_refused_in_every_header(field, end):
    ordinary = {
        "recipient": "jobs@acme.example",
        "sender": "ada@example.com",
        "in_reply_to": "<a@b>",
        "references": "<a@b>",
        "send_id": "s1",
        "file": "cv.pdf",
    }.get(field, "Application")
    for text in (ordinary + end, end + ordinary, ordinary[:3] + end + ordinary[3:]):
        with pytest.raises(Rejected):
            with_text(field, text)
    with_text(field, ordinary)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("subject", ""),
        ("subject", "x" * 201),
        ("recipient", "Ada <a@b.example>"),
        ("recipient", "a@b.example, c@d.example"),
        ("recipient", "a@localhost"),
        ("recipient", "jürgen@b.example"),
        ("sender", "ada"),
        ("send_id", ""),
        ("in_reply_to", "a@b"),
        ("in_reply_to", "<a@b> <c@d>"),
        ("file", ""),
        ("file", "../cv.pdf"),
        ("file", 'a"b.pdf'),
        ("text", "x" * 20_001),
        ("text", "a\0b"),
        ("html", "x" * 60_001),
    ],
)
def test_what_is_no_such_field_is_refused_by_name(field, text):
    with pytest.raises(Rejected, match=r"references|attachments" if field in ("file", "in_reply_to") else field):
        with_text(field, text)


@pytest.mark.parametrize("kind", ["", "pdf", "application/pdf; x=y", "a/b\r\nBcc: x", "application/"])
def test_an_attachment_has_a_media_type(kind):
    with pytest.raises(Rejected, match="media type"):
        composed(attachments=[("cv.pdf", kind, b"x")])


# --- Any text at all --------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(max_size=letters.NAME_CHARACTERS)


@given(subject=ANY_TEXT, name=ANY_TEXT, file=ANY_TEXT, text=ANY_TEXT)
def test_any_text_is_refused_or_read_back_equally(subject, name, file, text):
    try:
        mail = composed(subject=subject, recipient_name=name, text=text, attachments=[(file, "image/png", b"\x89")])
    except Rejected:
        return
    seen = read(mail)
    assert set(seen.headers) <= EXPECTED_HEADERS
    assert seen.subject == " ".join(subject.split())
    assert seen.to in ((("", PLAIN["recipient"]),), ((" ".join(name.split()), PLAIN["recipient"]),))
    assert [each[0] for each in seen.attachments] == [" ".join(file.split())]


@given(
    subject=st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs")), max_size=200).filter(str.strip),
    file=st.text(st.characters(categories=("L", "N", "Zs")), max_size=110).filter(str.strip),
)
def test_any_printable_subject_and_name_are_taken(subject, file):
    seen = read(composed(subject=subject, attachments=[(f"{file}.pdf", "application/pdf", b"x")]))
    assert seen.subject == " ".join(subject.split())
    assert seen.attachments[0][0] == " ".join(f"{file}.pdf".split())
