"""What is kept no longer: applications that ended long ago with all that hangs on them, and records with an end.

How long is each person's choice, counted from an application's last change. The nightly run only names the people; one
who is named is worked on piece by piece, what hangs on an application before the application itself, so that a run may
die anywhere and the next one goes on. What is live stays: whatever has not ended, has an interview ahead, or a mail of
which somebody must still hear.

A mail gives up everything but its ids. They keep a look into the past from reading it as if it were new, and go when no
look reaches so far back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from shared import due, jobs
from shared.applications import applications_of, with_applications
from shared.applications.change import interviews
from shared.due import RETENTION_TOPIC, RetentionDue
from shared.errors import Rejected
from shared.model import (
    Application,
    Delivery,
    InterviewStatus,
    LinkSuggestion,
    MailRecord,
    MailStatus,
    Send,
    Stage,
)
from shared.notifications.inbox import OUTSIDE, dispatch_id
from shared.ports import Blobs, Clock, Queue, Snapshot, Store, Transaction, Value
from shared.preferences import BACKFILL_DAYS
from shared.schema import (
    APPLICATIONS,
    APPLICATIONS_DISMISSED,
    APPLICATIONS_ENDED,
    DISPATCHES,
    EXPIRED,
    INTERVIEWS,
    MAILS,
    MAILS_OF_APPLICATION,
    MAILS_UNLINKED,
    NOTIFICATIONS_OF_APPLICATION,
    REPORTS_OLDEST,
    SENDS,
    SENDS_OF_APPLICATION,
    SUGGESTIONS,
    SUGGESTIONS_OPEN,
    THREADS,
    USERS,
    Key,
    Query,
)
from shared.settings import Settings

REACH = timedelta(days=BACKFILL_DAYS.stop + 2)
"""No look into the past reaches further: a backfill of a year, and two days for clocks that disagree."""

A_COMMIT = 100
"""Records worked on in one transaction, each with up to three others: Firestore takes 500 writes."""

PAGE = 300
"""Records read with one query where none of them is worked on."""

NOT_SOONER = timedelta(days=1)
"""When something is old enough and yet live: it is looked at again the next night."""

Kind = tuple[Query[Any], Mapping[str, Value]]
"""Records that are kept alike: the query that finds them, oldest first, and its equalities."""

ENDED: tuple[Kind, ...] = (
    (APPLICATIONS_ENDED, {"stage": Stage.CLOSED.value}),
    (APPLICATIONS_DISMISSED, {"dismissed": True}),
)
"""Applications that may be deleted: what is closed, and what was only ever a misreading."""

UNLINKED: tuple[Kind, ...] = tuple(
    (MAILS_UNLINKED, {"application_id": "", "status": status.value})
    for status in (MailStatus.NOTED, MailStatus.SUGGESTED, MailStatus.REPLY, MailStatus.PARKED)
)
"""Mail of no application, as far as more than its ids is kept."""

REPORTS: Kind = (REPORTS_OLDEST, {})

SETTLED = frozenset({Delivery.SENT, Delivery.FAILED, Delivery.BOUNCED, Delivery.CANCELLED})
"""Ends of a send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """How many records were past their time, how many were dropped, and how many people were named."""

    scanned: int
    updated: int
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one look at a person's records did."""

    outcome: Literal["applied", "going_on", "early", "settled"]
    applications: int = 0
    """Deleted."""
    mails: int = 0
    """Of which at most the ids are left."""


class _OutOfTime(Exception):
    """The work budget is spent; what is left stands where it stood."""


# --- Every night ------------------------------------------------------------------------------------------------------


def clean(*, settings: Settings, store: Store, queue: Queue, blobs: Blobs, clock: Clock) -> Cleaned:
    """Name the people who have something too old, and drop what has expired; what time does not allow, tomorrow."""
    stop = clock.now() + settings.work_budget
    named = due.wake(due.RETENTION, store=store, queue=queue, clock=clock)
    dropped = sum(_drop_expired(query, stop=stop, store=store, clock=clock) for query in EXPIRED)
    rest = max(stop - clock.now(), timedelta(0))
    cache = jobs.clean_cache(settings=replace(settings, work_budget=rest), store=store, blobs=blobs, clock=clock)
    return Cleaned(
        scanned=named.scanned + dropped + cache.scanned, updated=dropped + cache.updated, queued=named.queued
    )


def _drop_expired(query: Query[Any], *, stop: datetime, store: Store, clock: Clock) -> int:
    now, dropped = clock.now(), 0
    while clock.now() < stop:
        # Always the first page: what is dropped is not found again.
        keys = [item.key for item in store.find(query, before=now, limit=A_COMMIT).items]
        if not keys:
            break
        dropped += store.transact(partial(_drop, keys=keys, field=query.order, now=now))
    return dropped


def _drop(tx: Transaction, *, keys: Sequence[Key[Any]], field: str, now: datetime) -> int:
    """Delete those that have not been renewed meanwhile."""
    over = [key for key in keys if (record := tx.get(key)) is not None and _is_past(getattr(record, field), now)]
    for key in over:
        tx.delete(key)
    return len(over)


