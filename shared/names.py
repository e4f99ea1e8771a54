"""Names of companies and titles of roles, made comparable.

Comparing is done on words: case, accents on Latin letters, punctuation and legal forms do not count; letters of every
other script are kept as they are, since a name in Han or Kana has nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

NAME_CHARACTERS = 200
"""Longest name or title that is compared; what is longer is a paragraph."""


def word_set(*lines: str) -> frozenset[str]:
    """The words of some text as a set: how the tables of words are written down."""
    return frozenset(word for line in lines for word in line.split())


_LEGAL = word_set(
    """
    inc incorporated llc llp lp ltd limited corp corporation co plc gmbh mbh ggmbh ag se kg kgaa ohg ug eg ev sarl sas
    sasu sa spa srl sl slu bv nv vof ab as asa oy oyj aps pty pte pvt private kk ltda eireli sro zoo doo kft zrt pjsc
    ooo bhd sdn
    """
)
"""Legal forms at the end of a name, after punctuation is gone ("S.p.A." has become "spa")."""

_GENERIC = word_set(
    """
    group holding holdings technologies technology tech solutions international global systems software labs services
    platforms company gruppe groupe grupo gruppo com io ai
    """
)
"""Words at the end of a name that people leave out in speech; one of them at most is set aside."""

_LEGAL_CJK = ("股份有限公司", "有限责任公司", "有限公司", "株式会社", "有限会社", "合同会社", "(株)", "集团", "集團")
"""Legal forms written without a space, before or behind the name."""

_LATIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters that Unicode does not decompose, as they are written without them."""

_MARKS = re.compile("[\u0300-\u036f]")
"""Combining marks of Latin letters. Those of other scripts are letters of their own and stay."""

_JOINED = re.compile(r"['’`´]")
_NOT_WORD = re.compile(r"[^\w&+#]+|_+")
_ASIDE = re.compile(r"(?<=\w)\s{0,4}[(\[][^()\[\]]{0,60}[)\]]")
"""What a name says in brackets: "Amazon Web Services (AWS)"."""
_INITIALS = re.compile(r"\b(?:\w\.){2,6}")

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]")
"""Han and Kana: scripts that put no spaces between words."""


def plain(text: str) -> str:
    """Lower-case words with one space between them: NFKC, no Latin accents, no punctuation."""
    folded = unicodedata.normalize("NFKC", text[:NAME_CHARACTERS]).casefold()
    folded = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", folded)))
    folded = _INITIALS.sub(lambda match: match.group().replace(".", ""), folded.translate(_LATIN_LETTERS))
    words = _NOT_WORD.sub(" ", _JOINED.sub("", folded)).split()
    return " ".join("and" if word in ("&", "+") else word for word in words)


def is_legal_form(word: str) -> bool:
    """Whether a word is a legal form: "Inc.", "GmbH", "S.p.A."."""
    return plain(word) in _LEGAL


@lru_cache(maxsize=4096)
def company_key(name: str) -> str:
    """A company's name without its legal form: "Acme Corp." and "ACME, Inc" are both "acme"."""
    text = unicodedata.normalize("NFKC", name[:NAME_CHARACTERS])
    for form in _LEGAL_CJK:
        bare = text.strip().removeprefix(form).removesuffix(form)
        text = bare if bare.strip() else text
    words = plain(_ASIDE.sub("", text)).split() or plain(text).split()
    while len(words) > 1 and (words[-1] in _LEGAL or words[-1] in {"and", "&", "the"}):
        words.pop()
    if len(words) > 1 and words[0] == "the":
        words.pop(0)
    return " ".join(words)


@lru_cache(maxsize=4096)
def short_company_key(name: str) -> str:
    """The key with one generic word less: "acme" for Acme Technologies GmbH."""
    words = company_key(name).split()
    if len(words) > 1 and words[-1] in _GENERIC:
        words.pop()
    return " ".join(words)


def same_company(one: str, other: str) -> bool:
    """Whether two names are one company's: equal keys, or equal but for a generic word that only one of them has.

    "Acme" is "Acme Technologies"; "Acme Technologies" is not "Acme Solutions".
    """
    first, second = company_key(one), company_key(other)
    if not first or not second:
        return False
    return first == second or short_company_key(one) == second or first == short_company_key(other)


# --- Roles ------------------------------------------------------------------------------------------------------------

