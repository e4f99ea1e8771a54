"""What a person is told, and what becomes of telling it on each channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NotificationKind(StrEnum):
    """What a person is told."""

    APPLICATION_FOUND = "application_found"
    """A mail proved an application that nobody had recorded."""
    STATUS_CHANGED = "status_changed"
    MOVE_SUGGESTED = "move_suggested"
    INTERVIEW_CHANGED = "interview_changed"
    NEEDS_ACTION = "needs_action"
    ON_HOLD = "on_hold"
    DELIVERY_TROUBLE = "delivery_trouble"
    """The outgoing mail failed, bounced, is parked, or nobody knows yet whether it left."""
    MAIL_PARKED = "mail_parked"
    """A mail could not be read; it is kept aside and can be tried again."""
    NEEDS_REAUTH = "needs_reauth"
    """Gmail takes our grant no more: nothing is read until the person connects again."""
    INTERVIEW_REMINDER = "interview_reminder"
    FOLLOW_UP = "follow_up"
    """It is time to write to an employer again, or to thank for an interview; a draft is ready."""
    SILENCE = "silence"
    """The employer has been silent for longer than usual: close it as never answered?"""
    OFFER_DEADLINE = "offer_deadline"
    """The day by which an offer must be answered comes near."""
    WEEKLY_SUMMARY = "weekly_summary"
    MONTHLY_REPORT = "monthly_report"
    DIGEST = "digest"
    """What was gathered for one mail of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing that a person is told, created in the transaction that caused it and keyed by its cause.

    It is the telling in the app, so that this happens exactly once. For the other channels it is released when
    `due_at` has come, each by a `Dispatch` of its own.
    """

    key: str
    """Ours, and made of the cause alone (application and event, mail, lease): one cause tells one thing once."""
    uid: str
    kind: str
    """A word of `NotificationKind`; not typed as one, so that a later release's word can still be read."""
    created_at: datetime
    application_id: str = ""
    event: str = ""
    read_at: datetime | None = None
    due_at: datetime | None = None
    """When it is to be released; None once it is, or when it is withdrawn."""
    hidden_until: datetime | None = None
    """Gentle mode: not even the app shows it before."""
    withdrawn_at: datetime | None = None
    """What it speaks of has been moved, called off or settled since: it is told no further, and shown as past."""
    about: str = ""
    """Id of what it speaks of beside the application: an interview, a report."""
    at: datetime | None = None
    """The moment that it speaks of: the interview's start, the silence's beginning, the first day of a report."""
    detail: str = ""
    """One word more of our own: which reminder of the ladder, which follow-up, the day an offer ends."""
    items: tuple[str, ...] = ()
    """Keys of the notifications in a digest, oldest first."""


class DispatchState(StrEnum):
    """Where the telling on one channel stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    """It may have arrived. On these channels a second one is worse than none, so nobody tries again."""
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One notification on one channel outside the app: claimed, tried, recorded."""

    id: str
    uid: str
    notification: str
    """Its key."""
    channel: str
    """A word of `Channel`."""
    state: DispatchState
    created_at: datetime
    due_at: datetime | None = None
    """When somebody must come back to it; None at a terminal state."""
    attempts: int = 0
    reason: str = ""
    """Why it was not sent, in words for the person; empty otherwise."""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotification:
    """What a sweep reads of a notification."""

    uid: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDispatch:
    """What a sweep reads of a dispatch."""

    uid: str
    notification: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTarget:
    """Where a channel outside the app leads; the address itself is sealed."""

    uid: str
    channel: str
    """A word of `Channel`; also the document's id."""
    sealed: bytes
    hint: str
    """What the person recognises it by, without any secret: "smtp", "hooks.example.com"."""
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeed:
    """The key to a person's calendar, for calendar programs that can't sign in; a new one ends the old."""

    uid: str
    token_hash: str
    """SHA-256 of the token, in hex."""
    created_at: datetime
