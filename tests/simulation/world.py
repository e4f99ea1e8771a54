"""One simulated run: people, employers and Gmail act at their times, our functions answer, and things go wrong.

The functions are the deployed ones, called through their entries. Everything outside them (store, queue, Gmail)
outlives a crash; a crash takes whatever a process had in memory. Time is one clock that jumps to the next moment at
which anything happens.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from functools import cache
from typing import Any, ClassVar

from shared import accounts, applications, mailbox, registry, settings
from shared import services as wiring
from shared.adapters.local_queue import ACKNOWLEDGED, Delivery, LocalQueue, push_envelope
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure
from shared.local.clock import START, FakeClock
from shared.local.consent import ModelConsent
from shared.local.gmail.port import ModelGmail
from shared.local.google_signer import Signer
from shared.local.job_boards import StandInBoards
from shared.mailbox import lookback
from shared.model import Employer, Event, EventKind, Mailbox, Stage, Thread, User
from shared.notifications import inbox
from shared.schema import APPLICATIONS, COLLECTIONS, MAILBOXES, THREADS, USERS, Key
from shared.sending.letter import SEND_HEADER
from tests.simulation import fires
from tests.simulation.outside import Broker, GmailPort, NotingStore, Port, SeenStore
from tests.simulation.schedule import Schedule
from tests.simulation.servers import Files, Google, KeptVault, Outbox, WebServers
from tests.simulation.workers import Crew

ADA, BOB, EVE = "ada", "bob", "eve"
"""Two people whose mailboxes are connected, and one whose documents nobody may touch."""

ADDRESSES = {ADA: "ada@example.com", BOB: "bob@example.net"}

PAUSE = timedelta(seconds=90)
"""Shorter than a lease (3 min)."""

STALL = timedelta(minutes=11)
"""Longer than a lease (3 min), an ack deadline (2.5 min) and the longest pause between deliveries (10 min)."""

STANDING_STILL = {"pause_before": PAUSE, "stall_before": STALL}

MAY_HAVE_LEFT = frozenset({"gmail.send", "gmail.send_draft"})
CHANNELS = frozenset(f"{channel}.send" for channel in inbox.OUTSIDE)
"""Calls after which something may have left us."""

JUMP = timedelta(hours=48)

MOST_MOMENTS = 3_000
"""Moments of a run; whoever is not quiet then never will be."""

MOST_TRIES = 30
"""How often a person repeats a request that failed."""

MOST_WAITS = 200
"""Hours that people wait for something to show."""

REDIRECT_URI = "https://app.example.com/gmail"
"""Where Google sends people back to."""

SIGNER = Signer()
"""Of Google's ID tokens: making its key costs more than ten runs."""

EMPLOYERS = (Employer(company="Fernhill", ats="greenhouse", board="fernhill"),)
"""Whose public boards are read."""

VAULT_KEY = b"k" * 32


class Crash(BaseException):
    """The process is gone, and all that it had in memory."""


class NotYet(Exception):
    """The person cannot do this now, since what they want to act on is not to be seen yet."""


@dataclass(frozen=True, slots=True)
class Act:
    """A step of a scenario."""

    do: Callable[[World], None]
    asks: bool = False
    """A person asks something of us: code of ours runs, may fail, and may race with other code of ours."""


class Request:
    """As much of a request as an entry reads."""

    method = "POST"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, body: bytes) -> None:
        self.stream = io.BytesIO(body)
        self.content_length = len(body)


class Outside:
    """What is built once and emptied for every run: building it costs more than a run."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.table = registry.load()
        self.sqlite = NotingStore()
        self.store = SeenStore(self.sqlite)
        self.broker = Broker(LocalQueue(":memory:", registry.subscriptions(self.table), clock=self.clock))
        self.settings = settings.read(
            registry.environment(self.table["gmail_push"])
            | {
                "GOOGLE_CLOUD_PROJECT": "hearback-test",
                "HEARBACK_USES": ",".join(settings.USES),
                # A mailbox has the same id in every process of the simulation.
                "HEARBACK_MAILBOX_SECRET": "m" * settings.SECRET_BYTES,
                "HEARBACK_OAUTH_REDIRECT_URIS": REDIRECT_URI,
            }
        )
        for collection in COLLECTIONS:
            self.sqlite._table(collection)
        with wiring.use(wiring.Services(self.settings)):
            self.functions = {row.name: _function(row.name) for row in self.table if not row.http}
        self.crew = Crew()

    def begin(self) -> None:
        """Empty, on a Monday morning."""
        self.clock.set(START)
        for name in self.sqlite.written:
            self.sqlite._connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - our own names
        self.sqlite.written.clear()

    def close(self) -> None:
        """Stop the workers and close what is open."""
        self.crew.close()
        self.broker.queue.close()
        self.sqlite.close()

    def neighbour(self) -> None:
        """Somebody else's documents."""
        for key, value in NEIGHBOURS.items():
            self.sqlite.create(key, value)


