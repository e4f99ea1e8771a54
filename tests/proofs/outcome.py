"""What a proof has shown, and what it tells while it runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of one run, and everything in which the bar was missed."""

    figures: tuple[str, ...]
    failures: tuple[str, ...] = ()


def tell(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
