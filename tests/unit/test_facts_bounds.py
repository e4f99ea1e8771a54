"""No mail makes the fact finders raise, take long, or quote more than may be kept."""

import importlib
import pkgutil
import re
import sys
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shared.classify.facts
from shared.classify.facts import extract, links, reading
from shared.model import SPAN_CHARACTERS, SPANS_PER_MAIL, CalendarPart, Facts, Mail, Signal

CHARACTERS = 12_500
MILLISECONDS = 6.25
"""50 ms for 100 KB, as long as the time grows with the length."""

SIGNALS = sorted(Signal)

PIECES = [
    "Acme", "at ", "the ", "position ", "Software Engineer", "interview ", "Monday", " 2pm", "EST", "10:00", "-", "—",
    "July 14", "2026", "/", ".", ",", "$", "120,000", "k", "per year", "by ", "within ", "72 hours", "\n", "\n\n", ": ",
    "https://", "zoom.us/j/1", "boards.greenhouse.io/a/jobs/1234567", "(", ")", "[", "]", "<", ">", "@", "#", "R12345",
    "面试", "公司", "感谢您投递", "岗位", "株式会社", "の", "月", "日", "年", "İ", "ﷺ", "ß", "\u200b", "\x00", "\ud800",
    "Status: 5.1.1", "Message-ID: <a@b>", "bonus", "equity", "UTC+25", "99", "00:00", "February 30", "via", "from",
]  # fmt: skip
"""What the grammars look for, to be put together in ways that nobody writes."""

LINES = [
    "BEGIN:VCALENDAR", "BEGIN:VEVENT", "BEGIN:VTIMEZONE", "END:VEVENT", "END:VTIMEZONE", "END:VCALENDAR", "UID:1",
    "DTSTART:20260714T100000Z", "DTSTART;TZID=X:20260714T100000", "DTSTART;VALUE=DATE:20260230", "TZID:X",
    "BEGIN:STANDARD", "END:STANDARD", "TZOFFSETTO:+9999", "TZOFFSETFROM:+0100", "RRULE:FREQ=YEARLY", "DURATION:PX",
    "SEQUENCE:99999999999999999999", "SEQUENCE:x", "ORGANIZER:x", "DTEND:19700101", "\t", ";", ":", "DTSTART;=:",
]  # fmt: skip

