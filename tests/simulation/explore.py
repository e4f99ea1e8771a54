"""Runs: one schedule, all of them, pairs spread evenly, random ones; and what is left of a failing one when shrunk."""

from __future__ import annotations

import logging
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import groupby, islice
from typing import Any, TypeVar

from shared import classify
from shared.classify import mail as mails
from shared.model import Mail, MailStatus, Verdict
from shared.ports import MessageJson
from shared.sending import content, deliver, draft
from tests.simulation.invariants import ALWAYS, INVARIANTS, Left, Outcome, Watch
from tests.simulation.rests import Rest, kept, resumed
from tests.simulation.scenarios import SCENARIOS, Scenario
from tests.simulation.schedule import CHANCE, CHAOS, ENUMERATED, Schedule
from tests.simulation.world import World, outside

T = TypeVar("T")

FAMILY = 60
"""Schedules of one trunk that a process is given at a time."""

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
    rests: tuple[int, ...] = ()
    """How many of the calls there had been at each rest on the way."""


@dataclass(frozen=True)
class Golden:
    """A scenario's run without faults."""

    outcome: Outcome
    calls: int
    rests: tuple[int, ...]
    """See Result."""


# --- One schedule -----------------------------------------------------------------------------------------------------


def run(schedule: Schedule, *, trace: list[str] | None = None) -> Result:
    """One run, with all invariants checked: on the way, when it is quiet, and when everything has come once more."""
    world = _watched(schedule, trace=trace is not None)
    result = _result(world, world.run)
    if trace is not None:
        trace += world.trace or []
    return result


def _watched(schedule: Schedule, *, trace: bool = False) -> World:
    golden = expected(schedule.scenario)  # Before the world is made: there is one outside for all.
    world = _world(schedule, trace=trace)
    world.looks.append(Watch(world, golden.outcome).look)
    return world


def _result(world: World, go: Callable[[], None]) -> Result:
    golden = expected(world.schedule.scenario)
    calls = parked = 0
    rests: tuple[int, ...] = ()
    with _surprises(world), _remembering():
        try:
            go()
            calls, rests = world.calls, tuple(world.rests)
            left = Left(world)
            parked = _check(world, left, golden.outcome)
            outcome = left.outcome()
            world.once_more()
            if Left(world).outcome() != outcome:
                world.violated("what_comes_once_more_changes_nothing", "it does")
        except RuntimeError as e:
            world.violated("it_becomes_quiet", str(e))
    return Result(world.schedule, calls, world.violations, parked, rests)


def _world(schedule: Schedule, *, trace: bool = False) -> World:
    scenario = SCENARIOS[schedule.scenario]
    return World(
        scenario.steps,
        schedule,
        people=scenario.people,
        racing=scenario.racing,
        also_fires=scenario.fires,
        trace=trace,
    )


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
        calls, rests, left = world.calls, tuple(world.rests), Left(world)
        outcome = left.outcome()
        _check(world, left, outcome)
        promised(world, left, SCENARIOS[name])
        world.once_more()
        if Left(world).outcome() != outcome:
            world.violated("what_comes_once_more_changes_nothing", "it does")
    if world.violations:
        raise AssertionError(f"{name}, without faults: {world.violations}")
    return Golden(outcome, calls, rests)


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
    _golden_rests.cache_clear()
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


_READ, _UNDERSTAND, _LOOK_AT = mails.from_gmail, classify.classify, classify.plausible
_mails: dict[tuple[Any, ...], Mail] = {}
_verdicts: dict[tuple[Any, ...], Verdict] = {}
_plausible: dict[tuple[Any, ...], bool] = {}

REMEMBERED_DRAFTS = 4_096
"""Mails of ours whose digest is remembered; a run has a handful, and few of another run are the same."""


def _from_gmail(message: MessageJson) -> Mail:
    payload = message["payload"]
    key = (message["id"], message["threadId"], *message["labelIds"], len(payload.get("headers", ())), len(payload))
    if key not in _mails:
        _mails[key] = _READ(message)
    return _mails[key]


