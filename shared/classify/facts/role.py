"""Which role a mail is about: titles that stand where such mail puts them, most telling place first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from shared.classify.facts.company import ENOUGH
from shared.classify.facts.proper_names import CLOSING, OPENING, WINDOW
from shared.classify.facts.reading import Guess, Part, Phrases, Reading
from shared.classify.facts.role_words import (
    CJK_TITLE_ENDS,
    ENGLISH_LEADS,
    GENERIC_ROLES,
    ROLE_BOUNDARIES,
    ROLE_ENDS,
    ROLE_LEADS,
    ROLE_LINKS,
    ROLE_NOUNS,
    ROLE_PHRASES,
    STEP_NOUNS,
    TITLE_HEADS,
)
from shared.names import CJK, company_key, plain, title, word_set

ROLE_WORDS = 10
"""Longest title, in words."""

SHORTEST = 2
"""Letters of the shortest title, "QA"."""

_EDGES = " ,;:-–—\"'“”*"
_PHRASES = Phrases(ROLE_PHRASES)
_WORD = re.compile(r"\S{1,80}")
_SHORTENED = frozenset({"sr.", "jr.", "snr.", "asst.", "mgr.", "eng."})
_DASHES = frozenset({"-", "–", "—", "|", "/", "·", "•"})
_DETERMINERS = word_set("the our a an die der den das dem le la l de het el un une een this following open new")
_NO_TITLE_BEGINS = (
    ROLE_LINKS
    | ROLE_BOUNDARIES
    | word_set("The Our A An This Your For To As Of Die Der Das Diese Ihre Unsere Deine Le La Les El Los Il Lo De Het")
)
_CLOSED = ".!?;:。"
_SUBJECT_BREAK = re.compile(r" ?[|•·»›] ?| [-–—@~] |: ")
_REQUISITION_TAIL = re.compile(
    r"(?<=\S)\s{0,4}[-–—,(\[#]{0,3}+\s{0,4}+"
    r"(?:(?:job|req|requisition|ref|position)\.?\s{0,2}(?:id|no|number|#)?[:#. ]{0,3})?"
    r"(?:(?!(?:19|20)\d\d\s{0,2}[)\]]?\s{0,4}$)\d{4,12}+|[A-Z]{1,6}[-_]?\d{3,12}+)(?:[-_]\d{1,6}+)?\s{0,2}[)\]]?\s{0,4}$",
    re.IGNORECASE,
)
_REQUISITION_HEAD = re.compile(
    r"^[(\[#]?(?:[A-Z]{1,4}[-_]?\d{3,14}|\d{4,14})(?:[-_/]\d{1,8})?[)\]]?\s?[-–—:]?\s", re.IGNORECASE
)
_GENDERS = re.compile(
    r"\s{0,4}[(\[]\s{0,2}(?:[mwfdxhgv]{1,3}|all genders?|div\.?|gn)(?:\s?[/|*,]\s?[mwfdxhvi*]{1,3}){0,4}\s{0,2}[)\]]",
    re.IGNORECASE,
)
_CJK_STOP = re.compile(r"[。,、;:!?\s]")
_LATIN_RUN = re.compile(r"[A-Z][A-Za-z0-9&/+.()'’ -]{2,80}+(?:, [A-Z][A-Za-z]{2,20})?")
"""Latin words inside a Chinese or Japanese sentence: a title if one of them is the head of one."""

_CJK_APPLIED = re.compile(
    r"(?:投递|应聘|申请|参加|面试|ご応募いただきました|ご応募の|応募の)(?:了|的|我们|我司|本公司|:)?\s?"
    r"([^,。!?:;【】\n]{2,20}?)\s?(?:岗位|职位|一职|的职位|职务)"
)
_CJK_AFTER_LEGAL = re.compile(r"公司(?:\([^)\n]{1,20}\))?(?:的)?([^,。\s:的]{2,16})[,。]")
_CJK_COHORT = re.compile(r"[】\]]([^【】\[\]的,。\s-]{2,16}?)(?:的|-)?(?:AI)?(?:测评|笔试|面试)")
_JA_ROLE = re.compile(
    r"([\u3040-\u30ff\u4e00-\u9fffA-Za-z・/]{2,14}?)(?:職|のポジション|ポジション|の求人|の募集)(?:に|へ|の|を)"
)
_CJK_PATTERNS = ((_CJK_APPLIED, 5), (_CJK_AFTER_LEGAL, 4), (_CJK_COHORT, 3), (_JA_ROLE, 3))


def find(reading: Reading, employer: str) -> Guess | None:
    """The role that the mail is about, or None; `employer` is never a role."""
    guesses: list[Guess] = []
    for part, bonus in ((reading.subject, 1), (reading.body, 0)):
        guesses += [Guess(g.value, g.weight + bonus, g.quote) for g in (*_before_nouns(part), *_titled(part))]
        if CJK.search(part.text):
            guesses += _cjk(part)
    guesses += _in_subject(reading.subject)
    guesses += _above_employer(reading.body, employer)
    best: Guess | None = None
    seen: dict[frozenset[str], int] = {}
    for guess in guesses:
        value = guess.value.removesuffix(f"({employer})").strip()
        name = title(value)
        key = name.words | name.grade
        if not key or company_key(value) == company_key(employer):
            continue
        seen[key] = seen.get(key, 0) + 1
        weight = guess.weight + min(seen[key] - 1, 2)
        if weight >= ENOUGH and (best is None or weight > best.weight):
            best = Guess(value, weight, guess.quote)
    return best


def _headed(text: str) -> bool:
    """Whether one of the words is the head of a title."""
    return bool(TITLE_HEADS.intersection(plain(text).split())) or text.endswith(CJK_TITLE_ENDS)


def _believable(words: list[str]) -> str:
    """The title that `words` make, or "" when they are no title."""
    words = _without_frame(words)
    text = _GENDERS.sub("", " ".join(words).strip(_EDGES))
    text = _REQUISITION_HEAD.sub("", _REQUISITION_TAIL.sub("", text)).strip(_EDGES)
    if text.count("(") > text.count(")"):
        text = text[: text.rfind("(")].strip(_EDGES)
    tokens = plain(text).split()
    if len(text) < SHORTEST or text[0] in "[<{" or all(token in GENERIC_ROLES or token.isdigit() for token in tokens):
        return ""
    if CJK.search(text) and _CJK_STOP.search(text):
        return ""
    if _headed(text):
        return text[:WINDOW]
    capitals = sum(word[:1].isupper() or word[:1].isdigit() or bool(CJK.match(word)) for word in words)
    proper = 2 * capitals >= len(words) and (text[0].isupper() or bool(CJK.match(text)))
    return text[:WINDOW] if proper and tokens[0] not in GENERIC_ROLES else ""


def _without_frame(words: list[str]) -> list[str]:
    """The words without those that only lead to a title or away from it: "Vacante QA Tester", "QA Tester interview"."""
    while words and (words[-1].lower() in ROLE_LINKS or words[-1] in _DASHES):
        words = words[:-1]
    while len(words) > 1 and words[-1] in STEP_NOUNS:
        words = words[:-1]
    while len(words) > 1 and words[0].lower() in ROLE_LEADS:
        words = words[1:]
    if len(words) > 2 and words[0].lower() in ENGLISH_LEADS and words[1] in ("for", "as"):  # noqa: PLR2004 - and a title
        words = words[2:]
    return words


# --- Read from behind: "the Data Analyst position", "Data Analyst at Acme" --------------------------------------------


def _before_nouns(part: Part) -> Iterator[Guess]:
    found = 0
    for index, word in enumerate(part.words):
        bare = word.lower.strip(OPENING + CLOSING + ".,;:!?")
        noun = bare in ROLE_NOUNS
        if (
            not noun
            and bare not in STEP_NOUNS
            and not (word.lower in ("at", "@") and _capital_follows(part.text, word.end))
        ):
            continue
        words, begin = _title_behind(part, index)
        if bare == "internship" and words:
            words.append(part.text[word.start : word.end].rstrip(",.;:!?"))  # It is a part of the title.
        while bare in STEP_NOUNS and words and words[-1].islower() and words[-1] not in TITLE_HEADS:
            words = words[:-1]  # "the Backend Engineer coding test"
        text = _believable(words)
        if text and (noun or _headed(text)):
            weight = (6 if _headed(text) else 4) if noun else 4 if bare in STEP_NOUNS else 5
            yield Guess(text, weight, part.quote(begin, word.end))
        found += noun
        if found > 24:  # noqa: PLR2004 - a mail that says "role" so often is not about one
            return


def _title_behind(part: Part, index: int) -> tuple[list[str], int]:
    """The words before part.words[index] that may be a title, and where they begin."""
    words: list[str] = []
    begin = part.words[index].start
    for word in reversed(part.words[max(index - ROLE_WORDS - 1, 0) : index]):
        text = part.text[word.start : word.end]
        bare = word.lower.strip(OPENING + CLOSING + ",;:")
        if "\n" in part.text[word.end : begin] or (text[-1] in _CLOSED and word.lower not in _SHORTENED):
            break
        if text[-1] == "," and words and not words[0][:1].isupper():
            break
        if (
            bare in ROLE_BOUNDARIES | ROLE_NOUNS
            and text == text.lower()
            and not (
                bare in {"of", "and", "&", "in"}
                and words
                and words[0][:1].isupper()
                and _title_goes_on(part, word.start)
            )
        ):
            break
        if text in _DASHES and _headed(" ".join(words)):
            break
        words.insert(0, text)
        begin = word.start
    while words and (words[0].strip("\"'“‘(") in _NO_TITLE_BEGINS or words[0] in _DASHES):
        words = words[1:]
    return words, begin


def _title_goes_on(part: Part, start: int) -> bool:
    """Whether a title's head stands right before a small word: "Head of", "Engineer in", "Director of"."""
    before = part.text[max(start - 24, 0) : start].split()
    return (
        bool(before)
        and before[-1][:1].isupper()
        and (plain(before[-1]) in TITLE_HEADS or before[-1].lower() in ("vp", "head", "chief"))
    )


