"""Whatever dies wherever while a person is told things: each is told once, and nothing is left behind."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import cast

import pytest

from shared import notifications
from shared.adapters.firestore_store import FirestoreStore
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.model import Channel, DispatchState, NotificationKind, Signal
from shared.schema import DISPATCHES_DUE, NOTIFICATIONS_DUE
from tests.support.telling import DAY, HOUR, MINUTE, Outbox, Telling

SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNELS = (Channel.IN_APP, Channel.EMAIL, Channel.WEBHOOK)
HITS = 60
"""More than the steps that change anything outside a function in one of these runs."""


class Killed(BaseException):
    """The instance is gone; nothing after this line runs."""


class Hit:
    """Kills at one step: before it takes effect, or right after."""

    def __init__(self, number: int, when: str) -> None:
        self.left, self.when = number, when

    def around(self, effect):
        def call(*args, **kwargs):
            self.left -= 1
            if self.left == 0 and self.when == "before":
                raise Killed
            result = effect(*args, **kwargs)
            if self.left == 0:
                raise Killed
            return result

        return call


class Through:
    """A port whose effects may be hit; everything else goes through."""

    def __init__(self, port, hit: Hit, *effects: str) -> None:
        self._port, self._hit, self._effects = port, hit, effects

    def __getattr__(self, name):
        found = getattr(self._port, name)
        return self._hit.around(found) if name in self._effects else found


def prepared() -> Telling:
    """A week is over tomorrow, an interview is near, and the employer has just written."""
    world = Telling(SUNDAY)
    world.person("ada", channels=dict.fromkeys(NotificationKind, CHANNELS))
    notifications.set_target(
        "ada",
        "webhook",
        "https://hooks.example.com/",
        secret="s" * 20,
        store=world.store,
        vault=world.vault,
        clock=world.clock,
    )
    world.applied("ada", "a1")
    world.invited("ada", "a1", SUNDAY + DAY + 2 * HOUR)
    return world


def lives_through(world: Telling, store: SqliteStore | FirestoreStore) -> None:
    """A day and a half, an hour at a time; whoever is killed is started again."""
    for step in range(40):
        with suppress(Killed):
            world.sweep()
        if step == 20:
            # What happens outside is no step of ours.
            ours, world.store = world.store, store
            world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-20")
            world.store = ours
        world.clock.step(HOUR)
    for _ in range(4):
        world.sweep()
        world.clock.step(10 * MINUTE)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_step_tells_nothing_twice_and_leaves_nothing_behind(when):
    with closing(prepared()) as quiet:
        lives_through(quiet, quiet.store)
        wanted = Counter(told.kind for told in quiet.told("ada"))
    assert wanted[NotificationKind.INTERVIEW_REMINDER] > 0
    assert wanted[NotificationKind.WEEKLY_SUMMARY] == 1
    doubts = 0
    for number in range(1, HITS):
        with closing(prepared()) as world:
            hit = Hit(number, when)
            store, queue = world.store, world.queue
            world.store = cast("SqliteStore", Through(store, hit, "transact"))
            world.queue = cast("LocalQueue", Through(queue, hit, "publish", "publish_all"))
            world.outside = {name: cast("Outbox", Through(box, hit, "send")) for name, box in world.outside.items()}
            lives_through(world, store)
            assert Counter(told.kind for told in world.told("ada")) == wanted, number
            sent = Counter((each.channel, each.message.id) for each in world.sent)
            for dispatch in world.dispatches("ada"):
                times = sent[dispatch.channel, f"ada:{dispatch.notification}"]
                if dispatch.state is DispatchState.UNSURE:
                    doubts += 1
                    assert (dispatch.channel, times <= 1) == (Channel.EMAIL, True), number
                elif dispatch.channel == Channel.EMAIL:
                    assert (dispatch.state, times) == (DispatchState.SENT, 1), number
                else:
                    assert (dispatch.state, times >= 1) == (DispatchState.SENT, True), number
            assert len(world.dispatches("ada")) == 2 * sum(wanted.values()), number
            assert store.count(NOTIFICATIONS_DUE) == store.count(DISPATCHES_DUE) == 0, number
    assert doubts > 0
