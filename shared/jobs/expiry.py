"""What ends by itself: postings that are old, past their closing date or gone; answers of web servers out of use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.jobs import fetching, saving
from shared.model import CachedAnswer, WebHost
from shared.ports import Blobs, Clock, Store, Transaction
from shared.schema import (
    CACHE,
    CACHE_EXPIRED,
    POSTING_KEYS,
    POSTINGS,
    POSTINGS_CLOSED,
    POSTINGS_EXPIRING,
    WEB_HOSTS,
    WEB_HOSTS_EXPIRED,
    Key,
)
from shared.settings import Settings

T = TypeVar("T", CachedAnswer, WebHost)

PAGE = 300
"""Documents read with one query."""

CLOSED_KEPT = timedelta(days=180)
"""How long a closed posting is kept: what comes back within half a year is recognised as posted again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """How many records were past their time, and how many were ended."""

    scanned: int = 0
    updated: int = 0


def expire_old(*, settings: Settings, store: Store, clock: Clock) -> Expired:
    """Close every open posting whose time has passed; what the work budget does not reach, tomorrow's run does.

    A posting that was seen again meanwhile has another time, and stays.
    """
    now = clock.now()
    stop = now + settings.work_budget
    scanned = updated = 0
    while clock.now() < stop:
        # No cursor: what is closed has no time to expire any more. It is asked for again only while something closes.
        page = store.find(POSTINGS_EXPIRING, before=now, limit=PAGE)
        closed = sum(_close(item.value.id, now, store=store) for item in page.items)
        scanned, updated = scanned + len(page.items), updated + closed
        if not page.next or not closed:
            break
    return Expired(scanned=scanned, updated=updated)


def _close(posting_id: str, now: datetime, *, store: Store) -> bool:
    key = POSTINGS.key(posting_id)

    def work(transaction: Transaction) -> bool:
        posting = transaction.get(key)
        if posting is None or not posting.open or posting.expires_at is None or posting.expires_at >= now:
            return False
        why = saving.closing(posting, now)
        if why is None:
            # Its time was set by something that is no longer so.
            transaction.put(key, replace(posting, expires_at=saving.expiry(posting)))
            return False
        closed = replace(posting, open=False, closed_because=why, closed_at=now, updated_at=now, expires_at=None)
        transaction.put(key, closed)
        return True

    return store.transact(work, reads=[key])


def clean_cache(*, settings: Settings, store: Store, blobs: Blobs, clock: Clock) -> Expired:
    """Drop what web servers answered a week ago, what was noted of their hosts, and postings that closed long ago."""
    now = clock.now()
    stop = now + settings.work_budget
    scanned = updated = 0
    while clock.now() < stop:
        answers = store.find(CACHE_EXPIRED, before=now, limit=PAGE).items
        hosts = store.find(WEB_HOSTS_EXPIRED, before=now, limit=PAGE).items
        closed = store.find(POSTINGS_CLOSED, before=now - CLOSED_KEPT, limit=PAGE).items
        for item in answers:
            # The body first: an answer without its body is asked for again, a body without a record is for ever.
            blobs.delete(fetching.blob_name(item.value.id))
        dropped = sum(_drop(CACHE.key(item.value.id), now, store=store) for item in answers)
        dropped += sum(_drop(WEB_HOSTS.key(item.value.id), now, store=store) for item in hosts)
        dropped += sum(_forget(item.value.id, now, store=store) for item in closed)
        scanned, updated = scanned + len(answers) + len(hosts) + len(closed), updated + dropped
        if max(len(answers), len(hosts), len(closed)) < PAGE or not dropped:
            break
    return Expired(scanned=scanned, updated=updated)


def _forget(posting_id: str, now: datetime, *, store: Store) -> bool:
    """Delete a posting with its names, unless it has been opened again meanwhile."""
    key = POSTINGS.key(posting_id)

    def work(transaction: Transaction) -> bool:
        posting = transaction.get(key)
        if posting is None or posting.closed_at is None or posting.closed_at >= now - CLOSED_KEPT:
            return False
        transaction.delete(key)
        for name in posting.keys:
            transaction.delete(POSTING_KEYS.key(name))
        return True

    return store.transact(work, reads=[key])


def _drop(key: Key[T], now: datetime, *, store: Store) -> bool:
    """Delete a record, unless it has been renewed meanwhile."""

    def work(transaction: Transaction) -> bool:
        record = transaction.get(key)
        if record is None or record.expires_at >= now:
            return False
        transaction.delete(key)
        return True

    return store.transact(work, reads=[key])
