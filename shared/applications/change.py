"""One application's change: an event added, the ledger folded, and everything that follows from the difference."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime

from shared import codec, schedule
from shared.errors import Rejected, TryAgain
from shared.ledger import FOLD_VERSION, fold
from shared.model import (
    EVENTS_PER_APPLICATION,
    SPAN_CHARACTERS,
    SPANS_PER_MAIL,
    Application,
    ApplicationSummary,
    Delivery,
    Event,
    EventKind,
    Interview,
    Notification,
    NotificationKind,
    Outcome,
    Projection,
    Roster,
    Signal,
    Stage,
    User,
)
from shared.ports import Transaction
from shared.schema import APPLICATIONS, INTERVIEWS, NOTIFICATIONS, USERS

EVENT_BYTES = 3_000
"""The largest event, as JSON: a full ledger of such events, folded, still fits into one document (900 KiB)."""

RESERVED_EVENTS = 20
"""Room behind a full ledger for the person and the sender: a flood of mail must not take anybody's undo away."""

ROSTER_VERSION = 2
"""Moves when matching reads something else of an application: rosters of before are made anew."""

ROSTER_BYTES = 100_000
"""As MessagePack: some hundred applications. Beyond it every mail asks for them; a person's document stays small enough
to be read and written with every mail."""

FROM_MAIL = frozenset({EventKind.MAIL, EventKind.REPLIED})
"""Kinds of events that strangers can cause in any number."""

_PROJECTED = tuple(f.name for f in fields(Projection))

_BAD_NEWS = frozenset({Outcome.REJECTED, Outcome.POSITION_CLOSED})
"""Ends that a person may want to hear of at an hour of their choice."""

_TROUBLE = frozenset({Delivery.FAILED, Delivery.BOUNCED, Delivery.UNSURE, Delivery.PARKED})


def stable_id(*parts: str) -> str:
    """An id that the same parts always give: 22 URL-safe characters of their SHA-256."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    # Firestore reserves ids of the form __name__: a letter in front keeps out of their way.
    return "h" + base64.urlsafe_b64encode(digest).decode()[:21]


# --- Pure: the new state ----------------------------------------------------------------------------------------------


def born(uid: str, application_id: str, created: Event, *, now: datetime) -> Application:
    """A new application whose ledger begins with its creation (an event of kind CREATED, key "created")."""
    return with_event(Application(id=application_id, uid=uid, created_at=now, updated_at=now), created, now=now)


def with_event(application: Application, event: Event, *, now: datetime) -> Application:
    """The application with one more event, folded; the same object when an event of that key is in it already.

    Raises Rejected when the ledger is full, and TryAgain when a newer release has written the application.
    """
    if event.key in application.events:
        return application
    room = EVENTS_PER_APPLICATION + (0 if event.kind in FROM_MAIL else RESERVED_EVENTS)
    if len(application.events) >= room:
        raise Rejected(f"the application's ledger is full: {len(application.events)} events")
    return refolded(replace(application, events={**application.events, event.key: _bounded(event)}), now=now)


def refolded(application: Application, *, now: datetime) -> Application:
    """The application with its projection folded by this release's rules.

    Raises TryAgain when a newer release has written it: that release's instances are about to take over, and what
    this one would write they could not tell from their own.
    """
    if application.fold_version > FOLD_VERSION:
        raise TryAgain(f"folded by version {application.fold_version}, this is {FOLD_VERSION}")
    projection = fold(application.events.values())
    return replace(
        application,
        **{name: getattr(projection, name) for name in _PROJECTED},
        # Never backwards, whatever the clock does: pages that poll for changes would miss this one.
        updated_at=max(now, application.updated_at),
        fold_version=FOLD_VERSION,
    )


def _bounded(event: Event) -> Event:
    """The event with as much of its evidence as a ledger keeps. Raises Rejected when it is too large without any."""
    evidence = tuple(replace(span, text=span.text[:SPAN_CHARACTERS]) for span in event.evidence[:SPANS_PER_MAIL])
    event = replace(event, evidence=evidence)
    # Characters of some scripts take three bytes and more, so the number of spans alone is no bound.
    while (size := len(codec.to_json(event))) > EVENT_BYTES and event.evidence:
        event = replace(event, evidence=event.evidence[:-1])
    if size > EVENT_BYTES:
        raise Rejected(f"the event has {size} bytes, more than {EVENT_BYTES}")
    return event


def as_matched(summary: ApplicationSummary) -> ApplicationSummary:
    """All that matching reads of an application: while it is the same, so is what any mail is linked to."""
    closed = summary.stage is Stage.CLOSED
    return ApplicationSummary(
        id=summary.id,
        uid=summary.uid,
        created_at=summary.created_at,
        updated_at=summary.created_at,  # It moves with every mail, and matching does not read it.
        company=summary.company,
        role=summary.role,
        requisition=summary.requisition,
        job_url=summary.job_url,
        stage=Stage.CLOSED if closed else Stage.SAVED,
        # Of a closed application matching asks whether a receipt is later than all that was heard of it.
        applied_at=summary.applied_at if closed else None,
        last_heard_at=summary.last_heard_at if closed else None,
        merged_into=summary.merged_into,
        dismissed=summary.dismissed,
        thread_ids=summary.thread_ids,
        message_ids=summary.message_ids,
        ics_uids=summary.ics_uids,
        sender_domains=summary.sender_domains,
        known_as=summary.known_as,
    )


def applications_of(user: User | None) -> tuple[ApplicationSummary, ...] | None:
    """The person's applications as matching reads them; None when their document does not tell."""
    if user is None or user.applications_rev == 0:
        return ()
    if user.roster is None or user.roster.version != ROSTER_VERSION:
        return None
    return user.roster.applications


