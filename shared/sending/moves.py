"""The one path that writes a send: its new state, its application's ledger and what the person is told, together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from shared import schedule
from shared.applications import APPLICATIONS_PER_THREAD, with_event, write
from shared.errors import NotFound, Rejected
from shared.model import (
    Application,
    Delivery,
    Event,
    EventKind,
    MailRecord,
    MailStatus,
    Notification,
    NotificationKind,
    Preferences,
    Send,
    SendQuestion,
    Thread,
    User,
)
from shared.ports import Clock, Store, Transaction
from shared.schema import APPLICATIONS, MAILS, NOTIFICATIONS, SENDS, THREADS, USERS, Key

log = logging.getLogger(__name__)

Change = Callable[[Send], Send]
"""Makes the new state of a send, or gives the same object back when there is nothing to change."""

TROUBLE = frozenset({Delivery.FAILED, Delivery.BOUNCED, Delivery.UNSURE, Delivery.PARKED})
"""States that a person is told of."""


def read(send_id: str, *, store: Store) -> Send | None:
    """The send, or None; also for what can't be an id."""
    try:
        found = store.get(SENDS.key(send_id))
    except ValueError:
        return None
    return found.value if found else None


def owned(uid: str, send_id: str, *, store: Store) -> Send:
    """The person's send. Raises NotFound, also for somebody else's."""
    send = read(send_id, store=store)
    if send is None or send.uid != uid:
        raise NotFound("sends: there is nothing by that id")
    return send


def move(
    send: Send,
    change: Change,
    *,
    by: Literal["person", "service"] = "service",
    store: Store,
    clock: Clock,
) -> Send:
    """Write what `change` makes of the send, and all that follows from it, in one transaction; gives what is on record.

    `change` is given the send as it is then, and may run several times. Of what it makes, a thread that the send did
    not have before is tied to the application, so that an answer links to it; and the mail that left is on record as
    ours before it can be taken for the person's own answer.
    """
    now = clock.now()
    keys: list[Key[Any]] = [SENDS.key(send.id), USERS.key(send.uid), APPLICATIONS.key(send.uid, send.application_id)]

    def work(tx: Transaction) -> Send:
        current = tx.get(SENDS.key(send.id))
        if current is None:
            return send
        after = change(current)
        if after is current:
            return current
        if after.delivery is not current.delivery:
            after = replace(after, step=current.step + 1)
        user, before = tx.get(USERS.key(send.uid)), tx.get(APPLICATIONS.key(send.uid, send.application_id))
        thread = tx.get(THREADS.key(send.uid, after.thread_id)) if after.thread_id else None
        mail = tx.get(MAILS.key(send.uid, after.gmail_id)) if after.gmail_id else None
        tx.put(SENDS.key(send.id), after)
        application = _recorded(current, after, before, mail, by=by, now=now)
        if application is not None:
            write(tx, before, application, user=user, now=now)
        _tell(tx, current, after, user, now=now)
        if after.thread_id and after.thread_id != current.thread_id:
            _tie(tx, after, thread)
        if after.gmail_id and after.gmail_id != current.gmail_id:
            tx.put(MAILS.key(send.uid, after.gmail_id), _left(after, mail, now=now))
        return after

    return store.transact(work, reads=keys)


def _recorded(
    current: Send,
    after: Send,
    application: Application | None,
    mail: MailRecord | None,
    *,
    by: Literal["person", "service"],
    now: datetime,
) -> Application | None:
    """The application with what happened to its mail; None when that is nothing of its business."""
    if application is None:
        return None
    changed = application
    for event in _events(current, after, application, mail, by=by, now=now):
        try:
            changed = with_event(changed, event, now=now)
        except Rejected:
            # The send itself must not stand still because its ledger has no room left.
            log.exception("no event", extra={"send_id": after.id})
    return changed


def _events(
    current: Send,
    after: Send,
    application: Application,
    mail: MailRecord | None,
    *,
    by: Literal["person", "service"],
    now: datetime,
) -> list[Event]:
    found = []
    has_left = after.delivery is Delivery.SENT
    moved = after.delivery is not current.delivery
    if after.kind == "application" and (moved or after.message_id != current.message_id):
        found.append(
            Event(
                key=f"send:{after.id}:{after.step}{'' if moved else ':read'}",
                kind=EventKind.DELIVERY,
                occurred_at=after_the_last(application, now),
                recorded_at=now,
                by=by,
                mail_id=after.gmail_id if has_left and moved else "",
                thread_id=after.thread_id,
                message_id=after.message_id,
                delivery=after.delivery,
                note=after.reason,
            )
        )
    elif after.kind == "follow_up" and has_left and (moved or after.message_id != current.message_id):
        found.append(
            Event(
                key=f"send:{after.id}:{after.step}{'' if moved else ':read'}",
                kind=EventKind.REPLIED,
                occurred_at=now,
                recorded_at=now,
                by="person",
                mail_id=after.gmail_id if moved else "",
                thread_id=after.thread_id,
                message_id=after.message_id,
            )
        )
    taken = f"mail:{after.gmail_id}:1"
    if mail is not None and mail.status is MailStatus.REPLY and taken in application.events:
        # A push was faster than we, and took our own mail for the person's answer.
        found.append(
            Event(
                key=f"retract:{taken}",
                kind=EventKind.RETRACTED,
                occurred_at=now,
                recorded_at=now,
                by="service",
                target=taken,
            )
        )
    return found


def after_the_last(application: Application, now: datetime) -> datetime:
    """When a change of the delivery occurred: after the one before, even when two workers' clocks disagree."""
    known = [e.occurred_at for e in application.events.values() if e.kind is EventKind.DELIVERY]
    return max(now, max(known) + timedelta(microseconds=1)) if known else now


def _tell(tx: Transaction, current: Send, after: Send, user: User | None, *, now: datetime) -> None:
    """Tell the person what the application's own event does not: of a follow-up, and of a question that came later."""
    moved = after.delivery is not current.delivery
    asks = after.question is not current.question and after.question is not SendQuestion.NONE
    trouble = moved and after.delivery in TROUBLE and after.kind == "follow_up"
    if not trouble and (moved or not asks):
        return
    what = f"{after.step}" if moved else f"{after.step}:{after.question}:{after.generation}"
    key = f"{after.application_id}:send:{after.id}:{what}"
    notice = Notification(
        key=key,
        uid=after.uid,
        kind=NotificationKind.DELIVERY_TROUBLE,
        created_at=now,
        application_id=after.application_id,
    )
    preferences = user.preferences if user else Preferences()
    tx.put(NOTIFICATIONS.key(after.uid, key), schedule.planned(notice, preferences, rejects=False, now=now))


def _tie(tx: Transaction, send: Send, thread: Thread | None) -> None:
    """The thread leads to the application."""
    known = thread.application_ids if thread else ()
    if send.application_id not in known:
        ids = (*known, send.application_id)[-APPLICATIONS_PER_THREAD:]
        tx.put(THREADS.key(send.uid, send.thread_id), Thread(id=send.thread_id, uid=send.uid, application_ids=ids))


def _left(send: Send, known: MailRecord | None, *, now: datetime) -> MailRecord:
    """The record of the mail that left. Whoever reads the mailbox finds its decision made."""
    if known is not None:
        return replace(known, status=MailStatus.SENT, application_id=send.application_id)
    return MailRecord(
        id=send.gmail_id,
        uid=send.uid,
        thread_id=send.thread_id,
        status=MailStatus.SENT,
        recorded_at=now,
        message_id=send.message_id,
        application_id=send.application_id,
    )