# --- Read from the front: "position of Data Analyst", "Job title: Data Analyst" ---------------------------------------


def read_role(text: str, start: int) -> tuple[str, int]:
    """The title that begins at text[start], and the index behind it."""
    words: list[str] = []
    end = start
    depth = 0
    line = text.find("\n", start, start + WINDOW)
    for match in _WORD.finditer(text, start, line if line >= 0 else min(start + WINDOW, len(text))):
        word = match.group()
        bare = word.strip(OPENING + CLOSING + ".,;:!?")
        if not words and bare.lower() in _DETERMINERS:
            continue
        if len(words) >= ROLE_WORDS or word[0] in "|•·<[{" or (not words and bare in ROLE_ENDS):
            break
        ends = bare in ROLE_ENDS or (bare.lower() in ROLE_NOUNS and bare.lower() != "internship")
        if words and depth == 0 and ends and not _continues(text, match.end(), bare):
            break
        if words and word in _DASHES and text[match.end() : match.end() + 2].strip().islower():
            break  # "UX Designer - next steps"
        if CJK.search(word):
            stop = _CJK_STOP.search(word)
            words.append(word[: stop.start()] if stop else word)
            end = match.start() + len(words[-1])
            if stop or word.endswith(CJK_TITLE_ENDS):
                break
            continue
        if words and bare.islower() and not _belongs(text, match.end(), bare, words[-1]):
            break
        depth += word.count("(") - word.count(")")
        words.append(word.rstrip(_CLOSED) if word[-1] in _CLOSED and word.lower() not in _SHORTENED else word)
        end = match.end()
        if words[-1] != word or (word[-1] == "," and not _capital_follows(text, match.end())):
            break
    return _believable(words), end


