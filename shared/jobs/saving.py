"""Postings on record: one for each job, however often and wherever it is found; and what has gone from its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from shared.jobs import recognising
from shared.model import ClosedBecause, FoundPosting, Posting, PostingKey, PostingSummary, SourceRef
from shared.ports import Clock, Store, Transaction
from shared.schema import POSTING_KEYS, POSTINGS, POSTINGS_BY_TERM

AGE = timedelta(days=90)
"""After this a posting is old: the person has applied, or the employer has found somebody."""

MISSED = 2
"""Complete scans without it after which a posting is gone: one may have met a board that was being rebuilt."""

REFS = 12
"""Places where one posting is shown; the first ones found are kept."""

KEYS = 40
"""Names of one posting."""

SEARCHES = 20
"""Searches that are noted at one posting."""

PAGE = 100
"""Postings looked up with one round trip."""

ID_CHARACTERS = 32
"""128 bits of a posting's strongest name, in hex, are its id."""

P = TypeVar("P", bound=PostingSummary)


class Saved(StrEnum):
    """What became of a found posting."""

    FRESH = "fresh"
    CHANGED = "changed"
    SAME = "same"
    REPOSTED = "reposted"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One look at a source."""

    source: str
    search_id: str
    owner: str = ""
    """Whose the source is; empty for a public one."""
    complete: bool
    """Whether it showed everything that the source has."""
    ids: frozenset[str]
    """The source's own ids of everything that it showed."""
    at: datetime
    """When the source said so."""


def rank(source: str) -> int:
    """Whose word counts more about a posting: the employer's own board before its page before everybody's board."""
    kind = source.partition(":")[0]
    return 0 if kind in recognising.SYSTEMS else 1 if kind == "page" else 2


def tells_what_is_gone(source: str) -> bool:
    """Whether a source is ever seen whole; a big board only shows some of what it has."""
    return rank(source) < 2  # noqa: PLR2004 - the big boards' rank


def unchanged(found: Sequence[FoundPosting], scan: Scan, *, store: Store) -> frozenset[str]:
    """Ids of those that are on record just as they are now: nothing is to be written for them."""
    same: set[str] = set()
    for at in range(0, len(found), PAGE):
        part = found[at : at + PAGE]
        keys = [
            POSTING_KEYS.key(recognising.key_id(recognising.own_name(each, scan.source, scan.owner))) for each in part
        ]
        known = {key.value.id: key.value.posting_id for key in store.get_many(keys) if key is not None}
        postings = store.get_many([POSTINGS.key(posting_id) for posting_id in dict.fromkeys(known.values())])
        by_id = {posting.value.id: posting.value for posting in postings if posting is not None}
        for each, key in zip(part, keys, strict=True):
            posting = by_id.get(known.get(key.id, ""))
            if posting is not None and _same(posting, each, scan):
                same.add(each.id)
    return frozenset(same)


def save(
    found: FoundPosting, scan: Scan, *, shared_pages: frozenset[str] = frozenset(), store: Store, clock: Clock
) -> Saved:
    """Put a posting on record, or what has changed of it, in one transaction over all of its names."""
    now = clock.now()
    names = recognising.names(found, scan.source, shared_pages, scan.owner)
    keys = [POSTING_KEYS.key(recognising.key_id(name)) for name in names]

    def work(transaction: Transaction) -> Saved:
        holders = [transaction.get(key) for key in keys]
        posting_id = next((holder.posting_id for holder in holders if holder is not None), keys[0].id[:ID_CHARACTERS])
        known = transaction.get(POSTINGS.key(posting_id))
        if known is not None and _same(known, found, scan):
            return Saved.SAME
        saved, posting = _merged(known, found, scan, now) if known else _fresh(posting_id, found, scan, now)
        if saved is Saved.TOO_OLD:
            return saved
        own = [key for key, holder in zip(keys, holders, strict=True) if not holder or holder.posting_id == posting_id]
        named = tuple(dict.fromkeys((*posting.keys, *(key.id for key in own))))[:KEYS]
        transaction.put(POSTINGS.key(posting_id), replace(posting, keys=named))
        for key, holder in zip(keys, holders, strict=True):
            if holder is None and key.id in named:
                transaction.put(key, PostingKey(id=key.id, posting_id=posting_id, uid=scan.owner))
        return saved

    return store.transact(work, reads=keys)


def _same(posting: Posting, found: FoundPosting, scan: Scan) -> bool:
    """Whether the record says already all that the source says now, and that this search has found it."""
    ref = next((ref for ref in posting.sources if (ref.source, ref.id) == (scan.source, found.id)), None)
    noted = recognising.by_search(scan.search_id) in posting.terms
    return ref is not None and noted and ref.missed == 0 and ref.digest == recognising.digest(found)


def _fresh(posting_id: str, found: FoundPosting, scan: Scan, now: datetime) -> tuple[Saved, Posting]:
    posting = _with_terms(
        Posting(
            id=posting_id,
            uid=scan.owner,
            company=found.company,
            title=found.title,
            location=found.location,
            remote=found.remote,
            salary=found.salary,
            posted_at=found.posted_at,
            closes_at=found.closes_at,
            text=found.text,
            apply_url=found.apply_url,
            apply_address=found.apply_address,
            sources=(_ref(found, scan),),
            found_at=now,
            updated_at=now,
        ),
        scan,
    )
    return Saved.TOO_OLD if closing(posting, now) else Saved.FRESH, replace(posting, expires_at=expiry(posting))


