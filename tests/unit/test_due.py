"""The net under every message: what is past due is named again, whatever it is, and ten thousand are no more work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import due
from shared.adapters.sqlite_store import SqliteStore
from shared.errors import TryAgain
from shared.local.clock import START, FakeClock
from shared.model import Delivery, Mailbox, Send
from shared.schema import MAILBOXES, SENDS

SECOND = timedelta(seconds=1)


class Published:
    """ports.Queue that remembers what each request brought."""

    def __init__(self):
        self.requests: list[tuple[str, list[object]]] = []
        self.down: bool | str = False

    def publish(self, topic, message):
        self.publish_all(topic, [message])

    def publish_all(self, topic, messages):
        if self.down in (True, topic):
            raise TryAgain("the broker is down")
        self.requests.append((topic, list(messages)))

    def named(self, topic):
        return [message for at, messages in self.requests if at == topic for message in messages]


@pytest.fixture
def store():
    made = SqliteStore(":memory:")
    yield made
    made.close()


@pytest.fixture
def queue():
    return Published()


def put_send(store, id_, delivery, due_at):
    send = Send(id=id_, uid="ada", application_id="a", created_at=START, send_after=START, due_at=due_at)
    store.create(SENDS.key(id_), replace(send, delivery=delivery))


def wake(store, queue, kinds=due.EVERY_MINUTE, **how):
    return due.wake(kinds, store=store, queue=queue, clock=FakeClock(), **how)


def test_whatever_is_past_due_is_named_oldest_first(store, queue):
    for n in range(3):
        put_send(store, f"s{n}", Delivery.QUEUED, START - n * SECOND - SECOND)
        store.create(
            MAILBOXES.key(f"m{n}"), Mailbox(id=f"m{n}", uid="ada", history_id="7", due_at=START - n * SECOND - SECOND)
        )
    woken = wake(store, queue)
    assert queue.named(due.SEND_TOPIC) == [due.SendDue(send_id=id_) for id_ in ("s2", "s1", "s0")]
    assert queue.named(due.SYNC_TOPIC) == [due.MailboxDirty(mailbox_id=id_) for id_ in ("m2", "m1", "m0")]
    assert (woken.scanned, woken.queued) == (6, 6)


def test_what_is_not_due_yet_and_what_is_done_is_left_alone(store, queue):
    put_send(store, "later", Delivery.QUEUED, START + SECOND)
    put_send(store, "done", Delivery.SENT, None)
    assert wake(store, queue, (*due.EVERY_MINUTE, *due.UNSETTLED_SENDS, *due.FAILED_SENDS)).queued == 0
    assert queue.requests == []


@pytest.mark.parametrize(
    ("delivery", "kinds"),
    [
        (Delivery.QUEUED, due.EVERY_MINUTE),
        (Delivery.SENDING, due.EVERY_MINUTE),
        (Delivery.UNSURE, due.UNSETTLED_SENDS),
        (Delivery.PARKED, due.UNSETTLED_SENDS),
        (Delivery.SENT, due.UNSETTLED_SENDS),
        (Delivery.CANCELLED, due.UNSETTLED_SENDS),
        (Delivery.FAILED, due.FAILED_SENDS),
    ],
)
def test_a_send_is_found_by_exactly_one_sweep(store, queue, delivery, kinds):
    put_send(store, "s", delivery, START - SECOND)
    for sweep in (due.EVERY_MINUTE, due.UNSETTLED_SENDS, due.FAILED_SENDS):
        assert wake(store, queue, sweep).queued == (sweep is kinds)


def test_ten_thousand_are_named_page_by_page_and_the_rest_a_minute_later(store, queue):
    def fill(tx):
        for n in range(due.MOST_A_RUN + 50):
            send = Send(id=f"s{n:05}", uid="ada", application_id="a", created_at=START, send_after=START)
            tx.create(SENDS.key(send.id), replace(send, due_at=START - SECOND))

    store.transact(fill)
    assert wake(store, queue).queued == due.MOST_A_RUN
    assert len({message.send_id for message in queue.named(due.SEND_TOPIC)}) == due.MOST_A_RUN
    assert max(len(messages) for _, messages in queue.requests) == due.PAGE


def test_no_sweep_takes_more_than_it_is_given(store, queue):
    for n in range(5):
        put_send(store, f"s{n}", Delivery.FAILED, START - SECOND)
    assert wake(store, queue, due.FAILED_SENDS, most=3).queued == 3


def test_a_broker_that_is_down_loses_nothing(store, queue):
    put_send(store, "s", Delivery.QUEUED, START - SECOND)
    queue.down = True
    with pytest.raises(TryAgain):
        wake(store, queue)
    queue.down = False
    assert wake(store, queue).queued == 1


def test_a_kind_that_cannot_be_woken_keeps_no_other_from_it(store, queue):
    put_send(store, "s", Delivery.QUEUED, START - SECOND)
    store.create(MAILBOXES.key("m"), Mailbox(id="m", uid="ada", history_id="7", due_at=START - SECOND))
    queue.down = due.SYNC_TOPIC
    with pytest.raises(TryAgain):
        wake(store, queue)
    assert queue.named(due.SEND_TOPIC) == [due.SendDue(send_id="s")]
