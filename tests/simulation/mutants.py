"""Planted bugs: the harness is worth something if it catches each of them.

A bug is a change to the text of a module. The changed text is compiled, and every function of it takes the place of the
one that the module has; a text that is not found, or found twice, is an error, so that no bug silently stops being one.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

from tests.simulation.explore import by_chance, expected, forget_outside, run, shrunk, singles
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.schedule import Schedule

MOST_CHANCES = 3_000
"""Random runs that may pass before a bug counts as missed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A planted bug."""

    name: str
    module: str
    old: str
    new: str
    scenario: str = ""
    """Where it is looked for first: a scenario, or a schedule that has shown it."""


RUN, LEASE, INTAKE = "shared.mailbox.run", "shared.mailbox.lease", "shared.mailbox.intake"
TAKING, RELEASING = "shared.mailbox.taking", "shared.mailbox.releasing"
DECISIONS = "shared.mailbox.decisions"
ACTS, CHANGE, ACCOUNTS = "shared.applications.acts", "shared.applications.change", "shared.accounts"
DEAD_LETTERS, DUE, ENTRY = "shared.dead_letters", "shared.due", "shared.entry"
FOLDING, WORLD = "shared.ledger.folding", "tests.simulation.world"
REMINDERS, TELLING = "shared.reminders", "shared.notifications.delivery"
DELIVER, STATES, MOVES = (f"shared.sending.{name}" for name in ("deliver", "states", "moves"))

MUTANTS = (
    Mutant(
        "acknowledge before the work",
        WORLD,
        "        status = self.call(delivery.subscription.function",
        "        queue.ack(delivery)\n        status = self.call(delivery.subscription.function",
    ),
    Mutant("acknowledge what failed", ENTRY, "status=HTTPStatus.INTERNAL_SERVER_ERROR", "status=HTTPStatus.NO_CONTENT"),
    Mutant(
        "move the cursor before the messages are taken",
        RUN,
        "            if not self._take_all(page.messages",
        "            self.lease.write(lambda m: replace(m, history_id=accounts.padded(page.history_id)))\n"
        "            if not self._take_all(page.messages",
    ),
    Mutant(
        "no dedupe by the mail's record",
        DECISIONS,
        "record.id)) is not None:\n            return Taken.DECIDED\n",
        "record.id)) is not None:\n            self._tx.create = self._tx.put\n",
        "birth",
    ),
    Mutant(
        "a lease never ends",
        LEASE,
        "held = mailbox.lease_until is not None and now < mailbox.lease_until",
        "held = mailbox.lease_until is not None",
    ),
    Mutant(
        "a lease has always ended",
        LEASE,
        "held = mailbox.lease_until is not None and now < mailbox.lease_until",
        "held = False",
    ),
    Mutant("a lease ends without being due", LEASE, "lease_until=until, due_at=until", "lease_until=until"),
    Mutant(
        "generation ignored",
        LEASE,
        "if found is None or found.value.generation != generation:",
        "if found is None:",
        "promotion",
    ),
    Mutant(
        "a push to a held mailbox is not written down",
        LEASE,
        "known if mailbox.dirty == known.dirty else mailbox",
        "known",
        "quick_rejection",
    ),
    Mutant("older mail wins", FOLDING, "return event.occurred_at, event.key", "return event.recorded_at, event.key"),
    Mutant(
        "a forgotten cursor starts no rescan",
        RUN,
        "self.rescan = rescan.begun(self._since(), self.rescan, now=self.started)",
        "self.rescan = None",
    ),
    Mutant(
        "a rescan without overlap",
        RUN,
        "self.rescan = rescan.begun(self._since(), self.rescan, now=self.started)",
        "self.rescan = rescan.begun(self.started, None, now=self.started)",
        "forgotten_cursor",
    ),
    Mutant(
        "released without a due time", RELEASING, "due_at=max(min(due), not_before) if due else None,", "due_at=None,"
    ),
    Mutant("the sweep publishes nothing", DUE, "            queue.publish_all(", "            id or ("),
    Mutant(
        "a provisional no is never asked again",
        TAKING,
        "if missed := tuple(id_ for id_ in wanted if id_ not in hits):",
        "if not wanted and (missed := tuple(id_ for id_ in wanted if id_ not in hits)):",
    ),
    Mutant("an empty history is believed at once", RUN, "found or not self._is_young(reached)", "True"),
    Mutant("parked without a record", TAKING, "        self.desk.park(message, reason)\n", ""),
    Mutant("a crashing message is never parked", TAKING, "if openings >= CRASHES:", "if openings < 0:"),
    Mutant(
        "newest first",
        TAKING,
        "messages = sorted(messages, key=_arrival)",
        "messages = sorted(messages, key=_arrival, reverse=True)",
    ),
    Mutant(
        "nobody waits for an older mail",
        TAKING,
        "overtakes=self._overtakes(message)",
        "overtakes=False",
        "forgotten_cursor",
    ),
    Mutant(
        "known threads are forgotten",
        INTAKE,
        "self._threads[key.id] = thread.value if thread else None",
        "self._threads[key.id] = None",
    ),
    Mutant("the roster's revision is ignored", DECISIONS, " and self._plan.roster.revision == revision", ""),
    Mutant(
        "the person's roster is not kept up",
        CHANGE,
        "known = None if known is None else rostered(known, after)",
        "known = known and known[:-1]",
    ),
    Mutant(
        "a mail does not see what the one before it did",
        DECISIONS,
        "before = change.after if change else self._tx.get(APPLICATIONS.key(self._plan.uid, id_))",
        "before = self._tx.get(APPLICATIONS.key(self._plan.uid, id_))",
        "advised@655+duplicates+reorder+workers+jumps 24:crash_before,25:reply_lost,43:rate_limited,58:error_before",
    ),
    Mutant(
        "the last decisions release a mailbox that a push has written meanwhile",
        LEASE,
        "changed, revision=self._revision)\n\n\ndef",
        "changed)\n\n\ndef",
        "quick_rejection",
    ),
    Mutant(
        "a failed transaction counts as decided",
        RELEASING,
        '                log.info("released apart',
        '                self.readings.clear()\n                log.info("released apart',
        "quick_rejection",
    ),
    Mutant(
        "random ids for what a mail proves",
        DECISIONS,
        "application_id = stable_id(record.uid, record.id)",
        "application_id = stable_id(record.uid, record.id, str(record.recorded_at))",
    ),
    Mutant(
        "another person's documents",
        DECISIONS,
        "self._tx.put(THREADS.key(self._plan.uid, id_), thread)",
        'self._tx.put(THREADS.key("eve", id_), thread)',
    ),
    Mutant(
        "an application is written without being folded",
        CHANGE,
        "return refolded(replace(application, events={**application.events, event.key: _bounded(event)}), now=now)",
        "return replace(application, events={**application.events, event.key: _bounded(event)})",
    ),
    Mutant(
        "told outside of the transaction",
        RELEASING,
        "            tx.create(\n                NOTIFICATIONS.key(uid, notice),\n"
        "                Notification(key=notice, uid=uid, kind=NotificationKind.NEEDS_REAUTH,"
        " created_at=now, due_at=now),\n"
        "            )\n\n"
        "        self.store.transact(work, reads=[key])\n",
        "        self.store.transact(work, reads=[key])\n"
        "        self.store.create(\n            NOTIFICATIONS.key(uid, notice),\n"
        "            Notification(key=notice, uid=uid, kind=NotificationKind.NEEDS_REAUTH,"
        " created_at=now, due_at=now),\n"
        "        )\n",
        "revoked_grant",
    ),
    Mutant(
        "a repeated request creates again",
        ACTS,
        'stable_id("request", uid, _request(request_id)) if request_id else ids.new()',
        "ids.new()",
    ),
    Mutant(
        "a repeated correction corrects again",
        ACTS,
        "stable_id(_request(request_id)) if request_id else ids.new()",
        "ids.new()",
    ),
    Mutant(
        "an undone mail stays linked",
        ACTS,
        "            tx.put(MAILS.key(uid, mail.id), freed)\n",
        "            del freed\n",
    ),
    Mutant(
        "a token in plain text",
        ACCOUNTS,
        "    token = vault.seal(access.token.encode(), user=mailbox.uid",
        "    token = access.token.encode()\n    vault.seal(token, user=mailbox.uid",
    ),
    Mutant(
        "a dead letter is another one each time",
        DEAD_LETTERS,
        '{kept}\\n{reason}".encode()',
        '{kept}\\n{reason}\\n{clock.now()}".encode()',
    ),
    Mutant(
        "a dead grant is tried for ever",
        RELEASING,
        'replace(current, health="needs_reauth", lease_until=None, due_at=None, trouble="revoked")',
        'replace(current, lease_until=None, due_at=now, trouble="revoked")',
    ),
    Mutant(
        "a mail is sent without its draft",
        DELIVER,
        "session.send_draft(self.send.draft_id))",
        "session.send(self._composed(address)))",
    ),
    Mutant(
        "sent before the claim",
        DELIVER,
        '        if not self._claim():\n            return "left_to_another"\n'
        "        try:\n            self.account.check_scopes()\n            found = self._send()\n",
        "        try:\n            found = self._send()\n            self._claim()\n",
    ),
    Mutant("a claim is never due", STATES, "due_at=now + lease,", "due_at=None,"),
    Mutant(
        "the end of a try is written over whatever came meanwhile",
        DELIVER,
        "return end(current) if ours == (begun.generation, begun.delivery, begun.due_at) else current",
        "return end(current)",
        "send",
    ),
    Mutant(
        "proof that a mail left counts for its claim alone",
        STATES,
        "if send.delivery in (Delivery.SENT, Delivery.BOUNCED):",
        "if send.delivery is not Delivery.SENDING:",
    ),
    Mutant("a failed try is due never", STATES, "tries=tries, due_at=due_at, reason=reason)", "due_at=None)"),
    Mutant("a mail's ledger is not written", MOVES, "        if application is not None:\n", "        if False:\n"),
    Mutant("a letter is kept when it has left", STATES, "        letter=None,\n        subject=", "        subject="),
    Mutant(
        "a watch is not taken back from another client",
        "shared.adapters.gmail_methods",
        "        self.stop()\n        return self._watch(topic)",
        "        return self._watch(topic)",
        "watch_taken",
    ),
    Mutant(
        "a past that was called off goes on",
        "shared.mailbox.lookback",
        "backfill = backfill if backfill.cancelled else self._backfill",
        "backfill = self._backfill",
        "past_called_off",
    ),
    Mutant(
        "a grant goes back though its mailbox is connected again",
        "shared.leaving",
        "if mailbox_id and store.get(MAILBOXES.key(mailbox_id)) is not None:",
        "if False:",
        "connected_again",
    ),
    Mutant(
        "a grant is connected that has gone back",
        ACCOUNTS,
        "if instead_of is not None and tx.get(instead_of) is None:",
        "if False:",
        "connected_again",
    ),
    Mutant(
        "a deletion is over before its batches are",
        "shared.privacy",
        "    deadline = clock.now() + settings.work_budget\n",
        "    deadline = clock.now() + settings.work_budget\n    store.delete(key)\n",
        "left",
    ),
    Mutant(
        "what is sealed anew is not kept",
        "shared.rotation",
        "    tx.put(key, replace(found, **anew))\n",
        "",
        "rotated",
    ),
    Mutant(
        "a reminder's key has the time of its look",
        REMINDERS,
        "{interview.start:%Y%m%dT%H%M%S}:{name}",
        "{interview.start:%Y%m%dT%H%M%S}:{name}:{now:%H%M%S}",
        "reminded",
    ),
    Mutant(
        "a reminder of a round that has moved stands",
        REMINDERS,
        "withdrawn = _take_back(seen.value, now=now, store=store) if seen.value.reminded_until is None else 0",
        "withdrawn = 0",
        "reminded",
    ),
    Mutant(
        "a week moves on before its report is written",
        "shared.reports.write",
        "    told = store.transact(work, reads=[place])\n",
        "    moved = _advanced(found.value, kind, now)\n    store.transact(lambda tx: tx.put(place, moved))\n"
        "    seen = _pending(moved, kind)\n    told = store.transact(work, reads=[place])\n",
        "week_reported",
    ),
    Mutant(
        "a day moves on before anybody is reminded",
        "shared.follow_ups.look",
        "    made = [each for each in candidates if",
        "    moved = schedule.next_daily(now, schedule.FOLLOW_UPS_AT, schedule.zone_of(user.preferences))\n"
        "    store.transact(lambda tx: tx.put(place, replace(user, follow_up_at=moved)))\n"
        "    made = [each for each in candidates if",
        "followed_up",
    ),
    Mutant(
        "a mail that may have arrived is mailed again",
        TELLING,
        "        if channel in ONCE:\n            return claim.end",
        "        if False:\n            return claim.end",
        "told_outside",
    ),
    Mutant(
        "a mail whose sender died is mailed again",
        TELLING,
        "if dispatch.state is DispatchState.SENDING and dispatch.channel in ONCE:",
        "if False:",
        "told_outside",
    ),
    Mutant(
        "whoever tells is never due",
        TELLING,
        "attempts=dispatch.attempts + 1, due_at=now + self._lease",
        "attempts=dispatch.attempts + 1, due_at=None",
        "told_outside",
    ),
    Mutant(
        "bad news does not wait for its hour",
        "shared.schedule",
        "return replace(notice, due_at=until, hidden_until=until)",
        "return replace(notice, due_at=now, hidden_until=until)",
        "told_gently",
    ),
    Mutant(
        "a posting's names are not kept",
        "shared.jobs.saving",
        "            if holder is None and key.id in named:",
        "            if False:",
        "scraped",
    ),
    Mutant(
        "whoever runs a search is never due",
        "shared.jobs.running",
        "lease_until=until, due_at=until))",
        "lease_until=until, due_at=None))",
        "scraped",
    ),
)


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The bug is in the code while the block lasts. Raises LookupError when its text is not there exactly once."""
    module = importlib.import_module(mutant.module)
    source = inspect.getsource(module)
    if source.count(mutant.old) != 1:
        raise LookupError(
            f"{mutant.name}: {mutant.module} has the text {source.count(mutant.old)} times: {mutant.old!r}"
        )
    changed = ModuleType(module.__name__)
    changed.__file__ = module.__file__
    exec(compile(source.replace(mutant.old, mutant.new), str(module.__file__), "exec"), changed.__dict__)  # noqa: S102 - our own text
    was: list[tuple[FunctionType, CodeType]] = []
    for original, replacement in _pairs(module, changed, module.__name__):
        was.append((original, original.__code__))
        original.__code__ = replacement.__code__
    forget_outside()
    try:
        yield
    finally:
        for function, code in was:
            function.__code__ = code
        forget_outside()


