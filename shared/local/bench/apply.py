"""`scripts/bench apply`: how long one click takes to be answered while Gmail is down, on the embedded wiring.

Client, API, queue, sender and the Gmail that resets every call share one process, and the store is a file: what is
measured is the slowest way to run it. Each click is for another company, so the last look grows with every one.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from shared import accounts
from shared.errors import TryAgain
from shared.local.gmail.faults import Fault
from shared.local.runner import Options, Runner

BAR_MS = 100
"""What a person takes for instant."""

CLICKS = 300
"""As many applications as a long search has."""

WARM_UP = 10
"""Clicks before the measurement: imports, and the pages of the file."""

UID, ADDRESS = "bench", "ada@example.com"


def measure(clicks: int = CLICKS) -> dict[str, Any]:
    """Click so many times, one after the other. Raises TryAgain when an answer was not the one that was asked for."""
    logging.disable(logging.CRITICAL)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="hearback-bench-") as folder,
            Runner(Options(data_dir=Path(folder), clock_runs=False)) as runner,
        ):
            return _summary(_clicks(runner, clicks))
    finally:
        logging.disable(logging.NOTSET)


def _clicks(runner: Runner, clicks: int) -> list[float]:
    s = runner.services
    accounts.connect(
        UID,
        refresh_token=runner.gmail.add_person(ADDRESS),
        settings=s.settings,
        store=s.store,
        gmail=s.gmail,
        vault=s.vault,
        clock=s.clock,
    )
    bearer = runner.sign_in(UID)
    runner.api("PATCH", "/v1/preferences", {"daily_cap": 2_000}, bearer=bearer)
    took = []
    with runner.gmail.faults.during(Fault(kind="reset")):
        for number in range(WARM_UP + clicks):
            started = time.perf_counter()
            _click(runner, bearer, number)
            if number >= WARM_UP:
                took.append(time.perf_counter() - started)
    if runner.gmail.sent(ADDRESS):
        raise TryAgain("a mail has left, so Gmail was not down")
    return took


def _click(runner: Runner, bearer: str, number: int) -> None:
    order = {
        "company": f"Company {number}",
        "role": "Engineer",
        "recipient": f"jobs@company{number}.example",
        "letter": f"Dear Company {number} team,\n\n" + "I would like to work with you. " * 60,
        "send_after": 0,
    }
    key = {"Idempotency-Key": f"click-{number}"}
    done = runner.api("POST", "/v1/applications/quick", order, bearer=bearer, headers=key)
    if done["application"]["company"] != order["company"] or done["send"]["delivery"] != "queued":
        raise TryAgain("a click was not answered with its application")


def _summary(took: list[float]) -> dict[str, Any]:
    milliseconds = sorted(1000 * each for each in took)
    p95 = round(milliseconds[int(0.95 * (len(milliseconds) - 1))], 1)
    return {
        "apply_p95_ms": p95,
        "bars": {"apply_p95_ms": BAR_MS},
        "met": {"apply_p95_ms": p95 <= BAR_MS},
        "answer": {
            "milliseconds": {
                "median": round(statistics.median(milliseconds), 1),
                "p95": p95,
                "slowest": round(milliseconds[-1], 1),
            }
        },
        "how": {"clicks": len(took)},
    }
