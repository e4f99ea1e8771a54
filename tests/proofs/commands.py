"""Commands that a proof runs, watched while they run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from shared import registry
from tests.proofs.outcome import Outcome, tell

ROOT = registry.TABLE.parent.parent


def run(*command: str) -> tuple[int, list[str]]:
    """Run a Python program of this repository; its exit code, and every line that it has printed."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                tell(line.rstrip())
                lines.append(line.rstrip())
        except BaseException:
            process.kill()
            raise
    return process.returncode, lines


def in_turn(*commands: Sequence[str]) -> Outcome:
    """Commands that judge themselves: the last line of each is its figure, and an exit code but 0 a failure."""
    figures, failures = [], []
    for command in commands:
        code, lines = run(*command)
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if code or not last:
            failures.append(f"{' '.join(command)}: exit code {code}: {last or 'it has said nothing'}")
        else:
            figures.append(last)
    return Outcome(figures=tuple(figures), failures=tuple(failures))