def matching_sees(before: Application | None, after: Application) -> bool:
    """Whether matching reads something else of the application than before."""
    return after is not before and (before is None or as_matched(before) != as_matched(after))


def with_applications(
    user: User | None, applications: Iterable[ApplicationSummary] | None, *, uid: str, changes: int, now: datetime
) -> User:
    """The person (a new one for None) after so many changes that matching sees, with the applications that are theirs.

    None for `applications` that nobody has read. A roster that would be too large is left out.
    """
    person = schedule.scheduled(user or User(uid=uid, created_at=now), now=now)
    person = replace(person, applications_rev=person.applications_rev + changes, roster=None)
    if applications is None:
        return person
    roster = Roster(
        version=ROSTER_VERSION,
        applications=tuple(as_matched(each) for each in applications if not (each.merged_into or each.dismissed)),
    )
    fits = len(codec.to_bytes(codec.to_plain(roster))) <= ROSTER_BYTES
    return replace(person, roster=roster) if fits else person


def rostered(applications: Iterable[ApplicationSummary], changed: Application) -> tuple[ApplicationSummary, ...]:
    """The person's applications with a changed one, which comes first."""
    return (changed, *(each for each in applications if each.id != changed.id))


def interviews(application: Application) -> dict[str, Interview]:
    """The application's rounds as records of their own, by id."""
    return {
        id_: Interview(
            id=id_,
            uid=application.uid,
            application_id=application.id,
            status=round_.status,
            facts=round_.facts,
            start=round_.start,
            event=round_.event,
        )
        for round_ in application.interviews
        for id_ in [stable_id(application.id, round_.id)]
    }


# --- Pure: what the person is told ------------------------------------------------------------------------------------


def notices(before: Application | None, after: Application, *, now: datetime) -> tuple[Notification, ...]:
    """What the person is told of this change: at most one thing for each new event that is not their own doing.

    Only what an event caused counts, so a mail that was read again without another result tells nothing, and neither
    does an undo, after which an older event speaks again.
    """
    known = before.events if before is not None else {}
    new = [event for key, event in after.events.items() if key not in known and event.by != "person"]
    if not new:
        return ()
    kinds: dict[str, NotificationKind] = {}
    for cause, kind in _changes(before, after, new):
        kinds.setdefault(cause, kind)
    return tuple(
        Notification(
            key=f"{after.id}:{event.key}",
            uid=after.uid,
            kind=kinds[event.key],
            created_at=now,
            application_id=after.id,
            event=event.key,
        )
        for event in new
        if event.key in kinds
    )


