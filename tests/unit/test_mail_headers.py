"""Header fields: encoded words, addresses, parameters and Message-IDs, right or wrong as mailers write them."""

from __future__ import annotations

import pytest

from shared.classify.charsets import clean, decode_body, decode_word, known
from shared.classify.headers import (
    Address,
    addresses,
    decode_base64,
    decode_words,
    message_ids,
    parameters,
    read_fields,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("  folded\r\n\t value ", "folded value"),
        ("=?utf-8?Q?J=C3=BCrgen_M=C3=BCller?=", "Jürgen Müller"),
        ("=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen"),
        ("=?UTF-8?B?SsO8cmdlbg?= unpadded", "Jürgen unpadded"),
        ("=?iso-8859-1?q?caf=E9?=", "café"),
        ("=?windows-1252?q?it=92s?=", "it’s"),
        ("=?iso-8859-1?q?it=92s?=", "it’s"),
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
        ("=?gb2312?B?yMvKwg==?=", "人事"),
        ("=?big5?B?pKSk5Q==?=", "中文"),
        ("=?shift_jis?B?k/qWew==?=", "日本"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?euc-kr?B?yKu/+A==?=", "홍원"),
        # A character cut in two between words, as many mailers do.
        ("=?utf-8?Q?a=C3?= =?utf-8?Q?=BC?=", "aü"),
        ("=?utf-8?B?5Lq6?=\r\n =?UTF-8?B?5LqL?=", "人事"),
        # White space between words of one text goes, between a word and plain text it stays.
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?b?=", "ab"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("Re: =?utf-8?q?caf=C3=A9?=", "Re: café"),
        ("=?utf-8?q?a_b=20c?=", "a b c"),
        ("=?utf-8*en?q?a?=", "a"),
        # A wrong charset does no worse than a few wrong letters.
        ("=?utf-8?q?caf=E9?=", "caf\ufffd"),
        ("=?iso-8859-1?q?caf=C3=A9?=", "café"),
        ("=?x-unknown?q?abc?=", "abc"),
        ("=?us-ascii?q?caf=C3=A9?=", "café"),
        # What is no encoded word stays as it is.
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?abc", "=?utf-8?q?abc"),
        ("a=?b", "a=?b"),
        ("", ""),
        # What nobody sees is gone.
        ("re\u200bjection\u202e", "rejection"),
        ("a\x00b\ud800", "ab\ufffd"),
    ],
)
def test_encoded_words_are_decoded(value, text):
    assert decode_words(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("jane@example.com", [Address("", "jane@example.com")]),
        ("Jane <JANE@Example.com>", [Address("Jane", "jane@example.com")]),
        ('"Doe, Jane" <jane@example.com>', [Address("Doe, Jane", "jane@example.com")]),
        ("Doe, Jane <jane@example.com>", [Address("Doe, Jane", "jane@example.com")]),
        ('"a \\"b\\" c" <j@x.com>', [Address('a "b" c', "j@x.com")]),
        ("jane@example.com (Jane (of Acme))", [Address("Jane (of Acme)", "jane@example.com")]),
        ("Jane jane@example.com", [Address("Jane", "jane@example.com")]),
        ("=?utf-8?Q?M=C3=BCller=2C_Eva?= <e@x.de>", [Address("Müller, Eva", "e@x.de")]),
        ('"=?utf-8?Q?M=C3=BCller?=" <e@x.de>', [Address("Müller", "e@x.de")]),
        ("a@x.com, b@y.com;c@z.com", [Address("", "a@x.com"), Address("", "b@y.com"), Address("", "c@z.com")]),
        ("A <a@x.com>,, B <b@y.com>,", [Address("A", "a@x.com"), Address("B", "b@y.com")]),
        ("<a@x.com> <b@y.com>", [Address("", "a@x.com"), Address("", "b@y.com")]),
        ("Team: a@x.com, b@y.com;", [Address("Team:", "a@x.com"), Address("", "b@y.com")]),
        ("undisclosed-recipients:;", []),
        ("<@relay.example,@b.example:jane@x.org>", [Address("", "jane@x.org")]),
        ('<"a b"@x.com>', [Address("", '"a b"@x.com')]),
        ("<jane@x.com", [Address("", "jane@x.com")]),
        ("jane@bücher.example", [Address("", "jane@bücher.example")]),
        ("jane@x.com.", [Address("", "jane@x.com")]),
        # No mail could be sent to these.
        ("Jane <>", [Address("Jane", "")]),
        ("Jane <jane>", [Address("Jane", "")]),
        ("<jane@localhost>", [Address("", "")]),
        ("a@b@c.com", [Address("", "")]),
        ("<a b@c.com>", [Address("", "")]),
        ("<jane@x..com>", [Address("", "")]),
        ("jane@[127.0.0.1]", [Address("", "")]),
        (f"<{'a' * 400}@x.com>", [Address("", "")]),
        ("nobody", []),
        ("", []),
        ("(" * 309, []),
        ('"unclosed <jane@x.com>', []),
    ],
)
def test_addresses_are_read_forgivingly(value, found):
    assert addresses(value) == found


