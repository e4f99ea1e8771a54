"""Saved searches: a person's own and the two that always existed; when each is due, and its run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.due import SEARCH_TOPIC, SearchDue
from shared.errors import Conflict, TryAgain
from shared.jobs import recognising, saving, sources
from shared.jobs.fetching import Reader, Unavailable
from shared.model import Search, SourceFailure
from shared.ports import Clock, JobBoards, Queue, Revision, Store
from shared.schema import SEARCHES, SEARCHES_NEXT
from shared.settings import Settings

log = logging.getLogger(__name__)

PERIODS = (1, 2, 3, 4, 6, 8, 12, 24)
"""Hours between two rounds: they divide the day, so that a period begins at the same times every day."""

PAGE = 300
"""Searches read with one query."""

SOURCE_TIME = timedelta(seconds=30)
"""For reading one source, all its waiting and redirects included. No source is begun with less time left."""

SAVING_GRACE = timedelta(seconds=20)
"""After the work budget, for saving what has been read: it ends well before the platform's time does."""

STORE_PAUSE = timedelta(minutes=1)
"""After the store has failed us in the middle of a run."""

FAILURES = 150
"""Failures told of one round: each source at most once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """The clock has struck: for one of the searches that always existed, or, without a name, for people's own."""

    search: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """How many searches were looked at, and how many were queued."""

    scanned: int
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a search's run."""

    outcome: str
    """done, out_of_time, not_due, taken, gone."""
    scanned: int = 0
    """Sources."""
    found: int = 0
    updated: int = 0
    failed: int = 0


SEEDS = (
    ("tech", "software engineer", "San Francisco, CA"),
    ("data-science", "data scientist", "New York, NY"),
)
"""The two searches that always existed: everybody's, and nobody's to delete."""

SEED_HOURS = 6
"""They are run every six hours, each at its own minute."""


# --- When -------------------------------------------------------------------------------------------------------------


def scrape(fire: Scrape, *, store: Store, queue: Queue, clock: Clock) -> Scraped:
    """Begin a round of every search whose time has come; a fire that comes twice, or late, begins one.

    Only records and messages are made here: a round that was begun and not published is past due, and found so.
    """
    now = clock.now()
    if fire.search:
        _plant(now, store=store)
        found = store.get(SEARCHES.key(fire.search))
        if found is None:
            return Scraped(scanned=0, queued=0)
        is_new = _begin(found.value, found.revision, now, store=store)
        if is_new:
            queue.publish(SEARCH_TOPIC, SearchDue(search_id=found.value.id))
        return Scraped(scanned=1, queued=int(is_new))
    scanned = queued = 0
    while True:
        # No cursor: what is begun has its next round ahead, and is not found again.
        page = store.find(SEARCHES_NEXT, before=now + timedelta.resolution, limit=PAGE)
        begun_ids = [item.value.id for item in page.items if _begin(item.value, item.revision, now, store=store)]
        queue.publish_all(SEARCH_TOPIC, [SearchDue(search_id=search_id) for search_id in begun_ids])
        scanned, queued = scanned + len(page.items), queued + len(begun_ids)
        if not page.next or not begun_ids:
            return Scraped(scanned=scanned, queued=queued)


def period(hours: int, now: datetime) -> datetime:
    """When the period of so many hours began that this moment lies in, counted from midnight UTC."""
    return now.replace(hour=now.hour - now.hour % hours, minute=0, second=0, microsecond=0)


def begun(search: Search, now: datetime) -> Search:
    """The search with a new round, due at once."""
    start = period(search.every_hours, now)
    return replace(
        search,
        round_at=start,
        due_at=now,
        next_at=start + timedelta(hours=search.every_hours) if search.uid else None,
        lease_until=None,
        pending=None,
        found=0,
        fresh=0,
        failures=(),
    )


def _begin(search: Search, revision: Revision, now: datetime, *, store: Store) -> bool:
    """Begin the round of the present period, unless it has been begun, or the round before is still being run."""
    if search.round_at is not None and search.round_at >= period(search.every_hours, now):
        return False
    fresh = begun(search, now)
    running = search.due_at is not None
    try:
        # A round that is not over goes on, and only the time of the next one moves.
        kept = replace(search, next_at=fresh.next_at) if running else fresh
        store.put(SEARCHES.key(search.id), kept, revision=revision)
    except Conflict:
        return False
    return not running


def _plant(now: datetime, *, store: Store) -> None:
    """Make the searches that always existed, where they are not."""
    for search_id, term, location in SEEDS:
        key = SEARCHES.key(search_id)
        if store.get(key) is None:
            seed = Search(id=search_id, uid="", term=term, location=location, every_hours=SEED_HOURS, created_at=now)
            try:
                store.create(key, seed)
            except Conflict:
                log.info("another instance was faster", extra={"search": search_id})


# --- The run ----------------------------------------------------------------------------------------------------------


