"""The bench, with numbers too small to mean anything: it runs, checks the work, and tells every figure."""

from __future__ import annotations

import json

import pytest

from shared.local import bench
from shared.local.bench import apply, cold, push
from shared.local.bench.processes import TICKS

FEW = push.Options(rounds=1, mailboxes=2, burst_mailboxes=1, steady=2, counted=1, warm=2)


@pytest.mark.emulators
def test_push_tells_four_ratios_and_what_a_mail_costs():
    found = push.measure(FEW)
    assert found["met"].keys() == push.BARS.keys()
    assert all(found[name] > 0 for name in push.BARS)
    for kind in ("single", "burst", "steady"):
        for side in ("hearback", "bare"):
            figures = found[kind][side]
            assert figures.keys() == {"mails_per_second", "p50_ms", "p95_ms", "cpu_ms_per_mail"}
            assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    single = found["counted"]["single"]
    assert single["transactions_per_mail"] == 1
    assert single["quota_units_per_mail"] == 42  # history.list and two messages.get
    assert single["reads_per_mail"] > single["writes_per_mail"] > 0


@pytest.mark.emulators
def test_cold_tells_a_ratio_for_each_function():
    found = cold.measure(1, ["wake_due"])
    assert found["functions"].keys() == {cold.BARE, "gmail_push", "wake_due"}
    assert found["functions"][cold.BARE]["cold_ratio"] == 1
    assert found["cold_ratio"] == found["functions"]["gmail_push"]["cold_ratio"] > 0
    for figures in found["functions"].values():
        assert min(figures["import_ms"], figures["first_answer_ms"]) > 0
        assert figures["memory_mb"] > 1


@pytest.mark.parametrize(("figures", "code"), [({"cold_ratio": 1.1}, 0), ({"cold_ratio": 1.3}, 1)])
def test_a_missed_bar_is_told_by_the_exit_code(monkeypatch, capsys, figures, code):
    met = {name: value <= cold.BAR for name, value in figures.items()}
    monkeypatch.setattr(cold, "measure", lambda _repeats: {**figures, "bars": {"cold_ratio": cold.BAR}, "met": met})
    assert bench.main(["cold", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["met"] == met
    assert bench.main(["cold"]) == code
    assert ("MISSED" in capsys.readouterr().out) == bool(code)


def test_a_quantile_is_a_value_that_was_measured():
    values = [0.3, 0.1, 0.2, 0.4]
    assert push.quantile(values, 0.5) == 0.3
    assert push.quantile(values, 0.95) == 0.4
    assert push.quantile([7.0], 0.5) == 7.0


@pytest.mark.parametrize(("seconds", "each"), [(0.0, 1 / TICKS / 4), (2.0, 0.5)])
def test_what_is_shorter_than_a_tick_counts_as_one(seconds, each):
    assert push.a_mail(seconds, mails=4) == each


def test_apply_tells_how_long_a_click_takes_while_gmail_is_down():
    found = apply.measure(3)
    assert found["how"] == {"clicks": 3}
    assert found["met"].keys() == found["bars"].keys() == {"apply_p95_ms"}
    figures = found["answer"]["milliseconds"]
    assert 0 < figures["median"] <= figures["p95"] <= figures["slowest"]
    assert found["apply_p95_ms"] == figures["p95"]
