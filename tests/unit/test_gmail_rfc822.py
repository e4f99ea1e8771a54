"""RFC 5322 bytes as Gmail's Message resource shows them."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from shared.local.gmail.rfc822 import base_subject, parsed, with_headers
from tests.support.gmail_mail import mail


def body(part):
    return urlsafe_b64decode(part["body"]["data"])


def part(content_type, *lines, encoding="8bit"):
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + b"\r\n".join(lines)


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-8", "iso-2022-jp", "shift_jis", "gb2312"])
def test_a_text_part_comes_as_utf8_whatever_its_header_names(charset):
    text = "Ergebnis für Sie" if "jp" not in charset and charset not in ("shift_jis", "gb2312") else "面"
    shown = parsed(part(f"text/plain; charset={charset}", text.encode(charset))).payload
    assert body(shown).decode("utf-8") == text
    assert shown["headers"][0]["value"] == f"text/plain; charset={charset}"


@pytest.mark.parametrize("charset", ["no-such-charset", '"', "utf-8", "punycode", "idna", "rot13", "base64"])
def test_a_lying_charset_still_gives_valid_utf8(charset):
    shown = parsed(part(f"text/plain; charset={charset}", b"caf\xe9")).payload
    assert body(shown).decode("utf-8") == "café"


def test_headers_are_unfolded_and_decoded():
    raw = (
        b"Subject: =?utf-8?B?w5xiZXI=?=\r\n =?iso-8859-1?Q?_f=FCr?=\r\n"
        b"X-Long: one\r\n\ttwo\r\nX-Raw: caf\xc3\xa9\r\n\r\n"
    )
    shown = {header["name"]: header["value"] for header in parsed(raw).headers}
    assert shown == {"Subject": "Über für", "X-Long": "one two", "X-Raw": "café"}


@pytest.mark.parametrize("value", [b"=?nope?B?w5w=?=", b"=?utf-8?B?w5w", b"=?utf-8?B?====?=", b"=?utf-8?Q?=FF?="])
def test_a_broken_encoded_word_does_not_hide_the_header(value):
    [header] = parsed(b"Subject: " + value + b"\r\n\r\n").headers
    assert header["name"] == "Subject"


def test_parts_are_numbered_as_gmail_numbers_them():
    shown = parsed(mail(html="<p>hello</p>", attachment=("CV.pdf", b"%PDF"))).payload
    alternative, pdf = shown["parts"]
    assert shown["partId"] == ""
    assert (alternative["partId"], pdf["partId"]) == ("0", "1")
    assert [each["partId"] for each in alternative["parts"]] == ["0.0", "0.1"]
    assert shown["body"] == alternative["body"] == {"size": 0}


def test_a_delivery_report_shows_its_status_and_the_mail_that_came_back():
    raw = (
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <sent@x>\r\nSubject: s\r\n\r\ntext\r\n--b--\r\n"
    )
    text, status, returned = parsed(raw).payload["parts"]
    assert body(text) == b"It failed."
    assert b"Status: 5.1.1" in body(status)
    assert {"name": "Message-ID", "value": "<sent@x>"} in returned["parts"][0]["headers"]


def test_the_snippet_is_short_plain_text_escaped_for_html():
    snippet = parsed(mail(text="It's <b>\n\n  done & dusted. " + "word " * 100)).snippet
    assert snippet.startswith("It&#39;s &lt;b&gt; done &amp; dusted. word")
    assert len(snippet) <= 220
    assert snippet.endswith("word")


def test_a_mail_of_html_alone_has_a_snippet_without_tags():
    raw = part("text/html; charset=utf-8", b"<style>a{}</style><script>x<y</script><p>Dear&nbsp;Ada</p>")
    assert parsed(raw).snippet == "Dear Ada"


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: Your  Role", "your role"),
        ("AW: Re[2]: FWD: Your Role", "your role"),
        ("Your Role", "your role"),
        ("Regarding: x", "regarding: x"),
        ("", ""),
    ],
)
def test_a_subject_is_compared_without_its_prefixes(subject, base):
    assert base_subject(subject) == base


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
def test_replacing_headers_keeps_the_body_byte_for_byte(eol):
    rest = eol + b"body\r\nwith\nboth\x00\xff"
    raw = eol.join([b"To: a@b.c", b"message-id: <own>", b" <folded>", b"Subject: s"]) + eol + rest
    changed = with_headers(raw, {"Message-ID": "<new>", "Bcc": None})
    assert changed == eol.join([b"Message-ID: <new>", b"To: a@b.c", b"Subject: s"]) + eol + rest


def test_a_mail_of_headers_alone_can_be_changed():
    assert with_headers(b"To: a@b.c", {"X": "1"}) == b"X: 1\nTo: a@b.c\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100,
        b"no header at all",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; charset*=x'y\r\n\r\n\xff",
        b"Content-Disposition: attachment; filename*0*=bad''%FF; filename*1=x\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n--b--",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
        b"".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode() for n in range(2000)),
    ],
)
def test_any_bytes_make_a_mail(raw):
    shown = parsed(raw)
    assert shown.payload["partId"] == ""
    assert isinstance(shown.snippet, str)
    assert isinstance(shown.all_words, str)
    assert isinstance(shown.attachments, dict)


def test_markup_made_to_be_slow_is_not():
    raw = part("text/html", b"<style" * 20_000 + b"<" * 50_000)
    assert parsed(raw).snippet == ""
