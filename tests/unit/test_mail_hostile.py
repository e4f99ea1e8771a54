"""No mail can make its reader slow, large or fail: inputs made to do so, each within seconds and a bounded text."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from shared.classify.history import split
from shared.classify.html_text import HTML_CHARACTERS, html_to_text
from shared.classify.mail import QUOTED_CHARACTERS, TEXT_CHARACTERS, from_bytes, from_gmail
from shared.classify.sender import check

SECONDS = 2.0
"""What the reader promises for any input, here on a machine that has other things to do."""

BYTES = 160 * 1024 * 1024
"""What is promised, 256 MiB, less what Python and the program take before the first mail."""

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HEADER = b"From: Li Wei <li@acme.example>\nSubject: Interview\n"
MIXED = HEADER + b"Content-Type: multipart/mixed; boundary=b\n\n"
HTML_SNIPPETS = (
    "<",
    "<a ",
    "<a b='",
    '="',
    "<!--",
    "<!",
    "</",
    "<![CDATA[",
    "&",
    "&#1",
    "&amp",
    "<script>",
    "<style",
    '<a href="x',
    '<a href="http://x.example/1">a',
    "<blockquote cite>",
    "</blockquote>",
    "<p hidden>",
    "<div hidden>",
    "<td>",
    "<p style='max-height:0",
    "<pre>\n",
    "\u200b",
    "\ue000\n",
    "a\n",
    " ",
)


def _megabyte_of_html(snippet):
    return HEADER + b"Content-Type: text/html\n\n" + (snippet * (1_000_000 // len(snippet))).encode()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "semicolons in Content-Type": lambda: HEADER + b"Content-Type: text/plain" + b";" * 32_768 + b"\n\nhello",
    "parameters in Content-Type": lambda: HEADER + b"Content-Type: text/plain" + b";a*1*=x" * 9_000 + b"\n\nhello",
    "quotations in Content-Type": lambda: HEADER + b"Content-Type: text/plain" + b';a="\\' * 9_000 + b"\n\nhello",
    "309 brackets in From": lambda: b"From: " + b"(" * 309 + b"\n\nhello",
    "a million brackets in From": lambda: b"From: " + b"(" * 1_000_000 + b"\n\nhello",
    "a million angles in From": lambda: b"From: " + b"<" * 1_000_000 + b"\n\nhello",
    "a million commas in From": lambda: b"From: " + b"a@b," * 250_000 + b"\n\nhello",
    "escapes in From": lambda: b"From: " + b'"\\' * 500_000 + b"\n\nhello",
    "a hundred thousand recipients": lambda: b"To: " + b"A B <a@b.example>, " * 100_000 + b"\n\nhello",
    "a million references": lambda: b"References: " + b"<a@b> " * 1_000_000 + b"\n\nhello",
    "a million folded lines": lambda: b"Subject: a\n" + b" b\n" * 1_000_000 + b"\nhello",
    "a hundred thousand header fields": lambda: b"".join(b"X-%d: a\n" % i for i in range(100_000)) + b"\nhello",
    "a million encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 1_000_000 + b"\n\nhello",
    "encoded words in a thousand fields": lambda: (b"Subject: " + b"=?utf-8?q?a?= " * 900 + b"\n") * 1_000 + b"\nhello",
    "beginnings of encoded words": lambda: b"Subject: " + b"=?u?q?" * 200_000 + b"\n\nhello",
    "authentication results": lambda: b"Authentication-Results: mx.google.com" + b"; dkim=pass" * 90_000 + b"\n\nhello",
    "dots in authentication results": lambda: b"Authentication-Results: mx.google.com; " + b". " * 8_000 + b"\n\nhello",
    "a header without end": lambda: b"X: y\n" * 8_000_000,
    "multiparts 10,000 deep": lambda: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(10_000)
    ),
    "multiparts 10,000 deep with one boundary": lambda: b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 10_000,
    "messages 10,000 deep": lambda: b"Content-Type: message/rfc822\n\n" * 10_000,
    "a million parts": lambda: MIXED + b"--b\n\n" * 1_000_000,
    "a million boundaries": lambda: MIXED + b"--b\n" * 1_000_000,
    "lines that look like a boundary": lambda: MIXED + b"--b\n\n" + b"--bx\n" * 4_000_000,
    "a boundary of dashes": lambda: (
        HEADER + b"Content-Type: multipart/mixed; boundary=" + b"-" * 199 + b"\n\n" + b"\n--" * 8_000_000
    ),
    "a hundred long HTML texts": lambda: MIXED + (b"--b\nContent-Type: text/html\n\n" + b"<td>" * 70_000 + b"\n") * 100,
    "a hundred calendars": lambda: (
        MIXED
        + b"".join(
            b"--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR %d" % i + b"METHOD\n" * 30_000 for i in range(100)
        )
    ),
    "two hundred messages in base64": lambda: (
        MIXED + (b"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + b"QUJD\n" * 30_000) * 200
    ),
    "two hundred delivery reports": lambda: (
        HEADER
        + b"Content-Type: multipart/report; boundary=b\n\n"
        + (b"--b\nContent-Type: message/delivery-status\n\n" + b"Action: x\n\n" * 10_000) * 200
    ),
    "a mail of 40 MB": lambda: HEADER + b"\n" + b"hello world\n" * 3_500_000,
    "40 million blank lines": lambda: HEADER + b"\n" + b"\n" * 40_000_000,
    "a million NUL bytes": lambda: HEADER + b"\n" + b"\0" * 1_000_000,
    "a million quoted lines": lambda: HEADER + b"\n" + b"> a\nb\n" * 500_000,
    "a million attributions": lambda: HEADER + b"\n" + b"On 2026 at 10:00 he wrote:\n" * 1_000_000,
    "beginnings of attributions": lambda: HEADER + b"\n" + b"On 2026\n" * 1_000_000,
    "a million heads of mails": lambda: HEADER + b"\n" + b"From: a@b\nTo: x\n\n\n" * 1_000_000,
    "a million signatures": lambda: HEADER + b"\n" + b"-- \n" * 1_000_000,
    "a million forwards": lambda: HEADER + b"\n" + b"- forwarded message -\n\n\n" * 1_000_000,
    "a million flowed lines": lambda: HEADER + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 1_000_000,
    "equals signs in quoted-printable": lambda: (
        HEADER + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 1_000_000
    ),
    "equals signs in base64": lambda: HEADER + b"Content-Transfer-Encoding: base64\n\n" + b"QQ==" * 1_000_000,
    "escapes of iso-2022-jp": lambda: (
        HEADER + b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B" * 300_000
    ),
    "surrogates of utf-16": lambda: HEADER + b"Content-Type: text/plain; charset=utf-16\n\n" + b"\xd8\x00" * 300_000,
    **{f"a megabyte of {snippet!r}": partial(_megabyte_of_html, snippet) for snippet in HTML_SNIPPETS},
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_mail_is_read_in_time_and_bounded(message):
    data = message()
    begun = time.process_time()
    mail = from_bytes(data, id="1", thread_id="1", internal_date=NOW)
    assert time.process_time() - begun < SECONDS
    assert len(mail.text) <= TEXT_CHARACTERS
    assert len(mail.quoted) <= 2 * QUOTED_CHARACTERS
    assert len(mail.snippet) <= 200
    assert sum(map(len, mail.headers.values())) < 10_000
    repr(mail).encode("utf-8")


@pytest.mark.parametrize("depth", [10, 900])
def test_json_nested_deep_is_read(depth):
    payload: dict[str, object] = {"mimeType": "text/plain", "body": {"data": "aGVsbG8"}}
    for _ in range(depth):
        payload = {"mimeType": "multipart/mixed", "parts": [payload] * 2}
    mail = from_gmail({"id": "1", "threadId": "1", "internalDate": "1", "payload": payload})
    assert "parts" in mail.problem


def test_json_of_many_parts_and_long_strings_is_bounded():
    part = {
        "mimeType": "text/html",
        "filename": "x" * 1_000_000,
        "headers": [{"name": "Content-Type", "value": ";" * 1_000_000}] * 100,
        "body": {"data": "PHRk" * 1_000_000, "size": 10**30, "attachmentId": "y" * 1_000_000},
    }
    begun = time.process_time()
    mail = from_gmail({"payload": {"mimeType": "multipart/mixed", "parts": [part] * 10_000}})
    assert time.process_time() - begun < SECONDS
    assert all(len(found.name) <= 200 for found in mail.attachments)


LINEAR: dict[str, tuple[Callable[[str], object], str, int]] = {
    **{f"HTML of {snippet!r}": (html_to_text, snippet, HTML_CHARACTERS // 2) for snippet in HTML_SNIPPETS},
    "history of quoted lines": (lambda text: split(text, reply=True, forward=False), "> a\nb\n", 40_000),
    "history of attributions": (lambda text: split(text, reply=True, forward=True), "On 1 at 10:00 a wrote:\n", 40_000),
    "history of blank lines": (lambda text: split(text, reply=True, forward=False), "From: a@b\n\n\n\n\n", 40_000),
    "sender of brackets": (lambda text: check([("From", text)]), "(", 8_000),
    "sender of addresses": (lambda text: check([("From", text)]), "a@b,", 8_000),
    "results of dots": (lambda text: check([("From", "a@b.de"), ("Authentication-Results", text)]), ". ", 8_000),
}


@pytest.mark.parametrize(("read", "snippet", "characters"), LINEAR.values(), ids=LINEAR.keys())
def test_twice_the_text_takes_about_twice_the_time(read, snippet, characters):
    half, whole = (_fastest(read, snippet * (size // len(snippet))) for size in (characters, 2 * characters))
    # The quadratic would be four; small times are all noise.
    assert whole < max(3 * half, 0.005), (half, whole)


def _fastest(read, text):
    times = []
    for _ in range(5):
        begun = time.process_time()
        read(text)
        times.append(time.process_time() - begun)
    return min(times)


@pytest.mark.parametrize(
    "name",
    ["a mail of 40 MB", "a header without end", "a boundary of dashes", "a million parts", "a megabyte of '<td>'"],
)
def test_the_largest_mails_fit_into_the_promised_memory(name):
    data = HOSTILE[name]()
    tracemalloc.start()
    try:
        from_bytes(data, id="1", thread_id="1", internal_date=NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(data) + peak < BYTES
