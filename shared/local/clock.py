"""A clock that somebody else winds: for the simulation, and for tests that must not wait."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning, so that weekly and daily work stands in an order that is easy to follow."""


class FakeClock:
    """ports.Clock that moves only when told, forwards or backwards; safe to share between threads."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The moment it was last set to."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to a moment (aware, UTC)."""
        with self._lock:
            self._now = moment

    def step(self, by: timedelta) -> datetime:
        """Move by a duration, which may be negative; returns the new moment."""
        with self._lock:
            self._now += by
            return self._now
