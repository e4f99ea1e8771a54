"""The text of a mail: HTML as a person sees it, and new words apart from history and signature."""

from __future__ import annotations

import pytest

from shared.classify.history import is_forward, is_reply, split
from shared.classify.html_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello</p><p>World</p>", "Hello\n\nWorld"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>a</div><div>b</div>", "a\n\nb"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a<td>b</tr><tr><th>c</th></tr></table>", "a b\n\nc"),
        ("one\n  line \t of text", "one line of text"),
        ("<pre>two\nlines</pre>", "two\nlines"),
        ("a &lt; b &amp; c &#8211; &#x2014; &#150; &eacute; &nbsp;&copy;", "a < b & c – — – é ©"),
        ("&nbspold &unknown; &amp;lt; &#0; &#xd800; &", "old &unknown; &lt; &"),
        ("&#99999999999999999999;", "&#99999999999999999999;"),
        ("a < b, x <y and 1 << 2", "a < b, x"),
        ("1 < 2 << 3 <> 4", "1 < 2 << 3 <> 4"),
        ("a<!-- b -->c<!doctype x>d<?xml e?>f</>g", "acdfg"),
        ("a<!-- never closed <p>b", "a"),
        ("a<![if !mso]>b<![endif]>c", "abc"),
        ("a<![CDATA[b]]>c", "ac"),
        ("a<script>if (a<b) x()</script>b<STYLE>p{}</Style>c<title>t</title>d", "abcd"),
        ("a<script>never closed", "a"),
        ('a<p title="x > y">b</p>', "a\n\nb"),
        ("a<p title='it\"s'>b", "a\n\nb"),
        ('a<p x"y>b', "a\n\nb"),
        ('a<p x"y>b"c', 'a\n\nb"c'),
        ("a<p never closed", "a"),
        ("<b>a</b>bc<i>d</i>", "abcd"),
        ("", ""),
    ],
)
def test_html_becomes_the_visible_text(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "html",
    [
        '<div style="display:none">x</div>',
        "<div style='DISPLAY : none !important'>x <div>x</div> x</div>",
        "<span hidden>x</span>",
        '<span style="visibility: hidden">x</span>',
        '<div style="max-height:0; overflow:hidden">x</div>',
        '<div style="opacity:0">x</div>',
        '<p style="display:none">x<p>',
        "<td hidden>x<td>",
    ],
)
def test_what_a_person_cannot_see_is_no_text(html):
    assert "".join(html_to_text(f"a{html}b").split()) == "ab"


@pytest.mark.parametrize(
    "style",
    ["font-size:0px", "opacity:0.9", "max-height:0.5em", "max-height:100px", "display:block", "line-height:0"],
)
def test_what_only_looks_hidden_stays(style):
    # Newsletters are laid out with font-size:0 on the cell and the real size inside.
    assert html_to_text(f'<td style="{style}"><div style="font-size:16px">seen</div></td>') == "seen"


def test_a_hidden_body_hides_nothing():
    assert html_to_text('<body style="display:none">seen') == "seen"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a href="https://x.example/1">View <b>job</b></a>.', "View job <https://x.example/1>."),
        ("<a href=https://x.example/1>a</a>", "a <https://x.example/1>"),
        ("<A HREF = 'https://x.example/?a=1&copy=2&amp;b=3'>a</A>", "a <https://x.example/?a=1&copy=2&b=3>"),
        ('<a href="https://x.example/1">https://x.example/1</a>', "https://x.example/1"),
        ('<a href="https://x.example/1">a</a> <a href="https://x.example/1">b</a>', "a <https://x.example/1> b"),
        (
            '<a href="https://x.example/1">a<a href="https://x.example/2">b',
            "a <https://x.example/1>b <https://x.example/2>",
        ),
        ('<a href="https://x.example/1"><table><tr><td>Join</td></tr></table></a>', "Join\n\n<https://x.example/1>"),
        ('<a href="https://x.example/1"><img src="b.png" alt="Join now"></a>', "Join now <https://x.example/1>"),
        ('<a href="https://x.example/1"><img src="b.png"></a>b', "b"),
        ('<a href="javascript:alert(1)">a</a><a href="mailto:a@b.c">b</a><a>c</a>', "abc"),
        ('<a href="https://x.example/ a\nb<c>">a</a>', "a <https://x.example/ab%3Cc%3E>"),
        (f'<a href="https://x.example/j?{"t" * 2000}">a</a>', "a <https://x.example/j>"),
    ],
)
def test_a_link_stands_behind_its_words(html, text):
    assert html_to_text(html) == text


def test_a_quotation_is_marked_as_in_plain_text():
    older = '<blockquote class="gmail_quote">older</blockquote>'
    html = f'<p>new</p><blockquote type="cite">old{older}</blockquote><p>more</p>'
    assert [line for line in html_to_text(html).split("\n") if line.strip("> ")] == ["new", "> old", "> older", "more"]
    assert html_to_text("<blockquote>a saying</blockquote>") == "a saying"


