"""A year of people in all kinds of time zones, played on a clock that jumps; and what must have come of it.

The oracle knows nothing of how the work is done: it walks through the calendar of each person, moment by moment, and
says which reminder and which report must have come when.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from shared import interviews, reminders
from shared.errors import TryAgain
from shared.interviews import RoundByHand
from shared.model import NotificationKind, Signal
from tests.support.telling import DAY, HOUR, MINUTE, Telling

ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Kabul",
    "Australia/Eucla",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/St_Johns",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Tokyo",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Pacific/Auckland",
)
"""Twenty: with halves and three quarters of an hour, both ends of the date line, summers of both hemispheres."""

START = datetime(2026, 1, 1, 12, 7, tzinfo=UTC)
LADDER = (7 * 24 * 60, 24 * 60, 2 * 60, 15)
OUTAGES = (
    (datetime(2026, 3, 28, 3, tzinfo=UTC), timedelta(days=3)),
    (datetime(2026, 6, 1, 4, tzinfo=UTC), timedelta(hours=20)),
    (datetime(2026, 9, 26, 1, tzinfo=UTC), timedelta(hours=50)),
    (datetime(2026, 11, 1, 0, tzinfo=UTC), timedelta(days=2)),
)
"""When nothing fires: over changes of the clocks, a Monday, and the first of a month."""

LATEST = {"reminder": 65 * MINUTE, "report": 20 * MINUTE, "follow_up": 20 * MINUTE}
"""How long after its moment each may come: the cron's interval, and a retry of the relay."""

LOOKED_AFTER = 15 * MINUTE
"""What is due at a cron's own minute is found at its next one."""

RELAY_TROUBLE = 20
"""One mail in so many finds the relay down at its first try."""


@dataclass
class Round:
    """An interview as it was known from a moment on, until it was moved, called off, or its application closed."""

    uid: str
    application: str
    start: datetime
    known: datetime
    until: datetime | None = None


@dataclass
class Life:
    """What one person did, for the oracle."""

    uid: str
    zones: list[tuple[datetime, str]]
    rounds: list[Round] = field(default_factory=list)
    silent: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """Applications from the mail or click after which nothing came, until they were closed or heard of again."""


