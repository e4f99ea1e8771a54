"""The bench: what a push costs beside a bare handler, how long a cold start takes, and how soon a click is answered."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = (
    "a push at least 0.30 of a bare handler's throughput, a burst at least 0.6 a mail, handler CPU at most 4 times, "
    "p95 at 10 a second at most 3 times; a cold start of gmail_push at most 1.25 times that of a bare app; "
    "one click answered within 100 ms at p95 while Gmail is down"
)


def run() -> Outcome:
    """The full bar, as the bench itself judges its ratios."""
    judged = [judge(part, *commands.run("scripts/bench", part, "--json")) for part in ("push", "cold", "apply")]
    return Outcome(
        figures=tuple(figure for outcome in judged for figure in outcome.figures),
        failures=tuple(failure for outcome in judged for failure in outcome.failures),
    )


def judge(part: str, code: int, lines: Sequence[str]) -> Outcome:
    """What one bench has printed, ratio by ratio; it ends with 1 when a bar is missed, with 2 when it can't measure."""
    printed = "\n".join(lines)
    begin, end = printed.find("{"), printed.rfind("}")
    if code not in (0, 1) or begin < 0:
        said = next((line for line in reversed(lines) if line.strip()), "it has said nothing")
        return Outcome(figures=(), failures=(f"{part}: exit code {code}: {said}",))
    told = json.loads(printed[begin : end + 1])
    missed = [f"{name} {told[name]}, bar {told['bars'][name]}" for name, met in told["met"].items() if not met]
    if code and not missed:
        missed = [f"{part}: exit code {code}, though every bar is met"]
    return Outcome(figures=tuple(f"{name} {told[name]}" for name in told["met"]), failures=tuple(missed))
