"""The simulation: every crash point of every scenario, alone and in pairs, random schedules, and planted bugs."""

from __future__ import annotations

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = "60,000 pairs of faults over all scenarios and 20,000 random seeds: no invariant broken; every planted bug caught"


def run() -> Outcome:
    """The full bar."""
    return commands.in_turn(
        ("-m", "tests.simulation", "enumerate", "--depth", "2"),
        ("-m", "tests.simulation", "random", "--seeds", "20000"),
        ("-m", "tests.simulation", "mutants"),
    )
