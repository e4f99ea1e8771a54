"""The fuzzer: mail broken in every way that mail can be broken, read within seconds and without an error."""

from __future__ import annotations

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = "300,000 broken mails: each read within 2 s, without an error, within every cap"


def run() -> Outcome:
    """The full bar."""
    return commands.in_turn(("-m", "tests.fuzz.mail", "--runs", "300000", "--seed", "1"))