def _function(name: str) -> Callable[[Any], Any]:
    """A deployed function, as its file makes it."""
    spec = importlib.util.spec_from_file_location(f"simulated_{name}", registry.TABLE.parent / name / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[Any], Any] = getattr(module, name)
    return function


def _neighbours() -> dict[Key[Any], Any]:
    created = Event(
        key="created",
        kind=EventKind.CREATED,
        occurred_at=START,
        recorded_at=START,
        by="person",
        company="Fernhill",
        role="Senior Python Developer",
        stage=Stage.APPLIED,
    )
    application = applications.born(EVE, "hers", created, now=START)
    mailbox_id = accounts.mailbox_id("eve@example.com", secret=b"e" * 32)
    return {
        USERS.key(EVE): User(uid=EVE, applications_rev=1, mailbox_id=mailbox_id),
        APPLICATIONS.key(EVE, "hers"): application,
        THREADS.key(EVE, "1"): Thread(id="1", uid=EVE, application_ids=("hers",)),
        MAILBOXES.key(mailbox_id): Mailbox(id=mailbox_id, uid=EVE, history_id=accounts.padded(7)),
    }


NEIGHBOURS = _neighbours()
"""EVE's documents, with the same employer as everybody else's."""


@cache
def outside() -> Outside:
    """This process's own."""
    return Outside()