def _pairs(one: object, other: object, module: str) -> Iterator[tuple[FunctionType, FunctionType]]:
    """The functions and methods that a module defines, each with its changed form."""
    for name, original in vars(one).items():
        replacement = vars(other).get(name)
        if getattr(original, "__module__", None) != module or replacement is None:
            continue
        if isinstance(original, FunctionType):
            if original.__code__.co_freevars == replacement.__code__.co_freevars:
                yield original, replacement
        elif isinstance(original, type):
            yield from _pairs(original, replacement, module)


@dataclass(frozen=True, slots=True)
class Caught:
    """How a bug was found."""

    runs: int
    schedule: Schedule
    """The simplest that shows it."""
    violations: dict[str, str]


def caught(mutant: Mutant) -> Caught | None:
    """How the bug was found; None when it is missed."""
    for name in SCENARIOS:
        expected(name)
    with planted(mutant):
        for number, schedule in enumerate(_attempts(mutant.scenario), start=1):
            if run(schedule).violations:
                simplest = shrunk(schedule)
                return Caught(number, simplest, run(simplest).violations)
    return None


def _attempts(first: str) -> Iterator[Schedule]:
    """One scenario or schedule; then no fault at all, every call of every scenario in turn, and chance."""
    if first:
        hinted = Schedule.parse(first)
        yield from (hinted, *singles(hinted.scenario))
    yield from (Schedule(name) for name in SCENARIOS)
    columns = [singles(name) for name in SCENARIOS]
    longest = max(map(len, columns))
    yield from (column[row] for row in range(longest) for column in columns if row < len(column))
    yield from map(by_chance, range(MOST_CHANCES))