ATTRIBUTIONS = [
    "On Mon, Mar 2, 2026 at 9:14 AM Jane Doe <jane@example.com> wrote:",
    "On Mon, Mar 2, 2026 at 9:14 AM Jane Doe <jane@example.com>\nwrote:",
    "On 2 Mar 2026, at 09:14, Jane Doe\n<jane@example.com>\nwrote:",
    "Jane Doe <jane@example.com> wrote on 2 March 2026:",
    "Am Mo., 2. März 2026 um 09:14 Uhr schrieb Jane Doe <jane@example.com>:",
    "Am 02.03.2026 um 09:14 schrieb Jane Doe:",
    "Le lun. 2 mars 2026 à 09:14, Jane Doe <jane@example.com> a écrit :",
    "El lun, 2 mar 2026 a las 9:14, Jane Doe (<jane@example.com>) escribió:",
    "Em seg., 2 de mar. de 2026 às 09:14, Jane Doe <jane@example.com> escreveu:",
    "Il giorno lun 2 mar 2026 alle ore 09:14 Jane Doe <jane@example.com> ha scritto:",
    "Op ma 2 mrt 2026 om 09:14 schreef Jane Doe <jane@example.com>:",
    "Jane Doe <jane@example.com> 于2026年3月2日周一 09:14写道：",
    "在 2026年3月2日，09:14，Jane Doe <jane@example.com> 写道：",
    "2026年3月2日(月) 9:14 Jane Doe <jane@example.com>:",
    "2026/03/02 9:14、Jane Doe <jane@example.com>のメール:",
]
SEPARATORS = [
    "-----Original Message-----",
    "-------- Original Message --------",
    "-----Ursprüngliche Nachricht-----",
    "-----Message d'origine-----",
    "-----Mensaje original-----",
    "-----Mensagem original-----",
    "-----Messaggio originale-----",
    "-----Oorspronkelijk bericht-----",
    "------------------ 原始邮件 ------------------",
    "-----元のメッセージ-----",
    "From: Jane Doe <jane@example.com>\nSent: Monday, March 2, 2026 9:14 AM\nTo: Acme\nSubject: Application",
    "*From:* Jane Doe <jane@example.com>\n*Sent:* Monday\n*To:* Acme\n*Subject:* Application",
    "Von: Jane Doe\nGesendet: Montag, 2. März 2026 09:14\nAn: Acme\nBetreff: Bewerbung",
    "De : Jane Doe\nEnvoyé : lundi 2 mars 2026 09:14\nÀ : Acme\nObjet : Candidature",
    "De: Jane Doe\nEnviado el: lunes\nPara: Acme\nAsunto: Solicitud",
    "De: Jane Doe\nEnviada em: segunda-feira\nPara: Acme\nAssunto: Candidatura",
    "Da: Jane Doe\nInviato: lunedì\nA: Acme\nOggetto: Candidatura",
    "Van: Jane Doe\nVerzonden: maandag\nAan: Acme\nOnderwerp: Sollicitatie",
    "发件人: Jane Doe\n发送时间: 2026年3月2日\n收件人: Acme\n主题: 申请",
    "差出人: Jane Doe\n送信日時: 2026年3月2日\n宛先: Acme\n件名: 応募",
    "From: Jane Doe <jane@example.com>\n\nDate: Monday\n\nTo: Acme",
]


@pytest.mark.parametrize("marker", ATTRIBUTIONS + SEPARATORS)
def test_history_behind_a_marker_is_split_off(marker):
    new, quoted = split(f"We would like to meet you.\n\nBest,\nLi\n\n{marker}\n\nI apply.\n", reply=True, forward=False)
    assert new == "We would like to meet you.\n\nBest,\nLi"
    assert quoted == f"{marker}\n\nI apply."


@pytest.mark.parametrize("marker", ATTRIBUTIONS)
def test_an_answer_below_a_quotation_is_new(marker):
    new, quoted = split(f"{marker}\n\n> I apply.\n> Jane\n\nYou are hired.\n", reply=False, forward=False)
    assert new == "You are hired."
    assert "I apply." in quoted


def test_a_line_above_an_attribution_that_begins_alike_is_new():
    text = f"On 2 March we spoke.\n{ATTRIBUTIONS[0]}\n> I apply."
    assert split(text, reply=True, forward=False)[0] == "On 2 March we spoke."


def test_answers_between_quoted_lines_are_new():
    text = "> When?\n\nOn Tuesday.\n\n> Where?\nIn Oslo."
    assert split(text, reply=True, forward=False) == ("On Tuesday.\n\nIn Oslo.", "> When?\n> Where?")


def test_quoted_lines_need_company_in_a_mail_that_is_no_reply():
    assert split("> Apply now\nYes", reply=False, forward=False)[0] == "> Apply now\nYes"
    assert split("> a\n> b\nYes", reply=False, forward=False)[0] == "Yes"
    assert split("> a\n\n> b\nYes", reply=False, forward=False)[0] == "Yes"


