"""What a person does with jobs: look through them, and keep, list and drop searches of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

from shared.due import SEARCH_TOPIC, SearchDue
from shared.errors import Conflict, NotFound, Rejected
from shared.jobs import reading, recognising, sources
from shared.jobs.places import places
from shared.jobs.running import PERIODS, SEEDS, begun
from shared.model import Posting, PostingSummary, Search
from shared.names import title
from shared.ports import Clock, Ids, Page, Queue, Snapshot, Store
from shared.schema import POSTINGS, POSTINGS_BY_TERM, POSTINGS_LISTED, SEARCHES, SEARCHES_OF_USER, Collection

T = TypeVar("T")

MOST_SEARCHES = 20
"""Of one person: each is run up to 24 times a day."""

MOST_PAGES = 10
"""Career pages of one search."""

MOST_SOURCES = 60
"""Names of sources of one search."""

TERM_CHARACTERS = 120
"""A role's title."""

ROUNDS = 4
"""How often more postings are read when those read do not fit: then the page is short, and goes on behind them."""

REQUEST_CHARACTERS = 255
"""The longest Idempotency-Key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSearch:
    """A search as a person asks for it."""

    term: str
    location: str = ""
    sources: tuple[str, ...] = ()
    """"greenhouse", "lever:acme", "indeed" ...; none: all public boards, or none but the pages when there are some."""
    pages: tuple[str, ...] = ()
    """Career pages with schema.org JobPostings."""
    every_hours: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which postings a person wants to see; empty fields say nothing."""

    text: str = ""
    """All of these words in title, company or place."""
    company: str = ""
    location: str = ""
    remote: bool = False
    search: str = ""
    """Found by this search: one's own, or one of everybody's."""
    source: str = ""


def listed(uid: str, wanted: Wanted, *, limit: int, cursor: str = "", store: Store) -> Page[PostingSummary]:
    """Open postings that have everything that is wanted, newest first: of public boards and of one's own pages.

    Without anything wanted, those of public boards alone. Raises Rejected, and NotFound for somebody else's search.
    The store finds by the narrowest term, the other terms are held against what it found; so a page may be short
    while `next` is not empty.
    """
    if wanted.source and not sources.is_name(wanted.source) and wanted.source != "page":
        raise Rejected("source: a name that is none of a source")
    if wanted.search:
        _visible(uid, wanted.search, store=store)
    needed = _terms(wanted)
    if not needed:
        return store.find(POSTINGS_LISTED, equal={"uid": "", "open": True}, limit=limit, cursor=cursor)
    fitting: list[Snapshot[PostingSummary]] = []
    for _ in range(ROUNDS):
        page = store.find(
            POSTINGS_BY_TERM, equal={"open": True}, contains=needed[0], limit=limit - len(fitting), cursor=cursor
        )
        fitting += [item for item in page.items if item.value.uid in ("", uid) and set(needed) <= set(item.value.terms)]
        cursor = page.next
        if not cursor or len(fitting) == limit:
            break
    return Page(tuple(fitting), cursor)


def get(uid: str, posting_id: str, *, store: Store) -> Posting:
    """One posting with its text, open or closed. Raises NotFound, also for one on somebody else's page."""
    found = _found(POSTINGS, posting_id, store=store)
    if found is None or found.value.uid not in ("", uid):
        raise NotFound("no such job")
    return found.value


