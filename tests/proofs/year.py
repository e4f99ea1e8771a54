"""The year: everybody's reminders and reports, on a clock that jumps from one due time to the next."""

from __future__ import annotations

from tests.proofs.outcome import Outcome, tell
from tests.support.year import OUTAGES, ZONES, Year

BAR = (
    "a year, 50 people, 20 zones (halves and three quarters of an hour, clocks changed both ways, zones changed):"
    " each reminder and report once, in its window, or late and once after an outage; none for what moved or closed"
)

PEOPLE, DAYS = 50, 365


def run() -> Outcome:
    """The full bar."""
    year = Year(PEOPLE, DAYS)
    year.play()
    moved = sum(len(life.zones) > 1 for life in year.lives.values())
    scope = f"{PEOPLE} people in {len(ZONES)} zones, {moved} of them moved, {DAYS} days, {len(OUTAGES)} outages"
    figures = (
        scope,
        *(f"{number:,} {what.replace('_', '-')}" for what, number in sorted(year.figures.items())),
        f"{len(year.world.sent):,} mails, none of them twice",
    )
    for figure in figures:
        tell(figure)
    return Outcome(figures=figures, failures=tuple(year.failures))
