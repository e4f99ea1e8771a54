"""Which boards are read: the list of employers, and the big boards through python-jobspy.

JobSpy asks hosts of its own choice, knows no deadline, and brings pandas. So it runs in a process of its own, which
is given a search and a time, and is killed when the time is over. `python -m shared.adapters.job_boards` is that
process: a question as JSON on its standard input, the rows of JobSpy's table as JSON on its standard output.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.codec import from_json, from_plain, to_json
from shared.errors import Rejected, TryAgain
from shared.model import TEXT_CHARACTERS, Employer
from shared.ports import Clock

ROOT = Path(__file__).parent.parent.parent
EMPLOYERS = ROOT / "shared" / "jobs" / "boards.yaml"

RESULTS = 50
"""Postings of one search on one board: what its first pages have, without wearing out our welcome."""

HOURS_OLD = 24 * 7
"""Older postings were found by earlier rounds."""

ANSWER_BYTES = 4 * 1024 * 1024
"""Of the process: 50 postings with all their text have a sixth of it."""

COLUMNS = (
    "id", "company", "title", "location", "is_remote", "min_amount", "max_amount", "currency", "interval",
    "date_posted", "description", "job_url", "job_url_direct",
)  # fmt: skip
"""What is taken of JobSpy's table."""

COMMAND = (sys.executable, "-m", "shared.adapters.job_boards")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What the process is asked."""

    board: str
    term: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What it answers: rows, and what went wrong."""

    rows: tuple[dict[str, Any], ...] = ()
    error: str = ""


class PublicJobBoards:
    """ports.JobBoards on the list of boards.yaml and python-jobspy."""

    def __init__(self, *, clock: Clock, employers: Path = EMPLOYERS, command: tuple[str, ...] = COMMAND) -> None:
        self._clock = clock
        self._path = employers
        self._command = command

    @cached_property
    def employers(self) -> tuple[Employer, ...]:
        """The list, read once. Raises Rejected, naming what is wrong in it."""
        import yaml  # noqa: PLC0415 - only a run that scans boards pays for the parser

        try:
            written = yaml.safe_load(self._path.read_text())
        except (OSError, yaml.YAMLError) as e:
            raise Rejected(f"{self._path.name}: {type(e).__name__}") from e
        return tuple(
            from_plain(Employer, {"ats": system, "board": board, "company": company})
            for system, boards in written.items()
            for board, company in boards.items()
        )

    def search(self, board: str, term: str, location: str, *, until: datetime) -> tuple[Mapping[str, Any], ...]:
        """ports.JobBoards.search, in a process that lives until `until` at most."""
        try:
            process = subprocess.run(  # noqa: S603 - our own module; what it is to do comes on its standard input
                self._command,
                input=to_json(_Question(board=board, term=term, location=location)),
                capture_output=True,
                timeout=max((until - self._clock.now()).total_seconds(), 0.0),
                check=False,
                cwd=ROOT,
                # What is set for us is nothing that a scraper should know.
                env={name: value for name, value in os.environ.items() if not name.startswith("HEARBACK_")},
            )
        except subprocess.TimeoutExpired as e:
            raise TryAgain("the board took too long") from e
        except OSError as e:
            raise TryAgain("the board could not be asked") from e
        if process.returncode != 0 or len(process.stdout) > ANSWER_BYTES:
            raise TryAgain(f"the board could not be read: exit {process.returncode}")
        try:
            answered = from_json(_Answer, process.stdout)
        except Rejected as e:
            raise TryAgain("the board could not be read") from e
        if answered.error and not answered.rows:
            raise TryAgain(f"the board refused: {answered.error[:160]}")
        return answered.rows


def answer(question: bytes) -> bytes:
    """What the process does: one search on one board."""
    asked = from_json(_Question, question)
    from jobspy import scrape_jobs  # noqa: PLC0415 - it and pandas take a second, and only this process needs them

    try:
        table = scrape_jobs(
            site_name=asked.board,
            search_term=asked.term,
            google_search_term=f"{asked.term} jobs near {asked.location}" if asked.location else f"{asked.term} jobs",
            location=asked.location or None,
            results_wanted=RESULTS,
            hours_old=HOURS_OLD,
            description_format="plain",
            verbose=None,
        )
    except Exception as e:  # noqa: BLE001 - whatever a scraper of changing pages raises, the caller is told
        return to_json(_Answer(error=f"{type(e).__name__}: {e}"))
    rows = tuple({name: _plain(row.get(name)) for name in COLUMNS} for row in table.to_dict("records"))
    return to_json(_Answer(rows=rows, error="; ".join(map(str, table.attrs.get("errors", {}).values()))))


def _plain(value: Any) -> Any:
    """A cell as JSON has it; what pandas calls missing is None."""
    if hasattr(value, "isoformat"):
        value = value.isoformat()
    elif hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        return value[:TEXT_CHARACTERS]
    # NaN alone differs from itself.
    return value if isinstance(value, bool | int | float) and value == value else None  # noqa: PLR0124


def _main() -> None:
    # Whatever the packages print must not stand before the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answered = answer(sys.stdin.buffer.read())
    sys.stdout.buffer.write(answered)


if __name__ == "__main__":
    _main()
