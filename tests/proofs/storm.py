"""The storm: thousands of notifications through the emulators, while Gmail fails, pushes go astray and workers die.

In the end every hiring mail is on record exactly once, no cursor is behind, and nobody waits for anything.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import quantiles

from shared import mailbox
from shared.local.gmail.faults import Fault
from shared.model import Mailbox, MailStatus
from shared.schema import DEAD_LETTERS_NEWEST, MAILBOXES
from tests.proofs import people
from tests.proofs.cloud import Cloud, Instance
from tests.proofs.outcome import Outcome, tell
from tests.proofs.people import Person, Received

BAR = (
    "2,000 notifications over 200 mailboxes, 10 % of them duplicated, 10 % reordered, 5 % dropped, the index 60 s "
    "behind, 10 % of Gmail's calls failing, 50 kills: every hiring mail once, no cursor behind, nothing parked"
)

KILL_PAUSE = 2.0
"""Seconds between two kills, at least: a process must have come up to be worth killing."""

WORK_PATIENCE = 0.5
"""How many seconds a kill waits for a process that has something in its hands: killing the idle proves little."""

KILL_WEIGHTS = {"gmail_push": 6, "sync_mailbox": 4, "wake_due": 1, "park_dead_letter": 1}
"""Where the kills fall: mostly where the work is."""

CALL_FAULT_RATE = 0.10 / 7
"""Each of the seven ways in which a call fails; together every tenth."""

INDEX_BEHIND = Fault(kind="search_behind", seconds=60)

FAULTS = (
    INDEX_BEHIND,
    Fault(kind="push_dropped", rate=0.05),
    # Each of the later ones is asked only when those before have not struck.
    Fault(kind="push_duplicated", rate=0.10 / 0.95),
    Fault(kind="push_reordered", rate=0.10 / 0.85, seconds=10),
    Fault(kind="error", status=503, rate=CALL_FAULT_RATE),
    Fault(kind="error", status=500, rate=CALL_FAULT_RATE),
    Fault(kind="error", status=429, rate=CALL_FAULT_RATE),
    Fault(kind="error", status=429, rate=CALL_FAULT_RATE, retry_after=3),
    Fault(kind="reset", rate=CALL_FAULT_RATE),
    Fault(kind="truncated", rate=CALL_FAULT_RATE),
    Fault(kind="reset", rate=CALL_FAULT_RATE, after_effect=True),
)

CALM_SECONDS = 250.0
"""How long the mailboxes may take to come to rest: the emulator's locks last 60 s, back-offs double from 30 s."""

LOOK_SECONDS = 1.0
"""Between two looks at the mailboxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How hard it blows."""

    people: int = 200
    mails_each: int = 10
    mails_a_second: float = 10.0
    kills: int = 50
    seed: int = 1


def run() -> Outcome:
    """The full bar."""
    return storm(Size())


def storm(size: Size) -> Outcome:
    """Raise it, let it blow, wait until it is calm, and look at what it has left."""
    rng = random.Random(size.seed)
    started = time.monotonic()
    with Cloud() as cloud:
        persons = people.connect(cloud, size.people)
        _calm(cloud, persons, "the connections")
        tell(f"{len(persons)} people connected after {time.monotonic() - started:.0f} s")
        cloud.google.add(*FAULTS)
        kills = Kills(cloud, size, random.Random(size.seed + 1))
        received = _blow(cloud, persons, size, rng)
        kills.join()
        tell(f"{len(received)} mails and {kills.done} kills after {time.monotonic() - started:.0f} s")
        cloud.google.clear()
        cloud.google.add(INDEX_BEHIND)
        failures = _calm(cloud, persons, "the storm")
        failures += _sweep(cloud, persons)
        failures += _a_quarter_of_an_hour_later(cloud, persons)
        tell(f"calm after {time.monotonic() - started:.0f} s")
        failures += _look(cloud, persons, received)
        figures = _figures(cloud, persons, received)
        errors = errors_logged(cloud)
        redeliveries, replaced = cloud.redeliveries, cloud.replaced
        statuses = {name: dict(service.statuses) for name, service in cloud.services.items()}
        struck = cloud.google.stop()
    tell(f"answers {statuses}")
    tell(f"struck {struck}")
    failures += [f"{times} times in the log: {error}" for error, times in errors.items()]
    pushes = ("published", "within_a_second", "push_dropped", "push_duplicated", "push_reordered")
    calls = sum(times for what, times in struck.items() if what not in (*pushes, "search_behind"))
    return Outcome(
        figures=(
            f"{len(received)} mails to {len(persons)} mailboxes in {time.monotonic() - started:.0f} s",
            f"{kills.done} kills ({kills.at_work} of a process at work), {replaced} processes replaced",
            f"{redeliveries} redeliveries",
            f"pushes: {struck['published']} published, "
            + ", ".join(f"{struck.get(f'push_{what}', 0)} {what}" for what in ("dropped", "duplicated", "reordered")),
            f"{calls} of Gmail's calls failed",
            figures,
        ),
        failures=tuple(failures),
    )


