"""What one person's mailbox may still spend of Gmail's quota: a bucket that empties steadily."""

from __future__ import annotations

from datetime import datetime


class Quota:
    """Units spent of `per_minute`; what was `spent` at `at` has drained since."""

    def __init__(self, per_minute: int, *, spent: float, at: datetime | None, now: datetime) -> None:
        self.per_minute = per_minute
        self._level = spent
        self._at = at or now
        self._charged = 0

    def level(self, units: int, now: datetime) -> float:
        """The units in the bucket; `units` is all that this run has spent so far.

        Never below empty: an idle hour is no credit for more than a minute's worth.
        """
        passed = max(0.0, (now - self._at).total_seconds())
        self._level = max(0.0, self._level - passed * self.per_minute / 60) + units - self._charged
        self._at, self._charged = now, units
        return self._level

    def allows(self, more: int, *, units: int, now: datetime) -> bool:
        """Whether `more` units fit beside those spent."""
        return self.level(units, now) + more <= self.per_minute
