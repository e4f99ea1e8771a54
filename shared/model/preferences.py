"""What a person has chosen, with what holds until they choose. Stored as part of the person's own document."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Monitoring(StrEnum):
    """How soon the person wants new mail to be read."""

    REAL_TIME = "real_time"
    EVERY_15_MINUTES = "15"
    EVERY_30_MINUTES = "30"
    EVERY_60_MINUTES = "60"
    DAILY = "daily"
    OFF = "off"


class Channel(StrEnum):
    """A way to tell the person something."""

    IN_APP = "in_app"
    EMAIL = "email"
    CHAT = "chat"
    WEBHOOK = "webhook"


SignalMode = Literal["automatic", "confirm"]
"""Whether a mail may move a status by itself, or only suggests it. Neither weakens what a mail has to prove.

What else a mail brings, an interview's time or a question to the person, waits for nobody.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """The hours, where the person is, in which nothing but an interview about to begin is told outside the app."""

    start: str = "22:00"
    """HH:MM."""
    end: str = "07:00"
    """HH:MM, of the next day when it is not after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUps:
    """When the person is reminded to write again; each entry is one reminder, counted from the one before it."""

    after_days: tuple[int, ...] = (7, 7)
    """After the application, while the employer is silent."""
    after_reply_days: tuple[int, ...] = (1, 3)
    """After the person's own answer to the employer."""
    thank_you_days: int = 1
    """After an interview; 0: not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a person has chosen. Durations are whole numbers of what their name says; local times are HH:MM."""

    language: str = "en"
    """ISO 639-1, one of `LANGUAGES`."""
    time_zone: str = "UTC"
    """IANA."""
    # Sending.
    recall_seconds: int = 10
    """How long a mail waits before it leaves, so that it can be called back."""
    daily_cap: int = 50
    """Applications that leave on one day of the person's. Gmail's own limit, 500 or 2,000, holds beside it."""
    cool_down_days: int = 30
    """How long after one application another one to the same employer has to be confirmed; 0: never."""
    # Reading.
    monitoring: Monitoring = Monitoring.REAL_TIME
    signals: dict[str, SignalMode] = field(default_factory=dict)
    """By words of `Signal`; what is not named is automatic. See `mode_of`."""
    backfill_days: int = 90
    """How far back the mail of a newly connected mailbox is read; 0: not at all."""
    retention_days: int = 730
    """How long an application is kept after it has ended and last changed, with all that hangs on it; also mail of no
    application, and reports."""
    # Telling.
    channels: dict[str, tuple[Channel, ...]] = field(default_factory=dict)
    """By words of `NotificationKind`; what is not named is told in the app. See `channels_of`."""
    quiet_hours: QuietHours | None = None
    gentle_hour: int | None = None
    """Rejections are told at this hour of the person's day, not in between; None: at once."""
    digest_hour: int | None = None
    """Outside the app, whatever can wait is told in one message at this hour of the person's day; None: one by one."""
    weekly_summary: bool = True
    monthly_report: bool = True
    # Reminding.
    reminder_minutes: tuple[int, ...] = (7 * 24 * 60, 24 * 60, 2 * 60, 15)
    """Before an interview begins, longest first."""
    follow_ups: FollowUps = field(default_factory=FollowUps)
    silence_days: dict[str, int] = field(default_factory=dict)
    """Instead of the usual thresholds of silence, by the names of `ledger.SilenceThresholds`."""

    def mode_of(self, signal: str) -> SignalMode:
        """Whether this signal may move a status by itself."""
        return self.signals.get(signal, "automatic")

    @property
    def confirm_first(self) -> frozenset[str]:
        """Signals of which the person wants to be asked before a status moves."""
        return frozenset(signal for signal, mode in self.signals.items() if mode == "confirm")

    def channels_of(self, kind: str) -> tuple[Channel, ...]:
        """How this kind of notification reaches the person."""
        return self.channels.get(kind, (Channel.IN_APP,))


LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pt", "zh")
"""Those in which mail is read."""
