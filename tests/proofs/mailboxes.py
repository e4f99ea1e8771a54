"""The life of many mailboxes on a clock that jumps from minute to minute: every sweep, every push, and bad days.

Pushes are dropped for whole days, watches lapse, grants are revoked and given again, Gmail forgets its history, and its
history and its search index lag behind. Each hiring mail must be on record once, and in time; `off` never is.
Beside it, one mailbox's long past is read while the processes that read it are killed (`backfill`).
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared import accounts, due, mailbox, registry, settings, sweeps
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import LocalVault
from shared.local.clock import FakeClock
from shared.local.gmail.faults import Fault
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail
from shared.local.mailfiles import wrap
from shared.mailbox import lookback
from shared.model import Monitoring, Preferences, User
from shared.schema import APPLICATIONS, APPLICATIONS_OF_USER, MAILBOXES, MAILS, MAILS_OF_USER, USERS
from tests.proofs import backfill
from tests.proofs.outcome import Outcome, tell

BAR = (
    "100 mailboxes for 30 days and 1,000 for 2: each hiring mail once, at most one interval of its mailbox and 5"
    " minutes after it could be seen; off never. A backfill of 5,000 messages survives 20 kills within the quota, a"
    " quarter of it kept for live mail, which is on record within 15 s meanwhile"
)

CHOICES = (
    *[Monitoring.REAL_TIME] * 5,
    Monitoring.EVERY_15_MINUTES,
    Monitoring.EVERY_30_MINUTES,
    Monitoring.EVERY_60_MINUTES,
    Monitoring.DAILY,
    Monitoring.OFF,
)
"""Of ten people, five in real time and one each of everything else."""

LATE = timedelta(minutes=5)
HISTORY_LAG = timedelta(minutes=10)
INDEX_LAG = timedelta(minutes=10)
"""Below the 15 minutes after which a rescan looks again; a worse lag is what the daily receipt is for."""

MAILBOX_KINDS = tuple(kind for kind in due.EVERY_MINUTE if kind.topic == due.SYNC_TOPIC)

START = datetime(2026, 3, 2, tzinfo=FakeClock().now().tzinfo)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Person:
    """Somebody, their Gmail, and the hiring mail that they must find on record."""

    uid: str
    address: str
    monitoring: Monitoring
    grant: str
    mailbox_id: str = ""
    is_revoked: bool = False
    letters: dict[str, Letter] = field(default_factory=dict)
    """By Gmail's id."""


@dataclass(slots=True)
class Letter:
    """One hiring mail."""

    company: str
    visible_at: datetime
    """When it could first be seen."""
    interval: timedelta
    """How often its mailbox was looked at then."""


class Wakes:
    """A queue that delivers at once, in the order of publication."""

    def __init__(self) -> None:
        self.waiting: list[str] = []

    def publish(self, topic: str, message: object) -> None:
        """Keep a wake-up."""
        self.publish_all(topic, [message])

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """Keep some, each mailbox once."""
        if topic == due.SYNC_TOPIC:
            ids = [message.mailbox_id for message in messages if isinstance(message, due.MailboxDirty)]
            self.waiting = list(dict.fromkeys([*self.waiting, *ids]))


