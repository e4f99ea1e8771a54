"""What a week or a month of a job search came to, in figures that a mail and a page can show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

FEWEST_FOR_A_RATE = 10
"""Below ten, one answer more or less moves a rate by more than ten points: it would say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of something had an answer."""

    name: str
    """A company, or where its applications come from."""
    applications: int
    answered: int

    @property
    def rate(self) -> float | None:
        """Between 0 and 1; None while there are too few to speak of a rate."""
        return self.answered / self.applications if self.applications >= FEWEST_FOR_A_RATE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadInterview:
    """An interview that is still to come."""

    company: str
    role: str
    start: datetime
    application_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOffer:
    """An offer that waits for the person."""

    company: str
    role: str
    reply_by: str
    """ISO local date or date-time; empty when the offer names none."""
    application_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One week or month of one person."""

    id: str
    """Its period: "weekly:2026-11-16", "monthly:2026-10-01": the first local day."""
    uid: str
    kind: Literal["weekly", "monthly"]
    created_at: datetime
    since: datetime
    until: datetime
    """The end of the period, exclusive; UTC."""
    applications: int
    """Applied for in the period."""
    replies: int
    """Applications whose employer wrote in the period for the first time as something other than a receipt."""
    interviews_held: int
    rejections: int
    offers: int
    """Made in the period, whatever has become of them since."""
    total: Share
    """All applications so far."""
    by_company: tuple[Share, ...] = ()
    by_source: tuple[Share, ...] = ()
    answered: int = 0
    """Applications with a time to response."""
    average_days: float | None = None
    median_days: float | None = None
    """Days from applying to the first answer; None when nobody has answered."""
    waiting: int = 0
    """Still open, and never answered: these would make the two figures longer."""
    funnel: dict[str, int] = field(default_factory=dict)
    """How many applications have come at least so far, by stage, from applied to offer; and how many are closed."""
    ahead: tuple[AheadInterview, ...] = ()
    open_offers: tuple[OpenOffer, ...] = ()
