"""A person, and what they are told."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing that a person is told, created in the transaction that caused it and keyed by its cause."""

    key: str
    """Ours, and made of the cause alone (application and event, mail, lease): one cause tells one thing once."""
    uid: str
    kind: str
    """A word of `NotificationKind`; not typed as one, so that a later release's word can still be read."""
    created_at: datetime
    application_id: str = ""
    event: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `applications_rev` moves whenever something that matching reads changes."""

    uid: str
    applications_rev: int = 0
    mailbox_id: str = ""
    time_zone: str = "UTC"
    created_at: datetime | None = None
