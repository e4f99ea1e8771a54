"""A person connects a mailbox full of hiring mail, and goes on getting more, while the processes that read it die.

On a clock of its own, because five thousand mails within Gmail's quota take hours. A kill takes a process that reads
the past, at a random call, before or after its effect; Pub/Sub brings the message again, and nobody is told more.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import accounts, due, mailbox, registry, settings
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import LocalVault
from shared.errors import RateLimited
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail
from shared.local.mailfiles import wrap
from shared.mailbox import lookback
from shared.model import Backfill, Mailbox, MailStatus, User
from shared.schema import APPLICATIONS, APPLICATIONS_OF_USER, MAILBOXES, MAILS, USERS
from tests.proofs.outcome import Outcome
from tests.proofs.turns import Killed, Slow, SlowGmail, Turns

UID, ADDRESS = "ada", "ada@example.com"

LATE = timedelta(seconds=15)
"""How long a live mail may take from Gmail's mailbox to its record."""

QUOTA = 6_000
"""Units that Gmail gives one person in a minute; here in any minute, wherever it begins."""

PAST_QUOTA = 3_375
"""Of the 4,500 that are for reading, three quarters."""

DAYS = 90

GMAIL_SECONDS, STORE_SECONDS, QUEUE_SECONDS, PUSH_SECONDS = (0.05, 0.25), (0.005, 0.04), (0.01, 0.2), (0.1, 1.5)
"""How long a call of Gmail or of the store takes, and a message of ours or of Gmail's until it is brought."""

BETWEEN_KILLS = (20.0, 360.0)
MOST_CALLS_TO_LIVE = 150
"""A kill strikes at one of so many calls, for most time is spent in waiting for the quota, and nobody dies of that."""

BETWEEN_LIVE_MAILS = (2.0, 90.0)

LONGEST = timedelta(hours=12)
"""A backfill that is not over by then has failed."""

MAILS_A_FIRM = 20

LISTING_UNITS = 110
"""What sync_mailbox spends beside its pages: a look into the history each minute, at most one renewed watch."""

MAILBOX_KINDS = tuple(kind for kind in due.EVERY_MINUTE if kind.topic == due.SYNC_TOPIC)

TEXTS = (
    ("Thank you for applying to {0}", "thank you for applying for the Engineer position at {0}. We have received it."),
    (
        "Next step at {0}: coding assessment",
        "as the next step for the Engineer position at {0} please complete an online coding assessment in 5 days.",
    ),
    (
        "Interview for Engineer at {0}",
        "we would like to invite you to an interview for the Engineer position at {0}; when would suit you?",
    ),
)
"""What a firm writes, over and over: a subject and a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to read, and how often somebody dies over it."""

    messages: int = 5_000
    kills: int = 20
    seed: int = 1
    between_kills: tuple[float, float] = BETWEEN_KILLS


