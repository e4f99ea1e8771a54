"""A short slice of the simulation: what `python -m tests.simulation` proves in full."""

from __future__ import annotations

import pytest

from tests.simulation import explore, mutants
from tests.simulation.explore import by_chance, expected, families, pairs, run, run_family, singles
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.schedule import ENUMERATED, Schedule

THINNED = 7
"""Of the port calls hit once, every so many-th is tried here; it shares no factor with the number of kinds."""

PAIRS = 300
SEEDS = 200

BUGS = (
    "move the cursor before the messages are taken",
    "no dedupe by the mail's record",
    "a forgotten cursor starts no rescan",
    "a token in plain text",
    "a dead letter is another one each time",
)
"""Planted bugs of five kinds: the cursor, the dedupe, the rescan, privacy, and dead letters."""


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    explore.forget_outside()


def violated(schedules: list[Schedule]) -> dict[str, dict[str, str]]:
    """What each schedule violates, by its text: python -m tests.simulation replay TEXT."""
    results = [run(schedule) for schedule in schedules]
    assert len(results) == len(schedules)
    return {str(result.schedule): result.violations for result in results if result.violations}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_it_promises(name):
    assert expected(name).calls > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost_and_nothing_happens_twice_when_a_call_is_hit(name):
    assert not violated(singles(name)[::THINNED])


def test_nothing_is_lost_and_nothing_happens_twice_when_two_calls_are_hit():
    firsts = [(single, expected(name).calls) for name in SCENARIOS for single in singles(name)]
    chosen, possible = pairs(firsts, PAIRS)

    assert possible > 100 * PAIRS
    assert len(chosen) == PAIRS
    assert not violated(chosen)


def test_nothing_is_lost_and_nothing_happens_twice_by_chance():
    assert not violated([by_chance(seed) for seed in range(SEEDS)])


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name):
    (mutant,) = [mutant for mutant in mutants.MUTANTS if mutant.name == name]

    assert mutants.caught(mutant)


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_still_in_the_code_that_it_changes(mutant):
    with mutants.planted(mutant):
        pass


def test_a_bug_whose_place_is_gone_is_an_error():
    nowhere = mutants.Mutant("nowhere", "shared.due", "no such text", "")

    with pytest.raises(LookupError, match="0 times"), mutants.planted(nowhere):
        pass


# --- Runs that go on from a rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_that_goes_on_from_a_rest_is_the_run_from_its_beginning(name):
    chosen = singles(name)[:: THINNED * 16 + 1]
    [family] = families((), chosen)

    assert run_family(family) == [run(schedule) for schedule in chosen]


@pytest.mark.parametrize("name", ["two_receipts", "off_and_on", "poison"])
def test_two_faults_are_the_same_whether_or_not_the_first_is_shared(name):
    first = run(singles(name)[40])
    chosen, _ = pairs([(first.schedule, first.calls)], 15)
    [family] = families([first], chosen)

    assert run_family(family) == [run(schedule) for schedule in chosen]
    assert len(chosen) == 15


# --- Schedules --------------------------------------------------------------------------------------------------------


def test_the_same_schedule_is_the_same_run():
    schedule = by_chance(11)
    traces: list[list[str]] = [[], []]
    for trace in traces:
        run(schedule, trace=trace)

    assert traces[0]
    assert traces[0] == traces[1]


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_what_its_text_says(seed):
    schedule = by_chance(seed)

    assert Schedule.parse(str(schedule)) == schedule
    assert len(schedule.faults) >= 3


@pytest.mark.parametrize(
    "text", ["", "birth 1:nothing", "birth@x", "birth 1", "birth@1+sleep", "birth 1:crash_before,"]
)
def test_a_text_that_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError, match="not a schedule"):
        Schedule.parse(text)


def test_pairs_are_spread_evenly_over_all_of_them():
    firsts = [(Schedule("birth", ((call, kind),)), 10) for call in range(1, 11) for kind in ENUMERATED]
    everything, possible = pairs(firsts, 10**9)
    some, _ = pairs(firsts, 90)

    assert len(everything) == len(set(everything)) == possible == 45 * len(ENUMERATED) ** 2
    assert len(some) == len(set(some)) == 90
    assert [everything.index(pair) for pair in some] == [number * possible // 90 for number in range(90)]


def test_a_failing_schedule_is_shrunk_to_what_matters():
    (mutant,) = [mutant for mutant in mutants.MUTANTS if mutant.name == "a lease never ends"]
    with mutants.planted(mutant):
        failing = Schedule("birth", ((2, "error_before"), (6, "crash_after"), (9, "reply_lost")))
        assert run(failing).violations
        simplest = explore.shrunk(failing)

    assert simplest == Schedule("birth", ((6, "crash_after"),))