def _merged(known: Posting, found: FoundPosting, scan: Scan, now: datetime) -> tuple[Saved, Posting]:
    """The posting with what this source says of it; it is open again when the source may say so, and does."""
    here = [ref for ref in known.sources if ref.source == scan.source]
    others = [ref for ref in known.sources if (ref.source, ref.id) != (scan.source, found.id)]
    # Under a new id after the old one had gone it has been posted again; beside the old one it is one more opening.
    reposted = (
        scan.complete
        and found.id not in {ref.id for ref in here}
        and (not scan.ids & {ref.id for ref in here} if here else known.closed_because is ClosedBecause.GONE)
    )
    if reposted:
        others = [ref for ref in others if ref.source != scan.source and ref.missed < MISSED]
    posting = (
        _told(known, found) if rank(scan.source) <= min(map(_rank_of, others), default=9) else _filled(known, found)
    )
    posting = replace(posting, sources=(*others[: REFS - 1], _ref(found, scan)), updated_at=now)
    if reposted:
        posting = replace(posting, posted_at=found.posted_at, found_at=now, reposts=known.reposts + 1)
    if not posting.open and tells_what_is_gone(scan.source) and closing(posting, now) is None:
        posting = replace(posting, open=True, closed_because=None, closed_at=None)
    posting = _with_terms(replace(posting, expires_at=expiry(posting) if posting.open else None), scan)
    return Saved.REPOSTED if reposted and posting.open else Saved.CHANGED, posting


def _told(known: Posting, found: FoundPosting) -> Posting:
    """What the better source says; where it says nothing, what was known."""
    return replace(
        known,
        company=found.company,
        title=found.title,
        location=found.location or known.location,
        remote=found.remote,
        salary=found.salary or known.salary,
        posted_at=found.posted_at or known.posted_at,
        closes_at=found.closes_at,
        text=found.text or known.text,
        apply_url=found.apply_url or known.apply_url,
        apply_address=found.apply_address or known.apply_address,
    )


def _filled(known: Posting, found: FoundPosting) -> Posting:
    """What was known; where nothing was, what the lesser source says.

    Where to apply is one thing: an address of the lesser source's beside the better one's page would be a trap.
    """
    nowhere = not known.apply_url and not known.apply_address
    return replace(
        known,
        location=known.location or found.location,
        salary=known.salary or found.salary,
        posted_at=known.posted_at or found.posted_at,
        text=known.text or found.text,
        apply_url=found.apply_url if nowhere else known.apply_url,
        apply_address=found.apply_address if nowhere else known.apply_address,
    )


def _ref(found: FoundPosting, scan: Scan) -> SourceRef:
    return SourceRef(
        source=scan.source, id=found.id, url=found.url or found.apply_url, digest=recognising.digest(found)
    )


def _rank_of(ref: SourceRef) -> int:
    return rank(ref.source)


def _with_terms(posting: Posting, scan: Scan) -> Posting:
    prefix = recognising.by_search("")
    before = [term.removeprefix(prefix) for term in posting.terms if term.startswith(prefix)]
    searches = list(dict.fromkeys((scan.search_id, *before)))[:SEARCHES]
    return replace(posting, terms=recognising.terms(posting, searches, posting.sources))


# --- What has gone ----------------------------------------------------------------------------------------------------


def note_missing(scan: Scan, *, store: Store, clock: Clock) -> int:
    """After a complete scan: count at each open posting of the source that it did not show; returns how many.

    The same answer read twice is one scan: a miss counts once for each moment at which the source said so.
    """
    if not scan.complete:
        return 0
    noted, cursor = 0, ""
    while True:
        page = store.find(
            POSTINGS_BY_TERM,
            equal={"open": True},
            contains=recognising.by_source(scan.source),
            limit=PAGE,
            cursor=cursor,
        )
        for item in page.items:
            if item.value.uid == scan.owner and _noted(item.value, scan) is not item.value:
                noted += _note(item.value.id, scan, store=store, clock=clock)
        cursor = page.next
        if not cursor:
            return noted


def _note(posting_id: str, scan: Scan, *, store: Store, clock: Clock) -> bool:
    key, now = POSTINGS.key(posting_id), clock.now()

    def work(transaction: Transaction) -> bool:
        posting = transaction.get(key)
        if posting is None or not posting.open:
            return False
        noted = _noted(posting, scan)
        if noted is posting:
            return False
        gone = closing(noted, now) is ClosedBecause.GONE
        transaction.put(key, replace(noted, expires_at=now if gone else expiry(noted), updated_at=now))
        return True

    return store.transact(work, reads=[key])


def _noted(posting: P, scan: Scan) -> P:
    """The posting with the misses that this scan makes or ends; the same object when it makes none."""
    refs = tuple(_counted(ref, scan) if ref.source == scan.source else ref for ref in posting.sources)
    return posting if refs == posting.sources else replace(posting, sources=refs)


def _counted(ref: SourceRef, scan: Scan) -> SourceRef:
    if ref.id in scan.ids:
        return replace(ref, missed=0, missed_at=None)
    if ref.missed_at is not None and scan.at <= ref.missed_at:
        return ref
    return replace(ref, missed=ref.missed + 1, missed_at=scan.at)


def expiry(posting: PostingSummary) -> datetime:
    """When an open posting is to be closed."""
    oldest = (posting.posted_at or posting.found_at) + AGE
    return min(oldest, posting.closes_at) if posting.closes_at else oldest


def closing(posting: PostingSummary, now: datetime) -> ClosedBecause | None:
    """Why a posting is to be closed now, if it is."""
    witnesses = [ref for ref in posting.sources if tells_what_is_gone(ref.source)]
    if witnesses and all(ref.missed >= MISSED for ref in witnesses):
        return ClosedBecause.GONE
    if posting.closes_at and posting.closes_at <= now:
        return ClosedBecause.CLOSING_DATE
    return ClosedBecause.AGE if expiry(posting) <= now else None