def _is_past(end: datetime | None, now: datetime) -> bool:
    return end is not None and end < now


# --- One person -------------------------------------------------------------------------------------------------------


def apply(message: RetentionDue, *, settings: Settings, store: Store, queue: Queue, clock: Clock) -> Applied:
    """Delete what is older than the person keeps it, as much as fits into one run. Raises Rejected for no uid."""
    try:
        place = USERS.key(message.uid)
    except ValueError as e:
        raise Rejected("uid: not an id") from e
    now = clock.now()
    found = store.get(place)
    seen = found.value.retention_at if found is not None else None
    if found is None or seen is None:
        return Applied(outcome="settled")
    if seen > now:
        return Applied(outcome="early")
    kept = timedelta(days=found.value.preferences.retention_days)
    look = _Look(message.uid, kept=kept, stop=now + settings.work_budget, store=store, clock=clock)
    try:
        look.delete()
    except _OutOfTime:
        # The person is due still, so the night finds them if this message is lost.
        queue.publish(RETENTION_TOPIC, message)
        return Applied(outcome="going_on", applications=look.applications, mails=look.mails)
    following = look.next()

    def advance(tx: Transaction) -> None:
        user = tx.get(place)
        if user is not None and user.retention_at == seen:
            tx.put(place, replace(user, retention_at=following))

    store.transact(advance, reads=[place])
    return Applied(outcome="applied", applications=look.applications, mails=look.mails)


