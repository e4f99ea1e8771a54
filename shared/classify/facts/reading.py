"""One mail as the fact finders read it: capped, normalised, its wrapped lines joined, each part with its lower case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from shared.model import SPAN_CHARACTERS, Mail

TEXT_CHARACTERS = 16_000
"""How much of a body is searched for facts: ten times a long letter; what follows is a policy or an attack."""

SUBJECT_CHARACTERS = 400
"""Longest subject that is read."""

WRAPPED_LINE = 60
"""A line of at least this length that stops without punctuation was wrapped by the sender's mailer."""

WORD_START = r"(?<![^\W\d_])(?=[^\W\d_])"
"""Where a word begins. A long list of words is tried there only, which keeps a search for it linear and cheap."""

_WORD = re.compile(r"\S+")
_SPACES = re.compile(r"[^\S\n]+")
_SENTENCE_END = frozenset(".!?:;。！？：；>")

Where = Literal["subject", "body", "from"]


def one_of(*patterns: str) -> str:
    """A pattern that matches where one of several does: how tables of words become one search."""
    return f"(?:{'|'.join(patterns)})"


@dataclass(frozen=True, slots=True)
class Word:
    """A run of signs without a space, in lower case, and where it stands."""

    start: int
    end: int
    lower: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some text of the mail, the same in lower case sign for sign, and its words."""

    where: Where
    text: str
    lower: str
    words: tuple[Word, ...]

    @classmethod
    def of(cls, where: Where, text: str) -> Part:
        """The part that `text` makes; its length must not change in lower case (see `read`)."""
        lower = text.lower()
        words = tuple(Word(match.start(), match.end(), match.group()) for match in _WORD.finditer(lower))
        return cls(where, text, lower, words)

    def find(self, phrase: str, *, limit: int = 12) -> Iterator[int]:
        """Where `phrase` (lower case) begins a word, first `limit` places; yields the index behind it."""
        at = self.lower.find(phrase)
        while at >= 0 and limit:
            if at == 0 or not (self.lower[at - 1].isalnum() and phrase[0].isascii()):
                limit -= 1
                yield at + len(phrase)
            at = self.lower.find(phrase, at + len(phrase))

    def quote(self, start: int, end: int) -> str:
        """The words around text[start:end] in their line, at most SPAN_CHARACTERS, cut at words."""
        start = min(max(start, 0), len(self.text))
        end = min(max(end, start), len(self.text), start + SPAN_CHARACTERS)
        room = (SPAN_CHARACTERS - (end - start)) // 2
        line = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", end)
        stop = stop if stop >= 0 else len(self.text)
        left, right = max(line, start - room), min(stop, end + room)
        if left > line:
            # Not in the middle of a word, unless there is no other place (scripts without spaces).
            left = self.text.find(" ", left, start) + 1 or left
        if right < stop:
            space = self.text.rfind(" ", end, right)
            right = space if space >= 0 else right
        return self.text[left:right].strip()


class Phrases:
    """A table of phrases, found in one pass over a part's words: at each place the longest that ends there.

    A phrase is lower case and ends with a space where a word ends; one that does not ("poste d'", or in a script
    without spaces) is searched by itself.
    """

    def __init__(self, table: Iterable[tuple[str, int]]) -> None:
        self._by_last: dict[str, list[tuple[str, int]]] = {}
        self._glued: list[tuple[str, int]] = []
        for phrase, weight in table:
            if phrase.endswith(" "):
                self._by_last.setdefault(phrase.split()[-1], []).append((phrase.rstrip(), weight))
            else:
                self._glued.append((phrase, weight))
        for entries in self._by_last.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def within(self, part: Part, *, limit: int = 80) -> Iterator[tuple[str, int, int]]:
        """(phrase, its weight, index behind it and its space), in the order of the text, first `limit`."""
        for word in part.words:
            for phrase, weight in self._by_last.get(word.lower, ()):
                start = word.end - len(phrase)
                if (
                    start >= 0
                    and part.lower.startswith(phrase, start)
                    and (start == 0 or not part.lower[start - 1].isalnum())
                ):
                    yield phrase, weight, word.end + 1
                    limit -= 1
                    break
            if limit <= 0:
                return
        for phrase, weight in self._glued:
            for end in part.find(phrase, limit=3):
                yield phrase, weight, end


@dataclass(frozen=True, slots=True)
class Guess:
    """One reading of a name, how surely it is one, and the words that it was read from."""

    value: str
    weight: int
    quote: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of one mail."""

    subject: Part
    body: Part
    sender: Part


def _normal(text: str) -> str:
    """NFKC (full-width digits and colons become plain ones), with lower() keeping every index."""
    return unicodedata.normalize("NFKC", text).replace("İ", "I")


def _unwrap(text: str) -> str:
    """Lines that a mailer wrapped are joined; lines that the writer ended stay lines."""
    joined: list[str] = []
    wrapped = False
    for raw in text.split("\n"):
        line = _SPACES.sub(" ", raw).strip()
        if wrapped and line and (line[0].isalnum() or line[0] in "([\"'$€£"):
            joined[-1] += " " + line
        else:
            joined.append(line)
        wrapped = len(line) >= WRAPPED_LINE and line[-1] not in _SENTENCE_END
    return "\n".join(joined)


def read(mail: Mail) -> Reading:
    """The parts of `mail`; a mail of which only the headers were fetched is read by its snippet."""
    subject = _SPACES.sub(" ", _normal(mail.subject[:SUBJECT_CHARACTERS]).replace("\n", " ")).strip()
    body = _unwrap(_normal((mail.text or mail.snippet)[:TEXT_CHARACTERS])[:TEXT_CHARACTERS])
    sender = _SPACES.sub(" ", _normal(mail.from_name[:SUBJECT_CHARACTERS]).replace("\n", " ")).strip()
    return Reading(subject=Part.of("subject", subject), body=Part.of("body", body), sender=Part.of("from", sender))
