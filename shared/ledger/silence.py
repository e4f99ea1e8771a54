"""What an application asks of the person: derived when it is read, since silence grows by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model import Attention, Delivery, InterviewStatus, Projection, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceThresholds:
    """How long an employer may be silent before the person is told. The defaults are what trackers use today."""

    applied: timedelta = timedelta(days=21)
    screening: timedelta = timedelta(days=18)
    assessment: timedelta = timedelta(days=15)
    replied: timedelta = timedelta(days=15)
    """Before the first interview, once the person has answered the employer."""
    interview: timedelta = timedelta(days=12)
    offer: timedelta = timedelta(days=5)


def attention(summary: Projection, now: datetime, thresholds: SilenceThresholds = SilenceThresholds()) -> Attention:
    """What the application asks of the person at `now`.

    In this order: something to do, an open question of ours, a hold (it explains the silence), silence.
    """
    closed = summary.stage is Stage.CLOSED
    if summary.needs_action or (summary.delivery in _DELIVERY_TROUBLE and not closed):
        return Attention.NEEDS_ACTION
    if summary.unconfirmed or summary.moves:
        return Attention.UNCONFIRMED
    if summary.on_hold:
        return Attention.ON_HOLD
    since, longest = silent_since(summary), longest_silence(summary, thresholds)
    if since is not None and longest is not None and now - since >= longest:
        return Attention.SILENT
    return Attention.NONE


_DELIVERY_TROUBLE = frozenset({Delivery.FAILED, Delivery.BOUNCED})
"""Ends of a delivery that leave the person with an application that nobody has read."""


def silent_since(summary: Projection) -> datetime | None:
    """When the employer was last heard of: a mail, an interview (also one ahead), or the step named last.

    The person's own mail is not among them: a follow-up does not make an employer less silent.
    """
    heard = [summary.applied_at, summary.last_heard_at, summary.stage_at]
    heard += [r.start for r in summary.interviews if r.status is not InterviewStatus.CANCELLED]
    return max((moment for moment in heard if moment is not None), default=None)


def longest_silence(summary: Projection, thresholds: SilenceThresholds) -> timedelta | None:
    """How long the employer may be silent at this stage; None where nothing is waited for."""
    match summary.stage:
        case Stage.APPLIED | Stage.SCREENING:
            usual = thresholds.applied if summary.stage is Stage.APPLIED else thresholds.screening
            heard, replied = summary.last_heard_at, summary.replied_at
            in_talk = heard is not None and replied is not None and replied >= heard
            return min(usual, thresholds.replied) if in_talk else usual
        case Stage.ASSESSMENT:
            return thresholds.assessment
        case Stage.INTERVIEW:
            return thresholds.interview
        case Stage.OFFER:
            return thresholds.offer
        case Stage.SAVED | Stage.CLOSED:
            return None
