"""A mailbox's own life: it is switched off and on, and its past is read behind its live mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared import accounts, preferences
from shared.mailbox import lookback
from shared.model import Monitoring
from tests.simulation.scenarios import (
    HOUR,
    LINKED,
    MINUTE,
    PRIVATE,
    PRIVATELY,
    REJECTED,
    SECOND,
    Scenario,
    comes,
    receipt,
    rejection,
)
from tests.simulation.world import ADA, Act, World

DAYS = 7
"""Of the past: two windows of it, and the second look for what the index did not show at once."""


def chooses(monitoring: Monitoring) -> Act:
    """The person says how soon they want mail to be read."""

    def act(world: World) -> None:
        store, queue, clock = (world.ports[name] for name in ("store", "queue", "clock"))
        preferences.put(ADA, lambda present: replace(present, monitoring=monitoring), store=store, clock=clock)
        accounts.follow(ADA, store=store, queue=queue, clock=clock)

    return Act(act, asks=True)


def looks_back() -> Act:
    """The person wants the last days to be read again."""

    def act(world: World) -> None:
        store, queue, clock = (world.ports[name] for name in ("store", "queue", "clock"))
        lookback.begin(ADA, DAYS, store=store, queue=queue, clock=clock)

    return Act(act, asks=True)


LIFE_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="off_and_on",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (HOUR, chooses(Monitoring.OFF)),
            (5 * HOUR, comes("rejection", rejection())),
            (5 * HOUR + MINUTE, comes("private", PRIVATE)),
            (20 * HOUR, chooses(Monitoring.REAL_TIME)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="past_behind_live_mail",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (timedelta(hours=30), looks_back()),
            (timedelta(hours=30) + SECOND, comes("rejection", rejection())),
            (timedelta(hours=30) + MINUTE, comes("private", PRIVATE)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
    ),
)
