"""Settings and services as most tests want them: local, in memory, on a clock that the test winds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from shared import registry, settings
from shared.local.clock import FakeClock
from shared.services import Services
from shared.settings import Settings

ENVIRON = {
    name: value for name, value in registry.environment(registry.load()["api"]).items() if name.startswith("HEARBACK_")
} | {"HEARBACK_USES": ",".join(settings.USES)}
"""What every process is told; the limits are the table's."""


def made_settings(**changes: Any) -> Settings:
    """The settings of an embedded process that may use everything, with changes."""
    return replace(settings.read(ENVIRON), **changes)


@contextmanager
def made_services(**changes: Any) -> Iterator[Services]:
    """Its services: a store in memory, and a FakeClock at `.clock`. What they have opened is closed in the end."""
    made = Services(made_settings(**changes), clock=FakeClock())
    try:
        yield made
    finally:
        made.close()


class CountedIds:
    """ports.Ids that gives id0, id1 ..., so that two runs can be compared."""

    def __init__(self) -> None:
        self._numbers = count()

    def new(self) -> str:
        return f"id{next(self._numbers)}"