# --- The storm --------------------------------------------------------------------------------------------------------


def _blow(cloud: Cloud, persons: Sequence[Person], size: Size, rng: random.Random) -> list[Received]:
    """Everybody gets their mail, in rounds, each person in every round."""
    kinds = [people.shuffled(rng, size.mails_each) for _ in persons]
    begun = time.monotonic()
    with ThreadPoolExecutor(people.HANDS) as hands:
        coming = []
        for number in range(size.people * size.mails_each):
            turn, who = divmod(number, len(persons))
            _sleep_until(begun + number / size.mails_a_second)
            coming.append(hands.submit(people.receive, cloud, persons[who], kinds[who][turn]))
        return [each.result() for each in coming]


class Kills(threading.Thread):
    """Kills processes of the functions at random moments while the mail comes."""

    def __init__(
        self, cloud: Cloud, size: Size, rng: random.Random, *, weights: Mapping[str, int] = KILL_WEIGHTS
    ) -> None:
        super().__init__()
        self._cloud, self._rng, self._weights = cloud, rng, weights
        self.done = 0
        self.at_work = 0
        """How many of those killed had a request in their hands."""
        seconds = size.people * size.mails_each / size.mails_a_second
        free = seconds - KILL_PAUSE * size.kills
        assert free > 0, "there is no room for so many kills"
        moments = sorted(rng.uniform(0, free) for _ in range(size.kills))
        self._moments = [time.monotonic() + moment + KILL_PAUSE * turn for turn, moment in enumerate(moments)]
        self.start()

    def run(self) -> None:
        for moment in self._moments:
            _sleep_until(moment)
            [name] = self._rng.choices(list(self._weights), list(self._weights.values()))
            victim = self._victim(name)
            self.at_work += victim.in_flight > 0
            victim.kill()
            self.done += 1

    def _victim(self, name: str) -> Instance:
        """The busiest process of a function; one that is at work, when there is one soon."""
        patience = time.monotonic() + WORK_PATIENCE
        while True:
            up = [each for each in self._cloud.services[name].instances if each.is_up]
            victim = max(up, key=lambda each: each.in_flight, default=None)
            if victim is not None and (victim.in_flight or time.monotonic() > patience):
                return victim
            time.sleep(self._rng.uniform(0.001, 0.02))


# --- The calm ---------------------------------------------------------------------------------------------------------


def _calm(cloud: Cloud, persons: Sequence[Person], what: str) -> list[str]:
    """Wait until no mailbox has a lease or is due before the quarter of an hour of its questions; who is not."""
    until = time.monotonic() + CALM_SECONDS
    while True:
        restless = [reason for each in people.mailboxes(cloud, persons) if (reason := _restless(each))]
        if not restless or time.monotonic() > until:
            return [f"after {what}: {count} mailboxes {reason}" for reason, count in Counter(restless).items()]
        time.sleep(LOOK_SECONDS)


def _restless(found: Mailbox) -> str:
    """Why a mailbox has not come to rest; empty when it has."""
    asked_at = min((ask.at for ask in found.asks), default=None)
    if found.health != "ok":
        return f"are {found.health}: {found.trouble}"
    if found.lease_until is not None:
        return "have a lease"
    if found.dirty > found.history_id:
        return "are behind their pushes" + ("" if found.due_at else " and not due")
    if found.due_at != asked_at:
        return f"are due, after {found.failures} failures, {len(found.tries)} failing messages, {found.trouble!r}"
    return ""