_SENIORITY = {
    "intern": "intern",
    "internship": "intern",
    "trainee": "intern",
    "praktikant": "intern",
    "praktikum": "intern",
    "stagiaire": "intern",
    "werkstudent": "student",
    "apprentice": "intern",
    "graduate": "graduate",
    "junior": "junior",
    "jr": "junior",
    "entry": "junior",
    "mid": "mid",
    "midlevel": "mid",
    "intermediate": "mid",
    "senior": "senior",
    "snr": "senior",
    "sr": "senior",
    "staff": "staff",
    "principal": "principal",
    "distinguished": "distinguished",
    "fellow": "fellow",
    "lead": "lead",
    "head": "head",
    "chief": "chief",
    "director": "director",
    "vp": "vp",
    "svp": "svp",
    "evp": "evp",
    "associate": "associate",
    "assistant": "assistant",
    "founding": "founding",
    "i": "1",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "v": "5",
    "1": "1",
    "2": "2",
    "3": "3",
    "4": "4",
    "5": "5",
    "实习生": "intern",
    "实习": "intern",
    "高级": "senior",
    "资深": "senior",
    "初级": "junior",
}
"""Words that tell two grades of one title apart, and the grade that they name."""

_ROLE_NOISE = word_set(
    """
    a an and the of for in at to m w f d x h mwd mfd fmd all genders gender remote hybrid onsite on site full time
    fulltime part parttime permanent contract temporary position role job opening vacancy level
    """
)
"""Words of a title that do not tell one role from another."""

_ROLE_WORDS = {
    "swe": "software engineer",
    "sde": "software development engineer",
    "sre": "site reliability engineer",
    "pm": "product manager",
    "tpm": "technical program manager",
    "em": "engineering manager",
    "qa": "quality assurance",
    "ml": "machine learning",
    "ai": "artificial intelligence",
    "hr": "human resources",
    "ux": "user experience",
    "ui": "user interface",
    "dev": "developer",
    "eng": "engineer",
    "mgr": "manager",
    "vice": "vp",
    "frontend": "front end",
    "backend": "back end",
    "fullstack": "full stack",
    "programme": "program",
}
"""Short forms of titles, spelt out."""

NARROWED_WORDS = 2
"""Words that two titles must share for one to be the other in more or fewer words: "Engineer" is any engineer."""

_SAME_WORK = {"developer": "engineer", "programmer": "engineer", "engineering": "engineer", "development": "engineer"}
"""Words that writers of one employer use for one another."""

_GENDERS = re.compile(
    r"[(\[]\s{0,2}(?:[mwfdxhgv]{1,3}|div\.?|all genders?|gn)(?:\s?[/|*,]\s?[mwfdxhvi*]{1,3}){0,4}\s{0,2}[)\]]",
    re.IGNORECASE,
)
_VICE_PRESIDENT = re.compile(r"\bvice[ -]president\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Title:
    """A role's title as two sets: its grade, and the words that say what the work is."""

    words: frozenset[str]
    grade: frozenset[str]


@lru_cache(maxsize=4096)
def title(role: str) -> Title:
    """The comparable form of a role's title."""
    text = _VICE_PRESIDENT.sub("vp", _GENDERS.sub(" ", role[:NAME_CHARACTERS]))
    spelt = " ".join(_ROLE_WORDS.get(word, word) for word in plain(text).split())
    words: set[str] = set()
    grade: set[str] = set()
    for word in spelt.split():
        if word in _SENIORITY:
            grade.add(_SENIORITY[word])
        elif word not in _ROLE_NOISE:
            words.add(word)
    if not words and grade:
        # "Director", "Intern": the grade is all that the title says.
        words = set(grade)
    return Title(frozenset(words), frozenset(grade))


def same_role(one: str, other: str) -> bool:
    """Whether two titles name the same role: the same words and the same grade."""
    first, second = title(one), title(other)
    return bool(first.words) and first == second


def narrowed_role(one: str, other: str) -> bool:
    """Whether one title is the other with more words: "Data Analyst" and "Data Analyst, Marketing (Berlin)"."""
    first, second = title(one), title(other)
    shared = first.words & second.words
    return first.grade == second.grade and len(shared) >= NARROWED_WORDS and shared in (first.words, second.words)


def other_work(one: str, other: str) -> bool:
    """Whether two titles name different work: each has words that the other lacks.

    A title that says less ("Engineer") is no other than one that says more ("Platform Engineer"), a developer is an
    engineer, and an unknown title is no other than any.
    """
    if CJK.search(one) and CJK.search(other):
        inner, outer = sorted((plain(one).replace(" ", ""), plain(other).replace(" ", "")), key=len)
        return inner not in outer
    first, second = ({_SAME_WORK.get(word, word) for word in title(role).words} for role in (one, other))
    return not (first <= second or second <= first)


def roles_disagree(one: str, other: str) -> bool:
    """Whether two titles cannot mean one job: different work, or the same in another grade."""
    first, second = title(one), title(other)
    if not first.words or not second.words:
        return False
    return first.grade != second.grade or other_work(one, other)
