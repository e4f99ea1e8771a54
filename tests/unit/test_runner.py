"""The clock of the local runner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared import registry
from shared.local.runner import Timetable

START = datetime(2026, 3, 28, 23, 59, 30, tzinfo=UTC)


def job(name: str, cron: str) -> registry.Job:
    return registry.Job(name=name, function=name, schedule=registry.Schedule(cron=cron))


def test_each_job_is_called_at_its_minute_and_once():
    timetable = Timetable([job("minutely", "* * * * *"), job("nightly", "30 3 * * *")], START)
    called: list[tuple[str, datetime]] = []
    for seconds in range(0, 5 * 3600, 15):
        now = START + timedelta(seconds=seconds)
        called += [(each.name, now) for each in timetable.due(now)]
    assert [name for name, _ in called].count("minutely") == 5 * 60
    assert [at for name, at in called if name == "nightly"] == [datetime(2026, 3, 29, 3, 30, tzinfo=UTC)]


def test_a_job_that_was_missed_for_a_while_is_called_once():
    timetable = Timetable([job("minutely", "* * * * *")], START)
    assert len(timetable.due(START + timedelta(hours=2))) == 1
    assert timetable.due(START + timedelta(hours=2)) == []


def test_every_schedule_of_the_table_has_a_next_time():
    jobs = registry.schedules(registry.load())
    assert jobs
    assert {each.name for each in Timetable(jobs, START).due(START + timedelta(days=32))} == {
        each.name for each in jobs
    }
