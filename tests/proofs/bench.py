"""The bench: what a push costs beside a bare handler on the same path, and how long a cold start takes."""

from __future__ import annotations

import json

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = (
    "a push at least 0.30 of a bare handler's throughput, a burst at least 0.6 a mail, handler CPU at most 4 times, "
    "p95 at 10 a second at most 3 times; a cold start of gmail_push at most 1.25 times that of a bare app"
)


def run() -> Outcome:
    """The full bar, as the bench itself judges its ratios."""
    figures: list[str] = []
    failures: list[str] = []
    for part in ("push", "cold"):
        code, lines = commands.run("scripts/bench", part, "--json")
        printed = "\n".join(lines)
        begin, end = printed.find("{"), printed.rfind("}")
        if code or begin < 0:
            failures.append(f"{part}: exit code {code}: {lines[-1] if lines else 'it has said nothing'}")
            continue
        told = json.loads(printed[begin : end + 1])
        for name, met in told["met"].items():
            (figures if met else failures).append(f"{name} {told[name]}")
    return Outcome(figures=tuple(figures), failures=tuple(failures))
