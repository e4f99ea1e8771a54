"""A person: what is theirs, what they chose, and when they are next to be written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.model.application import Roster
from shared.model.preferences import Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `applications_rev` moves whenever something that matching reads changes."""

    uid: str
    applications_rev: int = 0
    roster: Roster | None = None
    """Of this revision; None when there are too many applications, or an older release has written since."""
    mailbox_id: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    created_at: datetime | None = None
    weekly_at: datetime | None = None
    """When the next weekly summary is due: 10:00 on a Monday where the person is; see `shared.schedule`."""
    monthly_at: datetime | None = None
    """The same for the monthly report: 10:00 on the first."""
    follow_up_at: datetime | None = None
    """The same for the daily look at silent employers and ending offers: 09:00."""
    retention_at: datetime | None = None
    """When something of theirs is first as old as they keep it; see `shared.retention`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePerson:
    """What a sweep reads of a person."""

    uid: str