def run(
    due: SearchDue,
    *,
    settings: Settings,
    store: Store,
    queue: Queue,
    reader: Reader,
    boards: JobBoards,
    clock: Clock,
) -> Ran:
    """Scan the sources of a search that is due, one after another, as far as the work budget goes.

    What is left is in the search's record and published again. Whoever dies at a source leaves the lease unclean: the
    next run counts that source as failed and goes on behind it, so that no page stops a search twice.
    """
    started = clock.now()
    found = store.get(SEARCHES.key(due.search_id))
    if found is None:
        return Ran(outcome="gone")
    search = found.value
    if search.due_at is None or search.due_at > started:
        return Ran(outcome="not_due")
    held = _Held(search, found.revision, store=store, lease=settings.lease)
    if not held.claim(started, boards=boards):
        return Ran(outcome="taken")
    round_ = _Round(held, reader, started + settings.work_budget, store=store, boards=boards, clock=clock)
    try:
        ours = round_.work()
    except TryAgain:
        # The store failed, not the source: nobody shall think that the source killed us.
        held.release(clock.now(), clock.now() + STORE_PAUSE)
        raise
    done = not held.search.pending
    if not ours or not held.release(clock.now(), None if done else clock.now()):
        return Ran(outcome="taken", scanned=round_.scanned, updated=round_.written)
    if not done:
        queue.publish(SEARCH_TOPIC, due)
    return Ran(
        outcome="done" if done else "out_of_time",
        scanned=round_.scanned,
        found=held.search.found,
        updated=round_.written,
        failed=len(held.search.failures),
    )


class _Round:
    """One run's share of a round."""

    def __init__(
        self,
        held: _Held,
        reader: Reader,
        stop: datetime,
        *,
        store: Store,
        boards: JobBoards,
        clock: Clock,
    ) -> None:
        self._held, self._reader, self._stop = held, reader, stop
        self._store, self._boards, self._clock = store, boards, clock
        self.scanned = 0
        self.written = 0

    def work(self) -> bool:
        """Scan one source after another while there is time; False when the lease is somebody else's."""
        while self._held.search.pending and (not self.scanned or self._clock.now() + SOURCE_TIME <= self._stop):
            source = self._held.search.pending[0]
            until = min(self._clock.now() + SOURCE_TIME, self._stop)
            shown = sources.look(source, self._held.search, until=until, reader=self._reader, boards=self._boards)
            self.scanned += 1
            if isinstance(shown, Unavailable):
                log.warning("source failed", extra={"source": source.partition(":")[0], "reason": shown.reason})
                if not self._held.failed(source, shown.reason, self._clock.now()):
                    return False
                continue
            taken = self._take(source, shown)
            self.written += taken.written
            if not self._held.scanned(taken):
                return False
            if not taken.whole:
                break
        return True

    def _take(self, source: str, shown: sources.Shown) -> _Taken:
        """Save what fits the search; then, when the source was seen whole, note what it shows no more."""
        search, listing, store, clock = self._held.search, shown.listing, self._store, self._clock
        scan = saving.Scan(
            source=source,
            search_id=search.id,
            owner=search.uid if source.startswith("page:") else "",
            complete=listing.complete,
            ids=listing.ids,
            at=shown.at,
        )
        fitting = [each for each in listing.postings if recognising.fits(each, search.term, search.location)]
        same = saving.unchanged(fitting, scan, store=store)
        pages = recognising.shared_pages(listing.postings)
        fresh = written = 0
        for each in fitting:
            if each.id in same:
                continue
            if clock.now() >= self._stop + SAVING_GRACE:
                return _Taken(0, fresh, written, whole=False)
            saved = saving.save(each, scan, shared_pages=pages, store=store, clock=clock)
            fresh += saved in (saving.Saved.FRESH, saving.Saved.REPOSTED)
            written += saved not in (saving.Saved.SAME, saving.Saved.TOO_OLD)
        written += saving.note_missing(scan, store=store, clock=clock)
        return _Taken(len(fitting), fresh, written, whole=True)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What of a source's postings has been put on record."""

    fitting: int
    fresh: int
    written: int
    whole: bool
    """Whether all were; else time ran out, and the rest is taken by the next run, from the cache."""


class _Held:
    """A search while one run has it: every write names the revision before, so that a lost lease is noticed."""

    def __init__(self, search: Search, revision: Revision, *, store: Store, lease: timedelta) -> None:
        self.search = search
        self._revision = revision
        self._store = store
        self._lease = lease

    def claim(self, now: datetime, *, boards: JobBoards) -> bool:
        """Take the lease. A lease that nobody released ended at a source that is not tried again in this round."""
        search = self.search
        pending: Sequence[str] = (
            search.pending if search.pending is not None else sources.named(search, boards.employers)
        )
        if search.lease_until is not None and pending:
            reason = "the run that read it ended before it was done"
            failure = SourceFailure(source=pending[0], reason=reason, at=now)
            search, pending = replace(search, failures=(*search.failures, failure)[:FAILURES]), pending[1:]
        until = now + self._lease
        return self._put(replace(search, pending=tuple(pending), lease_until=until, due_at=until))

    def scanned(self, taken: _Taken) -> bool:
        """What was taken of a source; one source less, when that was all."""
        pending = (self.search.pending or ())[1:] if taken.whole else self.search.pending
        found, fresh = self.search.found + taken.fitting, self.search.fresh + taken.fresh
        return self._put(replace(self.search, pending=pending, found=found, fresh=fresh))

    def failed(self, source: str, reason: str, now: datetime) -> bool:
        """One source less, and why."""
        failure = SourceFailure(source=source, reason=reason[:200], at=now)
        failures = (*self.search.failures, failure)[:FAILURES]
        return self._put(replace(self.search, pending=(self.search.pending or ())[1:], failures=failures))

    def release(self, now: datetime, due_at: datetime | None) -> bool:
        """Give the lease back; due again at a time, or at its next round."""
        finished = now if due_at is None else self.search.finished_at
        return self._put(replace(self.search, lease_until=None, due_at=due_at, finished_at=finished))

    def _put(self, search: Search) -> bool:
        """Whether the lease is still ours."""
        try:
            self._revision = self._store.put(SEARCHES.key(search.id), search, revision=self._revision)
        except Conflict:
            return False
        self.search = search
        return True