def told(
    before: Application | None, after: Application, *, user: User | None, now: datetime
) -> tuple[Notification, ...]:
    """The same, each with the moment at which this person wants to hear of it."""
    preferences = (user or User(uid=after.uid)).preferences
    return tuple(
        schedule.planned(notice, preferences, rejects=after.outcome in _BAD_NEWS, now=now)
        for notice in notices(before, after, now=now)
    )


def _changes(
    before: Application | None, after: Application, new: list[Event]
) -> Iterable[tuple[str, NotificationKind]]:
    """Which event changed what, the most telling change first."""
    old = before or Projection()
    if before is None and any(event.kind is EventKind.CREATED for event in new):
        mails = [event.key for event in new if event.kind is EventKind.MAIL]
        yield mails[0] if mails else new[0].key, NotificationKind.APPLICATION_FOUND
    if (after.stage, after.outcome) != (old.stage, old.outcome):
        yield after.stage_event, NotificationKind.STATUS_CHANGED
    yield from _questions(old, after, {event.key: event.supersedes for event in new if event.supersedes})
    if after.delivery is not old.delivery and after.delivery in _TROUBLE:
        yield after.delivery_event, NotificationKind.DELIVERY_TROUBLE
    if after.on_hold and not old.on_hold:
        yield from ((event.key, NotificationKind.ON_HOLD) for event in new if event.signal is Signal.ON_HOLD)


def _questions(
    old: Projection, after: Projection, older_reading: Mapping[str, str]
) -> Iterable[tuple[str, NotificationKind]]:
    """What waits for the person. A newer reading that asks the same as the older one asks nothing new."""
    asked = {(move.event, move.stage, move.outcome) for move in old.moves}
    for move in after.moves:
        if (older_reading.get(move.event), move.stage, move.outcome) not in asked:
            yield move.event, NotificationKind.MOVE_SUGGESTED
    rounds = {round_.id: (round_.status, round_.start) for round_ in old.interviews}
    for round_ in after.interviews:
        if rounds.get(round_.id) != (round_.status, round_.start):
            yield round_.event, NotificationKind.INTERVIEW_CHANGED
    todo = after.needs_action
    if todo and old.needs_action not in (todo, older_reading.get(todo)):
        yield todo, NotificationKind.NEEDS_ACTION


# --- The write half of a transaction ----------------------------------------------------------------------------------


def write(tx: Transaction, before: Application | None, after: Application, *, user: User | None, now: datetime) -> None:
    """Everything that one application's change writes: itself, its interviews, notifications, and the person's roster.

    `before` and `user` are what this transaction has read (None: there is none yet). Nothing is written when nothing
    changed.
    """
    write_application(tx, before, after, now=now, notified=told(before, after, user=user, now=now))
    if matching_sees(before, after):
        known = applications_of(user)
        known = None if known is None else rostered(known, after)
        tx.put(USERS.key(after.uid), with_applications(user, known, uid=after.uid, changes=1, now=now))


def write_application(
    tx: Transaction, before: Application | None, after: Application, *, now: datetime, notified: Iterable[Notification]
) -> None:
    """The application, its interviews, and what the person is told of the steps between the two states.

    Whoever makes several changes in one transaction writes the person once, after all of them (`with_applications`).
    """
    if after is before:
        return
    key = APPLICATIONS.key(after.uid, after.id)
    if before is None:
        tx.create(key, after)
    else:
        tx.put(key, after)
    held = interviews(before) if before is not None else {}
    made = interviews(after)
    for id_, interview in made.items():
        if held.get(id_) != interview:
            # Due at once: whoever sees to reminders must look at a round that was made or moved.
            tx.put(INTERVIEWS.key(after.uid, id_), replace(interview, due_at=now))
    for id_ in sorted(held.keys() - made.keys()):
        tx.delete(INTERVIEWS.key(after.uid, id_))
    for notice in notified:
        tx.create(NOTIFICATIONS.key(after.uid, notice.key), notice)
