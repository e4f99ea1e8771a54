"""Gmail's search operators, as far as a query for hiring mail uses them.

Operators that Gmail has and this model has not are refused loudly, so that no test passes on a query half understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, Protocol

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.errors import invalid
from shared.local.gmail.rfc822 import ParsedMail, words

QUERY_CHARACTERS: Final = 16_000
"""Longer queries are refused; the hiring query is a few thousand."""

_NESTING = 20
"""Groups within each other."""

_PACIFIC = timezone(timedelta(hours=-8))
"""Dates in a query mean midnight in PST (Gmail API guide, "Searching for messages")."""

_TOKEN = re.compile(r'\s+|[(){}]|-(?=[^\s)}])|[A-Za-z0-9_]+:(?=[^\s)}])|"[^"]*"?|[^\s(){}"]+')
_OPERATOR = re.compile(r"[A-Za-z0-9_]+:")
_UNIT_DAYS: Final = {"h": 1 / 24, "d": 1, "m": 30, "y": 365}
_DATES: Final = ("%Y/%m/%d", "%Y-%m-%d", "%m/%d/%Y")
_EAST_ASIAN = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts written without spaces between words: there a term may stand anywhere."""

_PLACES: Final[Mapping[str, str]] = {
    "inbox": "INBOX",
    "sent": "SENT",
    "spam": "SPAM",
    "trash": "TRASH",
    "drafts": "DRAFT",
    "draft": "DRAFT",
    "chats": "CHAT",
    "chat": "CHAT",
    "unread": "UNREAD",
    "starred": "STARRED",
    "important": "IMPORTANT",
}
"""What in:, is: and label: call the system labels."""

_CATEGORIES: Final[Mapping[str, str]] = {
    "primary": "CATEGORY_PERSONAL",
    "personal": "CATEGORY_PERSONAL",
    "social": "CATEGORY_SOCIAL",
    "promotions": "CATEGORY_PROMOTIONS",
    "updates": "CATEGORY_UPDATES",
    "forums": "CATEGORY_FORUMS",
}
"""The tabs of the inbox. Primary is also what bears no category at all."""

_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "from": ("From",),
    "to": ("To", "Cc", "Bcc"),
    "cc": ("Cc",),
    "bcc": ("Bcc",),
    "subject": ("Subject",),
    "list": ("List-Id",),
}
"""Operators that look for words in headers."""

_NOT_MODELLED: Final = frozenset(
    {"around", "deliveredto", "larger", "size", "smaller", "has_attachment", "resource", "meet"}
)


class Searchable(Protocol):
    """What the search looks at."""

    @property
    def mail(self) -> ParsedMail:
        """The mail itself."""
        ...

    @property
    def labels(self) -> Mapping[str, None]:
        """Its label ids."""
        ...

    @property
    def internal_ms(self) -> int:
        """Its internalDate, milliseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class Searcher:
    """Whose query it is, and when it is asked."""

    address: str
    now: datetime
    labels: Mapping[str, str]
    """Ids of the person's own labels by their names in a query (lower case, hyphens for spaces)."""