def test_an_encoded_name_cannot_become_the_address():
    assert addresses("=?utf-8?q?ceo=40stripe.com?=") == []


@pytest.mark.parametrize(
    ("value", "main", "found"),
    [
        ("text/plain", "text/plain", {}),
        ("TEXT/Plain; CharSet=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b; name="a;b\\"c.pdf"; x = y ', "a/b", {"name": 'a;b"c.pdf', "x": "y"}),
        ("a/b; name*=utf-8''caf%C3%A9.pdf", "a/b", {"name": "café.pdf"}),
        ("a/b; name*0*=utf-8''%E4%BD; name*1*=%A0; name*2=.pdf", "a/b", {"name": "你.pdf"}),
        ('a/b; name*1="b"; name*0="a"', "a/b", {"name": "ab"}),
        ('a/b; name="=?utf-8?B?w6Quw7w=?="', "a/b", {"name": "ä.ü"}),
        ("a/b; boundary=x; boundary=y", "a/b", {"boundary": "x"}),
        ('a/b; name="unclosed; x=y', "a/b", {"name": "unclosed; x=y"}),
        ("a/b;;;; x=y;;", "a/b", {"x": "y"}),
        ("a/b (comment); x=y", "a/b", {"x": "y"}),
        ("a/b; flag; x=y", "a/b", {"x": "y"}),
        ("", "", {}),
        (";", "", {}),
    ],
)
def test_parameters_are_read(value, main, found):
    assert parameters(value) == (main, found)


def test_message_ids_keep_the_first_and_the_newest():
    many = " ".join(f"<{number}@x>" for number in range(100))
    kept = message_ids(many)
    assert kept[0] == "<0@x>"
    assert kept[-1] == "<99@x>"
    assert len(kept) == 50


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (b"From: a\r\nTo: b\r\n\tc\r\n d\r\n", [("from", "a"), ("to", "b\tc d")]),
        (b"From : a\nnonsense\nBad Name: x\n: y\nTo:b", [("from", "a"), ("to", "b")]),
        (b"From jane@x Mon Mar 2\nSubject: mbox", [("subject", "mbox")]),
        (" lost\nSubject: ü".encode(), [("subject", "ü")]),
        (b"Subject: \xfc", [("subject", "ü")]),
        (b"", []),
    ],
)
def test_fields_are_read_in_their_order(block, fields):
    assert read_fields(block) == (fields, False)


def test_more_fields_than_are_read_are_reported():
    fields, cut = read_fields(b"A: b\n" * 2_000)
    assert cut
    assert len(fields) == 1_000


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b"YWJj", b"abc"),
        (b"YWI=", b"ab"),
        (b"YWI", b"ab"),
        (b"YW Jj\r\nZ", b"abc"),
        (b"_-8", b"\xff\xef"),
        (b"/+8=", b"\xff\xef"),
        (b"YQ==YQ==", b"a"),
        (b"\x00!", b""),
        (b"", b""),
    ],
)
def test_base64_of_both_alphabets_is_decoded_as_far_as_it_goes(raw, content):
    assert decode_base64(raw) == content


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        ("grüße".encode(), "utf-8", "grüße"),
        ("grüße".encode("latin-1"), "iso-8859-1", "grüße"),
        ("grüße".encode("latin-1"), "", "grüße"),
        # Gmail's API hands out UTF-8 under the old charset's name.
        ("grüße".encode(), "iso-8859-1", "grüße"),
        ("面接".encode(), "iso-2022-jp", "面接"),
        ("面接".encode("iso2022_jp"), "iso-2022-jp", "面接"),
        ("面接".encode("cp932"), "Shift_JIS", "面接"),
        ("录用通知".encode("gbk"), "gb2312", "录用通知"),
        ("录用~~".encode("hz"), "hz-gb-2312", "录用~~"),
        ("привет".encode("koi8-r"), "KOI8-R", "привет"),
        ("hello".encode("utf-16"), "utf-16", "hello"),
        (b"caf\xe9", "x-nonsense", "caf\ufffd"),
        (b"caf\xc3", "iso-8859-1", "caf\ufffd"),
        (b"plain", "idna", "plain"),
        (b"", "utf-8", ""),
    ],
)
def test_a_body_is_decoded_whatever_its_charset_is_called(raw, charset, text):
    assert decode_body(raw, charset) == text


def test_no_codec_of_the_senders_choice_is_used():
    assert not known("idna")
    assert not known("zlib_codec")
    assert decode_word(b"abc", "punycode") == "abc"


def test_cleaning_leaves_what_a_person_sees():
    assert clean("a\r\nb\rc\u2028d") == "a\nb\nc\nd"
    assert clean("a\u00a0b\u2003c") == "a b c"
    assert clean("o\u200bf\u00adf\ufeffer\u202e\x00\x1b") == "offer"
    assert clean("\ud83d and \udc00") == "\ufffd and \ufffd"
    assert clean("tab\tstays") == "tab\tstays"
