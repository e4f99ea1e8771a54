"""Which mail may be opened, decided on headers and snippet, and the query that asks Gmail for the rest."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.classify import HIRING_QUERY, plausible
from shared.classify.signals import glimpse
from shared.hosts import HIRING_SYSTEMS, belongs_to
from shared.local.gmail.rfc822 import parsed
from shared.local.gmail.search import Searcher, query
from shared.local.mailfiles import wrap
from shared.model import SNIPPET_CHARACTERS, Mail, Signal
from tests.support.mailgen import NOW, TEMPLATES, generate, licensed

PRIVATE = frozenset({Signal.OTHER, Signal.JOB_ALERT, Signal.VERIFICATION_CODE})
LANGUAGES = ["de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh"]


class Filed:
    def __init__(self, mail: Mail) -> None:
        self.labels = {"INBOX": None}
        self.internal_ms = 0
        self.mail = parsed(wrap(mail.from_address, mail.subject, mail.text))


def finds(mail: Mail) -> bool:
    return query(HIRING_QUERY).matches(Filed(mail), Searcher("me@example.com", datetime(2026, 6, 1, tzinfo=UTC), {}))


def mail(sender: str, subject: str, snippet: str = "", text: str = "") -> Mail:
    return Mail(
        id="1", thread_id="1", internal_date=NOW, from_address=sender, subject=subject, snippet=snippet, text=text
    )


def test_hiring_mail_is_opened_and_private_mail_stays_closed_in_every_language():
    opened: Counter[bool] = Counter()
    total: Counter[bool] = Counter()
    for language in LANGUAGES:
        for example in generate(TEMPLATES / "held" / f"{language}.txt", 12, random.Random(3), plain=True):
            hiring = example.signal not in PRIVATE
            if not hiring and belongs_to(example.mail.from_address.rpartition("@")[2], HIRING_SYSTEMS):
                continue  # A job board's advertising is nobody's private letter.
            total[hiring] += 1
            opened[hiring] += plausible(glimpse(replace(example.mail, snippet="")))
    assert opened[True] / total[True] >= 0.99
    assert opened[False] / total[False] <= 0.10


@pytest.mark.parametrize(
    ("sender", "subject", "snippet"),
    [
        (
            "mum@gmail.com",
            "Sunday",
            "Are you coming for lunch? Dad is making soup and the twins want to show you their room.",
        ),
        ("orders@shop.example", "Your order has shipped", "Your parcel will arrive on Tuesday. Track it here."),
        (
            "statements@bank.example",
            "Your statement is ready",
            "Log in to view your account activity and your balance.",
        ),
        ("receipts@taxi.example", "Your Friday evening trip", "Total $12.40. Thanks for riding with us."),
        ("news@paper.example", "Morning briefing", "Here is what you need to know today: markets, weather, elections."),
        ("practice@dentist.example", "Appointment reminder", "You have an appointment with Dr. Lee on Monday at 9:00."),
        ("friend@outlook.com", "re: saturday", "sounds good, see you at the station at six!"),
        ("jobalerts-noreply@linkedin.com", "30+ new jobs for you", "Data Analyst at Acme and more."),
    ],
)
def test_a_private_mail_is_never_opened(sender, subject, snippet):
    assert not plausible(mail(sender, subject, snippet))


@pytest.mark.parametrize(
    ("sender", "subject", "snippet"),
    [
        ("no-reply@us.greenhouse-mail.io", "A message", ""),
        ("acme@myworkday.com", "Acme: update", ""),
        ("sarah@acme.example", "Your application for Data Analyst", "Hi Priya, thanks for applying to Acme."),
        ("sarah@acme.example", "Interview on Thursday", "Looking forward to meeting you at ten."),
        ("hr@acme.example", "Offer letter", "Please find your offer attached."),
        (
            "personal@firma.example",
            "Ihre Bewerbung",
            "Leider müssen wir Ihnen mitteilen, dass wir uns anders entschieden haben.",
        ),
        ("hr@company.example", "面试邀请", "您好，邀请您参加面试。"),
    ],
)
def test_hiring_mail_is_always_opened(sender, subject, snippet):
    assert plausible(mail(sender, subject, snippet))


def test_the_body_decides_nothing_when_there_is_a_snippet():
    quiet = mail("mum@gmail.com", "Sunday", "Are you coming for lunch with the children?")
    loud = replace(quiet, text="We would like to invite you to an interview for the Data Analyst role. " * 20)
    assert plausible(loud) == plausible(quiet)


def test_a_glimpse_holds_no_more_than_a_snippet():
    seen = glimpse(mail("a@b.example", "Hello", text="word " * 1_000))
    assert seen.text == ""
    assert len(seen.snippet) <= SNIPPET_CHARACTERS


def test_the_query_fits_into_a_request():
    assert len(HIRING_QUERY) <= 2_000


def test_the_query_finds_hiring_mail_by_its_words_alone():
    for corpus, floor in ((_held_aside(), 0.85), (licensed(1.0), 0.99)):
        found = Counter(
            finds(replace(example.mail, from_address="")) for example in corpus if example.signal not in PRIVATE
        )
        assert found[True] / found.total() >= floor


def _held_aside():
    for language in LANGUAGES:
        yield from generate(TEMPLATES / "held" / f"{language}.txt", 12, random.Random(5), plain=True)


def test_the_query_finds_what_hiring_systems_send_whatever_it_says():
    assert finds(mail("no-reply@us.greenhouse-mail.io", "Hello", text="See you soon."))


def test_the_query_leaves_private_mail_alone():
    assert not finds(mail("mum@gmail.com", "Sunday", text="Are you coming for lunch? Dad is making soup."))
