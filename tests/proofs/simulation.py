"""The simulation: every crash point of every scenario, alone and in pairs, random schedules, and planted bugs."""

from __future__ import annotations

from collections.abc import Sequence

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = "60,000 pairs of faults over all scenarios and 20,000 random seeds: no invariant broken; every planted bug caught"


PAIRS = 60_000
SEEDS = 20_000


def run(pairs: int = PAIRS, seeds: int = SEEDS, scenarios: Sequence[str] = (), bugs: Sequence[str] = ()) -> Outcome:
    """The full bar; fewer pairs and seeds, or only some scenarios and planted bugs, are a part of it."""
    only = ("--only", *scenarios) if scenarios else ()
    return commands.in_turn(
        ("-m", "tests.simulation", "enumerate", "--depth", "2", "--pairs", str(pairs), *only),
        ("-m", "tests.simulation", "random", "--seeds", str(seeds)),
        ("-m", "tests.simulation", "mutants", *bugs),
    )
