"""Jobs that can be applied to: postings, the searches that find them, and what fetching them politely needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.model.mail import Salary

TEXT_CHARACTERS = 12_000
"""Of a posting's text: the longest are about 10,000, and a document has room for much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    """An employer whose jobs stand on a public board of a hiring system."""

    company: str
    ats: Literal["greenhouse", "lever", "lever-eu", "ashby"]
    board: str
    """The board's name in the hiring system's addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPosting:
    """A posting as one source shows it, normalised; nothing of it has been compared with what is known."""

    id: str
    """The source's own id, empty when it gives none."""
    company: str
    title: str
    location: str = ""
    """As written; several places are separated by "; "."""
    remote: bool = False
    salary: Salary | None = None
    posted_at: datetime | None = None
    closes_at: datetime | None = None
    text: str = ""
    """Plain text, at most TEXT_CHARACTERS."""
    url: str = ""
    """The posting's own page, empty when it has none."""
    apply_url: str = ""
    apply_address: str = ""
    """Where applications go by mail, when the posting names an address for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """Where a posting is shown, and since when it has been missing there."""

    source: str
    """"greenhouse:acme", "lever:acme", "ashby:acme", "page:https://acme.example/jobs", "indeed" ..."""
    id: str
    url: str = ""
    digest: str = ""
    """Of what the source last said; the same words again are no change."""
    missed: int = 0
    """Complete scans of the source in a row that did not find it."""
    missed_at: datetime | None = None
    """When the last of them was fetched; the same answer, read twice, is one scan."""


class ClosedBecause(StrEnum):
    """Why a posting is open no more."""

    AGE = "age"
    CLOSING_DATE = "closing_date"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSummary:
    """A posting without its text: what lists read."""

    id: str
    uid: str = ""
    """Whose career page it stands on; empty for what a public board shows. A page may claim anything of anybody."""
    company: str
    title: str
    location: str = ""
    remote: bool = False
    salary: Salary | None = None
    posted_at: datetime | None = None
    """When the employer published it, as the source says."""
    closes_at: datetime | None = None
    apply_url: str = ""
    apply_address: str = ""
    open: bool = True
    closed_because: ClosedBecause | None = None
    closed_at: datetime | None = None
    found_at: datetime
    """When we first saw it, or saw it posted again."""
    reposts: int = 0
    """How often it came back under a new id after the old one had gone."""
    sources: tuple[SourceRef, ...] = ()
    terms: tuple[str, ...] = ()
    """What it can be found by: its words, "company:acme", "remote", "search:tech", "source:greenhouse:acme"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting(PostingSummary):
    """A job that can be applied to."""

    text: str = ""
    updated_at: datetime
    expires_at: datetime | None = None
    """When it is to be closed; None once it is."""
    keys: tuple[str, ...] = ()
    """Ids of its PostingKeys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingKey:
    """One of the names by which a posting is recognised when it is found again."""

    id: str
    """SHA-256 of the name, in hex."""
    posting_id: str
    uid: str = ""
    """The posting's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFailure:
    """A source that could not be read; nothing of what it shows expires by that."""

    source: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A saved search, and the round in which it is being run."""

    id: str
    uid: str
    """Empty for the searches that always existed: they are everybody's."""
    term: str
    location: str = ""
    """Empty: anywhere."""
    sources: tuple[str, ...] = ()
    """Names of sources, or of kinds of them ("greenhouse"); empty: all public boards, or the pages if there are."""
    pages: tuple[str, ...] = ()
    """Career pages of the person's choice."""
    every_hours: int
    created_at: datetime
    next_at: datetime | None = None
    """When the next round begins; None where a schedule of the table names the search."""
    round_at: datetime | None = None
    """When the present round's period began: a period has one round."""
    due_at: datetime | None = None
    """When somebody must run it, or go on; the end of the lease while it is being run. None between rounds."""
    lease_until: datetime | None = None
    """None when the last holder released it cleanly."""
    pending: tuple[str, ...] | None = None
    """Sources that the round has still to scan; while it is run, the first is the one being scanned. None: all."""
    found: int = 0
    """Postings that fitted in this round so far."""
    fresh: int = 0
    """Those among them that nobody had found before."""
    failures: tuple[SourceFailure, ...] = ()
    """Of this round."""
    finished_at: datetime | None = None
    """When the last complete round ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSearch:
    """What a sweep reads of a search: that somebody must run it, and since when."""

    id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """What a web server answered; its body is a blob of the same name."""

    id: str
    """SHA-256 of the address, in hex."""
    status: int
    etag: str = ""
    last_modified: str = ""
    location: str = ""
    """Where a redirect leads."""
    size: int = 0
    """Bytes of the body."""
    fetched_at: datetime
    """When the server last said that this is what it has."""
    fresh_until: datetime
    """Until then nobody is asked again; afterwards it is asked with what the server told us to recognise it by."""
    expires_at: datetime
    """When it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHost:
    """When a web server may next be asked, by whichever instance."""

    id: str
    """The host's name."""
    next_at: datetime
    """The first moment that nobody has taken yet."""
    blocked_until: datetime | None = None
    """Until when it has told us to stay away (429, Retry-After)."""
    expires_at: datetime
    """When the record says nothing any more."""
