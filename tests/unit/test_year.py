"""A slice of the year, and that its oracle sees what is missing."""

from __future__ import annotations

from tests.support.year import Year


def test_in_three_months_everything_comes_once_in_its_window_or_late_after_an_outage():
    year = Year(7, 95)
    year.play()
    assert year.failures == []
    assert min(year.figures[what] for what in ("weekly reports", "monthly reports", "reminders", "late")) > 0


def test_a_reminder_that_does_not_come_is_noticed():
    year = Year(7, 95, chosen=(24 * 60, 15))
    year.play()
    assert any(" 120: none" in failure for failure in year.failures)