Match = Callable[[Searchable, Searcher], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A query made ready. Without `everywhere`, Gmail leaves spam and trash out."""

    matches: Match
    everywhere: bool


@lru_cache(maxsize=512)
def query(text: str) -> Query:
    """Make a query ready. Raises GoogleError 400 for nonsense, 501 for operators that the model does not have."""
    if len(text) > QUERY_CHARACTERS:
        raise invalid("Query too long")
    tokens = [token for token in _TOKEN.findall(text) if not token.isspace()]
    parser = _Parser(tokens)
    return Query(parser.all_of(""), parser.everywhere)


class _Parser:
    """Recursive descent over the tokens. OR binds closer than the space between two terms, as in Gmail."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.everywhere = False

    def all_of(self, closing: str, operator: str = "") -> Match:
        """Terms up to the closing bracket, all of which must match."""
        return _every(self._terms(closing, operator))

    def any_of(self, operator: str = "") -> Match:
        """Terms up to the closing brace, one of which must match."""
        return _either(self._terms("}", operator))

    def _terms(self, closing: str, operator: str) -> list[Match]:
        self._deeper()
        alternatives: list[list[Match]] = []
        joined = False
        while (word := self._next()) not in ("", closing):
            if word == "OR":
                joined = bool(alternatives)
            elif word != "AND" and word not in ")}":
                term = self._term(word, operator)
                if joined:
                    alternatives[-1].append(term)
                else:
                    alternatives.append([term])
                joined = False
        self._depth -= 1
        return [_either(group) for group in alternatives]

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _NESTING:
            raise invalid("Query too deep")

    def _next(self) -> str:
        """The next word; empty at the end, which closes whatever is open, as Gmail does."""
        if self._at >= len(self._tokens):
            return ""
        self._at += 1
        return self._tokens[self._at - 1]

    def _term(self, word: str, operator: str) -> Match:
        if word == "-":
            self._deeper()
            elsewhere = self.everywhere
            denied = self._term(self._next(), operator)
            self.everywhere = elsewhere  # -in:spam asks for no spam
            self._depth -= 1
            return lambda m, s: not denied(m, s)
        if word == "(":
            return self.all_of(")", operator)
        if word == "{":
            return self.any_of(operator)
        if not operator and _OPERATOR.fullmatch(word):
            return self._term(self._next(), word[:-1].lower())
        value = word.strip('"')
        return self._operation(operator, value) if operator else _contains(value)

    def _operation(self, operator: str, value: str) -> Match:  # noqa: C901, PLR0911 - the table of operators
        lowered = value.lower()
        if operator in _HEADERS:
            return _in_headers(_HEADERS[operator], value)
        if operator in ("in", "is", "label"):
            if lowered in ("anywhere", "spam", "trash"):
                self.everywhere = True
            return _labelled(operator, lowered)
        if operator == "category":
            return _in_category(lowered)
        if operator in ("after", "newer"):
            since = _instant(value)
            return lambda m, _: m.internal_ms >= since
        if operator in ("before", "older"):
            until = _instant(value)
            return lambda m, _: m.internal_ms < until
        if operator in ("newer_than", "older_than"):
            age, newer = _age(lowered), operator == "newer_than"
            return lambda m, s: (m.internal_ms >= (s.now - age).timestamp() * 1000) == newer
        if operator == "has" and lowered == "attachment":
            return lambda m, _: bool(m.mail.file_names)
        if operator == "filename":
            needle = words(value)
            return lambda m, _: needle in m.mail.file_words
        if operator == "rfc822msgid":
            wanted = f"<{value.strip('<>')}>"
            return lambda m, _: m.mail.message_id == wanted
        if operator in _NOT_MODELLED or operator == "has":
            raise GoogleError(501, "notImplemented", f"The model of Gmail does not know {operator}:{value}")
        # Gmail takes an operator that it does not know for words.
        return _contains(f"{operator}:{value}")


def _every(terms: list[Match]) -> Match:
    if len(terms) == 1:
        return terms[0]
    return lambda m, s: all(term(m, s) for term in terms)


def _either(terms: list[Match]) -> Match:
    if len(terms) == 1:
        return terms[0]
    return lambda m, s: any(term(m, s) for term in terms)


def _needle(value: str) -> str:
    needle = words(value)
    return needle.strip() if _EAST_ASIAN.search(needle) else needle


def _contains(value: str) -> Match:
    needle = _needle(value)
    return lambda m, _: needle in m.mail.all_words


def _in_headers(names: tuple[str, ...], value: str) -> Match:
    if value.lower() == "me" and names != ("Subject",):
        return lambda m, s: words(s.address) in m.mail.header_words(*names)
    needle = _needle(value)
    return lambda m, _: needle in m.mail.header_words(*names)


def _labelled(operator: str, name: str) -> Match:
    if name == "anywhere":
        return lambda _m, _s: True
    if name == "read":
        return lambda m, _: "UNREAD" not in m.labels
    label = _PLACES.get(name)
    if label:
        return lambda m, _: label in m.labels
    if operator != "label":
        raise GoogleError(501, "notImplemented", f"The model of Gmail does not know {operator}:{name}")
    return lambda m, s: s.labels.get(name, "") in m.labels


def _in_category(name: str) -> Match:
    if name not in _CATEGORIES:
        raise invalid(f"category:{name} is none of Gmail's")
    label = _CATEGORIES[name]
    if label != "CATEGORY_PERSONAL":
        return lambda m, _: label in m.labels
    others = [each for each in _CATEGORIES.values() if each != label]
    return lambda m, _: not any(each in m.labels for each in others)


def _instant(value: str) -> int:
    """An epoch in seconds or a date, in milliseconds."""
    if value.isdecimal():
        return int(value) * 1000
    for form in _DATES:
        try:
            return int(datetime.strptime(value, form).replace(tzinfo=_PACIFIC).astimezone(UTC).timestamp()) * 1000
        except ValueError:
            continue
    raise invalid(f"{value} is no date")


def _age(value: str) -> timedelta:
    if not value[:-1].isdecimal() or value[-1] not in _UNIT_DAYS:
        raise invalid(f"{value} is no age")
    return timedelta(days=int(value[:-1]) * _UNIT_DAYS[value[-1]])
