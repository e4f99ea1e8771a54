"""The history of what a person was told, as the app shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.errors import NotFound
from shared.model import Channel, Dispatch, Notification, NotificationKind
from shared.ports import Clock, Page, Store, Transaction
from shared.schema import (
    DISPATCHES,
    DISPATCHES_OF_USER,
    NOTIFICATIONS,
    NOTIFICATIONS_OF_USER,
    NOTIFICATIONS_OLDEST,
    Key,
)

KEPT = timedelta(days=90)
"""How long the history goes back."""

A_COMMIT = 100
"""Notifications deleted in one transaction, each with its dispatches: Firestore takes 500 writes."""

A_RUN = timedelta(seconds=60)
"""Of deleting; what is left goes the next time."""

OUTSIDE = (Channel.EMAIL, Channel.CHAT, Channel.WEBHOOK)
"""The channels beside the app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """How many notifications were old, and how many were deleted."""

    scanned: int
    updated: int


def listed(uid: str, *, limit: int, cursor: str = "", store: Store, clock: Clock) -> Page[Notification]:
    """What the person has been told, newest first; what waits for its hour and digests are left out."""
    page = store.find(NOTIFICATIONS_OF_USER, parent=uid, limit=limit, cursor=cursor)
    now = clock.now()
    shown = tuple(
        item
        for item in page.items
        if item.value.kind != NotificationKind.DIGEST
        and (item.value.hidden_until is None or item.value.hidden_until <= now)
    )
    return replace(page, items=shown)


def dispatched(uid: str, *, limit: int, cursor: str = "", store: Store) -> Page[Dispatch]:
    """What went outside the app, or was to go, newest first."""
    return store.find(DISPATCHES_OF_USER, parent=uid, limit=limit, cursor=cursor)


def mark_read(uid: str, key: str, *, store: Store, clock: Clock) -> Notification:
    """Note that the person has seen it; the first time counts. Raises NotFound."""
    try:
        place = NOTIFICATIONS.key(uid, key)
    except ValueError as e:
        raise NotFound("notifications: there is nothing by that key") from e
    now = clock.now()

    def work(tx: Transaction) -> Notification:
        known = tx.get(place)
        if known is None:
            raise NotFound("notifications: there is nothing by that key")
        if known.read_at is not None:
            return known
        read = replace(known, read_at=now)
        tx.put(place, read)
        return read

    return store.transact(work, reads=[place])


def dispatch_id(notification: str, channel: str) -> str:
    """The id of the one dispatch of a notification on a channel."""
    return f"{notification}:{channel}"


def cleanup(*, store: Store, clock: Clock) -> Cleaned:
    """Delete what is older than `KEPT`, oldest first, with what became of it on each channel."""
    started = clock.now()
    scanned = deleted = 0
    while clock.now() - started < A_RUN:
        page = store.find(NOTIFICATIONS_OLDEST, before=started - KEPT, limit=A_COMMIT)
        keys = [item.key for item in page.items]
        scanned += len(keys)
        if not keys:
            break
        _delete(keys, store=store)
        deleted += len(keys)
    return Cleaned(scanned=scanned, updated=deleted)


def _delete(keys: Sequence[Key[Any]], *, store: Store) -> None:
    def work(tx: Transaction) -> None:
        for key in keys:
            uid, notification = key.ids
            for channel in OUTSIDE:
                tx.delete(DISPATCHES.key(uid, dispatch_id(notification, channel)))
            tx.delete(key)

    store.transact(work)
