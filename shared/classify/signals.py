"""What one mail says, read from its sentences: phrases first, then weights over words, in the order of the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from shared.classify import phrases_cjk, phrases_en, phrases_germanic, phrases_romance
from shared.classify.phrases import Match, Phrases, tokens_of
from shared.classify.weights import text_features, weights
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.ledger import NO_EFFECT
from shared.model import SNIPPET_CHARACTERS, SPAN_CHARACTERS, SPANS_PER_MAIL, Mail, Signal, Span, Verdict
from shared.names import word_set

READ_CHARACTERS = 12_000
"""How much of a mail's text is read: the longest hiring mail is a tenth of it, a newsletter has no end."""

SUBJECT_CHARACTERS = 500
"""How much of a subject is read."""

RULE_FEATURES = 5
"""Numbers a signal in `rule_features`: strong, two strong, corroborating, two corroborating, strong in the subject."""

UNSPOKEN_LEAD = 2.0
"""How many times as probable as the next signal a rejection or an offer must be that no strong phrase states: a wrong
one does the most harm."""

STRONG_FLOOR = 0.8
"""How probable a signal must be for its phrases to move a status: an invitation thanks for the application, too, and
below this it is often the wrong one of two phrases that has won."""

NO_APPLICATION = NO_EFFECT - {Signal.RECRUITER_OUTREACH}
"""Signals of mail that may stay closed: a recruiter's first letter moves nothing, but the person wants to see it."""

_SAID_BY_MACHINES = frozenset({Signal.ACKNOWLEDGEMENT, Signal.VERIFICATION_CODE, Signal.DELIVERY_FAILURE})
"""Signals that an automatic reply (RFC 3834) may give; no machine answers an application with an offer."""

_GRAVE = frozenset({Signal.REJECTION, Signal.OFFER})

NEGATION_REACH = 4
"""How many words a negation stands before the phrase that it turns ("unable at this time to offer")."""

_NEGATED_BY_NATURE = frozenset({Signal.REJECTION, Signal.ON_HOLD, Signal.POSITION_CLOSED, Signal.DELIVERY_FAILURE})
"""Signals whose own phrases hold the negation; another one before them turns nothing."""

_SUPPOSABLE = frozenset(
    {
        Signal.REJECTION,
        Signal.POSITION_CLOSED,
        Signal.ON_HOLD,
        Signal.OFFER,
        Signal.ASSESSMENT,
        Signal.INTERVIEW_INVITATION,
        Signal.INTERVIEW_UPDATE,
        Signal.AVAILABILITY_REQUEST,
        Signal.INFO_REQUEST,
    }
)
"""Signals that a receipt only supposes: "if your profile matches, we will invite you to an interview"."""

_SENDER_WORDS = word_set(
    """
    accounts admin admissions alert alerts applications apply auto bank billing bewerbung bookings calendar campus
    candidates career careers club code contact customer deals digest donotreply edu events finance gov hello help
    hire hiring hr info invitations invoice jobalerts jobs karriere leasing loans mail mailer daemon market marketing
    membership messages news newsletter no noreply notification notifications offers office orders people personal
    personnel postmaster promo promotions receipts recruit recruiter recruiting recruitment recrutement reply
    reservations rrhh sales school schedule scheduling security service shop sourcing staffing statements store
    subscriptions support survey talent team tickets travel updates verify webinar
    """
)
"""Words in addresses that tell one kind of mail from another."""

_OVER = frozenset(
    {Signal.ASSESSMENT, Signal.INTERVIEW_INVITATION, Signal.INTERVIEW_UPDATE, Signal.AVAILABILITY_REQUEST}
)
"""Signals that a look back only names: "thank you for completing our test"."""

_CALLED_OFF = frozenset({Signal.POSITION_CLOSED, Signal.ON_HOLD})
"""Signals of a job that an interview for it is easily mistaken for: "your interview for the role is cancelled"."""

_MEETING = word_set(
    """
    interview interviews vorstellungsgesprach interviewtermin gesprachstermin entretien entrevista colloquio
    sollicitatiegesprek
    """
)
"""What is called off when a sentence names it as what is for the job (without accents, as tokens are)."""

_FOR = word_set("for with as about zum zur fur als mit bei pour avec chez para con com per voor met bij")
"""Words between a meeting and the job that it is about."""

_CLAUSE_ENDS = word_set(
    "because since but and that so therefore weil da denn und aber dass car mais et porque pero y omdat"
)
"""Words behind which a sentence may speak of the job itself: "is cancelled because the position has been filled"."""

