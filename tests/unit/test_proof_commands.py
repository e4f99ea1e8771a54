"""Proofs that run commands: what they make of what those print."""

from __future__ import annotations

import json

import pytest

from shared.local import bench
from shared.local.bench import cold
from tests.proofs import bench as bench_proof
from tests.proofs import commands, simulation


def test_the_simulations_proof_runs_its_commands_and_takes_their_last_lines_as_figures():
    outcome = simulation.run(pairs=20, seeds=4, scenarios=["birth"], bugs=["a token in plain text"])
    assert not outcome.failures
    pairs, chance, bugs = outcome.figures
    assert pairs.startswith("port calls hit twice: 20 schedules")
    assert chance.startswith("random runs: 4 schedules")
    assert bugs.startswith("1 of 1 caught")


def test_a_planted_bug_that_nobody_has_planted_is_a_failure_of_the_simulations_proof():
    outcome = commands.in_turn(("-m", "tests.simulation", "mutants", "no such bug"))
    assert not outcome.figures
    assert outcome.failures[0].endswith("exit code 2: no planted bug is named so: no such bug")


@pytest.mark.parametrize(("ratio", "failures"), [(1.1, ()), (1.3, ("cold_ratio 1.3, bar 1.25",))])
def test_the_benchs_proof_tells_every_ratio_and_fails_for_those_that_miss_their_bar(
    monkeypatch, capsys, ratio, failures
):
    found = {"cold_ratio": ratio, "bars": {"cold_ratio": cold.BAR}, "met": {"cold_ratio": ratio <= cold.BAR}}
    monkeypatch.setattr(cold, "measure", lambda _repeats: found)
    code = bench.main(["cold", "--json"])
    outcome = bench_proof.judge("cold", code, ["a warning", *capsys.readouterr().out.splitlines()])
    assert outcome.figures == (f"cold_ratio {ratio}",)
    assert outcome.failures == failures


@pytest.mark.parametrize("lines", [[], ["bench: the emulators cannot be started"]])
def test_a_bench_that_cannot_measure_is_a_failure_with_its_last_words(lines):
    (failure,) = bench_proof.judge("push", 2, lines).failures
    assert failure == f"push: exit code 2: {lines[-1] if lines else 'it has said nothing'}"


def test_an_exit_code_that_no_ratio_explains_is_a_failure():
    told = json.dumps({"cold_ratio": 1, "bars": {"cold_ratio": 1.25}, "met": {"cold_ratio": True}})
    assert bench_proof.judge("cold", 1, [told]).failures