@pytest.mark.parametrize(
    "text",
    [
        "On Tuesday you wrote:\nThat is fine with us, you are hired.",
        "On 3 points you wrote:\nThat is fine with us, you are hired.",
        "On our side, we will hold the interview on:\nTuesday at 10:00",
        "From: 10:00\nTo: 11:00\nDate: 3 March\nWe look forward to it.",
        "From: Berlin\nTo: Oslo\nYou are hired.",
        "From the team: hello\nTo be clear: you are hired.",
        "Original message\nYou are hired.",
        "---\nYou are hired.",
        "Interview details:\nOn 3 March 2026 at 10:00 in Oslo:\nroom 4",
    ],
)
def test_in_doubt_a_line_is_new(text):
    assert split(f"Hello,\n{text}", reply=True, forward=False) == (f"Hello,\n{text}", "")


@pytest.mark.parametrize("marker", SEPARATORS + ATTRIBUTIONS)
def test_a_mail_that_is_nothing_but_history_is_new(marker):
    text = f"{marker}\nYou are hired."
    assert split(text, reply=True, forward=False) == (text, "")


@pytest.mark.parametrize(
    "marker",
    [
        "---------- Forwarded message ---------\nFrom: HR <hr@x.example>\nDate: Mon\nSubject: Offer\nTo: Sam",
        "Begin forwarded message:\n\nFrom: HR <hr@x.example>\nSubject: Offer\nDate: 2 March 2026\nTo: Sam",
        "-------- Weitergeleitete Nachricht --------\nBetreff: Angebot\nVon: HR",
        "---------- 转发的邮件 ----------\n发件人: HR",
    ],
)
def test_what_was_forwarded_is_new_and_its_history_is_not(marker):
    text = f"FYI\n\n{marker}\n\nYou are hired.\n\nOn Mon, Mar 2, 2026 at 9:14 Sam <sam@x.example> wrote:\n> Any news?"
    new, quoted = split(text, reply=False, forward=True)
    assert new == f"FYI\n\n{marker}\n\nYou are hired."
    assert "Any news?" in quoted


def test_outlooks_forward_is_known_by_its_subject():
    block = "From: HR <hr@x.example>\nSent: Monday\nTo: Sam\nSubject: Offer"
    text = f"FYI\n{block}\n\nYou are hired.\n{block}\n\nAny news?"
    assert split(text, reply=False, forward=True)[0] == f"FYI\n{block}\n\nYou are hired."


@pytest.mark.parametrize(
    ("signature", "language"),
    [
        ("-- \nLi Wei\nAcme Tools", "the sign"),
        ("--\nLi Wei", "the sign without its space"),
        ("Sent from my iPhone", "English"),
        ("Von meinem iPhone gesendet", "German"),
        ("Envoyé de mon iPhone", "French"),
        ("Enviado desde mi iPhone", "Spanish"),
        ("Enviado do meu iPhone", "Portuguese"),
        ("Inviato da iPhone", "Italian"),
        ("Verzonden vanaf mijn iPhone", "Dutch"),
        ("发自我的iPhone", "Chinese"),
    ],
)
def test_a_signature_is_split_off(signature, language):
    assert split(f"You are hired.\n\n{signature}\n", reply=False, forward=False) == ("You are hired.", signature), (
        language
    )


def test_phone_numbers_behind_a_closing_are_split_off_and_the_name_stays():
    text = "You are hired.\n\nKind regards,\nLi Wei\nRecruiter, Acme\nTel: +49 30 1234567\nwww.acme.example"
    new, signature = split(text, reply=False, forward=False)
    assert new.endswith("Recruiter, Acme")
    assert signature == "Tel: +49 30 1234567\nwww.acme.example"


@pytest.mark.parametrize(
    "text",
    [
        "Call me.\nRegards,\nLi\nPhone: +1 415 555 0100\nP.S. You are hired.",
        "Please call +1 415 555 0100 to say yes.",
        "--\nYou are hired.",
        "a\n--\n" + "You are hired, and this is a long explanation of why. " * 20,
        "a\n--\n" + "You are hired, and this is a long explanation of why.\n" * 20,
        "Thanks\n+49 30 1234567 is the number; you are hired!",
    ],
)
def test_no_sentence_is_taken_for_a_signature(text):
    assert split(text, reply=False, forward=False) == (text.strip(), "")


def test_subjects_say_what_a_mail_is():
    assert all(map(is_reply, ["Re: x", "RE[2]: x", "AW: x", "回复：x", "Antw: x", "SV: x"]))
    assert all(map(is_forward, ["Fwd: x", "FW: x", "WG: x", "TR : x", "转发: x"]))
    assert not any(map(is_reply, ["Regarding x", "x Re: y", ""]))
    assert not any(map(is_forward, ["Forward: x", "Iris: x", ""]))
