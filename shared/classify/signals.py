"""What one mail says, read from its sentences: phrases first, then weights over words, in the order of the evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from shared.classify import phrases_cjk, phrases_en, phrases_germanic, phrases_romance
from shared.classify.phrases import Match, Phrases, tokens_of
from shared.classify.weights import text_features, weights
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.model import SNIPPET_CHARACTERS, SPAN_CHARACTERS, SPANS_PER_MAIL, Mail, Signal, Span, Verdict
from shared.names import word_set

READ_CHARACTERS = 12_000
"""How much of a mail's text is read: the longest hiring mail is a tenth of it, a newsletter has no end."""

SUBJECT_CHARACTERS = 500
"""How much of a subject is read."""

RULE_FEATURES = 5
"""Numbers a signal in `rule_features`: strong, two strong, corroborating, two corroborating, strong in the subject."""

UNSPOKEN_LEAD = 4.0
"""How many times as probable as the next signal a rejection or an offer must be that no strong phrase states: a wrong
one does the most harm."""

STRONG_FLOOR = 0.6
"""How probable a signal must be for its phrases to move a status: an invitation thanks for the application, too, and
below this it is often the wrong one of two phrases that has won."""

NO_APPLICATION = frozenset({Signal.OTHER, Signal.JOB_ALERT, Signal.VERIFICATION_CODE})
"""Signals of mail that is about no application; it may stay closed."""

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

_CONDITION, _NEGATION = "condition", "negation"

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+|\s[•·]\s")
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
        tables += [(_CONDITION, module.CONDITIONAL), (_NEGATION, module.NEGATION)]
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
    supposed = False
    for match in _phrases().find(tokens):
        if match.name == _CONDITION:
            supposed = True
        elif match.name == _NEGATION:
            negations.append(match.end)
        else:
            matches.append(match)
    return Sentence(where, text, tokens, tuple(_standing(matches, negations, supposed=supposed)), supposed)


def _standing(matches: Sequence[Match], negations: Sequence[int], *, supposed: bool) -> list[Hit]:
    """The matches that are neither negated nor only supposed.

    Of two overlapping ones of a signal the strong, then the longer one stands: one clause is one piece of evidence,
    however many lines of the tables it fits.
    """
    hits = [
        Hit(signal, strong, match.start, match.end)
        for match in matches
        for signal, strong in (match.name,)
        if not (supposed and signal in _SUPPOSABLE)
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
        only_late = "action: delayed" in mail.quoted.lower() and "action: failed" not in mail.quoted.lower()
        header = f"X-Failed-Recipients: {failed}" if failed else f"Content-Type: {kind}"
        return Verdict(
            signal=Signal.OTHER if only_late else Signal.DELIVERY_FAILURE,
            confidence=0.99,
            strong=not only_late,
            evidence=(Span(where="headers", text=header[:SPAN_CHARACTERS]),),
        )
    return None


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
    """The most probable signal; a rejection or an offer that no phrase states must be far ahead of the next one."""
    first, second, *_ = sorted(probabilities, key=probabilities.__getitem__, reverse=True)
    unspoken = first in _GRAVE and not counts.get(first, (0, 0))[0]
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
