"""A person's connected Gmail account and what is still to do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A provisional "no": Gmail's search index lags, so the same question is put again."""

    at: datetime
    after: datetime
    """How far back the search looks."""
    ids: tuple[str, ...]
    """The messages in question; empty means every message that the search finds."""
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """A bounded look back after Gmail forgot our cursor, from old to new, a window of time for each lease."""

    after: datetime
    """Everything before it has been looked at."""
    until: datetime
    """Where it ends: when it began, and history took over."""
    step_seconds: float
    """How wide the next window is."""
    at: datetime
    """When the next window is due."""
    again: bool = False
    """The second look, for what the search index did not show the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResume:
    """Where a run stopped inside the pages of one history: the token of the next page, what the whole list reaches."""

    page_token: str
    reached: str
    """The history id that the first page named. 20 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A person's connected Gmail account: cursor, watch, lease, what is due, and its health."""

    id: str
    """HMAC of the lower-cased address."""
    uid: str
    history_id: str
    """The cursor: everything before it is done or parked. 20 digits."""
    dirty: str = ""
    """The highest history id that a push has named. 20 digits."""
    dirty_at: datetime | None = None
    due_at: datetime | None = None
    """When somebody must look again; None when there is nothing to do."""
    generation: int = 0
    """Counts leases; a write under an old one is refused."""
    lease_until: datetime | None = None
    """None when the last holder released it cleanly."""
    opening: str = ""
    """The message that a careful run is about to open."""
    openings: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    """Failed tries of single messages, by id."""
    retry_at: datetime | None = None
    """When the failing messages are due; a failure before it, after another push, is no further try."""
    empty_lists: int = 0
    """How often history.list was empty although a push says otherwise."""
    failures: int = 0
    """Failed runs in a row; sets the back-off."""
    resume: HistoryResume | None = None
    """Set when a run ran out of time inside the history from `history_id`."""
    asks: tuple[Ask, ...] = ()
    rescan: Rescan | None = None
    health: Literal["ok", "needs_reauth", "watch_lapsed", "quarantined"] = "ok"
    trouble: str = ""
    """Why the last run failed, in plain words; empty after a good one."""
    watch_expires_at: datetime | None = None
    last_sync_at: datetime | None = None
    last_push_at: datetime | None = None
    units_spent: float = 0.0
    """Gmail quota units in the bucket's present minute."""
    units_at: datetime | None = None
    sealed_refresh_token: bytes = b""
    sealed_access_token: bytes = b""
    access_token_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMailbox:
    """What a sweep reads of a mailbox: that somebody must come back to it, and since when."""

    id: str
    due_at: datetime
