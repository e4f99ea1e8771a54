"""How fast Hearback is, always beside the least that the same work could cost, in one run on one machine.

Only the ratios mean anything elsewhere: the emulators, the local Gmail and the one who asks share the processors with
what is measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from shared.errors import Rejected, TryAgain
from shared.local.bench import apply, cold, push


def main(arguments: list[str] | None = None) -> int:
    """Measure and tell; 0 when every bar is met, 1 when not, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    pushes = commands.add_parser("push", help="what a push costs, beside a function that does its I/O alone")
    pushes.add_argument("--rounds", type=int, default=push.ROUNDS, help="pairs of measurements of each kind")
    starts = commands.add_parser("cold", help="how long each function takes from its start to its first answer")
    starts.add_argument("--repeats", type=int, default=cold.REPEATS, help="starts of each function")
    clicks = commands.add_parser("apply", help="how long one click takes to be answered while Gmail is down")
    clicks.add_argument("--clicks", type=int, default=apply.CLICKS, help="applications, one after the other")
    for command in (pushes, starts, clicks):
        command.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        if options.command == "push":
            found = push.measure(push.Options(rounds=options.rounds))
        elif options.command == "apply":
            found = apply.measure(options.clicks)
        else:
            found = cold.measure(options.repeats)
    except (Rejected, TryAgain) as e:
        print(f"bench: {e}")
        return 2
    print(json.dumps(found, indent=2) if options.json else "\n".join(_lines(found)))
    return 0 if all(found["met"].values()) else 1


def _lines(found: Mapping[str, Any]) -> list[str]:
    """Ratios with their bars first, then one line for each thing measured."""
    lines = []
    for name, met in found["met"].items():
        lines.append(f"{name:18} {found[name]:8}   bar {found['bars'][name]:<6} {'met' if met else 'MISSED'}")
    for name, value in found.items():
        if name not in ("met", "bars") and isinstance(value, dict):
            lines += [f"\n{name}", *(f"  {part:18} {_figures(figures)}" for part, figures in value.items())]
    return lines


def _figures(figures: Any) -> str:
    if not isinstance(figures, dict):
        return str(figures)
    return "  ".join(f"{name} {value}" for name, value in figures.items())