class Year:
    """Everybody's year: deeds are laid on the clock beforehand, and played in their order."""

    def __init__(self, people: int, days: int, *, seed: int = 0, chosen: tuple[int, ...] = LADDER) -> None:
        self.chosen = chosen
        """The ladder that people really have; another than the oracle's shows that it looks."""
        self.chance = random.Random(seed)
        self.end = START + timedelta(days=days)
        self.days, self.people = days, people
        self.lives: dict[str, Life] = {}
        self._deeds: list[tuple[datetime, int, Callable[[], object]]] = []
        self._number = count()
        self.failures: list[str] = []
        self.figures: Counter[str] = Counter()

    def play(self) -> None:
        """The whole year, and everything that is not as it must be."""
        with closing(Telling(START)) as world:
            self.world = world
            for number in range(self.people):
                self._life(number)
            trouble = random.Random(1)
            for outbox in world.outside.values():
                # Endless: each try finds the relay up or down by chance.
                outbox.troubles = _Troubles(trouble)
            for at, _, deed in sorted(self._deeds, key=lambda each: each[:2]):
                self._pass_time(at)
                deed()
            self._pass_time(self.end)
            self._judge()

    def _pass_time(self, until: datetime) -> None:
        """Let time pass; in an outage nothing fires."""
        for begin, length in OUTAGES:
            if until > begin and self.world.clock.now() < begin + length:
                if self.world.clock.now() < begin:
                    self.world.run_until(begin, again=self.chance.random() < 0.3)
                self.world.clock.set(min(until, begin + length))
        if until > self.world.clock.now():
            self.world.run_until(until, again=self.chance.random() < 0.3)

    def _at(self, moment: datetime, deed: Callable[[], object]) -> None:
        if moment < self.end:
            self._deeds.append((moment, next(self._number), deed))

    # --- What people and employers do ---------------------------------------------------------------------------------

    def _life(self, number: int) -> None:
        world, chance = self.world, self.chance
        uid, zone = f"p{number}", ZONES[number % len(ZONES)]
        life = Life(uid, [(START, zone)])
        self.lives[uid] = life
        world.person(uid, zone, reminder_minutes=self.chosen)
        # Open all year and never answered: it keeps the reports coming, and is what follow-ups are for.
        world.applied(uid, "a0", company="Quiet GmbH")
        life.silent["a0"] = (START, self.end)
        if number % 3 == 0:
            moves_at = START + timedelta(days=chance.uniform(0.3, 0.7) * self.days)
            other = chance.choice([each for each in ZONES if each != zone])
            life.zones.append((moves_at, other))
            self._at(moves_at, lambda: world.choose(uid, time_zone=other))
        for n in range(1, 1 + max(1, self.days // 40)):
            self._application(life, f"a{n}", START + timedelta(days=chance.uniform(0, self.days)))

    def _application(self, life: Life, id_: str, at: datetime) -> None:
        """Applied, invited by mail or by hand; perhaps moved, called off, or closed before the interview."""
        world, chance, uid = self.world, self.chance, life.uid
        self._at(at, lambda: world.applied(uid, id_))
        known = at + timedelta(days=chance.uniform(0.1, 6))
        start = _hour(known + timedelta(days=chance.choice((0.2, 0.9, 1.1, 3, 8, 12)) + chance.random()))
        round_ = Round(uid, id_, start, known)
        if known >= self.end:
            return
        life.rounds.append(round_)
        by_hand = chance.random() < 0.3
        self._at(known, lambda: self._invite(round_, 0, by_hand=by_hand))
        change = known + (start - known) * chance.uniform(0.1, 0.95)
        fate = chance.random()
        if fate < 0.2:
            moved = Round(uid, id_, _hour(start + timedelta(days=chance.uniform(1, 5))), change)
            round_.until = change
            life.rounds.append(moved)
            self._at(change, lambda: self._invite(moved, 1, by_hand=by_hand))
            start = moved.start
        elif fate < 0.35:
            round_.until = change
            self._at(change, lambda: self._call_off(round_, by_hand=by_hand))
        elif fate < 0.5:
            round_.until = change
            self._at(change, lambda: world.mail(uid, id_, Signal.REJECTION))
        self._at(max(change, start) + timedelta(days=1.5), lambda: self._close(uid, id_))

    def _invite(self, round_: Round, sequence: int, *, by_hand: bool) -> None:
        if not by_hand:
            self.world.invited(round_.uid, round_.application, round_.start, ics_sequence=sequence)
            return
        p: dict[str, Any] = {"store": self.world.store, "clock": self.world.clock, "ids": _Ids(self._number)}
        told = RoundByHand(start=round_.start, despite_clash=True)
        known = self._known(round_)
        if known is None:
            interviews.add(round_.uid, round_.application, told, **p)
        else:
            interviews.move(round_.uid, known, told, **p)

    def _call_off(self, round_: Round, *, by_hand: bool) -> None:
        if not by_hand:
            start = round_.start
            self.world.invited(round_.uid, round_.application, start, ics_sequence=1, cancelled=True)
            return
        known = self._known(round_)
        assert known is not None
        p: dict[str, Any] = {"store": self.world.store, "clock": self.world.clock, "ids": _Ids(self._number)}
        interviews.call_off(round_.uid, known, **p)

    def _known(self, round_: Round) -> str | None:
        held = self.world.application(round_.uid, round_.application)
        return next((reminders_id(held.id, each.id) for each in held.interviews), None)

    def _close(self, uid: str, id_: str) -> None:
        if self.world.application(uid, id_).outcome is None:
            self.world.closed(uid, id_)

    # --- What must have come of it ------------------------------------------------------------------------------------

    def _judge(self) -> None:
        for id_, tries in ((id_, n) for box in self.world.outside.values() for id_, n in box.tries.items()):
            if tries > 8:
                self.failures.append(f"{id_}: {tries} tries")
        doubles = [id_ for id_, n in Counter(each.message.id for each in self.world.sent).items() if n > 1]
        self.failures += [f"{id_}: sent more than once" for id_ in doubles]
        for life in self.lives.values():
            for kind in ("weekly", "monthly"):
                self._compare(life, f"{kind} report", list(self._reports(life, kind)), self._mailed(life, kind))
            wanted = [(f"{each.application} {name}", at) for each in life.rounds for name, at in self._reminders(each)]
            made = [
                (f"{told.application_id} {told.detail}", told.created_at)
                for told in self.world.told(life.uid, NotificationKind.INTERVIEW_REMINDER)
            ]
            self._compare(life, "reminder", wanted, made)
            self._compare(life, "follow_up", list(self._follow_ups(life)), list(self._followed_up(life)))

    def _compare(
        self, life: Life, what: str, wanted: list[tuple[str, datetime]], made: list[tuple[str, datetime]]
    ) -> None:
        """Each that was wanted came once, at its moment or a little later; and none that was not."""
        latest = LATEST[what.rsplit(maxsplit=1)[-1]]
        self.figures[f"{what}s"] += len(made)
        left = sorted(made, key=lambda each: each[1])
        for name, at in sorted(wanted, key=lambda each: each[1]):
            found = next((each for each in left if each[0] == name and at <= each[1] <= at + latest), None)
            if found is None:
                self.failures.append(f"{life.uid} {what} {name}: none at {at:%Y-%m-%d %H:%M}")
            else:
                left.remove(found)
                self.figures["late"] += any(at == begin + length for begin, length in OUTAGES)
        # What was due in the last minutes may have come or not.
        self.failures += [
            f"{life.uid} {what} {name}: at {at:%Y-%m-%d %H:%M}, and nobody wanted it" for name, at in left
        ]

    def _mailed(self, life: Life, kind: str) -> list[tuple[str, datetime]]:
        word = NotificationKind.WEEKLY_SUMMARY if kind == "weekly" else NotificationKind.MONTHLY_REPORT
        return [("", told.created_at) for told in self.world.told(life.uid, word)]

    def _reports(self, life: Life, kind: str) -> Iterator[tuple[str, datetime]]:
        """Each Monday, or first: 10:00 of that day in the zone that holds then; missed ones come once."""
        moments: list[datetime] = []
        day = START.date() - DAY
        while datetime.combine(day, time(0), tzinfo=UTC) < self.end + 2 * DAY:
            if (day.weekday() == 0) if kind == "weekly" else (day.day == 1):
                at = self._local(life, day, time(10))
                if at > START:
                    moments.append(_after_outage(at))
            day += DAY
        for at in sorted(set(moments)):
            if at + LATEST["report"] < self.end:
                yield "", at

    def _local(self, life: Life, day: date, at: time) -> datetime:
        """When that local time is; a move to another zone after it does not bring it again, one before it moves it."""
        moment = datetime.combine(day, at, tzinfo=ZoneInfo(life.zones[0][1])).astimezone(UTC)
        for moved, zone in life.zones[1:]:
            if _after_outage(moment) > moved:
                moment = max(moved, datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC))
        return moment

    def _reminders(self, round_: Round) -> Iterator[tuple[str, datetime]]:
        """The steps of the ladder that fall between knowing and the interview, each once; missed ones as their last."""
        ends = min(round_.start, round_.until or round_.start)
        steps = {reminders.DAY if minutes == 24 * 60 else str(minutes): minutes * MINUTE for minutes in LADDER}
        known = _after_outage(round_.known)
        due: dict[datetime, str] = {}
        soonest, _ = reminders.DAY_BEFORE
        day_before = round_.start - steps[reminders.DAY]
        if day_before <= round_.known and known <= round_.start - soonest:
            # Told within the window: the reminder of the day before comes at once.
            due[known] = reminders.DAY
        for name, before in steps.items():
            moment = round_.start - before
            if moment > known:
                due[_after_outage(moment)] = name  # the later step of one outage replaces the earlier
        for at, name in due.items():
            if at < ends and at + LATEST["reminder"] < self.end:
                yield name, at

    def _follow_ups(self, life: Life) -> Iterator[tuple[str, datetime]]:
        """Of the application that nobody ever answers: after 7 days, after 7 more, and the word that it is silent."""
        for id_, (since, _) in life.silent.items():
            first = self._look(life, since + 7 * DAY - 12 * HOUR)
            second = self._look(life, first + 7 * DAY - 12 * HOUR)
            silence = self._look(life, since + 21 * DAY)
            for name, at in (("follow_up 1", first), ("follow_up 2", second), ("silence", silence)):
                if at + LATEST["follow_up"] < self.end:
                    yield f"{id_} {name}", at

    def _look(self, life: Life, after: datetime) -> datetime:
        """The first 09:00 of theirs from a moment on."""
        day = after.date() - DAY
        while (at := _after_outage(self._local(life, day, time(9)))) + LOOKED_AFTER < after:
            day += DAY
        return at

    def _followed_up(self, life: Life) -> Iterator[tuple[str, datetime]]:
        kinds = (NotificationKind.FOLLOW_UP, NotificationKind.SILENCE)
        for told in self.world.told(life.uid, *kinds):
            if told.application_id in life.silent:
                yield f"{told.application_id} {told.kind} {told.detail}".strip(), told.created_at
            else:
                closed = self.world.application(life.uid, told.application_id)
                if closed.stage_at is not None and closed.outcome is not None and told.created_at > closed.stage_at:
                    self.failures.append(f"{life.uid} {told.key}: after the end")


def reminders_id(application_id: str, round_id: str) -> str:
    """The id of a round's own record."""
    from shared.applications import stable_id  # noqa: PLC0415 - only here

    return stable_id(application_id, round_id)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _after_outage(moment: datetime) -> datetime:
    """When what is due at a moment can come at all."""
    for begin, length in OUTAGES:
        if begin <= moment < begin + length:
            return begin + length
    return moment


class _Ids:
    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers

    def new(self) -> str:
        return f"id{next(self._numbers)}"


class _Troubles(list[Exception | None]):
    """A list that never ends: one try in so many fails."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__([None])
        self._chance = chance

    def pop(self, _index: object = 0) -> Exception | None:
        return TryAgain("the relay is down") if self._chance.randrange(RELAY_TROUBLE) == 0 else None
