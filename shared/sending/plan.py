"""When a person's mails leave: how many are planned for each of their days, and the next moment with room."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.errors import Rejected
from shared.model import Preferences
from shared.ports import Store
from shared.schema import SENDS_PLANNED

SPACING = timedelta(minutes=2)
"""Between two mails of one request: a burst of fifty looks like spam to whoever receives it, and to Gmail."""

MORNING = time(9)
"""When mails that were put off begin to leave, where the person is: nobody is applied to at night."""

FURTHEST = 60
"""Days ahead that are filled; a letter that waits longer is out of date."""


class Plan:
    """One person's days, counted when they are first asked for."""

    def __init__(self, uid: str, preferences: Preferences, *, store: Store) -> None:
        self._uid, self._store = uid, store
        self._cap = preferences.daily_cap
        self._zone = ZoneInfo(preferences.time_zone)
        self._planned: dict[datetime, int] = {}
        self._free_from: datetime | None = None

    def has_room(self, at: datetime) -> bool:
        """Whether another mail may leave on that day."""
        return self._count(at) < self._cap

    def said(self, at: datetime) -> str:
        """Why there is no room, in plain words."""
        return f"Applications on that day so far: {self._count(at)}. The most that you have set is {self._cap}."

    def next(self, earliest: datetime) -> datetime:
        """The next moment with room, behind those that were taken. Raises Rejected when there is none for long."""
        at = max(earliest, self._free_from or earliest)
        for _ in range(FURTHEST):
            if at != earliest:
                at = max(at, self._local(at, MORNING, days=0))
            if self.has_room(at):
                return at
            at = self._local(at, MORNING, days=1)
        raise Rejected(f"send_after: the next {FURTHEST} days are full")

    def take(self, at: datetime) -> None:
        """A mail leaves at that moment."""
        self._planned[self._day(at)] = self._count(at) + 1
        self.go_on_behind(at)

    def go_on_behind(self, at: datetime) -> None:
        """A mail that is counted already leaves at that moment; the next one later."""
        self._free_from = max(self._free_from or at, at + SPACING)

    def _count(self, at: datetime) -> int:
        day = self._day(at)
        if day not in self._planned:
            end = self._local(at, time(0), days=1)
            self._planned[day] = self._store.count(SENDS_PLANNED, equal={"uid": self._uid}, since=day, before=end)
        return self._planned[day]

    def _day(self, at: datetime) -> datetime:
        """The beginning of the person's day."""
        return self._local(at, time(0), days=0)

    def _local(self, at: datetime, hour: time, *, days: int) -> datetime:
        """So many days after the person's day of `at`, at that hour of theirs; in UTC."""
        day = at.astimezone(self._zone).date() + timedelta(days=days)
        return datetime.combine(day, hour, self._zone).astimezone(UTC)