texts = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
moments = st.integers(0, 253_370_764_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
mails = st.builds(
    Mail,
    id=st.just("m"),
    thread_id=st.just("t"),
    internal_date=moments,
    from_name=texts,
    from_address=texts,
    subject=texts,
    text=texts,
    quoted=texts,
    snippet=texts,
    in_reply_to=texts,
    references=st.lists(texts, max_size=2).map(tuple),
    calendars=st.lists(
        st.builds(
            CalendarPart,
            text=st.one_of(texts, st.lists(st.sampled_from(LINES), max_size=14).map("\r\n".join)),
            method=texts,
        ),
        max_size=2,
    ).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(mail=mails, signal=st.sampled_from(SIGNALS))
def test_any_mail_has_facts_and_short_quotes_of_itself(mail, signal):
    facts = extract(mail, signal)
    assert isinstance(facts, Facts)
    assert len(facts.quotes) <= SPANS_PER_MAIL
    assert all(0 < len(quote) <= SPAN_CHARACTERS for quote in facts.quotes.values())
    assert len(facts.company) <= 200
    assert len(facts.role) <= 200


def test_the_same_mail_has_the_same_facts():
    mail = Mail(
        id="m",
        thread_id="t",
        internal_date=datetime(2026, 7, 1, tzinfo=UTC),
        subject="Acme",
        text=" ".join(PIECES[:30]),
    )
    assert extract(mail, Signal.INTERVIEW_INVITATION) == extract(mail, Signal.INTERVIEW_INVITATION)


def test_only_the_beginning_of_an_endless_mail_is_read():
    body = "x " * reading.TEXT_CHARACTERS + "Thank you for applying to the Analyst role at Acme."
    mail = Mail(id="m", thread_id="t", internal_date=datetime(2026, 7, 1, tzinfo=UTC), text=body)
    assert extract(mail, Signal.ACKNOWLEDGEMENT).company == ""


def test_lower_case_keeps_the_place_of_every_letter():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    normal = reading.read(
        Mail(id="m", thread_id="t", internal_date=datetime(2026, 7, 1, tzinfo=UTC), subject="İİ", text="aİb")
    )
    assert [sign for sign in every if len(sign.lower()) != 1] == ["İ"]
    assert len(normal.subject.lower) == len(normal.subject.text)
    assert normal.body.text == "aIb"


HOSTILE = [
    "a", "A ", "1", "1 ", "1,", "1/", "10 ", "10:00 ", " ", "\n", ".", ",", "-", "(", "【", "<", "at ", "の",
    "At Acme ", "the Acme ", "for the position of ", "application for Data Engineer at ", "role ", "Team ", "公司",
    "Acme & ", "$1,", "$1,000 ", "https://a/", "a.b.", "http://zoom.us/", "Monday ", "may 1 ", "2026-", "2026年", "by ",
    "within 10 ", "投递了", "有限", "UTC+", "Job ID ", "R1", "5.1.1 ", "Message-ID: <", "annual bonus of ", "via ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_costs_no_more_than_a_long_letter(piece):
    body = (piece * (100_000 // len(piece) + 1))[:100_000]
    mail = Mail(
        id="m",
        thread_id="t",
        internal_date=datetime(2026, 7, 1, tzinfo=UTC),
        from_name=body,
        from_address="hr@acme.com",
        subject=body,
        text=body,
        quoted=body,
        calendars=(CalendarPart(text=body),),
    )
    for signal in (Signal.INTERVIEW_INVITATION, Signal.DELIVERY_FAILURE):
        assert _takes_less(0.25, lambda signal=signal: extract(mail, signal))


def _takes_less(seconds, work) -> bool:
    """Whether a call takes less than eight times that CPU time in one of three tries: the machine has other work."""
    seconds *= 8
    for _ in range(3):
        start = time.process_time()
        work()
        if time.process_time() - start < seconds:
            return True
    return False


def _patterns(value, name):
    if isinstance(value, re.Pattern):
        yield name, value
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from _patterns(item, f"{name}[{index}]")


MODULES = [
    "shared.matching",
    "shared.names",
    *(f"shared.classify.facts.{module.name}" for module in pkgutil.iter_modules(shared.classify.facts.__path__)),
]
PATTERNS = {
    pattern: name
    for module in MODULES
    for variable, value in vars(importlib.import_module(module)).items()
    for name, pattern in _patterns(value, f"{module.rpartition('.')[2]}.{variable}")
}


@pytest.mark.parametrize("pattern", PATTERNS, ids=PATTERNS.get)
def test_no_pattern_takes_more_than_linear_time(pattern):
    for piece in ("a", "A ", "1", "1 ", "10 ", " ", ", ", "の", "投递了", "https://a/", "$1,", "may 1 ", "((", "a.b-"):
        text = (piece * (CHARACTERS // len(piece) + 1))[:CHARACTERS]
        assert _takes_less(MILLISECONDS / 1000, lambda text=text: _drain(pattern, text)), piece


def _drain(pattern, text):
    """Search the whole text, but stop after many finds: each of them is a place that the callers look at themselves."""
    for count, _ in enumerate(pattern.finditer(text)):
        if count > 200:
            return


@pytest.mark.parametrize("link", ["https://" + "a" * 100_000, "https://a/?" + "b=1&" * 20_000, "https://[::", "//", ""])
def test_a_hostile_link_is_cut_or_left_out(link):
    assert len(links.canonical(link)) <= links.LINK_CHARACTERS
    assert links.posting_id(link) == ""
    assert len(links.cleaned(link)) <= links.LINK_CHARACTERS + len("https://")
