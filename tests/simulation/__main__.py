"""Prove that nothing is lost and nothing happens twice: every crash point, pairs of them, chance, and planted bugs.

python -m tests.simulation enumerate [--depth 2] [--pairs N] [--only SCENARIO ...]
python -m tests.simulation random [--seeds N] [--first SEED]
python -m tests.simulation replay SEED | "SCHEDULE"
python -m tests.simulation mutants [NAME ...]
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import SimpleQueue, get_context

from tests.simulation import explore, mutants
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.schedule import Schedule

PAIRS = 60_000
"""Pairs of faults in a full run, for all scenarios together."""

SEEDS = 20_000
"""Random runs in a full run."""

SHOWN = 10
"""Failing schedules that are shrunk and printed; more of them say no more."""

GARBAGE = 300_000
"""Objects made before the next search for garbage."""

PROGRESS = 5_000
"""Runs after which a line says how far it is."""

CHUNK = 50
"""Random schedules that a process is given at a time."""

FAMILIES = 5
"""Families of schedules that a process is given at a time."""

say = partial(print, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 when nothing was violated and no bug was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    enumerating = commands.add_parser("enumerate", help="hit every port call, or pairs of them")
    enumerating.add_argument("--depth", type=int, choices=(1, 2), default=1)
    enumerating.add_argument("--pairs", type=int, default=PAIRS)
    enumerating.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="SCENARIO")
    chance = commands.add_parser(
        "random", help="three faults and more, duplicates, any order, two workers, clock jumps"
    )
    chance.add_argument("--seeds", type=int, default=SEEDS)
    chance.add_argument("--first", type=int, default=0)
    replay = commands.add_parser("replay", help="run one schedule again and show its port calls")
    replay.add_argument("schedule")
    planted = commands.add_parser("mutants", help="plant bugs, and see each of them caught")
    planted.add_argument("names", nargs="*")
    given = parser.parse_args(arguments)
    if given.command == "enumerate":
        return enumerated(given.only, depth=given.depth, pairs=given.pairs)
    if given.command == "random":
        return by_chance(range(given.first, given.first + given.seeds))
    if given.command == "replay":
        return replayed(given.schedule)
    return planted_bugs(given.names)


def enumerated(scenarios: Sequence[str], *, depth: int, pairs: int) -> int:
    """Every port call of the scenarios, and with depth 2 so many pairs of calls, spread evenly over all pairs."""
    with _pool() as pool:
        singles = [single for name in scenarios for single in explore.singles(name)]
        results = _families(pool, "port calls hit once", explore.families((), singles))
        failed = _shown(results)
        if depth == 1:
            return failed
        counts = [(result.schedule, result.calls) for result in results]
        chosen, possible = explore.pairs(counts, pairs)
        say(f"pairs: {len(chosen):,} of {possible:,}, spread evenly")
        return failed | _shown(_families(pool, "port calls hit twice", explore.families(results, chosen)))


def by_chance(seeds: Iterable[int]) -> int:
    """Random runs."""
    with _pool() as pool:
        chosen = [explore.by_chance(seed) for seed in seeds]
        return _shown(_counted("random runs", len(chosen), pool.map(explore.run, chosen, chunksize=CHUNK)))


def replayed(text: str) -> int:
    """One schedule again, or the random one of a seed."""
    schedule = explore.by_chance(int(text)) if text.isdecimal() else Schedule.parse(text)
    trace: list[str] = []
    result = explore.run(schedule, trace=trace)
    say("\n".join(trace))
    say(f"\n{schedule}: {len(result.violations)} violated")
    for invariant, how in result.violations.items():
        say(f"  {invariant}: {how}")
    return 1 if result.violations else 0


def planted_bugs(names: Sequence[str]) -> int:
    """Every planted bug, or those whose name has one of the words."""
    chosen = [m for m in mutants.MUTANTS if not names or any(name in m.name for name in names)]
    if not chosen:
        say(f"no planted bug is named so: {' '.join(names)}")
        return 2
    started = time.monotonic()
    width = max(len(mutant.name) for mutant in chosen)
    missed = 0
    say(f"{'planted bug':{width}} | runs | caught by | simplest schedule")
    with _pool() as pool:
        for mutant, found in zip(chosen, pool.map(mutants.caught, chosen), strict=True):
            if found is None:
                missed += 1
                say(f"{mutant.name:{width}} | MISSED")
            else:
                say(f"{mutant.name:{width}} | {found.runs:4} | {', '.join(found.violations)} | {found.schedule}")
    say(f"{len(chosen) - missed} of {len(chosen)} caught in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


def _pool() -> ProcessPoolExecutor:
    # Forked after every scenario has run once, so that each process begins with all mails read.
    for name in SCENARIOS:
        explore.expected(name)
    explore.forget_outside()
    # A schedule leaves little behind; going through all that was loaded again and again costs a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    context = get_context("fork")
    cores = context.SimpleQueue()
    chosen = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    for core in chosen:
        cores.put(core)
    return ProcessPoolExecutor(len(chosen), context, initializer=_stay, initargs=(cores,))


def _stay(cores: SimpleQueue[int]) -> None:
    """Each process keeps to a core: workers take turns, and waking one on another core costs more than its turn."""
    core = cores.get()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def _families(pool: ProcessPoolExecutor, what: str, families: Iterable[explore.Family]) -> list[explore.Result]:
    every = list(families)
    results = pool.map(explore.run_family, every, chunksize=FAMILIES)
    return _counted(what, sum(len(family.schedules) for family in every), chain.from_iterable(results))


def _counted(what: str, number: int, runs: Iterable[explore.Result]) -> list[explore.Result]:
    started = time.monotonic()
    results: list[explore.Result] = []
    failing = 0
    for result in runs:
        results.append(result)
        failing += bool(result.violations)
        if len(results) % PROGRESS == 0:
            say(f"  {len(results):,} of {number:,} after {time.monotonic() - started:.0f} s, {failing} failing")
    seconds = time.monotonic() - started
    parked = sum(1 for result in results if result.parked)
    calls = sum(result.calls for result in results)
    say(
        f"{what}: {len(results):,} schedules, {calls:,} port calls in {seconds:.1f} s ({len(results) / seconds:.0f}/s);"
        f" {failing} violate an invariant, {parked} park a mail with its reason"
    )
    return results


def _shown(results: Iterable[explore.Result]) -> int:
    failing = [result for result in results if result.violations]
    counted = Counter(invariant for result in failing for invariant in result.violations)
    for invariant, number in counted.most_common():
        say(f"  {invariant}: violated by {number}")
    for result in failing[:SHOWN]:
        simplest = explore.shrunk(result.schedule)
        say(f"\n  {result.schedule}\n  shrunk: {simplest}\n  replay: python -m tests.simulation replay '{simplest}'")
        for invariant, how in explore.run(simplest).violations.items():
            say(f"    {invariant}: {how[:300]}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
