"""Runs: one schedule, all of them, pairs spread evenly, random ones; and what is left of a failing one when shrunk."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from shared import classify
from shared.classify import mail as mails
from shared.model import Mail, MailStatus, Verdict
from shared.ports import MessageJson
from tests.simulation.invariants import ALWAYS, INVARIANTS, Left, Outcome, Watch
from tests.simulation.scenarios import SCENARIOS, Scenario
from tests.simulation.schedule import CHANCE, CHAOS, ENUMERATED, Schedule
from tests.simulation.world import World, outside

FAULTS = (3, 3, 3, 4, 5, 8)
"""How many faults a random run has."""


@dataclass(frozen=True)
class Result:
    """What became of one schedule."""

    schedule: Schedule
    calls: int
    """Port calls until everything was quiet."""
    violations: dict[str, str]
    parked: int = 0
    """Mails that were parked with a reason though a run without faults decides them."""


@dataclass(frozen=True)
class Golden:
    """A scenario's run without faults."""

    outcome: Outcome
    calls: int


# --- One schedule -----------------------------------------------------------------------------------------------------


def run(schedule: Schedule, *, trace: list[str] | None = None) -> Result:
    """One run, with all invariants checked: on the way, when it is quiet, and when everything has come once more."""
    golden = expected(schedule.scenario)
    world = _world(schedule, trace=trace is not None)
    world.looks.append(Watch(world, golden.outcome).look)
    calls = parked = 0
    with _surprises(world), _remembering():
        try:
            world.run()
            calls = world.calls
            left = Left(world)
            parked = _check(world, left, golden.outcome)
            outcome = left.outcome()
            world.once_more()
            if Left(world).outcome() != outcome:
                world.violated("what_comes_once_more_changes_nothing", "it does")
        except RuntimeError as e:
            world.violated("it_becomes_quiet", str(e))
    if trace is not None:
        trace += world.trace or []
    return Result(schedule, calls, world.violations, parked)


def _world(schedule: Schedule, *, trace: bool = False) -> World:
    scenario = SCENARIOS[schedule.scenario]
    return World(scenario.steps, schedule, people=scenario.people, racing=scenario.racing, trace=trace)


def _check(world: World, left: Left, golden: Outcome) -> int:
    """Every invariant; how many mails are parked beyond those that always are."""
    parked = sum(
        mail.status is MailStatus.PARKED and golden.mails.get(mail.id, ("",))[0] is not MailStatus.PARKED
        for mail in left.mails
    )
    # A mail that was put aside, with its reason, moves no status; and a worker whose clock is days off asks Gmail for
    # other mail than it would. What holds whatever has been read holds then, too.
    free = parked or "jumps" in world.chaos or world.racing == "all"
    invariants = ALWAYS if free else INVARIANTS
    for name, check in invariants.items():
        for how in check(left, golden):
            world.violated(name, how)
    return parked


@cache
def expected(name: str) -> Golden:
    """What a scenario leaves behind when nothing goes wrong. Raises AssertionError when it promises something else."""
    world = _world(Schedule(name))
    world.looks.append(Watch(world, None).look)
    with _surprises(world), _remembering():
        world.run()
        calls, left = world.calls, Left(world)
        outcome = left.outcome()
        _check(world, left, outcome)
        promised(world, left, SCENARIOS[name])
        world.once_more()
        if Left(world).outcome() != outcome:
            world.violated("what_comes_once_more_changes_nothing", "it does")
    if world.violations:
        raise AssertionError(f"{name}, without faults: {world.violations}")
    return Golden(outcome, calls)


def promised(world: World, left: Left, scenario: Scenario) -> None:
    """The scenario's own words about its end."""
    names = {id_: name for name, id_ in world.names.items()}
    found = {
        "mails": {names[id_]: status for id_, (status, _) in left.outcome().mails.items()},
        "applications": sorted(
            ((each.role, each.stage, each.outcome) for each in left.applications), key=lambda each: each[0]
        ),
        "notifications": len(left.notifications),
        "dead letters": len(left.outcome().dead_letters),
    }
    wanted = {
        "mails": dict(scenario.mails),
        "applications": sorted(scenario.applications, key=lambda each: each[0]),
        "notifications": scenario.notifications,
        "dead letters": scenario.dead_letters,
    }
    for what, value in wanted.items():
        if found[what] != value:
            world.violated(f"the scenario's {what}", f"{found[what]}, not {value}")
    if world.steps:
        world.violated("the scenario's steps", f"{len(world.steps)} never happened")


