"""An application from elsewhere: made once, with what is known of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared import applications
from shared.model import Application, Event, Outcome, Stage, Thread
from shared.ports import Store, Transaction
from shared.schema import APPLICATIONS, THREADS, USERS


def created(
    new: applications.NewApplication, stage: Stage, outcome: Outcome | None, *, occurred_at: datetime, now: datetime
) -> Event:
    """The event that such an application begins with. Raises Rejected by field."""
    event = applications.created(new, now=now)
    return replace(event, stage=stage, outcome=outcome, occurred_at=occurred_at)


def record(
    uid: str, id_: str, event: Event, *, dry_run: bool, now: datetime, store: Store, sent: Event | None = None
) -> bool:
    """Make the application unless it is there; whether it was not. A dry run only looks."""
    key, user_key = APPLICATIONS.key(uid, id_), USERS.key(uid)
    if dry_run:
        return store.get(key) is None

    def work(tx: Transaction) -> bool:
        user, before = tx.get(user_key), tx.get(key)
        thread_key = THREADS.key(uid, event.thread_id) if event.thread_id else None
        thread = tx.get(thread_key) if thread_key else None
        if before is not None:
            return False
        after: Application = applications.born(uid, id_, event, now=now)
        if sent is not None:
            after = applications.with_event(after, sent, now=now)
        applications.write(tx, None, after, user=user, now=now)
        if thread_key:
            known = thread.application_ids if thread else ()
            ids = (*known, id_)[-applications.APPLICATIONS_PER_THREAD :]
            tx.put(thread_key, Thread(id=event.thread_id, uid=uid, application_ids=ids))
        return True

    return store.transact(work, reads=[user_key, key])