def create_search(
    uid: str, new: NewSearch, *, request_id: str = "", store: Store, queue: Queue, clock: Clock, ids: Ids
) -> Search:
    """Keep a search and begin its first round; the same `request_id` gives the one that it made. Raises Rejected."""
    if len(request_id) > REQUEST_CHARACTERS:
        raise Rejected(f"request_id: more than {REQUEST_CHARACTERS} characters")
    term, location = reading.line(new.term, TERM_CHARACTERS), reading.line(new.location, reading.LOCATION_CHARACTERS)
    _check(new, term)
    named = hashlib.sha256(f"{uid}\n{request_id}".encode()).hexdigest()[:32] if request_id else ids.new()
    key, now = SEARCHES.key(named), clock.now()
    known = store.get(key)
    if known is not None:
        return known.value
    if store.count(SEARCHES_OF_USER, equal={"uid": uid}) >= MOST_SEARCHES:
        raise Rejected(f"more than {MOST_SEARCHES} searches")
    search = begun(
        Search(
            id=named,
            uid=uid,
            term=term,
            location=location,
            sources=tuple(dict.fromkeys(new.sources)),
            pages=tuple(dict.fromkeys(new.pages)),
            every_hours=new.every_hours,
            created_at=now,
        ),
        now,
    )
    try:
        store.create(key, search)
    except Conflict:
        return _visible(uid, named, store=store)
    queue.publish(SEARCH_TOPIC, SearchDue(search_id=named))
    return search


def searches(uid: str, *, store: Store) -> tuple[Search, ...]:
    """The searches that always existed, and the person's own, oldest first."""
    seeds = store.get_many([SEARCHES.key(search_id) for search_id, _, _ in SEEDS])
    own = store.find(SEARCHES_OF_USER, equal={"uid": uid}, limit=MOST_SEARCHES)
    return (*(seed.value for seed in seeds if seed is not None), *(item.value for item in own.items))


def drop_search(uid: str, search_id: str, *, store: Store) -> None:
    """Drop a search of the person's own; what it has found stays. Raises NotFound for any other."""
    if _visible(uid, search_id, store=store).uid != uid:
        raise NotFound("no such search")
    store.delete(SEARCHES.key(search_id))


def _found(collection: Collection[T], document_id: str, *, store: Store) -> Snapshot[T] | None:
    """A document by an id that somebody has sent; None also for what can't be an id."""
    try:
        return store.get(collection.key(document_id))
    except ValueError:
        return None


def _visible(uid: str, search_id: str, *, store: Store) -> Search:
    """A search of the person's own, or one of everybody's. Raises NotFound."""
    found = _found(SEARCHES, search_id, store=store)
    if found is None or found.value.uid not in (uid, ""):
        raise NotFound("no such search")
    return found.value


def _check(new: NewSearch, term: str) -> None:
    """Raises Rejected, naming the field."""
    if not title(term).words:
        raise Rejected("term: names no work")
    if new.every_hours not in PERIODS:
        raise Rejected(f"every_hours: not one of {', '.join(map(str, PERIODS))}")
    if len(new.sources) > MOST_SOURCES or len(new.pages) > MOST_PAGES:
        raise Rejected(f"more than {MOST_SOURCES} sources or {MOST_PAGES} pages")
    for name in new.sources:
        if not sources.is_name(name):
            raise Rejected("sources: a name that is none of a source")
    for page in new.pages:
        if not reading.address(page) or not _has_host(page):
            raise Rejected("pages: not the address of a web page")


def _has_host(page: str) -> bool:
    try:
        return bool(urlsplit(page).hostname)
    except ValueError:
        return False


def _terms(wanted: Wanted) -> Sequence[str]:
    """What a posting must have, the narrowest first: a search or a company has few postings, a longer word fewer."""
    words, where = list(islice(recognising.text_terms(wanted.text), 12)), places(wanted.location)
    # As in a search: a location that names no place means anywhere.
    remote = wanted.remote or (bool(wanted.location.strip()) and not where)
    for place in where:
        words += recognising.text_terms(f"{place.city} {place.state} {place.country}")
    return [
        *([recognising.by_search(wanted.search)] if wanted.search else []),
        *([recognising.by_company(wanted.company)] if wanted.company else []),
        *([recognising.by_source(wanted.source)] if wanted.source else []),
        *sorted(dict.fromkeys(words), key=len, reverse=True),
        *([recognising.REMOTE] if remote else []),
    ]