class Town:
    """Everybody, and everything of ours that keeps their mailboxes alive."""

    def __init__(self, people: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = FakeClock()
        self.clock.set(START)
        self.pushes: list[bytes] = []
        self.google = GmailModel(
            self.clock, random.Random(seed), publish=lambda _topic, data: self.pushes.append(data), project="p"
        )
        self.store = SqliteStore(":memory:")
        self.gmail, self.vault, self.queue = ModelGmail(self.google), LocalVault(b"k" * 32), Wakes()
        limits = registry.environment(registry.load()["sync_mailbox"])
        environ = {name: value for name, value in limits.items() if name.startswith("HEARBACK_")}
        self.settings = settings.read({**environ, "GOOGLE_CLOUD_PROJECT": "p", "HEARBACK_USES": "firestore,addresses"})
        self.counts: Counter[str] = Counter()
        self.people = [self._move_in(number) for number in range(people)]

    def close(self) -> None:
        """Close what is open."""
        self.store.close()

    def _move_in(self, number: int) -> Person:
        address = f"person{number}@example.com"
        person = Person(
            uid=f"p{number}",
            address=address,
            monitoring=CHOICES[number % len(CHOICES)],
            grant=self.google.add_person(address),
        )
        preferences = Preferences(monitoring=person.monitoring)
        self.store.create(USERS.key(person.uid), User(uid=person.uid, preferences=preferences))
        self._connect(person)
        return person

    def _connect(self, person: Person) -> None:
        connected = accounts.connect(
            person.uid,
            refresh_token=person.grant,
            backfill=lookback.begun(0, now=self.clock.now()),
            settings=self.settings,
            store=self.store,
            gmail=self.gmail,
            vault=self.vault,
            clock=self.clock,
        )
        person.mailbox_id, person.is_revoked = connected.id, False

    # --- What happens -------------------------------------------------------------------------------------------------

    def live(self, days: int) -> None:
        """So many days, minute by minute."""
        for day in range(days):
            faults = self._weather()
            if any(fault.kind == "history_behind" for fault in faults):
                self._hide_the_newest(START + timedelta(days=day))
            with self.google.faults.during(*faults):
                for minute in range(24 * 60):
                    self.clock.set(START + timedelta(days=day) + minute * MINUTE)
                    self._happen(faults, last=day == days - 1)
                    self._work(minute)
            self.counts["days without pushes"] += any(fault.kind == "push_dropped" for fault in faults)
            if days > 10 and day % 5 == 4:
                tell(f"day {day + 1} of {days}: {self.counts['letters']} letters, {self.counts['runs']} runs")

    def _weather(self) -> list[Fault]:
        """What is wrong all day long."""
        found = []
        if self.rng.random() < 0.3:
            found.append(Fault(kind="push_dropped"))
        if self.rng.random() < 0.2:
            found.append(Fault(kind="history_behind", seconds=HISTORY_LAG.total_seconds()))
        if self.rng.random() < 0.3:
            found.append(Fault(kind="search_behind", seconds=INDEX_LAG.total_seconds()))
        return found

    def _happen(self, faults: Sequence[Fault], *, last: bool) -> None:
        """A minute in everybody's life: the chances are by the day."""
        for person in self.people:
            chance = self.rng.random() * 24 * 60
            if chance < 0.7:
                self._letter(person, faults)
            elif chance < 1.2:
                self._private(person)
            elif chance < 1.25 and not last:
                self._revoke(person)
            elif chance < 1.3 and not person.is_revoked:
                self.google.mailbox(person.address).subscription = None
                self.counts["watches lapsed"] += 1
            elif chance < 1.35 and not person.is_revoked:
                self._forget(person, faults)
            elif person.is_revoked and (chance > 24 * 60 - 3 or last):
                self._restore(person)

    def _letter(self, person: Person, faults: Sequence[Fault]) -> None:
        self.counts["letters"] += 1
        company = f"Firm{self.counts['letters']}"
        data = wrap(
            f"{company} <jobs@{company.lower()}.example>",
            f"Thank you for applying to {company}",
            f"Hi,\n\nThank you for applying for the Engineer position at {company}. We have received it.\n",
        )
        id_ = self.google.receive(person.address, data)
        lag = HISTORY_LAG if any(fault.kind == "history_behind" for fault in faults) else timedelta(0)
        now = self.clock.now()
        person.letters[id_] = Letter(company, now + lag, self._interval(person))

    def _private(self, person: Person) -> None:
        data = wrap("Mum <mum@example.org>", "Sunday lunch", "See you on Sunday at one.\n")
        self.google.receive(person.address, data)

    def _revoke(self, person: Person) -> None:
        if not person.is_revoked:
            self.google.revoke(person.address)
            person.is_revoked = True
            self.counts["grants revoked"] += 1

    def _restore(self, person: Person) -> None:
        """The person connects again: what came meanwhile can be seen from now on."""
        person.grant = self.google.add_person(person.address)
        self._connect(person)
        self._seen_from(person, self.clock.now())

    def _forget(self, person: Person, faults: Sequence[Fault]) -> None:
        """Only a search finds now what has not been read yet, as soon as the index shows it."""
        self.google.forget_history(person.address)
        self.counts["histories expired"] += 1
        lag = INDEX_LAG if any(fault.kind == "search_behind" for fault in faults) else timedelta(0)
        self._seen_from(person, self.clock.now() + lag)

    def _seen_from(self, person: Person, moment: datetime) -> None:
        """What is not on record yet could not be seen before this moment, or no more."""
        interval = self._interval(person)
        for id_, letter in person.letters.items():
            if self.store.get(MAILS.key(person.uid, id_)) is None:
                letter.visible_at = max(letter.visible_at, moment)
                letter.interval = max(letter.interval, interval)

    def _hide_the_newest(self, midnight: datetime) -> None:
        """History begins to lag: what came in the last minutes before is hidden, too."""
        for person in self.people:
            for letter in person.letters.values():
                if letter.visible_at > midnight - HISTORY_LAG:
                    letter.visible_at += HISTORY_LAG

    def _interval(self, person: Person) -> timedelta:
        """How often the mailbox is looked at."""
        found = self.store.get(MAILBOXES.key(person.mailbox_id))
        return accounts.PACES.get(found.value.pace if found else "", timedelta(0))

    # --- What we do about it ------------------------------------------------------------------------------------------

    def _work(self, minute: int) -> None:
        pushes, self.pushes[:] = list(self.pushes), []
        ports: dict[str, Any] = {"store": self.store, "queue": self.queue, "clock": self.clock}
        for push in pushes:
            self.counts["pushes"] += 1
            self._note(mailbox.on_push(mailbox.GmailPush.parse(json.loads(push)), **self._run()))
        due.wake(MAILBOX_KINDS, **ports)
        if minute % 15 == 0:
            self.counts["swept"] += sweeps.scan_recent(**ports).queued
        if minute % 30 == 0:
            self.counts["swept"] += sweeps.scan_all(**ports).queued
        if minute % 60 == 10:
            sweeps.watches(**ports)
        if minute == 80:
            sweeps.receipts(**ports)
        while self.queue.waiting:
            waiting, self.queue.waiting = self.queue.waiting, []
            for id_ in waiting:
                self._note(mailbox.sync(mailbox.MailboxDirty(mailbox_id=id_), **self._run()))

    def _run(self) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "store": self.store,
            "queue": self.queue,
            "gmail": self.gmail,
            "vault": self.vault,
            "clock": self.clock,
        }

    def _note(self, synced: mailbox.Synced) -> None:
        self.counts["runs"] += synced.outcome == "synced"
        self.counts["units"] += synced.units

    # --- The judgement ------------------------------------------------------------------------------------------------

    def violations(self) -> Iterator[str]:
        """Everything in which the bar was missed."""
        now = self.clock.now()
        for person in self.people:
            if person.monitoring is Monitoring.OFF:
                if self.store.count(MAILS_OF_USER, parent=person.uid):
                    yield f"{person.uid}: off, and read all the same"
                continue
            ledgers = self._ledgers(person)
            for id_, letter in person.letters.items():
                deadline = letter.visible_at + letter.interval + LATE
                found = self.store.get(MAILS.key(person.uid, id_))
                if found is None:
                    if deadline < now:
                        yield f"{person.uid}: {letter.company} has no record, due {deadline:%d %H:%M}"
                    continue
                late = found.value.recorded_at - deadline
                if late > timedelta(0):
                    yield f"{person.uid}: {letter.company} came {late} late"
                if ledgers[id_] != 1:
                    yield f"{person.uid}: {letter.company} is in {ledgers[id_]} ledgers"

    def _ledgers(self, person: Person) -> Counter[str]:
        """In how many events each mail is."""
        found: Counter[str] = Counter()
        cursor = ""
        while True:
            page = self.store.find(APPLICATIONS_OF_USER, parent=person.uid, limit=100, cursor=cursor)
            for item in page.items:
                application = self.store.get(APPLICATIONS.key(person.uid, item.value.id))
                if application is not None:
                    found.update(event.mail_id for event in application.value.events.values() if event.mail_id)
            cursor = page.next
            if not cursor:
                return found


