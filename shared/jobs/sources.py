"""The sources of postings, each by its name: "greenhouse:acme", "page:https://acme.example/jobs", "indeed".

One small door for all: a name and a search go in; what the source shows comes out, or why it can't be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Rejected, TryAgain
from shared.jobs import ats, big_boards, json_ld
from shared.jobs.ats import Listing
from shared.jobs.fetching import Document, Reader, Unavailable, Wish
from shared.jobs.recognising import SYSTEMS
from shared.model import Employer, Search
from shared.ports import JobBoards

BOARD_KINDS = SYSTEMS
"""Hiring systems with public boards; each name stands for all employers of the list that use it."""

BIG_BOARDS = ("linkedin", "indeed", "glassdoor", "zip_recruiter", "google")
"""Boards with everybody's jobs, asked through python-jobspy and only where a search names them."""

FRESH = timedelta(minutes=50)
"""How long a board's answer serves all searches: less than the hour between two rounds of one of them."""

BOARD_BYTES = 24 * 1024 * 1024
"""The largest boards have 2,000 jobs of 8 KB."""

PAGE_BYTES = 5 * 1024 * 1024
"""A page with more is an application, and its JSON-LD would not be in it."""

_NAME = re.compile(rf"(?:{'|'.join(BOARD_KINDS)})(?::[A-Za-z0-9][A-Za-z0-9._-]{{0,79}})?|{'|'.join(BIG_BOARDS)}")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a source showed, and when it said so."""

    listing: Listing
    at: datetime


def is_name(name: str) -> bool:
    """Whether a search may name this source, or kind of sources."""
    return _NAME.fullmatch(name) is not None


def named(search: Search, employers: Sequence[Employer]) -> tuple[str, ...]:
    """The sources of a search, in the order in which they are scanned: its own pages first."""
    wanted = search.sources or (() if search.pages else BOARD_KINDS)
    found = [f"page:{page}" for page in search.pages]
    for name in wanted:
        if name in BOARD_KINDS:
            found += [f"{each.ats}:{each.board}" for each in employers if each.ats == name]
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


def look(source: str, search: Search, *, until: datetime, reader: Reader, boards: JobBoards) -> Shown | Unavailable:
    """What a source shows for a search. A failure is its own and is told; what the store raises is not a source's."""
    kind, _, rest = source.partition(":")
    if kind == "page":
        wish = Wish(fresh_for=FRESH, most_bytes=PAGE_BYTES, until=until, accept="text/html,application/xhtml+xml")
        return _read(reader.read(rest, wish), lambda page: json_ld.listing(reader.web.json_ld(page.body)))
    if kind in BOARD_KINDS:
        employer = next((each for each in boards.employers if (each.ats, each.board) == (kind, rest)), None)
        if employer is None:
            return Unavailable("no such board in the list")
        wish = Wish(fresh_for=FRESH, most_bytes=BOARD_BYTES, until=until, accept="application/json")
        return _read(reader.read(ats.board_url(employer), wish), lambda board: ats.listing(employer, board.body))
    try:
        rows = boards.search(kind, search.term, search.location, until=until)
    except (Rejected, TryAgain) as e:
        return Unavailable(str(e))
    return Shown(big_boards.listing(rows), until)


def _read(answer: Document | Unavailable, understood: Callable[[Document], Listing]) -> Shown | Unavailable:
    if isinstance(answer, Unavailable):
        return answer
    try:
        return Shown(understood(answer), answer.fetched_at)
    except Rejected as e:
        return Unavailable(f"not what this source answers: {str(e)[:200]}")
