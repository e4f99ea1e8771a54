"""Release a notification to the channels outside the app, and deliver it on one of them: claim, act, record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal

from shared import schedule
from shared.due import NOTIFY_TOPIC, DeliverNotification
from shared.errors import Rejected, TryAgain, Unsure
from shared.model import (
    Channel,
    Dispatch,
    DispatchState,
    Notification,
    NotificationKind,
    Preferences,
    User,
)
from shared.notifications import subject as subjects
from shared.notifications.inbox import OUTSIDE, dispatch_id
from shared.notifications.targets import opened
from shared.notifications.words import rendered
from shared.ports import Clock, Outside, Queue, Store, Transaction, Vault
from shared.schema import CHANNEL_TARGETS, DISPATCHES, NOTIFICATIONS, USERS, Key

MOST_ATTEMPTS = 8
"""Tries of one dispatch: with the waits below they span about two hours."""

BACK_OFF = timedelta(minutes=1)
"""The wait after the first failed try; it doubles."""

ONCE = frozenset({Channel.EMAIL, Channel.CHAT})
"""Channels on which a second message is worse than none."""

URGENT = frozenset({NotificationKind.INTERVIEW_REMINDER})
"""What quiet hours do not hold back: an interview does not wait for the morning."""

AT_ITS_HOUR = frozenset({NotificationKind.WEEKLY_SUMMARY, NotificationKind.MONTHLY_REPORT, NotificationKind.DIGEST})
"""What comes at an hour that it has been given: no quiet hours and no digest hold it."""

MAILED = frozenset({*AT_ITS_HOUR, NotificationKind.INTERVIEW_REMINDER})
"""What reaches the person by mail, too, until they choose something else."""

NOT_IN_A_DIGEST = frozenset({*AT_ITS_HOUR, *URGENT, NotificationKind.NEEDS_REAUTH, NotificationKind.DELIVERY_TROUBLE})
"""What cannot wait for the one message of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of it."""

    outcome: Literal[
        "released", "early", "settled", "withdrawn", "held", "sent", "again", "unsure", "failed", "digested"
    ]
    kind: str = ""


def deliver(
    message: DeliverNotification,
    *,
    lease: timedelta,
    store: Store,
    queue: Queue,
    vault: Vault,
    outside: Mapping[str, Outside],
    clock: Clock,
) -> Delivered:
    """Do what the message asks for, if it is still to be done and its time has come. Twice does no harm.

    Raises Rejected for ids that are none, TryAgain when the store or the vault cannot be reached before the claim.
    """
    try:
        key = NOTIFICATIONS.key(message.uid, message.notification_id)
    except ValueError as e:
        raise Rejected("notification_id: not an id") from e
    if not message.channel:
        return _release(key, store=store, queue=queue, clock=clock)
    if message.channel not in OUTSIDE:
        raise Rejected("channel: no such channel")
    return _dispatch(key, message.channel, lease=lease, store=store, vault=vault, outside=outside, clock=clock)


# --- Release: where and when ------------------------------------------------------------------------------------------


def channels(kind: str, preferences: Preferences) -> tuple[Channel, ...]:
    """Where this kind is told beside the app: as chosen, else the few that are mailed anyway."""
    if kind in preferences.channels or kind not in MAILED:
        return tuple(channel for channel in preferences.channels_of(kind) if channel is not Channel.IN_APP)
    return (Channel.EMAIL,)


def told_at(kind: str, preferences: Preferences, now: datetime) -> datetime:
    """When this kind may be told outside the app: now, or after the quiet hours."""
    if kind in URGENT or kind in AT_ITS_HOUR:
        return now
    return schedule.quiet_until(now, preferences.quiet_hours, schedule.zone_of(preferences))


def _release(key: Key[Notification], *, store: Store, queue: Queue, clock: Clock) -> Delivered:
    """Make the dispatches of a notification that is due; publish those whose time has come."""
    uid = key.ids[0]
    now = clock.now()

    def work(tx: Transaction) -> tuple[Delivered, list[Dispatch]]:
        user = tx.get(USERS.key(uid)) or User(uid=uid)
        notification = tx.get(key)
        if notification is None or notification.due_at is None:
            return Delivered(outcome="settled"), []
        if notification.due_at > now:
            return Delivered(outcome="early", kind=notification.kind), []
        settled = replace(notification, due_at=None)
        if subjects.is_past(notification, subjects.read(tx, notification), now):
            tx.put(key, replace(settled, withdrawn_at=now))
            return Delivered(outcome="withdrawn", kind=notification.kind), []
        chosen = channels(notification.kind, user.preferences)
        if chosen and user.preferences.digest_hour is not None and notification.kind not in NOT_IN_A_DIGEST:
            _into_digest(tx, notification, user.preferences, user.preferences.digest_hour, now)
            tx.put(key, settled)
            return Delivered(outcome="digested", kind=notification.kind), []
        reachable = {channel for channel in chosen if _leads_somewhere(tx, user, channel)}
        made = [
            _queued(notification, channel, told_at(notification.kind, user.preferences, now), now)
            for channel in chosen
            if channel in reachable
        ]
        if notification.kind in user.preferences.channels:
            made += [_unreachable(notification, channel, now) for channel in chosen if channel not in reachable]
        tx.put(key, settled)
        for dispatch in made:
            tx.create(DISPATCHES.key(uid, dispatch.id), dispatch)
        return Delivered(outcome="released", kind=notification.kind), made

    released, made = store.transact(work, reads=[USERS.key(uid), key])
    for dispatch in made:
        if dispatch.due_at is not None and dispatch.due_at <= now:
            queue.publish(NOTIFY_TOPIC, message_of(dispatch))
    return released


def _leads_somewhere(tx: Transaction, user: User, channel: Channel) -> bool:
    """Mail goes to the connected Gmail account, the rest where the person said."""
    if channel is Channel.EMAIL:
        return bool(user.mailbox_id)
    return tx.get(CHANNEL_TARGETS.key(user.uid, channel)) is not None


def message_of(dispatch: Dispatch) -> DeliverNotification:
    """The message that has a dispatch delivered."""
    return DeliverNotification(uid=dispatch.uid, notification_id=dispatch.notification, channel=dispatch.channel)


def _into_digest(
    tx: Transaction, notification: Notification, preferences: Preferences, hour: int, now: datetime
) -> None:
    """Lay it into the digest of the next hour for digests; the first one makes it."""
    zone = schedule.zone_of(preferences)
    due = schedule.next_daily(now, time(hour), zone)
    place = NOTIFICATIONS.key(notification.uid, f"digest:{due.astimezone(zone).date().isoformat()}")
    digest = tx.get(place)
    if digest is not None and digest.due_at is None:
        # That day's digest has left already: the person has moved to where it is the same day again.
        due += timedelta(days=1)
        place = NOTIFICATIONS.key(notification.uid, f"digest:{due.astimezone(zone).date().isoformat()}")
        digest = tx.get(place)
    if digest is None:
        digest = Notification(
            key=place.id, uid=notification.uid, kind=NotificationKind.DIGEST, created_at=now, due_at=due
        )
    tx.put(place, replace(digest, items=(*digest.items, notification.key)))


def _queued(notification: Notification, channel: str, due_at: datetime, now: datetime) -> Dispatch:
    return Dispatch(
        id=dispatch_id(notification.key, channel),
        uid=notification.uid,
        notification=notification.key,
        channel=channel,
        state=DispatchState.QUEUED,
        created_at=now,
        due_at=due_at,
    )


def _unreachable(notification: Notification, channel: str, now: datetime) -> Dispatch:
    queued = _queued(notification, channel, now, now)
    reason = "no address is set for this channel"
    return replace(queued, state=DispatchState.FAILED, due_at=None, done_at=now, reason=reason)


# --- Delivery: claim, act, record -------------------------------------------------------------------------------------


def _dispatch(
    key: Key[Notification],
    channel: str,
    *,
    lease: timedelta,
    store: Store,
    vault: Vault,
    outside: Mapping[str, Outside],
    clock: Clock,
) -> Delivered:
    uid = key.ids[0]
    place = DISPATCHES.key(uid, dispatch_id(key.id, channel))
    claim = _Claim(place, key, lease=lease, store=store, clock=clock)
    claimed = claim.take()
    if isinstance(claimed, Delivered):
        return claimed
    dispatch, notification, subject, preferences = claimed
    try:
        target = opened(uid, channel, store=store, vault=vault)
        subject = subjects.with_enclosed(subject, store=store)
        outside[channel].send(target, rendered(notification, subject, preferences, now=clock.now()))
    except Unsure as e:
        if channel in ONCE:
            return claim.end(dispatch, DispatchState.UNSURE, DOUBT)
        return claim.again(dispatch, str(e))
    except TryAgain as e:
        return claim.again(dispatch, str(e))
    except Rejected as e:
        return claim.end(dispatch, DispatchState.FAILED, str(e))
    return claim.end(dispatch, DispatchState.SENT, "")


DOUBT = "it may have arrived; a second one is not risked"
"""What the person reads of a dispatch that is `unsure`."""


class _Claim:
    """One run's hold on one dispatch; what it records counts only while the hold is its own."""

    def __init__(
        self, place: Key[Dispatch], notification: Key[Notification], *, lease: timedelta, store: Store, clock: Clock
    ) -> None:
        self._place, self._notification = place, notification
        self._lease, self._store, self._clock = lease, store, clock

    def take(self) -> Delivered | tuple[Dispatch, Notification, subjects.Subject, Preferences]:
        """Claim the dispatch, or say why there is nothing to claim."""
        now = self._clock.now()

        def work(tx: Transaction) -> Delivered | tuple[Dispatch, Notification, subjects.Subject, Preferences]:
            dispatch, notification = tx.get(self._place), tx.get(self._notification)
            user = tx.get(USERS.key(self._place.ids[0]))
            if dispatch is None or dispatch.due_at is None:
                return Delivered(outcome="settled")
            if dispatch.due_at > now:
                return Delivered(outcome="held" if dispatch.state is DispatchState.SENDING else "early")
            subject = subjects.read(tx, notification) if notification is not None else subjects.Subject()
            if dispatch.state is DispatchState.SENDING and dispatch.channel in ONCE:
                # Its holder died with the message perhaps on its way.
                return self._settle(tx, dispatch, DispatchState.UNSURE, DOUBT, now)
            if dispatch.attempts >= MOST_ATTEMPTS:
                return self._settle(tx, dispatch, DispatchState.FAILED, "every try failed", now)
            if notification is None or subjects.is_past(notification, subject, now):
                if notification is not None and notification.withdrawn_at is None:
                    tx.put(self._notification, replace(notification, withdrawn_at=now))
                return self._settle(tx, dispatch, DispatchState.WITHDRAWN, "it is not so any more", now)
            claimed = replace(
                dispatch, state=DispatchState.SENDING, attempts=dispatch.attempts + 1, due_at=now + self._lease
            )
            tx.put(self._place, claimed)
            return claimed, notification, subject, user.preferences if user is not None else Preferences()

        return self._store.transact(work, reads=[self._place, self._notification])

    def again(self, dispatch: Dispatch, reason: str) -> Delivered:
        """It certainly did not leave, or may leave twice: try later, unless every try is spent."""
        if dispatch.attempts >= MOST_ATTEMPTS:
            return self.end(dispatch, DispatchState.FAILED, reason)
        due_at = self._clock.now() + BACK_OFF * 2 ** (dispatch.attempts - 1)
        waiting = replace(dispatch, state=DispatchState.QUEUED, due_at=due_at, reason=reason[:REASON_CHARACTERS])
        self._record(dispatch, waiting)
        return Delivered(outcome="again")

    def end(self, dispatch: Dispatch, state: DispatchState, reason: str) -> Delivered:
        """What it came to."""
        ended = replace(
            dispatch, state=state, due_at=None, done_at=self._clock.now(), reason=reason[:REASON_CHARACTERS]
        )
        self._record(dispatch, ended)
        return Delivered(outcome=_OUTCOMES[state])

    def _record(self, claimed: Dispatch, done: Dispatch) -> None:
        def work(tx: Transaction) -> None:
            # Somebody else's by now: they have recorded, or will, what is true.
            if tx.get(self._place) == claimed:
                tx.put(self._place, done)

        self._store.transact(work, reads=[self._place])

    def _settle(
        self, tx: Transaction, dispatch: Dispatch, state: DispatchState, reason: str, now: datetime
    ) -> Delivered:
        tx.put(self._place, replace(dispatch, state=state, due_at=None, done_at=now, reason=reason))
        return Delivered(outcome=_OUTCOMES[state])


_OUTCOMES: Mapping[DispatchState, Literal["sent", "unsure", "failed", "withdrawn"]] = {
    DispatchState.SENT: "sent",
    DispatchState.UNSURE: "unsure",
    DispatchState.FAILED: "failed",
    DispatchState.WITHDRAWN: "withdrawn",
}

REASON_CHARACTERS = 200
"""A sentence or two of ours."""
