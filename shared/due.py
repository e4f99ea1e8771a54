"""The net under every message: whatever is past due is published again, every minute."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ports import Clock, Queue, Store
from shared.schema import MAILBOXES_DUE

SYNC_TOPIC = "mailbox-sync"
"""Where mailboxes are named that somebody must look at."""

PAGE = 300
"""Documents read with one query: below Firestore's 300 a request at which latency begins to grow."""

MOST_A_RUN = 10_000
"""Wake-ups published by one run; the next one, a minute later, goes on with the oldest that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxDirty:
    """Somebody must look at this mailbox; what for stands in its record."""

    mailbox_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """How many records were past due, and how many wake-ups were published."""

    scanned: int
    queued: int


def wake(*, store: Store, queue: Queue, clock: Clock) -> Woken:
    """Publish a wake-up for every record whose `due_at` has passed, oldest first. Twice does no harm."""
    now = clock.now()
    queued = 0
    cursor = ""
    while queued < MOST_A_RUN:
        page = store.find(MAILBOXES_DUE, before=now, limit=PAGE, cursor=cursor)
        for item in page.items:
            queue.publish(SYNC_TOPIC, MailboxDirty(mailbox_id=item.value.id))
            queued += 1
        cursor = page.next
        if not cursor:
            break
    return Woken(scanned=queued, queued=queued)