def _sweep(cloud: Cloud, persons: Sequence[Person]) -> list[str]:
    """Every mailbox is looked at, as it is now and then, for the pushes that never came; who is behind after that."""
    for person in persons:
        cloud.own.queue.publish(mailbox.SYNC_TOPIC, mailbox.MailboxDirty(mailbox_id=person.mailbox_id))
    true = people.true_history_ids(cloud, persons)
    until = time.monotonic() + CALM_SECONDS
    while True:
        found = people.mailboxes(cloud, persons)
        behind = [each for each in found if int(each.history_id) < true[each.id]]
        if not behind or time.monotonic() > until:
            break
        time.sleep(LOOK_SECONDS)
    failures = _calm(cloud, persons, "the sweep")
    return failures + ([f"{len(behind)} cursors are behind Gmail's history"] if behind else [])


def _a_quarter_of_an_hour_later(cloud: Cloud, persons: Sequence[Person]) -> list[str]:
    """What a search did not find is asked again after 15 minutes; here that time is moved to now, record by record."""
    # By then the index has seen everything.
    cloud.google.clear()
    store, now = cloud.own.store, datetime.now(UTC)
    for person in persons:
        found = store.get(MAILBOXES.key(person.mailbox_id))
        if found is not None and found.value.asks:
            asks = tuple(replace(ask, at=now) for ask in found.value.asks)
            store.put(found.key, replace(found.value, asks=asks, due_at=now), revision=found.revision)
    until = time.monotonic() + CALM_SECONDS
    while any(ask.at <= now for each in people.mailboxes(cloud, persons) for ask in each.asks):
        if time.monotonic() > until:
            return ["some questions were not asked again"]
        time.sleep(LOOK_SECONDS)
    return _calm(cloud, persons, "the second question")


# --- What is left -----------------------------------------------------------------------------------------------------


def _look(cloud: Cloud, persons: Sequence[Person], received: Sequence[Received]) -> list[str]:
    mails: dict[str, list[Received]] = {person.uid: [] for person in persons}
    for each in received:
        mails[each.person.uid].append(each)

    def one(person: Person) -> list[str]:
        found = people.violations(people.holdings(cloud, person), mails[person.uid])
        return [f"{person.uid}: {violation}" for violation in found]

    with ThreadPoolExecutor(people.HANDS) as hands:
        found = [violation for some in hands.map(one, persons) for violation in some]
    letters = cloud.own.store.find(DEAD_LETTERS_NEWEST, limit=people.PAGE).items
    return found + [f"dead letter of {item.value.function}: {item.value.reason}" for item in letters]


def _figures(cloud: Cloud, persons: Sequence[Person], received: Sequence[Received]) -> str:
    """Seconds from a hiring mail's arrival to its record, of those that no search had to find."""
    at = {each.id: each.at for each in received if each.kind.is_hiring and each.kind.sample.labels == ("INBOX",)}
    seconds = [
        (record.recorded_at - at[record.id]).total_seconds()
        for person in persons
        for record in people.holdings(cloud, person).records.values()
        if record.id in at and record.status is MailStatus.LINKED
    ]
    if len(seconds) < 2:
        return "no record to measure"
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"arrival to record p50 {cuts[49]:.2f} s, p95 {cuts[94]:.1f} s, longest {max(seconds):.0f} s"


def errors_logged(cloud: Cloud) -> Counter[str]:
    """What the functions have logged as errors, by type and place; a failure of Gmail's is none."""
    found: Counter[str] = Counter()
    for service in cloud.services.values():
        for line in service.lines():
            if line.get("severity") == "ERROR":
                found[f"{line.get('message')}: {line.get('error')} {(line.get('stack') or ['?'])[-1]}"] += 1
        if garbage := service.garbage():
            found[f"{service.row.name} printed {len(garbage)} lines, the last: {garbage[-1][:200]}"] += 1
    return found


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
