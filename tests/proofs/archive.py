"""The archive: a whole file of mail through the demo, embedded and on the emulators; none may be lost."""

from __future__ import annotations

import re

from tests.proofs import commands
from tests.proofs.outcome import Outcome

BAR = "an archive of mail played through the demo, embedded and on the emulators: every mail has a record, none lost"

ARCHIVES = (
    commands.ROOT.parent / "shared" / "corpus" / "dev.jsonl",
    commands.ROOT / "tests" / "data" / "licensed_mail.jsonl",
)
"""The first that is there: a larger corpus may lie beside the checkout."""

TOLD = re.compile(r"(?P<mails>\d+) mails, (?P<recorded>\d+) with a record, (?P<lost>\d+) lost, \d+ a second")


def run() -> Outcome:
    """The full bar."""
    archive = next(path for path in ARCHIVES if path.exists())
    mails = sum(1 for line in archive.read_bytes().splitlines() if line.strip())
    figures, failures = [], []
    for name, wiring in (("embedded", ()), ("emulators", ("--emulators",))):
        code, lines = commands.run("scripts/demo", "--mail", str(archive), "--exit", *wiring)
        told = next((found for line in lines if (found := TOLD.search(line))), None)
        if code or told is None or (int(told["mails"]), int(told["recorded"]), int(told["lost"])) != (mails, mails, 0):
            failures.append(f"{name}: {told.group() if told else 'no figures'}, exit code {code}")
        else:
            figures.append(f"{name}: {told.group()}")
    return Outcome(figures=tuple(figures), failures=tuple(failures))
