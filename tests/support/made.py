"""Settings and services as most tests want them: local, in memory, on a clock that the test winds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared import registry, settings
from shared.adapters.sqlite_store import SqliteStore
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


def made_services(**changes: Any) -> Services:
    """Its services: a store in memory, and a FakeClock at `.clock`."""
    return Services(made_settings(**changes), store=SqliteStore(), clock=FakeClock())