def _classify(mail: Mail) -> Verdict:
    key = _key(mail)
    if key not in _verdicts:
        _verdicts[key] = _UNDERSTAND(mail)
    return _verdicts[key]


def _looks_like_hiring(mail: Mail) -> bool:
    key = _key(mail)
    if key not in _plausible:
        _plausible[key] = _LOOK_AT(mail)
    return _plausible[key]


def _key(mail: Mail) -> tuple[Any, ...]:
    return mail.id, mail.thread_id, mail.labels, len(mail.text), len(mail.calendars), mail.internal_date


_digest = lru_cache(REMEMBERED_DRAFTS)(content.content_hash)


@contextmanager
def _remembering() -> Iterator[None]:
    """Reading and understanding a mail is pure, and the same few mails come in every run: each is read once."""
    mails.from_gmail, classify.classify, classify.plausible = _from_gmail, _classify, _looks_like_hiring
    deliver.content_hash = draft.content_hash = _digest  # type: ignore[attr-defined]  # where they name it
    try:
        yield
    finally:
        mails.from_gmail, classify.classify, classify.plausible = _READ, _UNDERSTAND, _LOOK_AT
        deliver.content_hash = draft.content_hash = content.content_hash  # type: ignore[attr-defined]  # the same


# --- What several schedules share -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """Schedules that are one and the same until the last fault of each."""

    trunk: Schedule
    """It has all faults but that one."""
    rests: tuple[int, ...]
    """The trunk's."""
    schedules: tuple[Schedule, ...]


def run_family(family: Family) -> list[Result]:
    """The same as `run` for each of the schedules; what they share is done once."""
    wanted = {schedule: _rest_before(schedule, family.rests) for schedule in family.schedules}
    found = _rests(family.trunk, frozenset(wanted.values()))
    results = []
    for schedule, number in wanted.items():
        world = resumed(found[number], schedule)
        results.append(_result(world, world.resume))
    return results


def _rest_before(schedule: Schedule, rests: Sequence[int]) -> int:
    """The number of the last rest before a schedule's last fault."""
    return bisect_left(rests, schedule.faults[-1][0]) - 1


class _Enough(Exception):
    """What is wanted of this run is kept."""


def _rests(trunk: Schedule, wanted: frozenset[int]) -> Mapping[int, Rest]:
    """The rests of these numbers of a run."""
    if not trunk.faults:
        return _golden_rests(trunk.scenario)
    before = _rest_before(trunk, expected(trunk.scenario).rests)
    world = resumed(_golden_rests(trunk.scenario)[before], trunk)
    return _kept(world, world.resume, wanted)


@lru_cache(maxsize=1)
def _golden_rests(name: str) -> Mapping[int, Rest]:
    """All rests of a scenario without faults that are the last before some call."""
    rests = expected(name).rests
    world = _watched(Schedule(name))
    return _kept(world, world.run, frozenset(bisect_right(rests, calls) - 1 for calls in rests))


def _kept(world: World, go: Callable[[], None], wanted: frozenset[int]) -> Mapping[int, Rest]:
    found: dict[int, Rest] = {}

    def at_rest(world: World) -> None:
        number = len(world.rests) - 1
        if number in wanted:
            found[number] = kept(world)
            if len(found) == len(wanted):
                raise _Enough

    world.at_rest = at_rest
    with _surprises(world), _remembering(), suppress(_Enough):
        go()
    return found


def families(firsts: Iterable[Result], schedules: Iterable[Schedule]) -> Iterator[Family]:
    """Schedules of at least one fault, together with those next to them that have all faults but the last in common.

    `firsts` are the results of all trunks with a fault.
    """
    rests = {result.schedule: result.rests for result in firsts}
    for trunk, members in groupby(schedules, lambda schedule: replace(schedule, faults=schedule.faults[:-1])):
        of_trunk = rests[trunk] if trunk.faults else expected(trunk.scenario).rests
        for some in batched(members, FAMILY):
            yield Family(trunk, of_trunk, some)


def batched(items: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """The items in order, so many together."""
    each = iter(items)
    while some := tuple(islice(each, most)):
        yield some


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