_SAYS_OFF = frozenset(
    {
        Signal.POSITION_CLOSED,
        Signal.ON_HOLD,
        Signal.INTERVIEW_INVITATION,
        Signal.AVAILABILITY_REQUEST,
        Signal.WITHDRAWAL_CONFIRMED,
        Signal.OTHER,
    }
)
"""Signals that the words of a calendar's cancellation are taken for; a rejection that cancels a meeting is one."""

OPENED = 0.35
"""How probable it must be that a mail is about an application for its body to be fetched at all, and for a calendar's
cancellation to be that of an interview."""

_CONDITION, _NEGATION, _PAST = "condition", "negation", "past"

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+|\s[•·]\s")
_ACTION = re.compile(r"^\s{0,4}action:\s{0,4}([a-z]{1,20})", re.IGNORECASE | re.MULTILINE)
_STATUS_CLASS = re.compile(r"^\s{0,4}status:\s{0,4}([245])\.", re.IGNORECASE | re.MULTILINE)
_STILL_TRYING = re.compile(
    r"will (?:be retried|retry|keep trying|continue to (?:try|attempt))|delivery incomplete|notification \(delay"
    r"|(?:delivery|message) (?:is|has been) delayed|not yet been delivered|warning only",
    re.IGNORECASE,
)
"""What a server writes that has not given up: nothing has come back."""

