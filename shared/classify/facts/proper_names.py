"""Proper names in running text: where one ends, when only its beginning (or only its end) is known."""

from __future__ import annotations

import re

from shared.classify.facts.company_words import NAME_ENDS, NAME_STOPS
from shared.names import CJK, is_legal_form, word_set

WINDOW = 120
"""Characters looked at behind a phrase: the longest name that is believed, and then some."""

NAME_WORDS = 8
"""Longest company name, in words."""

OPENING = "\"'“‘«(*_"
CLOSING = "\"'”’»)*_"
"""Signs that may stand before and behind a word without being of it."""

_WORD = re.compile(r"\S{1,80}")
_ABBREVIATIONS = frozenset(
    {"inc.", "co.", "corp.", "ltd.", "l.p.", "s.a.", "s.p.a.", "st.", "u.s.", "plc.", "bros.", "dr."}
)
_LINKS = frozenset(
    {"&", "and", "of", "de", "du", "des", "la", "von", "und", "et", "y", "+", "für", "for", "the", "'n'"}
)
_CLAUSES = word_set("and or has have is was for at in to on we with but as of regarding your")
_INITIALS = re.compile(r"(?:[A-Z]\.){1,4}")
_CLOCK_OR_ORDINAL = re.compile(r"\d+(?:am|pm|h|st|nd|rd|th|min|k)?", re.IGNORECASE)
_COMMON_PARTS = word_set(
    "solutions technologies technology systems labs software consulting bank university institute motors"
)
"""Last words of names that hasty writers leave small: "Tech solutions"."""
_PARTNERS = re.compile(r" [A-Z][\w'’-]{1,30}(?:, [A-Z][\w'’-]{1,30}){0,4},? & [A-Z]")
"""How a firm of partners goes on behind its first comma; a list of firms has no "&"."""

_CAMPUS = re.compile(r" ([A-Z][a-z]{2,20})(?: [A-Z][a-z]{2,20})?(?=[,.;!?]|\s[a-z]|$)")
_GREETINGS = frozenset({"best", "kind", "warm", "warmly", "many"})


def read_name(text: str, start: int, *, sure: bool = False) -> tuple[str, int]:
    """The proper name that begins at text[start], and the index behind it; "" when none does.

    `sure` where the words before it announce a name: then "New", "Next" or "Best" may begin it ("Best Buy").
    """
    words: list[str] = []
    held: list[str] = []
    end = start
    for match in _WORD.finditer(text, start, min(start + WINDOW, len(text))):
        if len(words) >= NAME_WORDS or (words and "\n" in text[end : match.start()]):
            break
        raw = match.group()
        word = raw if words else raw.lstrip(OPENING)
        if not word or word[0] in "[<{(-–—|/:@":
            break
        bare, closed = _bare(text, match.end(), word)
        ahead = text[match.end() : match.end() + 2]
        opens = sure and not closed and ahead[:1] == " " and ahead[1:].isupper()
        if not bare or bare.lower() in (NAME_ENDS if words or opens else NAME_STOPS):
            break
        if (
            _proper(bare)
            or (words and _common_part(bare))
            or (sure and not words and _legal_follows(text, match.end()))
        ):
            words += [*held, bare]
            held = []
            end = match.start() + raw.find(bare) + len(bare)
            if len(words) > 1 and is_legal_form(bare) and not _legal_follows(text, match.end()):
                break
        elif words and not closed and _links(bare, words, held):
            held.append(bare)
            continue
        else:
            break
        if closed and not _goes_on(text, match.end(), word, words):
            break
    if words == ["The"]:
        return "", start
    return " ".join(words), end


def _common_part(word: str) -> bool:
    """Whether a word without a capital may end a name: "Tech solutions", "Forever 21"; four digits are a year."""
    return word in _COMMON_PARTS or (word.isdigit() and len(word) < len("2026"))


def _links(word: str, words: list[str], held: list[str]) -> bool:
    """Whether a small word may stand inside a name: "Bank of the West", "University of Texas at Austin"."""
    if held and held != ["of"]:
        return False
    return word.lower() in _LINKS or (word == "at" and "University" in words[:2])


def _goes_on(text: str, at: int, word: str, words: list[str]) -> bool:
    """Whether a name goes on behind a comma or stop: "Acme, Inc.", "Weil, Gotshal & Manges", "..., Berkeley"."""
    if _legal_follows(text, at):
        return word[-1] in ",."
    campus = _CAMPUS.match(text, at) if word[-1] == "," and "University" in words[:2] else None
    if campus:
        return campus.group(1).lower() not in NAME_STOPS
    return word[-1] == "," and bool(_PARTNERS.match(text, at))


def _bare(text: str, behind: int, word: str) -> tuple[str, bool]:
    """A word without the signs around it, and whether they close the name."""
    if word.lower() in _ABBREVIATIONS or _INITIALS.fullmatch(word):
        return word, False
    bare = word.rstrip(".,;:!?…" + CLOSING)
    if bare.endswith(("'s", "’s")) and bare == word:
        # "Acme's team" is Acme's; "McDonald's" keeps its own before a stop, a capital or the next clause.
        follows = text[behind : behind + 24].split(maxsplit=1)[:1]
        if follows and follows[0].islower() and follows[0].strip(",.") not in _CLAUSES:
            return bare[:-2], True
    for sign in "。,、;:!?()":
        if sign in bare and CJK.search(bare):
            return bare[: bare.find(sign)], True
    return bare, bare != word


def _proper(word: str) -> bool:
    """Capitalised somewhere ("eBay", "AT&T"), in a script without case, or a domain ("monday.com")."""
    if _CLOCK_OR_ORDINAL.fullmatch(word):
        return False
    if any(letter.isupper() for letter in word):
        return True
    if word.isalnum() and any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word):
        return True
    return bool(CJK.match(word)) or word.endswith((".com", ".io", ".ai"))


def _legal_follows(text: str, at: int) -> bool:
    """Whether a legal form comes next: ", Inc.", "& Co. KG", "Ltd"."""
    follows = text[at : at + 12].split(maxsplit=2)
    follows = follows[1:] if follows[:1] == ["&"] else follows
    return bool(follows) and text[at : at + 1] == " " and is_legal_form(follows[0])


def name_before(text: str, end: int) -> tuple[str, int]:
    """The proper name that ends before text[end] and begins its sentence or follows "the", and where it begins."""
    left = max(end - WINDOW, 0)
    start = end
    count = 0
    for match in reversed(list(_WORD.finditer(text, left, end))):
        word = match.group()
        bare = word.strip(OPENING + CLOSING)
        if "\n" in text[match.end() : start] or count >= NAME_WORDS or bare.lower() in NAME_ENDS | _GREETINGS:
            break
        stops = word[-1] in ".!?;:," and word.lower() not in _ABBREVIATIONS and not _INITIALS.fullmatch(word)
        if stops and count and not (word[-1] == "," and count == 1 and _legal_follows(text, match.end())):
            break
        if not _proper(bare) and not (count and bare in _LINKS):
            break
        start = match.start()
        count += 1
    while count and text[start:end].split(maxsplit=1)[0] in _LINKS:
        start += len(text[start:end].split(maxsplit=1)[0]) + 1
        count -= 1
    if not count:
        return "", end
    name, _ = read_name(text[:end], start, sure=True)
    return name, start
