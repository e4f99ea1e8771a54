"""What goes wrong in one run, as a value: it can be printed, shrunk and replayed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

ENUMERATED = ("crash_before", "crash_after", "error_before", "reply_lost", "pause_before", "stall_before")
"""What each port call is hit with in turn.

The process dies before or after the effect; the call fails, or succeeds and its reply is lost; or the process stands
still while others go on, and then continues: for a time in which its lease holds (pause), or until its lease and its
message have run out (stall).
"""

CHANCE = ("crash_before", "crash_after", "error_before", "reply_lost", "conflict", "unauthorized", "rate_limited")
"""What random runs draw from: also a transaction that loses a race, and Gmail's refusals."""

CHAOS = ("duplicates", "reorder", "workers", "jumps")
"""What else is random in a random run: messages come up to five times, in any order, to two workers that take turns
at every port call, and each worker's clock may be 48 hours off."""

_TEXT = re.compile(r"(?P<scenario>\w+)(?:@(?P<seed>\d+)(?P<chaos>(?:\+\w+)*))?(?: (?P<faults>\d+:\w+(?:,\d+:\w+)*))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run: the scenario, the faults by the number of the port call that they hit, and a random run's seed."""

    scenario: str
    faults: tuple[tuple[int, str], ...] = ()
    seed: int | None = None
    chaos: tuple[str, ...] = ()

    def __str__(self) -> str:
        chaos = "" if self.seed is None else f"@{self.seed}{''.join('+' + word for word in self.chaos)}"
        faults = ",".join(f"{call}:{kind}" for call, kind in self.faults)
        return f"{self.scenario}{chaos}{' ' if faults else ''}{faults}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """The schedule that `str` has written. Raises ValueError."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"not a schedule: {text!r}")
        faults = [pair.partition(":") for pair in (found["faults"] or "").split(",") if pair]
        unknown = {kind for _, _, kind in faults} - {*ENUMERATED, *CHANCE}
        chaos = tuple(word for word in (found["chaos"] or "").split("+") if word)
        if unknown or set(chaos) - set(CHAOS):
            raise ValueError(f"not a schedule: {text!r}")
        return cls(
            scenario=found["scenario"],
            faults=tuple((int(call), kind) for call, _, kind in faults),
            seed=int(found["seed"]) if found["seed"] else None,
            chaos=chaos,
        )

    def simpler(self) -> list[Schedule]:
        """The same with one thing less, in every way."""
        fewer = [
            replace(self, faults=self.faults[:number] + self.faults[number + 1 :]) for number in range(len(self.faults))
        ]
        calmer = [replace(self, chaos=tuple(other for other in self.chaos if other != word)) for word in self.chaos]
        return calmer + fewer