def forget_outside() -> None:
    """The next run builds its own: after a fork, which threads and connections do not survive, and after a change of
    the code from which the functions are made.
    """
    if outside.cache_info().currsize:
        outside().close()
        outside.cache_clear()


class _Surprises(logging.Handler):
    """What our code logs as an error of its own."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self.world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if getattr(record, "outcome", "") == "running":
            return  # The last line of a process that crashed in the middle.
        self.world.violated("only_errors_of_ours_are_raised", f"{record.getMessage()}: {error!r}")


@contextmanager
def _surprises(world: World) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = [_Surprises(world)]
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)


_READ, _UNDERSTAND = mails.from_gmail, classify.classify
_mails: dict[tuple[Any, ...], Mail] = {}
_verdicts: dict[tuple[Any, ...], Verdict] = {}


def _from_gmail(message: MessageJson) -> Mail:
    payload = message["payload"]
    key = (message["id"], message["threadId"], *message["labelIds"], len(payload.get("headers", ())), len(payload))
    if key not in _mails:
        _mails[key] = _READ(message)
    return _mails[key]


def _classify(mail: Mail) -> Verdict:
    key = (mail.id, mail.thread_id, mail.labels, len(mail.text), len(mail.calendars), mail.internal_date)
    if key not in _verdicts:
        _verdicts[key] = _UNDERSTAND(mail)
    return _verdicts[key]


@contextmanager
def _remembering() -> Iterator[None]:
    """Reading and classifying a mail is pure, and the same few mails come in every run: each is read once."""
    mails.from_gmail, classify.classify = _from_gmail, _classify
    try:
        yield
    finally:
        mails.from_gmail, classify.classify = _READ, _UNDERSTAND


# --- Many -------------------------------------------------------------------------------------------------------------


def singles(name: str) -> list[Schedule]:
    """Every port call of a scenario, hit in every way."""
    return [Schedule(name, ((call, kind),)) for call in range(1, expected(name).calls + 1) for kind in ENUMERATED]


def pairs(firsts: Sequence[tuple[Schedule, int]], wanted: int) -> tuple[list[Schedule], int]:
    """So many of all pairs of hits, spread evenly, and how many there are; the second hit is any later call.

    `firsts` are runs with one fault and how many calls each of them made.
    """
    sizes = [max(0, calls - schedule.faults[0][0]) * len(ENUMERATED) for schedule, calls in firsts]
    possible = sum(sizes)
    wanted = min(wanted, possible)
    chosen: list[Schedule] = []
    before = 0
    for (schedule, _), size in zip(firsts, sizes, strict=True):
        while len(chosen) < wanted and (number := len(chosen) * possible // wanted) < before + size:
            later, kind = divmod(number - before, len(ENUMERATED))
            second = (schedule.faults[0][0] + 1 + later, ENUMERATED[kind])
            chosen.append(replace(schedule, faults=(*schedule.faults, second)))
        before += size
    return chosen, possible


def by_chance(seed: int) -> Schedule:
    """The random run of a seed."""
    rng = random.Random(f"schedule {seed}")
    name = rng.choice(sorted(SCENARIOS))
    scenario = SCENARIOS[name]
    calls = expected(name).calls
    faults: dict[int, str] = {}
    for _ in range(rng.choice(FAULTS)):
        kind = rng.choice(CHANCE)
        faults[rng.randint(1, calls + 20)] = kind
    while len(faults) < min(FAULTS):
        faults[rng.randint(1, calls + 20)] = "crash_after"
    chaos = tuple(
        word for word in CHAOS if rng.random() < (0.25 if word == "jumps" else 0.7) and word not in scenario.without
    )
    return Schedule(name, tuple(sorted(faults.items())), seed, chaos)


def shrunk(failing: Schedule) -> Schedule:
    """The simplest schedule that still violates an invariant, taking one thing away at a time."""
    while True:
        for simpler in failing.simpler():
            if run(simpler).violations:
                failing = simpler
                break
        else:
            return failing
