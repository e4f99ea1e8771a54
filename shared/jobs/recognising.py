"""By what a posting is recognised when it is found again, what it can be found by, and whether it is what is searched.

The names of a posting, strongest first: the id that its hiring system gave it, the address of its own page, and its
company with the words of its title and its places. Two cities are two postings, however equal their words.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from shared.classify.facts import links
from shared.codec import to_json
from shared.jobs.places import places
from shared.model import FoundPosting, PostingSummary, SourceRef
from shared.names import CJK, company_key, plain, title

TERMS = 80
"""What one posting can be found by: about 25 words of title, company and places, the rest for searches and sources."""

SYSTEMS = ("greenhouse", "lever", "lever-eu", "ashby")
"""Hiring systems whose own boards are read; their ids are unique in the whole system."""


def key_id(name: str) -> str:
    """The document's id of a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def own_name(found: FoundPosting, source: str, owner: str = "") -> str:
    """The strongest name: the id that the source gives."""
    system = source.partition(":")[0]
    name = f"id:{system.removesuffix('-eu')}:{found.id.lower()}" if system in SYSTEMS else f"id:{source}#{found.id}"
    return _of(owner, name)


def _of(owner: str, name: str) -> str:
    """A person's own page has names of its own: what it says never changes what everybody sees."""
    return f"{owner}/{name}" if owner else name


def names(found: FoundPosting, source: str, shared_pages: frozenset[str], owner: str = "") -> tuple[str, ...]:
    """What a posting is recognised by, strongest first, each once; `shared_pages` tell none of several apart."""
    own = [url for url in (found.url, found.apply_url) if url and links.canonical(url) not in shared_pages]
    pages, numbers = filter(None, map(links.canonical, own)), filter(None, map(links.posting_id, own))
    named = [
        *(f"id:{number}" for number in numbers),
        *(f"page:{page}" for page in pages),
        words(found),
    ]
    return tuple(dict.fromkeys((own_name(found, source, owner), *(_of(owner, name) for name in named if name))))


def words(found: FoundPosting) -> str:
    """The name by words; empty where no place is told, since twins in two cities would then be one."""
    where = sorted(place.key for place in places(found.location)) or (["anywhere"] if found.remote else [])
    role = title(found.title)
    if not where or not role.words:
        return ""
    spelt = [company_key(found.company), *(" ".join(sorted(each)) for each in (role.words, role.grade, where))]
    return "words:" + "|".join(spelt)


def shared_pages(postings: Iterable[FoundPosting]) -> frozenset[str]:
    """Pages that several postings of one scan name: a list, a form, never one posting's own."""
    counts = Counter(
        page for found in postings for page in {links.canonical(url) for url in (found.url, found.apply_url) if url}
    )
    return frozenset(page for page, count in counts.items() if count > 1)


def digest(found: FoundPosting) -> str:
    """Of everything that the source says of a posting."""
    return hashlib.sha256(to_json(found)).hexdigest()


# --- What it can be found by ------------------------------------------------------------------------------------------


def by_source(source: str) -> str:
    """The term of all postings that a source shows."""
    return f"source:{source}"


def by_search(search_id: str) -> str:
    """The term of all postings that a search has found."""
    return f"search:{search_id}"


def by_company(company: str) -> str:
    """The term of all postings of a company."""
    return f"company:{company_key(company)}"


REMOTE = "remote"


def text_terms(text: str) -> tuple[str, ...]:
    """The words of a text as terms; Han and Kana, which put no spaces, by pairs of signs."""
    terms: dict[str, None] = {}
    for word in plain(text).split():
        if CJK.search(word):
            terms |= dict.fromkeys(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            terms[word] = None
    return tuple(terms)


def terms(found: PostingSummary, searches: Iterable[str], sources: Iterable[SourceRef]) -> tuple[str, ...]:
    """Everything that a posting can be found by, the narrowest first; a list of bounded length."""
    named = [
        *(by_search(search) for search in searches),
        *(by_source(ref.source) for ref in sources),
        *(by_source(ref.source.partition(":")[0]) for ref in sources),
        by_company(found.company),
        *([REMOTE] if found.remote else []),
        *text_terms(f"{found.title}"),
        *text_terms(f"{found.company}"),
        *text_terms(" ".join(f"{place.city} {place.state} {place.country}" for place in places(found.location))),
    ]
    return tuple(dict.fromkeys(named))[:TERMS]


# --- Whether it is what is searched for -------------------------------------------------------------------------------


def fits(found: FoundPosting, term: str, location: str) -> bool:
    """Whether a posting has all the words of the term in its title and is where the search looks.

    "senior software engineer" wants that grade; "software engineer" takes any. A location of "remote" wants remote
    work; any other one wants the place.
    """
    wanted, has = title(term), title(found.title)
    if CJK.search(term):
        if plain(term).replace(" ", "") not in plain(found.title).replace(" ", ""):
            return False
    elif not wanted.words <= has.words | has.grade or not wanted.grade <= has.grade:
        return False
    where = places(location)
    if not where:
        return found.remote or not location.strip()
    return any(place.covers(other) for place in where for other in places(found.location))