def lived(people: int, days: int, seed: int = 1) -> Outcome:
    """A town's life and what it showed."""
    town = Town(people, seed)
    try:
        town.live(days)
        c = town.counts
        told = (
            f"{people} mailboxes, {days} days: {c['letters']} hiring mails, {c['runs']} runs, {c['pushes']} pushes,"
            f" {c['days without pushes']} days without, {c['watches lapsed']} watches lapsed,"
            f" {c['grants revoked']} grants revoked, {c['histories expired']} histories expired,"
            f" {c['units'] // max(1, people * days)} quota units a mailbox and day"
        )
        return Outcome(
            figures=(told,),
            failures=tuple(town.violations()),
        )
    finally:
        town.close()


def run() -> Outcome:
    """The full bar, a quarter of the people in each process; the backfill takes longest, and begins first."""
    parts = [(25, 30, seed) for seed in range(1, 5)] + [(250, 2, seed) for seed in range(5, 9)]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as processes:
        past = processes.submit(_past, backfill.Size())
        outcomes = [*processes.map(_part, parts), past.result()]
    return Outcome(
        figures=tuple(figure for outcome in outcomes for figure in outcome.figures),
        failures=tuple(failure for outcome in outcomes for failure in outcome.failures),
    )


def _past(size: backfill.Size) -> Outcome:
    logging.disable(logging.CRITICAL)
    return backfill.filled(size)


def _part(part: tuple[int, int, int]) -> Outcome:
    logging.disable(logging.CRITICAL)
    return lived(*part)
