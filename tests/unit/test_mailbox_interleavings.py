"""Two workers on one mailbox, in every order in which their reads and writes of lease, cursor and mail can fall."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from math import comb

import pytest
from test_utils import orchestrate

from shared.mailbox import lookback, taking
from shared.model import MailStatus
from tests.support.world import ADDRESS, UID, World
from tests.unit.test_mailbox import RECEIPT


class Scenario:
    """Workers of one world; when the last of them is done, `check` looks at it and the next world begins."""

    def __init__(self, prepare: Callable[[World], None], check: Callable[[World], None], workers: int) -> None:
        self.prepare, self.check, self.workers = prepare, check, workers
        self.ran = 0
        self._begin()

    def _begin(self) -> None:
        self.world = World()
        self.world.connect()
        self.prepare(self.world)
        self.done = 0

    def worker(self, work: Callable[[World], None]) -> Callable[[], None]:
        def run() -> None:
            work(self.world)
            # What follows is no part of the race: its own syncpoints would multiply the orders.
            sys.settrace(None)
            self.done += 1
            if self.done == self.workers:
                self.check(self.world)
                self.ran += 1
                self.world.close()
                self._begin()

        return run


def mail_arrives(world: World) -> None:
    world.receive(*RECEIPT)


def push(world: World) -> None:
    world.deliver(world.notifications[-1])


def sync(world: World) -> None:
    world.sync()


def mail_arrives_while_the_past_is_due(world: World) -> None:
    """The past reaches up to now: both workers find the mail."""
    lookback.begin(UID, 1, store=world.store, queue=world.queue, clock=world.clock)
    world.receive(*RECEIPT)


def decided_once(world: World) -> None:
    """Every mail has its one decision, nothing is told twice, and once all is quiet the cursor is at the end."""
    world.settle()
    messages = [message for message in world.google.mailbox(ADDRESS).messages.values() if "SENT" not in message.labels]
    records = [world.record(message.id) for message in messages]
    assert all(record is not None and record.status is MailStatus.LINKED for record in records)
    applications = {record.application_id for record in records if record is not None}
    assert len(applications) == 1
    application = world.application(applications.pop())
    assert sorted(application.events) == sorted(["created", *(f"mail:{message.id}:1" for message in messages)])
    keys = [notification.key for notification in world.notifications_of_person()]
    assert len(keys) == len(set(keys))
    assert world.mailbox.lease_until is None
    assert world.mailbox.due_at is None
    assert int(world.mailbox.history_id) >= int(world.mailbox.dirty)


@pytest.mark.parametrize("together", [10, 1], ids=["the decision releases the mailbox", "the release is apart"])
def test_a_push_and_a_sweep_on_one_mailbox_decide_each_mail_once_in_any_order(together, monkeypatch):
    monkeypatch.setattr(taking, "MOST_TOGETHER", together)
    scenario = Scenario(mail_arrives, decided_once, workers=2)
    counts = orchestrate.orchestrate(scenario.worker(push), scenario.worker(sync), name="mailbox")
    scenario.world.close()
    assert scenario.ran >= comb(sum(counts), counts[0])
    assert min(counts) >= 4


def test_a_push_and_a_page_of_the_past_decide_each_mail_once_in_any_order():
    scenario = Scenario(mail_arrives_while_the_past_is_due, decided_once, workers=2)
    counts = orchestrate.orchestrate(scenario.worker(push), scenario.worker(sync), name="mailbox")
    scenario.world.close()
    assert scenario.ran >= comb(sum(counts), counts[0])
    assert min(counts) >= 4


@pytest.mark.parametrize("together", [10, 1], ids=["the decision releases the mailbox", "the release is apart"])
def test_a_worker_whose_lease_has_ended_and_its_successor_decide_each_mail_once_in_any_order(together, monkeypatch):
    """The clock jumps past the lease between any two steps of the first worker."""

    monkeypatch.setattr(taking, "MOST_TOGETHER", together)

    def sync_much_later(world: World) -> None:
        world.clock.step(timedelta(minutes=10))
        world.sync()

    scenario = Scenario(mail_arrives, decided_once, workers=2)
    counts = orchestrate.orchestrate(scenario.worker(push), scenario.worker(sync_much_later), name="mailbox")
    scenario.world.close()
    assert scenario.ran >= comb(sum(counts), counts[0])
    assert min(counts) >= 4