def _continues(text: str, at: int, word: str) -> bool:
    """Whether a small word that a capital follows goes on: "Head of Data", "Engineer in Test"."""
    return (word in {"of", "and", "&"} and _capital_follows(text, at)) or (
        word == "in" and text[at : at + 5] == " Test"
    )


def _belongs(text: str, at: int, word: str, before: str) -> bool:
    """Whether a lower-case word goes on a title: a link, what a link leads to, a head, or a word before a head."""
    if word in ROLE_LINKS or before.lower() in ROLE_LINKS or word in TITLE_HEADS or not before[-1:].isalnum():
        return True
    ahead = [plain(follows) for follows in text[at : at + 40].split()[:2]]
    return any(follows in TITLE_HEADS for follows in ahead)


def _capital_follows(text: str, at: int) -> bool:
    follows = text[at : at + 2].strip()
    return bool(follows) and (follows[0].isupper() or follows[0].isdigit())


def _titled(part: Part) -> Iterator[Guess]:
    """Titles behind a phrase of the vocabulary; one that no list of heads knows needs a phrase that names a post."""
    for phrase, weight, at in _PHRASES.within(part):
        text, end = read_role(part.text, at)
        if not text or (phrase in ("for", "about") and " " not in text):
            continue  # "for Engineer" alone is too little.
        if _headed(text) or phrase.endswith(":"):
            yield Guess(text, max(weight, ENOUGH), part.quote(at - len(phrase) - 1, end))
        elif weight >= 5 and text[0].isupper():  # noqa: PLR2004 - "position of", "Stelle als" and their like
            yield Guess(text, weight - 2, part.quote(at - len(phrase) - 1, end))


def _in_subject(subject: Part) -> Iterator[Guess]:
    """Titles in a subject: "Interview Invitation - Data Analyst", "Backend Engineer application"."""
    pieces = [piece.strip() for piece in _SUBJECT_BREAK.split(subject.text)[:6] if piece.strip()]
    for index, piece in enumerate(pieces):
        text, end = read_role(piece, 0)
        whole = end >= len(piece.rstrip(" .!"))
        if text and _headed(text) and (whole or index == 0):
            yield Guess(text, 4 if whole and len(pieces) > 1 else 3, subject.text)


def _above_employer(body: Part, employer: str) -> Iterator[Guess]:
    """A line that is a title, above a line that begins with the employer: how job boards confirm an application."""
    lines = [line.strip() for line in body.text[:2_000].split("\n") if line.strip()][:40]
    for line, below in pairwise(lines):
        if employer and below.startswith(employer) and len(line) < WINDOW // 2:
            text = _believable(line.split())
            if text and _headed(text):
                yield Guess(text, 4, line)


def _cjk(part: Part) -> Iterator[Guess]:
    head = part.text[:2_000]
    for run in islice(_LATIN_RUN.finditer(head), 12):
        text = _believable(run.group().split())
        if text and _headed(text):
            yield Guess(text, 3, part.quote(run.start(), run.end()))
    for pattern, weight in _CJK_PATTERNS:
        found = pattern.search(head)
        if found:
            text = found.group(1).strip()
            for mark in ("公司", "株式会社", "的", "の"):
                text = text[text.rfind(mark) + len(mark) :] if mark in text[:-1] else text
            if text.endswith(CJK_TITLE_ENDS) or weight >= 5:  # noqa: PLR2004 - a phrase that names the post by itself
                yield Guess(text, weight, part.quote(found.start(), found.end()))
