"""Who is looked at although nobody pushed: sweeps only queue, with one read and no write for each mailbox.

What a run finds to do there stands in the mailbox's own record, so a wake-up that is lost costs one period.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.accounts import PACES, mailbox_of, soonest
from shared.due import PAGE, SYNC_TOPIC, MailboxDirty
from shared.errors import Conflict, NotFound, RateLimited, Refused, TryAgain
from shared.mailbox.watch import RENEWED_BEFORE
from shared.model import Monitoring, SweptMailbox
from shared.ports import Clock, Queue, Store, Value
from shared.schema import MAILBOXES_BY_RECEIPT, MAILBOXES_BY_WATCH, MAILBOXES_TO_SWEEP, Query

TOLERANCE = timedelta(minutes=5)
"""How much later than its interval a mailbox may be looked at: nearly as late as a sweep's own next time."""

RECENT = ("15",)
"""Paces that the quick sweep serves, every 15 minutes."""

OTHERS = ("30", "60", "daily")
"""Paces that the general sweep serves, every 30 minutes."""

SILENT = frozenset({"needs_reauth", "quarantined"})
"""Mailboxes that a sweep leaves alone: the first waits for its person, the second for its own due time."""

ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""How often a person may ask for a look: a run takes seconds, and a push usually was there before."""

RACES = 5
"""Losing so many races for one record in a row means that something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many mailboxes were read, and for how many a wake-up was published."""

    scanned: int
    queued: int


def scan_recent(*, store: Store, queue: Queue, clock: Clock) -> Swept:
    """Queue mailboxes with a fresh application, and those whose person chose 15 minutes."""
    return _scan(RECENT, timedelta(minutes=15), store=store, queue=queue, clock=clock)


def scan_all(*, store: Store, queue: Queue, clock: Clock) -> Swept:
    """Queue every other mailbox whose interval has passed."""
    return _scan(OTHERS, timedelta(minutes=30), store=store, queue=queue, clock=clock)


def watches(*, store: Store, queue: Queue, clock: Clock) -> Swept:
    """Queue mailboxes whose watch is older than a day, the next to end first; the run renews it."""
    now = clock.now()
    return _queue(MAILBOXES_BY_WATCH, {}, now + RENEWED_BEFORE, now, store=store, queue=queue)


def receipts(*, store: Store, queue: Queue, clock: Clock) -> Swept:
    """Queue mailboxes whose daily receipt is due; the run makes it, behind whatever is live."""
    now = clock.now()
    return _queue(MAILBOXES_BY_RECEIPT, {}, now + TOLERANCE, now, store=store, queue=queue)


def ask(uid: str, *, store: Store, queue: Queue, clock: Clock) -> None:
    """The person wants their mailbox looked at now. Raises NotFound, Refused, and RateLimited with the wait."""
    for _ in range(RACES):
        found, now = mailbox_of(uid, store=store), clock.now()
        if found is None:
            raise NotFound("gmail: not connected")
        mailbox = found.value
        if mailbox.health == "needs_reauth":
            raise Refused("gmail: Google takes our permission no more; connect again")
        if mailbox.monitoring is Monitoring.OFF:
            raise Refused("gmail: monitoring is off; switch it on first")
        if mailbox.asked_at is not None and now < mailbox.asked_at + ASKED_AGAIN_AFTER:
            raise RateLimited("gmail: asked a moment ago", after=mailbox.asked_at + ASKED_AGAIN_AFTER - now)
        try:
            asked = replace(mailbox, asked_at=now, due_at=soonest(mailbox, now=now))
            store.put(found.key, asked, revision=found.revision)
        except Conflict:
            continue
        queue.publish(SYNC_TOPIC, MailboxDirty(mailbox_id=mailbox.id))
        return
    raise TryAgain("the mailbox changes faster than it can be written")


def _scan(paces: Iterable[str], period: timedelta, *, store: Store, queue: Queue, clock: Clock) -> Swept:
    """Queue whatever would otherwise be looked at later than its interval and the tolerance allow."""
    now = clock.now()
    scanned = queued = 0
    for pace in paces:
        before = now + period - TOLERANCE - PACES[pace]
        swept = _queue(MAILBOXES_TO_SWEEP, {"pace": pace}, before, now, store=store, queue=queue)
        scanned, queued = scanned + swept.scanned, queued + swept.queued
    return Swept(scanned=scanned, queued=queued)


def _queue(
    query: Query[SweptMailbox],
    equal: dict[str, Value],
    before: datetime,
    now: datetime,
    *,
    store: Store,
    queue: Queue,
) -> Swept:
    """Each page is published before the next is read, so that a hundred thousand need no more memory than a page."""
    scanned = queued = 0
    cursor = ""
    while True:
        page = store.find(query, equal=equal, before=before, limit=PAGE, cursor=cursor)
        wanted = [item.value for item in page.items if _is_wanted(item.value, now)]
        if wanted:
            queue.publish_all(SYNC_TOPIC, [MailboxDirty(mailbox_id=mailbox.id) for mailbox in wanted])
        scanned, queued = scanned + len(page.items), queued + len(wanted)
        cursor = page.next
        if not cursor:
            return Swept(scanned=scanned, queued=queued)


def _is_wanted(mailbox: SweptMailbox, now: datetime) -> bool:
    """Not where somebody will look in a moment anyway: a held lease, a back-off, a question that is put again."""
    if mailbox.health in SILENT:
        return False
    return mailbox.due_at is None or mailbox.due_at > now + TOLERANCE