class World:
    """One run of one scenario under one schedule."""

    def __init__(
        self,
        steps: Sequence[tuple[timedelta, Act]],
        schedule: Schedule,
        *,
        people: Sequence[str] = (ADA,),
        racing: str = "",
        also_fires: Mapping[str, timedelta | None] | None = None,
        trace: bool = False,
    ) -> None:
        self.people, self.racing = people, racing
        self.outside = outside()
        self.outside.begin()
        self.clock, self.store, self.broker = self.outside.clock, self.outside.store, self.outside.broker
        self.settings = self.outside.settings
        self.schedule = schedule
        self.faults = dict(schedule.faults)
        self.rng = None if schedule.seed is None else random.Random(schedule.seed)
        self.chaos = frozenset(schedule.chaos)
        self.broker.begin(self.rng if "duplicates" in self.chaos else None)
        # Seeded by the scenario alone, so that a mail has the same id in every run of it.
        self.google = Google(
            self.clock, random.Random(1), publish=self._pushed, project=self.settings.project, units_per_minute=10**6
        )
        self.consent = ModelConsent(self.google)
        self.consent._server._signer = SIGNER
        self.channels: dict[str, Outbox] = {channel: Outbox(self.clock) for channel in inbox.OUTSIDE}
        self.web, self.files, self.keys = WebServers(), Files(), [VAULT_KEY]
        self.gone: set[str] = set()
        """Who has left."""
        self.steps = [(START + at, act) for at, act in steps]
        self.names: dict[str, str] = {}
        """Gmail id of each mail by the name that the scenario gives it."""
        self.arrived: dict[str, tuple[str, int]] = {}
        """Whose each mail is, and the history id that it got."""
        self.calls = 0
        self.trace: list[str] | None = [] if trace else None
        self.armed = self.standing = self.drop_pushes = False
        self.down = False
        """The store cannot be reached."""
        self.poison: set[object] = set()
        """Mails, or calls, over which every process dies."""
        self.moments = 0
        self.patience = MOST_WAITS
        self.refused = ""
        """Why a person could not do what the scenario lets them do."""
        self.fires_until = dict.fromkeys(fires.ALWAYS) | {
            name: until and START + until for name, until in (also_fires or {}).items()
        }
        """Which functions the scheduler fires, and until when; what is done every week would never end."""
        self.fired_at = dict.fromkeys(self.fires_until, START)
        self.found: dict[str, dict[str, tuple[datetime, datetime | None]]] = {name: {} for name in self.fires_until}
        """From when and until when each function finds a record, by its path."""
        self.offsets: dict[int, timedelta] = {}
        """How far the clock of each worker is off."""
        self.violations: dict[str, str] = {}
        """The first violation of each invariant."""
        self.looks: list[Callable[[Key[Any], Any], None]] = []
        """Told of every document that is written."""
        self.rests: list[int] = []
        """How many calls there had been at each moment at which no process of ours was at work."""
        self.at_rest: Callable[[World], None] | None = None
        """Told of each such moment."""
        self._ids = 0

    # --- The process under test ---------------------------------------------------------------------------------------

    def hit(self, name: str, call: Callable[[], Any], *args: object) -> Any:
        """One port call of a process of ours, with whatever the schedule has for it."""
        if not self.armed:
            return call()
        if self.poison and (name in self.poison or (name == "gmail.message" and args[0] in self.poison)):
            raise Crash
        if getattr(self.store.inside, "transaction", False):
            self.violated("a_transaction_makes_no_other_call", name)
        self.calls += 1
        kind = self.faults.get(self.calls)
        if self.trace is not None:
            moment = self.clock.now() - START
            self.trace.append(f"{self.calls:4} {str(moment)[:14]:>15} {name}{f'  <-- {kind}' if kind else ''}")
        if self.rng is not None:
            self._turn()
        if self.down and name.startswith("store."):
            raise TryAgain("the store is down")
        return call() if kind is None else self._hit(kind, name, call)

    def _hit(self, kind: str, name: str, call: Callable[[], Any]) -> Any:
        if kind == "crash_before":
            raise Crash
        if kind in STANDING_STILL:
            self._stand_still(STANDING_STILL[kind])
            return call()
        if kind == "conflict" and name == "store.transact":
            return self._conflicting(call)
        if kind == "unauthorized" and name.startswith("gmail.") and name != "gmail.refresh":
            raise GrantRevoked("401")
        if kind == "rate_limited" and name.startswith("gmail."):
            raise RateLimited("429", after=timedelta(seconds=70))
        if kind in {"crash_after", "reply_lost"}:
            call()
        if kind == "crash_after":
            raise Crash
        if name in MAY_HAVE_LEFT or (kind == "reply_lost" and name in CHANNELS):
            # The port's word for a mail that may have left: no adapter can tell the one from the other.
            raise Unsure(f"{name}: {kind}")
        raise TryAgain(f"{name}: {kind}")

    def _conflicting(self, call: Callable[[], Any]) -> Any:
        """The transaction loses a race once, and runs again."""
        lost = iter([True])
        sqlite = self.outside.sqlite
        sqlite._conflicts = lambda: next(lost, False)
        try:
            return call()
        finally:
            sqlite._conflicts = lambda: False

    def _stand_still(self, time: timedelta) -> None:
        """This process stands still; the others go on meanwhile."""
        if not self.standing:
            self.standing = True
            self.run_until(self.clock.now() + time)
            self.standing = False

    def _turn(self) -> None:
        """In random runs: the other worker may go on here, and this one's clock may jump."""
        assert self.rng is not None
        worker = self.outside.crew.current
        if "jumps" in self.chaos and self.rng.random() < 0.05:
            self.offsets[worker] = self.rng.choice((JUMP, -JUMP, timedelta(0)))
        self.outside.crew.pause()

    def now(self) -> datetime:
        """ports.Clock: what the clock of the present worker shows."""
        if not self.offsets:
            return self.clock.now()
        return self.clock.now() + self.offsets.get(self.outside.crew.current, timedelta(0))

    def new(self) -> str:
        """ports.Ids."""
        self._ids += 1
        return f"id{self._ids:020}"

    def wait(self, duration: timedelta) -> None:
        """ports.Wait: the others go on meanwhile."""
        if self.rng is None:
            self._stand_still(duration)
        else:
            self.step(duration)

    def services(self) -> wiring.Services:
        """The ports as a process of ours gets them."""
        self.gmail = GmailPort("gmail", ModelGmail(self.google), self.hit)
        self.vault = Port("vault", KeptVault(self.keys), self.hit)
        self.ports: dict[str, Any] = {
            "store": Port("store", self.store, self.hit),
            "queue": Port("queue", self.broker, self.hit),
            "gmail": self.gmail,
            "vault": self.vault,
            "clock": self,
            "ids": self,
            "blobs": Port("blobs", self.files, self.hit),
            "consent": Port("consent", self.consent, self.hit),
            "outside": {name: Port(name, channel, self.hit) for name, channel in self.channels.items()},
            "web": Port("web", self.web, self.hit),
            "boards": StandInBoards(EMPLOYERS),
            "wait": lambda duration: self.hit("wait", lambda: self.wait(duration)),
        }
        return wiring.Services(self.settings, **self.ports)

    def crashed(self) -> None:
        """A new process takes the place of the one that is gone."""
        self.vault.inner = KeptVault(self.keys)
        self.offsets.pop(self.outside.crew.current, None)

    # --- What happens by itself ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """The whole scenario, until nothing is left to do."""
        self.process = self.services()
        with self._alive():
            self.outside.neighbour()
            for uid in self.people:
                self.settle_in(uid)
            self.armed = True
            self.calls = 0
            self.go_on()

    def resume(self) -> None:
        """The rest of a scenario that was kept at rest."""
        with self._alive():
            self.go_on()

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        self.store.seen = self._seen
        self.store.between = self._between
        with wiring.use(self.process):
            yield

    def once_more(self) -> None:
        """Everything that ever came to us comes again."""
        with wiring.use(self.services()):
            self.broker.again()
            self.go_on()

    def settle_in(self, uid: str) -> None:
        """A person has connected their Gmail before the scenario begins, and all that was due then is done."""
        grant = self.google.add_person(ADDRESSES[uid], history_id=5_000)
        # The mailbox's own numbers, so that ids depend on the scenario alone and not on how often a token was renewed.
        self.google.mailbox(ADDRESSES[uid]).rng = random.Random(f"{self.schedule.scenario} {uid}")
        self.connect(uid, grant)
        ports = {name: self.ports[name] for name in ("store", "queue", "gmail", "vault", "clock")}
        mailbox.sync(mailbox.MailboxDirty(mailbox_id=self.mailbox_id(uid)), settings=self.settings, **ports)

    def connect(self, uid: str, grant: str) -> None:
        """The person connects, or connects again."""
        ports = {name: self.ports[name] for name in ("store", "gmail", "vault", "clock")}
        # Nothing of the past; but with it come the daily receipts.
        past = lookback.begun(0, now=self.clock.now()) if "reconcile_mailboxes" in self.fires_until else None
        accounts.connect(uid, refresh_token=grant, backfill=past, settings=self.settings, **ports)

    def go_on(self) -> None:
        """Until everything is quiet."""
        if self.rng is None:
            self.run_until(None)
        else:
            self.run_by_chance(self.rng)

    def run_until(self, end: datetime | None) -> None:
        """Do whatever is due before `end`, each thing at its moment, in order."""
        while True:
            if end is None and not self.standing:
                self._rest()
            while (delivery := self.broker.take_next()) is not None:
                self.serve(delivery)
                self.count_moment()
                if end is None and not self.standing:
                    self._rest()
            moment = self.next_moment()
            if moment is None or (end is not None and moment > end):
                break
            self.clock.set(max(self.clock.now(), moment))
            for work in self.due():
                work()
            self.count_moment()
        if end is not None:
            self.clock.set(max(self.clock.now(), end))

    def _rest(self) -> None:
        self.rests.append(self.calls)
        if self.at_rest is not None:
            self.at_rest(self)

    def run_by_chance(self, rng: random.Random) -> None:
        """The same in a random order, with two workers when the schedule wants them, until all is done."""
        crew = self.outside.crew
        most = 2 if "workers" in self.chaos else 1
        waiting: list[Callable[[], object]] = []
        while True:
            self.count_moment()
            free = crew.free()[: most - len(crew.busy())]
            leasable = self.broker.queue.leasable() if free else ()
            if free and (waiting or leasable) and (not crew.busy() or rng.random() < 0.5):
                if waiting and (not leasable or rng.random() < 0.5):
                    crew.begin(free[0], waiting.pop(0))
                else:
                    number = rng.choice(leasable) if "reorder" in self.chaos else leasable[0]
                    delivery = self.broker.take(number)
                    if delivery is not None:
                        crew.begin(free[0], lambda delivery=delivery: self.serve(delivery))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            elif crew.busy():
                crew.go_on(rng.choice(crew.busy()), rng.choice((1, 1, 2, 3, 5, 8, 13)) if most > 1 else None)
                if rng.random() < 0.2:
                    self.step(timedelta(seconds=rng.choice((1, 1, 5, 20, 100, 200))))
                    waiting += self.due()
            else:
                moment = self.next_moment()
                if moment is None:
                    return
                self.clock.set(max(self.clock.now(), moment))
                waiting += self.due()

    def step(self, by: timedelta) -> None:
        """Time passes while somebody works, but not beyond the next thing that happens outside."""
        moment = self.clock.now() + by
        self.clock.set(min(moment, self.steps[0][0]) if self.steps else moment)

    def count_moment(self) -> None:
        """Raises RuntimeError when a run does not come to an end."""
        self.moments += 1
        if self.moments > MOST_MOMENTS:
            raise RuntimeError("never quiet")

    def next_moment(self) -> datetime | None:
        """When anything happens next: a delivery, a step of the scenario, a sweep that finds something."""
        moments = [self.broker.queue.next_due(), self.google.release_pushes(), *self._next_fires().values()]
        if self.steps:
            moments.append(self.steps[0][0])
        return min((moment for moment in moments if moment is not None), default=None)

    def due(self) -> list[Callable[[], object]]:
        """What happens now, beside deliveries."""
        now = self.clock.now()
        works: list[Callable[[], object]] = []
        for name, at in self._next_fires().items():
            if at <= now:
                self.fired_at[name] = now
                works.append(lambda name=name: self.fire(name))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        while self.steps and self.steps[0][0] <= now:
            _, act = self.steps.pop(0)
            if act.asks:
                works.append(lambda act=act: self.ask(act))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            else:
                act.do(self)
        return works

    def _next_fires(self) -> dict[str, datetime]:
        """When each function fires next at which it finds something."""
        next_fires = {}
        for name, finds in self.found.items():
            fire, fired_at, end = fires.FIRES[name], self.fired_at[name], self.fires_until[name]
            moments = ((fire.after(max(at, fired_at)), until) for at, until in finds.values())
            soonest = min((moment for moment, until in moments if until is None or moment < until), default=None)
            if soonest is not None and (end is None or soonest < end):
                next_fires[name] = soonest
        return next_fires

    def fire(self, function: str) -> None:
        """The scheduler's call; what comes seldom is tried again when it fails."""
        for _ in range(fires.FIRES[function].tries):
            if self.call(function, b"{}") in ACKNOWLEDGED:
                return

    def serve(self, delivery: Delivery) -> None:
        """Push a message to its function, and tell the queue what it answered; the answer may get lost."""
        queue = self.broker.queue
        status = self.call(delivery.subscription.function, push_envelope(delivery))
        if status is None:
            return
        with contextlib.suppress(Crash, TryAgain):
            self.hit("ack", lambda: queue.ack(delivery) if status in ACKNOWLEDGED else queue.nack(delivery))

    def call(self, function: str, body: bytes) -> int | None:
        """One call of a function; None when the process died over it."""
        try:
            status: int = self.outside.functions[function](Request(body)).status_code
        except Crash:
            self.crashed()
            return None
        return status

    def ask(self, act: Act) -> None:
        """A person repeats a request that failed, waits for what is not there yet, and takes no for an answer."""
        for _ in range(MOST_TRIES):
            try:
                act.do(self)
            except NotYet:
                self.patience -= 1
                if self.patience > 0:
                    self.steps.append((self.clock.now() + timedelta(hours=1), act))
                    self.steps.sort(key=lambda step: step[0])
            except (TryAgain, GrantRevoked):
                continue
            except Crash:
                self.crashed()
                continue
            except Rejected as e:
                self.refused = str(e)
            return
        self.refused = f"not in {MOST_TRIES} tries"

    def _pushed(self, topic: str, data: bytes) -> None:
        if not self.drop_pushes and topic == self.settings.gmail_topic:
            self.broker.send("gmail-push", data)

    def _seen(self, key: Key[Any], value: Any) -> None:
        path = key.path
        for finds in self.found.values():
            finds.pop(path, None)
        for name, since, until in fires.found(value):
            if name in self.found:
                self.found[name][path] = since, until
        for look in self.looks:
            look(key, value)

    def _between(self) -> None:
        if self.rng is not None and self.armed:
            self.outside.crew.pause()

    # --- Looking ------------------------------------------------------------------------------------------------------

    def mailbox_id(self, uid: str) -> str:
        """The id of a person's mailbox."""
        return accounts.mailbox_id(ADDRESSES[uid], secret=self.settings.mailbox_secret)

    def mails_that_left(self) -> list[str]:
        """The send that each mail names which has left somebody's mailbox."""
        raws = [raw for uid in self.people for raw in self.google.sent(ADDRESSES[uid])]
        named = [message_from_bytes(raw).get(SEND_HEADER, "") for raw in raws]
        return [send_id for send_id in named if send_id]

    def mailbox(self, uid: str) -> Mailbox:
        """A person's mailbox as it is recorded."""
        found = self.outside.sqlite.get(MAILBOXES.key(self.mailbox_id(uid)))
        assert found is not None
        return found.value

    def violated(self, invariant: str, how: str) -> None:
        """Note a violation; the run goes on, since the code under test must not notice."""
        self.violations.setdefault(invariant, how)
