"""Gmail has forgotten our cursor: a bounded look back, from old to new, a window of time for each lease.

Old to new, because a rejection that is read before the receipt of its application finds nothing to belong to. By time
and not by page, because a page token ages, and because a window that was too much for one run is simply made smaller.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model import Rescan

LONGEST = timedelta(days=60)
"""A mailbox that was silent for longer begins again where a person would still care."""

WIDEST = timedelta(days=7).total_seconds()
"""Seconds of the first window: a week of most people's mail fits into one run."""

NARROWEST = timedelta(minutes=1).total_seconds()
"""Seconds: nobody gets more mail in a minute than a run can take."""

AGAIN = timedelta(minutes=15)
"""The search index may not have shown the newest mail yet: the last day is looked at once more after this."""

AGAIN_BACK = timedelta(days=1)
"""How much of it."""

AHEAD = timedelta(days=2)
"""How far beyond its own present a run looks: its clock may be behind that of Gmail's mail."""


def begun(after: datetime, known: Rescan | None, *, now: datetime) -> Rescan:
    """A look back to `after`, or as far as one that is still under way."""
    if known is not None:
        after = min(after, known.after)
    return Rescan(after=max(after, now - LONGEST), until=now + AHEAD, step_seconds=WIDEST, at=now)


def window(rescan: Rescan) -> tuple[datetime, datetime]:
    """From when to when the next run looks."""
    return rescan.after, min(rescan.after + timedelta(seconds=rescan.step_seconds), rescan.until)


def narrowed(rescan: Rescan) -> Rescan:
    """The window was too much for one run."""
    return replace(rescan, step_seconds=max(rescan.step_seconds / 2, NARROWEST))


def advanced(rescan: Rescan, *, now: datetime) -> Rescan | None:
    """The window is done; None when that was the last of the second look."""
    _, end = window(rescan)
    if end < rescan.until:
        return replace(rescan, after=end, step_seconds=min(rescan.step_seconds * 2, WIDEST))
    if rescan.again:
        return None
    # Mail that came while we looked is history's; what the index did not show is older than that.
    return Rescan(
        after=rescan.until - AHEAD - AGAIN_BACK, until=rescan.until, step_seconds=WIDEST, at=now + AGAIN, again=True
    )
