"""The agreement: the same random operations on SQLite and on Firestore's emulator have the same outcomes."""

from __future__ import annotations

from shared.local import emulators
from tests.contract import test_store_agreement
from tests.proofs.outcome import Outcome, tell

BAR = "5,000 random operations on SQLite and on Firestore's emulator, for several seeds: no disagreement"

OPERATIONS = 5_000
SEEDS = (1, 2, 3)


def run() -> Outcome:
    """The full bar."""
    figures, failures = [], []
    with emulators.start_firestore() as emulator:
        for seed in SEEDS:
            report = test_store_agreement.run(OPERATIONS, seed, host=emulator.host)
            figures.append(f"seed {seed}: {OPERATIONS:,} operations in {report.seconds:.0f} s")
            tell(figures[-1])
            if report.disagreement:
                failures.append(f"seed {seed}: {report.disagreement}")
    return Outcome(figures=tuple(figures), failures=tuple(failures))