class _Look:
    """One look at a person's records: what it has deleted so far."""

    def __init__(self, uid: str, *, kept: timedelta, stop: datetime, store: Store, clock: Clock) -> None:
        self._uid, self._kept, self._stop, self._store, self._clock = uid, kept, stop, store, clock
        self._now = clock.now()
        self._before = self._now - kept
        self._open: list[Snapshot[LinkSuggestion]] | None = None
        """Questions about mail; None while nobody has asked for them."""
        self.applications = self.mails = 0

    def delete(self) -> None:
        """Delete everything that is too old. Raises _OutOfTime."""
        for query, equal in ENDED:
            self._delete_applications(query, equal)
        for mails, unlinked in UNLINKED:
            self._forget_mails(mails, unlinked, before=self._before)
        self._delete_reports()

    def next(self) -> datetime:
        """When something of what is left will be too old; what comes meanwhile is younger."""
        oldest = self._now
        for query, equal in (*ENDED, *UNLINKED, REPORTS):
            for item in self._store.find(query, parent=self._uid, equal=equal, limit=1).items:
                oldest = min(oldest, getattr(item.value, query.order))
        return max(oldest + self._kept, self._now + NOT_SOONER)

    def _check_time(self) -> None:
        if self._clock.now() >= self._stop:
            raise _OutOfTime

    # --- Applications -------------------------------------------------------------------------------------------------

    def _delete_applications(self, query: Query[Any], equal: Mapping[str, Value]) -> None:
        cursor = ""
        while True:
            page = self._store.find(
                query, parent=self._uid, equal=equal, before=self._before, limit=A_COMMIT, cursor=cursor
            )
            for item in page.items:
                self._check_time()
                self.applications += self._delete_application(item.value.id)
            cursor = page.next
            if not cursor:
                return

    def _delete_application(self, application_id: str) -> bool:
        """Delete an application with all that hangs on it; False when it is live after all, and then it stays."""
        key = APPLICATIONS.key(self._uid, application_id)
        found = self._store.get(key)
        if found is None or not self._has_ended(found.value):
            return False
        application, sends = found.value, self._sends_of(application_id)
        if any(_is_live(send) for send in sends):
            return False
        self._forget_mails(MAILS_OF_APPLICATION, {"application_id": application_id})
        threads = {event.thread_id for event in application.events.values()} | {send.thread_id for send in sends}
        self._untie(sorted(threads - {""}), application_id)
        self._take_out_of_questions(application_id)
        self._delete_notifications(application_id)
        user_key = USERS.key(self._uid)
        send_keys = [SENDS.key(send.id) for send in sends]

        def work(tx: Transaction) -> bool:
            user, current = tx.get(user_key), tx.get(key)
            going = [send for send in map(tx.get, send_keys) if send is not None]
            if user is None or current is None or not self._has_ended(current) or any(map(_is_live, going)):
                return False
            known = applications_of(user)
            left = None if known is None else [each for each in known if each.id != application_id]
            tx.put(user_key, with_applications(user, left, uid=self._uid, changes=1, now=self._now))
            for interview_id in interviews(current):
                tx.delete(INTERVIEWS.key(self._uid, interview_id))
            for send_key in send_keys:
                tx.delete(send_key)
            tx.delete(key)
            return True

        return self._store.transact(work, reads=[user_key, key, *send_keys])

    def _has_ended(self, application: Application) -> bool:
        """Whether it has ended so long ago; one with an interview ahead has not, whatever its mails say."""
        ahead = any(
            each.start is not None and each.start > self._now and each.status is not InterviewStatus.CANCELLED
            for each in application.interviews
        )
        ended = application.stage is Stage.CLOSED or application.dismissed
        return ended and not ahead and application.updated_at < self._before

    def _sends_of(self, application_id: str) -> list[Send]:
        found: list[Send] = []
        cursor = ""
        equal: dict[str, Value] = {"uid": self._uid, "application_id": application_id}
        while True:
            page = self._store.find(SENDS_OF_APPLICATION, equal=equal, limit=PAGE, cursor=cursor)
            found += [item.value for item in page.items]
            cursor = page.next
            if not cursor:
                return found

    def _untie(self, thread_ids: Sequence[str], application_id: str) -> None:
        """Let no thread lead to the application: a later mail in one of them is read like any other."""
        for start in range(0, len(thread_ids), A_COMMIT):
            self._check_time()
            ids = thread_ids[start : start + A_COMMIT]
            self._store.transact(partial(self._untie_in, thread_ids=ids, application_id=application_id))

    def _untie_in(self, tx: Transaction, *, thread_ids: Iterable[str], application_id: str) -> None:
        held = [tx.get(THREADS.key(self._uid, id_)) for id_ in thread_ids]
        for thread in held:
            if thread is not None and application_id in thread.application_ids:
                others = tuple(id_ for id_ in thread.application_ids if id_ != application_id)
                place = THREADS.key(self._uid, thread.id)
                if others:
                    tx.put(place, replace(thread, application_ids=others))
                else:
                    tx.delete(place)

    def _take_out_of_questions(self, application_id: str) -> None:
        """Offer the application no more where a mail waits for the person to say whose it is."""
        if self._open is None:
            self._open = self._questions()
        for item in self._open:
            if all(each.application_id != application_id for each in item.value.candidates):
                continue
            self._check_time()

            def work(tx: Transaction, key: Key[LinkSuggestion] = item.key) -> None:
                asked = tx.get(key)
                if asked is not None:
                    others = tuple(each for each in asked.candidates if each.application_id != application_id)
                    tx.put(key, replace(asked, candidates=others))

            self._store.transact(work, reads=[item.key])

    def _questions(self) -> list[Snapshot[LinkSuggestion]]:
        found: list[Snapshot[LinkSuggestion]] = []
        cursor = ""
        while True:
            page = self._store.find(SUGGESTIONS_OPEN, parent=self._uid, equal={"open": True}, limit=PAGE, cursor=cursor)
            found += page.items
            cursor = page.next
            if not cursor:
                return found

    def _delete_notifications(self, application_id: str) -> None:
        while True:
            self._check_time()
            page = self._store.find(
                NOTIFICATIONS_OF_APPLICATION,
                parent=self._uid,
                equal={"application_id": application_id},
                limit=A_COMMIT,
            )
            if not page.items:
                return
            keys: list[Key[Any]] = [item.key for item in page.items]
            sent = [DISPATCHES.key(self._uid, dispatch_id(key.id, channel)) for key in keys for channel in OUTSIDE]
            self._delete([*keys, *sent])

    # --- Mail and reports ---------------------------------------------------------------------------------------------

    def _forget_mails(
        self, query: Query[MailRecord], equal: Mapping[str, Value], *, before: datetime | None = None
    ) -> None:
        """Keep nothing but the ids of every mail that the query finds: then it finds them no more."""
        while True:
            self._check_time()
            page = self._store.find(query, parent=self._uid, equal=equal, before=before, limit=A_COMMIT)
            if not page.items:
                return
            self.mails += self._store.transact(partial(self._forget_in, items=page.items))

    def _forget_in(self, tx: Transaction, *, items: Sequence[Snapshot[MailRecord]]) -> int:
        """Forget the mails that are still as they were found; how many they are."""
        mails = [item.value for item in items if tx.get(item.key) == item.value]
        for mail in mails:
            place = MAILS.key(self._uid, mail.id)
            forgotten = _forgotten(mail)
            if _is_past(forgotten.expires_at, self._now):
                tx.delete(place)
            else:
                tx.put(place, forgotten)
            tx.delete(SUGGESTIONS.key(self._uid, mail.id))
        return len(mails)

    def _delete_reports(self) -> None:
        """They name the employers of their time."""
        while True:
            self._check_time()
            page = self._store.find(REPORTS_OLDEST, parent=self._uid, before=self._before, limit=A_COMMIT)
            if not page.items:
                return
            self._delete([item.key for item in page.items])

    def _delete(self, keys: Sequence[Key[Any]]) -> None:
        def work(tx: Transaction) -> None:
            for key in keys:
                tx.delete(key)

        self._store.transact(work)


def _is_live(send: Send) -> bool:
    """Whether somebody has to come back to it, or to say something."""
    return send.delivery not in SETTLED or send.due_at is not None or bool(send.question)


def _forgotten(mail: MailRecord) -> MailRecord:
    """What is left of a mail's record: that the mail has been decided."""
    return MailRecord(
        id=mail.id,
        uid=mail.uid,
        thread_id=mail.thread_id,
        status=MailStatus.PRIVATE,
        recorded_at=mail.recorded_at,
        expires_at=(mail.internal_date or mail.recorded_at) + REACH,
    )
