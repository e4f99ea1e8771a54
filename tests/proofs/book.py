"""Runs a proof and keeps its figures in docs/proof.md, with when, where and of which commit they are.

scripts/prove            every proof, its bar, and what it showed last
scripts/prove NAME       run one at full length, at most ten minutes, and write down what it shows
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from types import FrameType

from tests.proofs.commands import ROOT
from tests.proofs.outcome import Outcome

PROOFS = (
    "archive",
    "agreement",
    "simulation",
    "storm",
    "poison",
    "sends",
    "mailboxes",
    "bench",
    "understanding",
    "fuzz",
    "package",
    "deploy",
    "year",
)
"""Each is a module here with a BAR and a `run`."""

MOST_SECONDS = 600
"""Of a full run; one that takes longer has failed."""

BOOK = ROOT / "docs" / "proof.md"
BEGIN, END = "<!-- proofs -->\n", "<!-- /proofs -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A proof's row in the book."""

    name: str
    bar: str
    outcome: str = "never run"
    figures: str = ""
    seconds: str = ""
    date: str = ""
    commit: str = ""
    cores: str = ""

    def row(self) -> str:
        """The row as Markdown."""
        cells = (self.name, self.bar, self.outcome, self.figures, self.seconds, self.date, self.commit, self.cores)
        return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |\n"


HEAD = "| proof | bar | outcome | figures | seconds | date | commit | cores |\n|---|---|---|---|---|---|---|---|\n"


def main(arguments: list[str] | None = None) -> int:
    """List the proofs, or run one; 1 when it misses its bar."""
    parser = argparse.ArgumentParser(
        prog="prove", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=PROOFS, help="the proof to run at full length")
    name = parser.parse_args(arguments).name
    entries = read(BOOK.read_text())
    if name is None:
        _list(entries)
        return 0
    outcome, seconds = timed(name)
    entry = _entry(name, outcome, seconds)
    # Read anew: another proof may have been written down meanwhile.
    BOOK.write_text(written(BOOK.read_text(), read(BOOK.read_text()) | {name: entry}))
    sys.stdout.write(f"\n{name}: {entry.outcome} in {seconds:.0f} s\n")
    sys.stdout.writelines(f"  {figure}\n" for figure in outcome.figures)
    sys.stdout.writelines(f"  MISSED: {failure}\n" for failure in outcome.failures)
    return 1 if outcome.failures else 0


def read(book: str) -> dict[str, Entry]:
    """Every proof's entry, as the book has it. Raises ValueError for a row that nobody here has written."""
    entries = {name: Entry(name=name, bar=import_module(f"tests.proofs.{name}").BAR) for name in PROOFS}
    _, table, _ = _parts(book)
    for line in table.splitlines()[2:]:
        name, _, *rest = (cell.strip() for cell in line.strip().strip("|").split("|"))
        if name in entries:
            outcome, figures, seconds, date, commit, cores = rest
            entries[name] = Entry(
                name=name,
                bar=entries[name].bar,
                outcome=outcome,
                figures=figures,
                seconds=seconds,
                date=date,
                commit=commit,
                cores=cores,
            )
    return entries


def written(book: str, entries: dict[str, Entry]) -> str:
    """The book with its table made anew."""
    before, _, after = _parts(book)
    return before + BEGIN + HEAD + "".join(entry.row() for entry in entries.values()) + END + after


def _parts(book: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what follows."""
    before, begin, rest = book.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BOOK.name}: the markers {BEGIN.strip()} and {END} are missing")
    return before, table, after


def timed(name: str) -> tuple[Outcome, float]:
    """Run a proof within its time. What breaks it is a failure of it, once everything that it started has stopped."""

    def out_of_time(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"it took longer than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, out_of_time)
    started = time.monotonic()
    signal.alarm(MOST_SECONDS)
    try:
        outcome: Outcome = import_module(f"tests.proofs.{name}").run()
    except Exception as e:  # noqa: BLE001 - whatever broke it, its bar is missed and the book says so
        outcome = Outcome(figures=(), failures=(f"{type(e).__name__}: {e}",))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return outcome, time.monotonic() - started


def _entry(name: str, outcome: Outcome, seconds: float) -> Entry:
    missed = "; ".join(outcome.failures[:3]) + (" ..." if len(outcome.failures) > 3 else "")
    return Entry(
        name=name,
        bar=import_module(f"tests.proofs.{name}").BAR,
        outcome=f"MISSED: {missed}" if outcome.failures else "held",
        figures="; ".join(outcome.figures),
        seconds=f"{seconds:.0f}",
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
        cores=str(os.cpu_count()),
    )


def _commit() -> str:
    """What was proven: the commit, with a + when files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "shared", "functions", "tests")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _list(entries: dict[str, Entry]) -> None:
    for entry in entries.values():
        when = f" ({entry.seconds} s, {entry.date}, {entry.commit}, {entry.cores} cores)" if entry.date else ""
        sys.stdout.write(f"{entry.name}: {entry.outcome}{when}\n  bar: {entry.bar}\n")
        for figure in filter(None, entry.figures.split("; ")):
            sys.stdout.write(f"  {figure}\n")
