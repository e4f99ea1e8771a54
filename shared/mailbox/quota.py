"""What one person's mailbox may still spend of Gmail's quota: so many units in any minute, whoever counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

SLOT_SECONDS = 10
"""Units are counted by slots of so many seconds; a slot weighs for as long as any moment of it lies in the window."""

WINDOW_SECONDS = 60
"""Gmail counts by the minute, and nobody knows where its minutes begin: so none of all minutes may have too much.

Nobody books for longer ahead, either: a slot beyond it was written by a clock that was wrong, and weighs nothing.
"""

Units = Mapping[str, int]
"""Units by the second since 1970 in which their slot begins, as a record keeps them; those of a coming slot are
booked."""


class Quota:
    """Units of `per_minute`, of which `spent` has what others have spent, or booked, by slot."""

    def __init__(self, per_minute: int, spent: Units) -> None:
        self.per_minute = per_minute
        self._others = Counter(spent)
        self._ours: Counter[str] = Counter()
        self._charged = 0

    def level(self, units: int, now: datetime) -> int:
        """The units of the minute that ends now, and those booked; `units` is all that this run has spent so far."""
        self._ours[slot(now)] += units - self._charged
        self._charged = units
        return _recent(self._others, now).total() + _recent(self._ours, now).total()

    def allows(self, more: int, *, units: int, now: datetime) -> bool:
        """Whether `more` units fit beside those spent."""
        return self.level(units, now) + more <= self.per_minute

    def free_at(self, more: int, *, units: int, now: datetime) -> datetime:
        """When `more` units fit, if nobody spends any until then; never later than after a window without any."""
        level = self.level(units, now)
        found = now
        for begun, spent in sorted((_recent(self._others, now) + _recent(self._ours, now)).items(), key=_begun):
            if level + more <= self.per_minute:
                break
            level -= spent
            found = datetime.fromtimestamp(int(begun) + SLOT_SECONDS + WINDOW_SECONDS, tz=UTC)
        return found

    def book(self, units: int, at: datetime) -> None:
        """Set units aside as if they were spent then; a negative number gives some back."""
        self._ours[slot(at)] += units

    def told(self, spent: Units, *, units: int, now: datetime) -> dict[str, int]:
        """What is on record now, with what this run has spent: the slots of the last minute, and booked ones."""
        self.level(units, now)
        whole = Counter(spent)
        whole.update(self._ours)
        return {begun: units for begun, units in sorted(_recent(whole, now).items(), key=_begun) if units > 0}


def slot(moment: datetime) -> str:
    """The slot of a moment."""
    return str(int(moment.timestamp()) // SLOT_SECONDS * SLOT_SECONDS)


def _recent(spent: Counter[str], now: datetime) -> Counter[str]:
    since, until = now.timestamp() - WINDOW_SECONDS - SLOT_SECONDS, now.timestamp() + WINDOW_SECONDS
    return Counter({begun: units for begun, units in spent.items() if since < int(begun) < until})


def _begun(item: tuple[str, int]) -> int:
    return int(item[0])