_URL = re.compile(r"https?://([^\s/<>]{1,100}(?:/\w{0,20})?)[^\s<>]*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of a signal found in a sentence: token positions [start, end)."""

    signal: Signal
    strong: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a mail: where it stands, as written, and its words."""

    where: Literal["subject", "body"]
    text: str
    tokens: tuple[str, ...]
    hits: tuple[Hit, ...]
    supposed: bool
    """It says what would happen ("if your profile matches"), not what has."""


@cache
def _phrases() -> Phrases:
    """All tables in one trie; a mail's language need not be known to read it."""
    tables: list[tuple[object, str]] = []
    for module in (phrases_en, phrases_germanic, phrases_romance, phrases_cjk):
        tables += (((signal, True), table) for signal, table in module.STRONG.items())
        tables += (((signal, False), table) for signal, table in module.CORROBORATING.items())
        tables += [(_CONDITION, module.CONDITIONAL), (_NEGATION, module.NEGATION), (_PAST, module.PAST)]
    return Phrases(tables)


def sentences_of(mail: Mail) -> list[Sentence]:
    """The subject and the sentences of the text (of the snippet, when only the headers were fetched)."""
    title = [_sentence("subject", mail.subject[:SUBJECT_CHARACTERS])] if mail.subject else []
    parts = _SENTENCE_END.split((mail.text or mail.snippet)[:READ_CHARACTERS])
    return title + [_sentence("body", part.strip()) for part in parts if part and not part.isspace()]


def _sentence(where: Literal["subject", "body"], text: str) -> Sentence:
    tokens = tuple(tokens_of(_URL.sub(r"\1", text)))
    matches: list[Match] = []
    negations: list[int] = []
    supposed = past = False
    for match in _phrases().find(tokens):
        if match.name == _CONDITION:
            supposed = True
        elif match.name == _PAST:
            past = True
        elif match.name == _NEGATION:
            negations.append(match.end)
        else:
            matches.append(match)
    not_meant = _SUPPOSABLE if supposed else _OVER if past else frozenset()
    return Sentence(
        where,
        text,
        tokens,
        tuple(_standing(_meant(matches, tokens), negations, not_meant)),
        supposed,
    )


def _meant(matches: Sequence[Match], tokens: Sequence[str]) -> Iterator[Match]:
    """The matches, a closed position taken for what it is when it is the interview that is called off."""
    meeting = next((at for at, token in enumerate(tokens) if token in _MEETING), -1)
    about_job = meeting >= 0 and any(token in _FOR for token in tokens[meeting + 1 : meeting + 3])
    for match in matches:
        signal, strong = match.name
        if (
            about_job
            and signal in _CALLED_OFF
            and meeting < match.start
            and _CLAUSE_ENDS.isdisjoint(tokens[meeting : match.end])
        ):
            yield Match((Signal.INTERVIEW_UPDATE, strong), meeting, match.end)
        else:
            yield match


def _standing(matches: Iterable[Match], negations: Sequence[int], not_meant: frozenset[Signal]) -> list[Hit]:
    """The matches that are neither negated nor of a signal that the sentence only supposes, or looks back at.

    Of two overlapping ones of a signal the strong, then the longer one stands: one clause is one piece of evidence,
    however many lines of the tables it fits.
    """
    hits = [
        Hit(signal, strong, match.start, match.end)
        for match in matches
        for signal, strong in (match.name,)
        if signal not in not_meant
        and (signal in _NEGATED_BY_NATURE or not any(0 <= match.start - end < NEGATION_REACH for end in negations))
    ]
    hits.sort(key=lambda hit: (not hit.strong, hit.start - hit.end, hit.start))
    standing: list[Hit] = []
    for hit in hits:
        if all(hit.signal != other.signal or hit.end <= other.start or other.end <= hit.start for other in standing):
            standing.append(hit)
    return standing


def counts_of(sentences: Sequence[Sentence]) -> dict[Signal, tuple[int, int]]:
    """For each signal found: how many different (strong, corroborating) phrases say so."""
    seen: dict[Signal, tuple[set[tuple[str, ...]], set[tuple[str, ...]]]] = {}
    for sentence in sentences:
        for hit in sentence.hits:
            words = sentence.tokens[hit.start : hit.end]
            seen.setdefault(hit.signal, (set(), set()))[0 if hit.strong else 1].add(words)
    return {signal: (len(strong), len(weak)) for signal, (strong, weak) in seen.items()}


def rule_features(sentences: Sequence[Sentence]) -> list[float]:
    """What the phrases say, as the weights read it: `RULE_FEATURES` numbers a signal."""
    counts = counts_of(sentences)
    titled = {hit.signal for s in sentences if s.where == "subject" for hit in s.hits if hit.strong}
    features: list[float] = []
    for signal in Signal:
        strong, weak = counts.get(signal, (0, 0))
        features += (strong > 0, strong > 1, weak > 0, weak > 1, signal in titled)
    return [float(feature) for feature in features]


def word_features(mail: Mail, sentences: Sequence[Sentence]) -> set[int]:
    """The buckets of the words that say something: those of suppositions are left out."""
    subject = [token for s in sentences if s.where == "subject" for token in s.tokens]
    body = [token for s in sentences if s.where == "body" and not s.supposed for token in s.tokens]
    return text_features(subject, body, sender_words(mail.from_address))


def sender_words(address: str) -> set[str]:
    """What an address says about mail of its kind; names of people and firms say nothing and are left out."""
    domain = address.rpartition("@")[2]
    words = _SENDER_WORDS.intersection(tokens_of(address.replace("_", " ")))
    if belongs_to(domain, HIRING_SYSTEMS):
        words |= {"hiring system"}
    elif domain in WEBMAIL:
        words |= {"webmail"}
    return set(words)


def read(mail: Mail) -> Verdict:
    """The signal of a mail with its confidence and evidence; facts are left to `facts`."""
    if report := _by_headers(mail):
        return report
    sentences = sentences_of(mail)
    counts = counts_of(sentences)
    probabilities = probabilities_of(mail, sentences)
    signal = decide(probabilities, counts)
    if mail.headers.get("auto-submitted", "").startswith("auto-replied") and signal not in _SAID_BY_MACHINES:
        signal = Signal.OTHER  # An absent recruiter's reply; it may speak of anything, and answers nothing.
    if signal is Signal.DELIVERY_FAILURE and _STILL_TRYING.search(f"{mail.subject}\n{mail.text[:READ_CHARACTERS]}"):
        signal = Signal.OTHER
    if signal in _SAYS_OFF and (off := _called_off(mail)):
        return off
    strong = probabilities[signal] >= STRONG_FLOOR and is_spoken(signal, counts)
    return Verdict(
        signal=signal,
        confidence=round(weights().calibrated(probabilities[signal]), 3),
        strong=strong,
        evidence=evidence_of(signal, sentences),
        source="rules" if strong else "weights",
    )


def _by_headers(mail: Mail) -> Verdict | None:
    """What needs no reading: a delivery report (RFC 3464, or Gmail's own header), and mail of our own."""
    kind = mail.headers.get("content-type", "")
    failed = mail.headers.get("x-failed-recipients", "")
    if "x-hearback-notification" in mail.headers:
        return Verdict(signal=Signal.OTHER, confidence=1.0, strong=False)
    if "report-type=delivery-status" in kind.lower().replace('"', "").replace(" ", "") or failed:
        came_back = _came_back(mail.quoted)
        header = f"X-Failed-Recipients: {failed}" if failed else f"Content-Type: {kind}"
        return Verdict(
            signal=Signal.OTHER if came_back is False else Signal.DELIVERY_FAILURE,
            confidence=0.99,
            # Nothing in the report says how it ended: Gmail's own header is enough, a title is not.
            strong=came_back is True or (came_back is None and bool(failed)),
            evidence=(Span(where="headers", text=header[:SPAN_CHARACTERS]),),
        )
    return None


def _came_back(report: str) -> bool | None:
    """Whether a delivery report (RFC 3464) says that a mail failed for good; None when it does not say.

    "delayed" is still being tried, "delivered", "relayed" and "expanded" have arrived; without an action, the class
    of the status counts: 5 has failed, 4 is being tried, 2 has arrived (RFC 3463).
    """
    actions = {action.lower() for action in _ACTION.findall(report)}
    if actions:
        return "failed" in actions
    statuses = set(_STATUS_CLASS.findall(report))
    return "5" in statuses if statuses else None


def _called_off(mail: Mail) -> Verdict | None:
    """The verdict on a mail whose calendar part calls a meeting off, when the mail may be about an application."""
    off = any(part.method.upper() == "CANCEL" for part in mail.calendars)
    if not off or hiring_probability(mail) < OPENED:
        return None
    return Verdict(
        signal=Signal.INTERVIEW_UPDATE,
        confidence=0.95,
        strong=True,
        evidence=(Span(where="calendar", text="METHOD:CANCEL"),),
    )


def probabilities_of(mail: Mail, sentences: Sequence[Sentence]) -> dict[Signal, float]:
    """How probable each signal is, before calibration."""
    of_words = weights().probabilities(rule_features(sentences), word_features(mail, sentences))
    return weigh(of_words, hiring_probability(mail))


def weigh(of_words: Mapping[str, float], hiring: float) -> dict[Signal, float]:
    """The signals' probabilities, weighed by how probable it is that the mail is about an application at all."""
    weighed = {
        Signal(name): share * (1 - hiring if name in NO_APPLICATION else hiring) for name, share in of_words.items()
    }
    whole = sum(weighed.values())
    return {signal: share / whole for signal, share in weighed.items()}


def hiring_probability(mail: Mail) -> float:
    """How probable it is that a mail is about an application, from what is seen before its body is fetched.

    A mail says at its beginning what it is about; what its end says ("we regret", "let's schedule a call") is only
    then an employer's answer.
    """
    seen = glimpse(mail)
    sentences = sentences_of(seen)
    return weights().hiring(rule_features(sentences), word_features(seen, sentences))


def glimpse(mail: Mail) -> Mail:
    """What is known of a mail before its body is fetched: headers and snippet."""
    return replace(mail, text="", snippet=mail.snippet or " ".join(mail.text.split())[:SNIPPET_CHARACTERS])


def decide(probabilities: Mapping[Signal, float], counts: Mapping[Signal, tuple[int, int]]) -> Signal:
    """The most probable signal; a rejection or an offer that no phrase states must be far ahead of the next one.

    A mail that says in so many words that the job is gone, or waits, and rejects nobody, is no rejection.
    """
    first, second, *_ = sorted(probabilities, key=probabilities.__getitem__, reverse=True)
    unspoken = first in _GRAVE and not counts.get(first, (0, 0))[0]
    if unspoken and first is Signal.REJECTION:
        stated = [signal for signal in _CALLED_OFF if counts.get(signal, (0, 0))[0]]
        if stated:
            return max(stated, key=probabilities.__getitem__)
    if unspoken and probabilities[first] < UNSPOKEN_LEAD * probabilities[second]:
        return second
    return first


def is_spoken(signal: Signal, counts: Mapping[Signal, tuple[int, int]]) -> bool:
    """Whether the mail says it in phrases: one strong one, or two different ones that corroborate each other."""
    strong, weak = counts.get(signal, (0, 0))
    return strong > 0 or weak > 1


def evidence_of(signal: Signal, sentences: Sequence[Sentence]) -> tuple[Span, ...]:
    """The sentences that say so, the strong ones first, each cut to a span around the phrase."""
    hits = [(sentence, hit) for sentence in sentences for hit in sentence.hits if hit.signal == signal]
    hits.sort(key=lambda pair: not pair[1].strong)
    spans: list[Span] = []
    for sentence, hit in hits:
        span = Span(where=sentence.where, text=_excerpt(sentence, hit))
        if span not in spans:
            spans.append(span)
    return tuple(spans[:SPANS_PER_MAIL])


def _excerpt(sentence: Sentence, hit: Hit) -> str:
    text = sentence.text
    if len(text) <= SPAN_CHARACTERS:
        return text
    longest = max(sentence.tokens[hit.start : hit.end], key=len)
    at = max(text.lower().find(longest), 0)
    start = min(max(at - SPAN_CHARACTERS // 2, 0), len(text) - SPAN_CHARACTERS)
    return text[start : start + SPAN_CHARACTERS].strip()
