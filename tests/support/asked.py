"""A mail that somebody asks for, as a request leaves it: application, send and the event between them."""

from __future__ import annotations

from datetime import datetime

from shared import applications
from shared.model import Delivery, Event, EventKind, Send, Stage
from shared.ports import Store, Transaction
from shared.schema import APPLICATIONS, SENDS, USERS


def ask(send: Send, *, company: str, role: str, store: Store, now: datetime) -> None:
    """Write the send, queued, with its application, in one transaction; once, however often it is asked."""
    created = Event(
        key="created",
        kind=EventKind.CREATED,
        occurred_at=now,
        recorded_at=now,
        by="person",
        company=company,
        role=role,
        stage=Stage.SAVED,
    )
    queued = Event(
        key=f"send:{send.id}:0",
        kind=EventKind.DELIVERY,
        occurred_at=now,
        recorded_at=now,
        by="person",
        delivery=Delivery.QUEUED,
    )
    key = APPLICATIONS.key(send.uid, send.application_id)

    def work(tx: Transaction) -> None:
        known, user, before = tx.get(SENDS.key(send.id)), tx.get(USERS.key(send.uid)), tx.get(key)
        if known is not None:
            return
        born = before or applications.born(send.uid, send.application_id, created, now=now)
        after = applications.with_event(born, queued, now=now) if send.kind == "application" else born
        tx.create(SENDS.key(send.id), send)
        applications.write(tx, before, after, user=user, now=now)

    store.transact(work)
