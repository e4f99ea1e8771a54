"""A person's connected Gmail account and what is still to do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.model.preferences import Monitoring


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
class Backfill:
    """The mail from before the connection, read once, page by page behind the live work."""

    begun_at: datetime
    since: datetime
    """How far back it reaches."""
    span: Rescan | None = None
    """What is still to be read; None when it is over."""
    found: int = 0
    """Mails that look like hiring, so far."""
    ended_at: datetime | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the past, backfill or receipt: in whose hands it is, beside whatever is live, and how it has gone."""

    number: int = 0
    """Counts those who took a page; a write under an old one is refused."""
    until: datetime | None = None
    """When somebody else may take it; None when its holder has put it back."""
    at: datetime | None = None
    """Nobody takes one before: the units were spent, or the last one failed."""
    failures: int = 0
    """Failed pages in a row; sets the back-off."""
    crashes: int = 0
    """Pages in a row whose holder never put them back, and had no message open to blame."""
    opening: str = ""
    """The message that a careful holder is about to open."""
    openings: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    """Failed tries of its messages, by id."""
    retry_at: datetime | None = None
    """When those are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the last daily look at Gmail's own list has shown: nothing was missed, or what was and has been repaired."""

    at: datetime
    after: datetime
    before: datetime
    """The span of time that it speaks of."""
    hiring: int
    """Mails that Gmail's search takes for hiring mail."""
    seen: int
    """Of them, how many had been read before the look."""
    sampled: int
    """Mails of the inbox beside them that were looked at, too."""
    sample_seen: int
    whole: bool = True
    """False when there were more than one look can list."""


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
    """When the failing messages are due; no push has them read sooner."""
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
    read_units: dict[str, int] = field(default_factory=dict)
    """Gmail quota units that reading has spent in the last minute, by slot (`shared.mailbox.quota`)."""
    sending_units: dict[str, int] = field(default_factory=dict)
    """Those of sending, which has its own share."""
    sent_in_hours: dict[str, int] = field(default_factory=dict)
    """How many mails left through us in each hour of the last day, by its beginning ("2026-01-05T09", UTC)."""
    crashes: int = 0
    """Runs in a row that ended without a word, and without a message open to blame."""
    page: Page = field(default_factory=Page)
    backfill: Backfill | None = None
    receipt: Receipt | None = None
    receipt_due_at: datetime | None = None
    """When the next receipt is due; None: never."""
    repaired: int = 0
    """Hiring mails that a receipt which is not done yet has found missing, and that have been read since."""
    repaired_in_sample: int = 0
    """The same of the mails beside them."""
    monitoring: Monitoring = Monitoring.REAL_TIME
    """The person's choice, so that a push need not ask for it."""
    pace: str = ""
    """How often a sweep looks: a word of `accounts.PACES`; empty: never."""
    asked_at: datetime | None = None
    """When the person last asked for a look."""
    scopes: tuple[str, ...] = ()
    """What the person has granted."""
    sealed_address: bytes = b""
    sealed_refresh_token: bytes = b""
    sealed_access_token: bytes = b""
    access_token_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMailbox:
    """What a sweep reads of a mailbox: that somebody must come back to it, and since when."""

    id: str
    due_at: datetime
