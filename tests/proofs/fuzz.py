"""The fuzzer: mail broken in every way that mail can be broken, read within seconds and without an error."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from tests.proofs import commands
from tests.proofs.outcome import Outcome

RUNS = 1_000_000
BAR = f"{RUNS:,} broken mails: each read within 2 s, without an error, within every cap"


def run(runs: int = RUNS) -> Outcome:
    """The full bar, a part of it on each core: run N of a seed is the same mail wherever it is read."""
    parts = os.cpu_count() or 1
    ends = [runs * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        outcomes = list(pool.map(_part, ends[:-1], ends[1:]))
    return Outcome(
        figures=tuple(figure for outcome in outcomes for figure in outcome.figures),
        failures=tuple(failure for outcome in outcomes for failure in outcome.failures),
    )


def _part(start: int, end: int) -> Outcome:
    return commands.in_turn(("-m", "tests.fuzz.mail", "--runs", str(end - start), "--start", str(start), "--seed", "1"))
