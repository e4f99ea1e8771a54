"""`scripts/bench cold`: how long each function takes from its start to its first answer, beside a bare function.

The bare one imports the framework, google.cloud.firestore and Gmail's client, and reads one document. Ours is given a
first message that makes it read, too: one for a mailbox that nobody has.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared import registry
from shared.errors import TryAgain
from shared.local.bench.processes import Function
from shared.local.bench.stage import FUNCTIONS, Stage, envelope

BAR = 1.25
"""The most that gmail_push may take, as a multiple of the bare function."""

REPEATS = 7
"""Enough for a median that one busy moment does not move."""

BARE = "bare"
BARE_FILE = Path(__file__).with_name("bare.py")

IMPORTS = """
import importlib.util, sys, time
started = time.perf_counter()
import functions_framework
spec = importlib.util.spec_from_file_location("main", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(time.perf_counter() - started, len(sys.modules))
"""

NOBODY = envelope({"emailAddress": "nobody@example.com", "historyId": 1, "mailbox_id": "0" * 64})
"""A first message for every function of a topic."""


@dataclass(slots=True)
class Starts:
    """What was measured of one function."""

    first_answer: list[float] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)
    modules: int = 0
    memory: list[int] = field(default_factory=list)


def measure(repeats: int = REPEATS, names: Sequence[str] = ()) -> dict[str, Any]:
    """Start every function, or gmail_push and those named, so many times, in turn; ratios are of medians."""
    with Stage() as stage:
        chosen = dict.fromkeys(("gmail_push", *(names or stage.table.rows)))
        found = {name: Starts() for name in (BARE, *chosen)}
        for _ in range(repeats):
            for name, starts in found.items():
                _start(stage, name, starts)
        for name, starts in found.items():
            for _ in range(repeats):
                seconds, modules = _imported(stage, name)
                starts.imports.append(seconds)
                starts.modules = modules
    bare = statistics.median(found[BARE].first_answer)
    ratios = {name: round(statistics.median(starts.first_answer) / bare, 3) for name, starts in found.items()}
    return {
        "cold_ratio": ratios["gmail_push"],
        "bars": {"cold_ratio": BAR},
        "met": {"cold_ratio": ratios["gmail_push"] <= BAR},
        "functions": {name: {"cold_ratio": ratios[name], **_summary(starts)} for name, starts in found.items()},
        "how": {"repeats": repeats},
    }


def _start(stage: Stage, name: str, starts: Starts) -> None:
    with _function(stage, name) as function:
        trigger = stage.table[name] if name != BARE else stage.table["gmail_push"]
        if trigger.http:
            starts.first_answer.append(function.wait("GET", "/v1/health"))
        else:
            starts.first_answer.append(function.wait("POST", body=NOBODY if trigger.topics else b"{}"))
        starts.memory.append(function.memory_bytes())


def _function(stage: Stage, name: str) -> Function:
    return stage.bare() if name == BARE else stage.function(name)


def _imported(stage: Stage, name: str) -> tuple[float, int]:
    """Seconds and modules of importing the framework and the function, in a process of its own."""
    path = BARE_FILE if name == BARE else FUNCTIONS / name / "main.py"
    limits = registry.environment(stage.table["gmail_push" if name == BARE else name])
    done = subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-c", IMPORTS, str(path)],
        env={**limits, **stage.environ, "PYTHONPATH": str(FUNCTIONS.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise TryAgain(f"{name} can't be imported: {done.stderr[-2000:]}")
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


def _summary(starts: Starts) -> dict[str, float]:
    return {
        "first_answer_ms": round(statistics.median(starts.first_answer) * 1000),
        "first_answer_min_ms": round(min(starts.first_answer) * 1000),
        "import_ms": round(statistics.median(starts.imports) * 1000),
        "modules": starts.modules,
        "memory_mb": round(statistics.median(starts.memory) / 1e6, 1),
    }