class Topics:
    """A queue that brings each message to a process of its own, a moment later."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def publish(self, topic: str, message: object) -> None:
        """Bring one."""
        self.publish_all(topic, [message])

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """Bring some; what is not about mailboxes has nobody here."""
        for message in messages:
            if topic == due.SYNC_TOPIC and isinstance(message, due.MailboxDirty):
                self._stage.bring_wake_up(message)


@dataclass(slots=True)
class Charge:
    """What one call of Gmail has cost."""

    at: float
    units: int
    by: str


class Stage(Turns):
    """One person, their Gmail, and everything of ours that reads it."""

    def __init__(self, size: Size) -> None:
        super().__init__(random.Random(size.seed))
        self.size, self.counts = size, Counter[str]()
        self.charges: list[Charge] = []
        self.past: dict[str, str] = {}
        """The firm of each mail that was there before, by Gmail's id."""
        self.live: dict[str, datetime] = {}
        """When each mail came that came meanwhile."""
        self._calls_to_live: int | None = None
        """Of the functions that read the past together; None while nobody is to die."""
        self._progress = 0.0
        self.google = GmailModel(self.clock, random.Random(size.seed), publish=self._bring_push, project="p")
        self.store = SqliteStore(":memory:")
        self._ports: dict[str, Any] = {
            "store": Slow(self.store, self, STORE_SECONDS),
            "queue": Slow(Topics(self), self, STORE_SECONDS),
            "clock": self.clock,
        }
        limits = registry.environment(registry.load()["sync_mailbox"])
        environ = {name: value for name, value in limits.items() if name.startswith("HEARBACK_")}
        self.settings = settings.read({**environ, "GOOGLE_CLOUD_PROJECT": "p", "HEARBACK_USES": "firestore,addresses"})
        self._run: dict[str, Any] = {
            **self._ports,
            "settings": self.settings,
            "gmail": SlowGmail(ModelGmail(self.google), self, GMAIL_SECONDS),
            "vault": LocalVault(b"k" * 32),
        }
        self.began = self.clock.now()
        self.mailbox_id = ""

    def close(self) -> None:
        """Let every thread end, and close what is open."""
        super().close()
        self.store.close()

    def act(self, name: str, act: Callable[[], Any]) -> Any:
        """Count what it costs; a process that reads the past may die before or after it."""
        dies = name == "sync_mailbox" and self._is_hit()
        before_the_effect = dies and self.rng.random() < 0.5
        if before_the_effect:
            raise Killed
        spent = self.google.units(ADDRESS)
        try:
            result = act()
        except RateLimited:
            self.counts["refused for quota"] += 1
            raise
        finally:
            if units := self.google.units(ADDRESS) - spent:
                self.charges.append(Charge(self.clock.now().timestamp(), units, name))
        if dies:
            raise Killed
        return result

    def _is_hit(self) -> bool:
        """Whether the process that reads the past is killed at this call."""
        if self._calls_to_live is None:
            return False
        self._calls_to_live -= 1
        if self._calls_to_live > 0:
            return False
        self._calls_to_live = None
        self.counts["kills"] += 1
        self.counts["kills in a page"] += self._has_page()
        self._plan_kill()
        return True

    # --- What happens -------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """The past, the person and the connection."""
        firms = max(1, self.size.messages // MAILS_A_FIRM)
        for number in range(self.size.messages):
            turn, firm = divmod(number, firms)
            share = (number + self.rng.random()) / self.size.messages
            self.clock.set(self.began - timedelta(days=DAYS) * (1 - share) * 0.99 - timedelta(minutes=1))
            company = f"Firm{firm}"
            self.past[self.google.receive(ADDRESS, letter(company, turn))] = company
        self.clock.set(self.began)

    def fill(self) -> None:
        """From the connection until the whole past is read."""
        grant = self.google.add_person(ADDRESS)
        self.prepare()
        self.store.create(USERS.key(UID), User(uid=UID))
        connected = accounts.connect(
            UID,
            refresh_token=grant,
            backfill=lookback.begun(DAYS, now=self.clock.now()),
            settings=self.settings,
            store=self.store,
            gmail=self._run["gmail"],
            vault=self._run["vault"],
            clock=self.clock,
        )
        self.mailbox_id = connected.id
        self.bring_wake_up(due.MailboxDirty(mailbox_id=connected.id))
        self._plan_kill()
        self._plan_mail()
        self._plan_minute()
        self.play(until=self._is_over)

    def _is_over(self) -> bool:
        """When the past is read, and the mail of the last minute too."""
        now = self.clock.now()
        ended_at = self._backfill().ended_at
        return now > self.began + LONGEST or (ended_at is not None and now > ended_at + 4 * LATE)

    def _plan_kill(self) -> None:
        def arm() -> None:
            self._calls_to_live = self.rng.randint(1, MOST_CALLS_TO_LIVE)

        if self.counts["kills"] < self.size.kills:
            self.after(self.rng.uniform(*self.size.between_kills), arm)

    def _plan_mail(self) -> None:
        def arrive() -> None:
            if self._backfill().ended_at is None:
                data = letter(f"Live{len(self.live)}", 0)
                self.live[self.google.receive(ADDRESS, data)] = self.clock.now()
                self._plan_mail()

        self.after(self.rng.uniform(*BETWEEN_LIVE_MAILS), arrive)

    def _plan_minute(self) -> None:
        def wake() -> None:
            self.start("wake_due", lambda: due.wake(MAILBOX_KINDS, **self._ports))
            self._look_at_progress()
            self._plan_minute()

        self.after(60, wake)

    def bring_wake_up(self, message: due.MailboxDirty) -> None:
        """A message on its way to sync_mailbox."""

        def work() -> None:
            self._note(mailbox.sync(message, **self._run))

        self.after(self.rng.uniform(*QUEUE_SECONDS), lambda: self.start("sync_mailbox", work))

    def _bring_push(self, _topic: str, data: bytes) -> None:
        def work() -> None:
            self._note(mailbox.on_push(mailbox.GmailPush.parse(json.loads(data)), **self._run))

        self.counts["pushes"] += 1
        self.after(self.rng.uniform(*PUSH_SECONDS), lambda: self.start("gmail_push", work))

    def _note(self, synced: mailbox.Synced) -> None:
        self.counts[synced.outcome] += 1

    # --- The judgement ------------------------------------------------------------------------------------------------

    def _mailbox(self) -> Mailbox:
        found = self.store.get(MAILBOXES.key(self.mailbox_id))
        assert found is not None
        return found.value

    def _backfill(self) -> Backfill:
        found = self._mailbox().backfill
        assert found is not None
        return found

    def _has_page(self) -> bool:
        until = self._mailbox().page.until
        return until is not None and self.clock.now() < until

    def _look_at_progress(self) -> None:
        progress = lookback.progress(self._backfill())
        if progress < self._progress:
            self.errors.append(f"progress went back from {self._progress:.3f} to {progress:.3f}")
        self._progress = progress

    def busiest(self, *names: str) -> int:
        """The most units that these functions, or all, have spent in any minute."""
        charges = [each for each in self.charges if not names or each.by in names]
        most = level = first = 0
        for charge in charges:
            level += charge.units
            while charges[first].at <= charge.at - 60:
                level -= charges[first].units
                first += 1
            most = max(most, level)
        return most

    def delays(self) -> list[float]:
        """Seconds from each live mail's arrival to its record; infinite without one."""
        found = []
        for id_, at in self.live.items():
            record = self.store.get(MAILS.key(UID, id_))
            found.append(math.inf if record is None else (record.value.recorded_at - at).total_seconds())
        return found

    def violations(self) -> Iterator[str]:
        """Everything in which the bar was missed."""
        yield from self.errors
        yield from self._unrecorded()
        if not self.live:
            yield "no live mail came"
        if late := [delay for delay in self.delays() if delay > LATE.total_seconds()]:
            yield f"{len(late)} live mails were late, by up to {max(late):.0f} s"
        if (most := self.busiest()) > QUOTA:
            yield f"{most} units in one minute"
        if (most := self.busiest("sync_mailbox")) > PAST_QUOTA + LISTING_UNITS:
            yield f"{most} units in one minute for the past"
        if self.counts["refused for quota"]:
            yield f"{self.counts['refused for quota']} calls were refused for quota"

    def _unrecorded(self) -> Iterator[str]:
        backfill = self._backfill()
        if backfill.ended_at is None or backfill.cancelled or lookback.progress(backfill) < 1:
            yield f"the backfill has not ended: {backfill}"
        if self.counts["kills"] != self.size.kills:
            yield f"{self.counts['kills']} kills, not {self.size.kills}"
        ledgers = self._ledgers()
        for id_ in (*self.past, *self.live):
            record = self.store.get(MAILS.key(UID, id_))
            if record is None:
                yield f"{id_} has no record"
            elif record.value.status is not MailStatus.LINKED:
                yield f"{id_} is {record.value.status}: {record.value.reason}"
            if ledgers[id_] != 1:
                yield f"{id_} is in {ledgers[id_]} ledgers"

    def _ledgers(self) -> Counter[str]:
        """In how many events each mail is."""
        found: Counter[str] = Counter()
        cursor = ""
        while True:
            listed = self.store.find(APPLICATIONS_OF_USER, parent=UID, limit=100, cursor=cursor)
            for item in listed.items:
                application = self.store.get(APPLICATIONS.key(UID, item.value.id))
                if application is not None:
                    found.update(event.mail_id for event in application.value.events.values() if event.mail_id)
            cursor = listed.next
            if not cursor:
                return found

    def figures(self) -> str:
        """What it was like."""
        c, delays = self.counts, sorted(self.delays())
        hours = (self.clock.now() - self.began) / timedelta(hours=1)
        return (
            f"backfill of {len(self.past)} messages in {hours:.1f} h by {c['synced']} runs, {c['kills']} kills"
            f" ({c['kills in a page']} in the middle of a page); most units in a minute {self.busiest()} of {QUOTA},"
            f" for the past {self.busiest('sync_mailbox')}, {c['refused for quota']} calls refused;"
            f" {len(delays)} live mails on record after p50 {delays[len(delays) // 2]:.1f} s,"
            f" longest {delays[-1]:.1f} s"
        )


def letter(company: str, turn: int) -> bytes:
    """What a firm writes for the n-th time."""
    subject, sentence = TEXTS[turn % len(TEXTS)]
    text = f"Hi Ada,\n\n{sentence.format(company)}\n\n{company}\n"
    return wrap(f"{company} <jobs@{company.lower()}.example>", subject.format(company), text)


def filled(size: Size) -> Outcome:
    """A backfill and what it showed."""
    stage = Stage(size)
    try:
        stage.fill()
        return Outcome(figures=(stage.figures(),), failures=tuple(stage.violations()))
    finally:
        stage.close()
