"""The local queue keeps Pub/Sub's rules to the microsecond, on a clock that the test winds."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.adapters.local_queue import MESSAGE_BYTES, LocalQueue, backoff, push_envelope
from shared.errors import Rejected, TryAgain
from shared.local.clock import FakeClock
from shared.registry import Subscription

SECOND = timedelta(seconds=1)
SYNC = Subscription(
    name="mailbox-sync",
    topic="mailbox-sync",
    function="sync_mailbox",
    ack_deadline=30 * SECOND,
    minimum_backoff=2 * SECOND,
    maximum_backoff=9 * SECOND,
    max_attempts=5,
    dead_letter="mailbox-sync-dead",
    retention=timedelta(days=1),
)
DEAD = replace(
    SYNC,
    name="mailbox-sync-dead",
    topic="mailbox-sync-dead",
    function="park_dead_letter",
    max_attempts=None,
    dead_letter=None,
    retention=timedelta(days=31),
)


@dataclass(frozen=True)
class MailboxDirty:
    mailbox_id: str
    since: datetime | None = None


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def opened(clock):
    """Opens queues that are closed when the test ends."""
    queues = []

    def open_queue(path=":memory:", subscriptions=(SYNC, DEAD), clock=clock):
        queues.append(LocalQueue(path, subscriptions, clock=clock, project="demo"))
        return queues[-1]

    yield open_queue
    for queue in queues:
        queue.close()


@pytest.fixture
def queue(opened):
    return opened()


def only(deliveries):
    (delivery,) = deliveries
    return delivery


# --- Publishing -------------------------------------------------------------------------------------------------------


def test_many_records_are_published_together(queue):
    queue.publish_all("mailbox-sync", [MailboxDirty(f"m{n}") for n in range(3)])
    named = [json.loads(delivery.data)["mailbox_id"] for delivery in queue.lease(10)]
    assert named == ["m0", "m1", "m2"]


def test_a_record_arrives_as_json_without_its_empty_fields(queue, clock):
    queue.publish("mailbox-sync", MailboxDirty("m1"))
    delivery = only(queue.lease(10))
    assert json.loads(delivery.data) == {"mailbox_id": "m1"}
    assert (delivery.attributes, delivery.attempt, delivery.published_at) == ({}, 1, clock.now())
    assert delivery.subscription == SYNC


def test_bytes_and_attributes_arrive_as_they_were_sent(queue):
    message_id = queue.publish_data("mailbox-sync", b"\x00\xff", {"origin": "Zürich", "empty": ""})
    delivery = only(queue.lease(10))
    assert (delivery.message_id, delivery.data) == (message_id, b"\x00\xff")
    assert delivery.attributes == {"origin": "Zürich", "empty": ""}


def test_every_subscription_of_the_topic_gets_the_message_under_the_same_id(opened):
    twin = replace(SYNC, name="second", function="other")
    queue = opened(subscriptions=(SYNC, twin, DEAD))
    message_id = queue.publish_data("mailbox-sync", b"x")
    deliveries = queue.lease(10)
    assert {d.subscription.name for d in deliveries} == {"mailbox-sync", "second"}
    assert {d.message_id for d in deliveries} == {message_id}
    queue.ack(deliveries[0])
    assert sorted(queue.depth().values()) == [0, 0, 1]


def test_a_topic_without_a_subscription_keeps_nothing_and_counts_it(queue):
    assert queue.publish_data("nobody-listens", b"x") == ""
    assert queue.dropped == {"nobody-listens": 1}
    assert queue.next_due() is None


@pytest.mark.parametrize("data", [b"", bytes(MESSAGE_BYTES + 1)])
def test_an_empty_or_oversized_message_is_rejected(queue, data):
    with pytest.raises(Rejected):
        queue.publish_data("mailbox-sync", data)
    assert queue.depth()["mailbox-sync"] == 0


def test_a_message_may_have_attributes_alone(queue):
    queue.publish_data("mailbox-sync", b"", {"a": "b"})
    assert only(queue.lease(10)).data == b""


def test_message_ids_are_never_given_twice(queue):
    seen = set()
    for _ in range(5):
        seen.add(queue.publish_data("mailbox-sync", b"x"))
        queue.ack(only(queue.lease(10)))
    assert len(seen) == 5


# --- Leases -----------------------------------------------------------------------------------------------------------


def test_a_leased_message_is_nobody_elses_until_its_deadline(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    queue.lease(10)
    clock.step(30 * SECOND - timedelta.resolution)
    assert queue.lease(10) == ()


def test_an_acknowledged_message_never_comes_back(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    assert queue.ack(only(queue.lease(10))) is True
    clock.step(timedelta(days=2))
    assert queue.lease(10) == ()
    assert queue.depth() == {"mailbox-sync": 0, "mailbox-sync-dead": 0}


def test_a_passed_deadline_counts_as_a_failure_and_waits_out_the_backoff(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    queue.lease(10)
    clock.step(30 * SECOND)
    assert queue.lease(10) == ()
    assert queue.next_due() == clock.now() + 2 * SECOND
    clock.step(2 * SECOND)
    assert only(queue.lease(10)).attempt == 2


@pytest.mark.parametrize("late", [timedelta(0), timedelta(0, 1), timedelta(hours=5)])
@pytest.mark.parametrize("answer", ["ack", "nack"])
def test_an_answer_after_the_deadline_changes_nothing(queue, clock, answer, late):
    queue.publish_data("mailbox-sync", b"x")
    delivery = only(queue.lease(10))
    clock.step(30 * SECOND + late)
    due = queue.next_due()
    assert getattr(queue, answer)(delivery) is False
    assert queue.next_due() == due
    assert queue.depth()["mailbox-sync"] == 1


@pytest.mark.parametrize("answer", ["ack", "nack"])
def test_the_old_holder_cannot_answer_for_the_new_one(queue, clock, answer):
    queue.publish_data("mailbox-sync", b"x")
    old = only(queue.lease(10))
    clock.step(32 * SECOND)
    new = only(queue.lease(10))
    assert getattr(queue, answer)(old) is False
    assert queue.ack(new) is True


def test_a_second_answer_changes_nothing(queue):
    queue.publish_data("mailbox-sync", b"x")
    delivery = only(queue.lease(10))
    assert queue.nack(delivery) is True
    assert queue.nack(delivery) is False
    assert queue.ack(delivery) is False


def test_a_lease_takes_no_more_than_it_may(queue):
    for _ in range(5):
        queue.publish_data("mailbox-sync", b"x")
    assert [len(queue.lease(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_lease_may_ask_for_one_subscription(queue):
    queue.publish_data("mailbox-sync", b"a")
    queue.publish_data("mailbox-sync-dead", b"b")
    assert only(queue.lease(10, subscription="mailbox-sync-dead")).data == b"b"
    assert only(queue.lease(10)).data == b"a"


# --- Back-off and dead letters ----------------------------------------------------------------------------------------


def test_the_backoff_doubles_from_the_minimum_to_the_maximum(queue, clock):
    forever = replace(SYNC, max_attempts=None, dead_letter=None)
    assert [backoff(forever, attempt) // SECOND for attempt in (1, 2, 3, 4, 5, 1000)] == [2, 4, 8, 9, 9, 9]
    assert backoff(replace(SYNC, minimum_backoff=timedelta(0)), 7) == timedelta(0)


def test_a_failed_message_comes_again_after_exactly_its_backoff(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    for attempt, pause in enumerate([2, 4, 8, 9], start=1):
        delivery = only(queue.lease(10))
        assert delivery.attempt == attempt
        assert queue.nack(delivery) is True
        assert queue.next_due() == clock.now() + pause * SECOND
        clock.step(pause * SECOND - timedelta.resolution)
        assert queue.lease(10) == ()
        clock.step(timedelta.resolution)


def fail(queue, clock, times, *, by="nack"):
    """Fails the one message of mailbox-sync so often."""
    for _ in range(times):
        clock.set(max(clock.now(), queue.next_due()))
        delivery = only(queue.lease(10))
        if by == "nack":
            queue.nack(delivery)
        else:
            clock.step(SYNC.ack_deadline)


@pytest.mark.parametrize("by", ["nack", "deadline"])
def test_after_the_last_attempt_the_message_goes_to_the_dead_letter_topic(queue, clock, by):
    published = clock.now()
    queue.publish_data("mailbox-sync", b"poison", {"kept": "yes"})
    fail(queue, clock, 5, by=by)
    letter = only(queue.lease(10))
    assert letter.subscription == DEAD
    assert (letter.data, letter.attempt, letter.published_at) == (b"poison", 1, clock.now())
    assert letter.attributes == {
        "kept": "yes",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "mailbox-sync",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "demo",
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat(timespec="milliseconds"),
    }
    assert queue.dead_lettered == {"mailbox-sync": 1}
    assert queue.depth() == {"mailbox-sync": 0, "mailbox-sync-dead": 1}


def test_a_dead_letter_topic_that_nobody_reads_loses_the_message_and_counts_it(opened, clock):
    queue = opened(subscriptions=(SYNC,))
    queue.publish_data("mailbox-sync", b"poison")
    fail(queue, clock, 5)
    assert queue.next_due() is None
    assert queue.dropped == {"mailbox-sync-dead": 1}


def test_without_a_dead_letter_topic_a_message_is_tried_for_ever(opened, clock):
    queue = opened(subscriptions=(replace(SYNC, max_attempts=None, dead_letter=None),))
    queue.publish_data("mailbox-sync", b"x")
    fail(queue, clock, 200)
    assert queue.depth() == {"mailbox-sync": 1}


def test_a_lowered_limit_holds_for_messages_that_are_already_past_it(opened, clock, tmp_path):
    path = tmp_path / "queue"
    patient = opened(path, subscriptions=(replace(SYNC, max_attempts=50), DEAD))
    patient.publish_data("mailbox-sync", b"x")
    fail(patient, clock, 10)
    clock.step(10 * SECOND)
    assert only(opened(path).lease(10)).attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "10"


# --- Retention --------------------------------------------------------------------------------------------------------


def test_an_unacknowledged_message_is_dropped_after_the_retention(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    clock.step(timedelta(days=1) - timedelta.resolution)
    delivery = only(queue.lease(10))
    clock.step(timedelta.resolution)
    assert queue.lease(10) == ()
    assert queue.expired == {"mailbox-sync": 1}
    assert queue.ack(delivery) is False
    assert queue.next_due() is None


def test_no_backoff_outlives_the_retention(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    clock.step(timedelta(days=1) - SECOND)
    queue.nack(only(queue.lease(10)))
    assert queue.next_due() == clock.now() + SECOND


# --- A caller who chooses ---------------------------------------------------------------------------------------------


def test_due_messages_can_be_taken_in_any_order(queue):
    for number in range(4):
        queue.publish_data("mailbox-sync", b"%d" % number)
    numbers = queue.leasable()
    taken = [queue.take(number) for number in reversed(numbers)]
    assert [d.data for d in taken] == [b"3", b"2", b"1", b"0"]
    assert queue.leasable() == ()
    assert [queue.take(number) for number in numbers] == [None] * 4


def test_taking_an_overrun_last_attempt_forwards_it(queue, clock):
    queue.publish_data("mailbox-sync", b"x")
    fail(queue, clock, 5, by="deadline")
    (number,) = queue.leasable()
    assert queue.take(number) is None
    assert only(queue.lease(1)).subscription == DEAD


# --- Keeping ----------------------------------------------------------------------------------------------------------


def test_the_file_keeps_messages_leases_and_attempts(opened, clock, tmp_path):
    path = tmp_path / "queue"
    first = opened(path)
    first.publish_data("mailbox-sync", b"failed", {"a": "b"})
    first.nack(only(first.lease(1)))
    first.publish_data("mailbox-sync", b"held")
    held = only(first.lease(1))
    first.close()
    second = opened(path)
    assert second.lease(10) == ()
    clock.step(2 * SECOND)
    again = only(second.lease(10))
    assert (again.data, again.attributes, again.attempt) == (b"failed", {"a": "b"}, 2)
    assert second.ack(held) is True


def test_messages_of_a_subscription_that_is_not_declared_wait_out_of_the_way(opened, tmp_path):
    path = tmp_path / "queue"
    opened(path).publish_data("mailbox-sync", b"x")
    other = opened(path, subscriptions=(DEAD,))
    assert (other.lease(10), other.next_due(), other.depth()) == ((), None, {"mailbox-sync-dead": 0})
    assert only(opened(path).lease(10)).data == b"x"


def test_no_message_is_leased_twice_by_processes_that_share_the_file(opened, tmp_path):
    path = tmp_path / "queue"
    queues = [opened(path) for _ in range(3)]
    for _ in range(200):
        queues[0].publish_data("mailbox-sync", b"x")
    leased: list[int] = []

    def work(queue):
        while deliveries := queue.lease(7):
            leased.extend(d.number for d in deliveries)

    threads = [threading.Thread(target=work, args=(queue,)) for queue in queues for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leased) == len(set(leased)) == 200


def test_a_file_that_another_process_holds_too_long_is_try_again(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("shared.adapters.local_queue.LOCK_SECONDS", 0.05)
    queue = opened(tmp_path / "queue")
    other = sqlite3.connect(tmp_path / "queue", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))
    other.execute("ROLLBACK")
    queue.publish("mailbox-sync", MailboxDirty("m1"))
    other.close()
    assert queue.depth()["mailbox-sync"] == 1


def test_a_place_that_is_no_place_for_a_file_is_try_again(opened, tmp_path):
    with pytest.raises(TryAgain):
        opened(tmp_path / "missing" / "queue")


def test_a_file_that_is_no_queue_is_try_again(opened, tmp_path):
    (tmp_path / "queue").write_text("a shopping list, and nothing that SQLite could read")
    with pytest.raises(TryAgain):
        opened(tmp_path / "queue")


def test_a_queue_that_only_publishes_needs_no_subscription(opened):
    queue = opened(subscriptions=())
    queue.publish("mailbox-sync", MailboxDirty("m1"))
    assert (queue.lease(10), queue.leasable(), queue.next_due(), queue.depth()) == ((), (), None, {})


def test_who_waits_is_woken_by_a_message(queue):
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(queue.wait, 30)
        while not waited.done():
            queue.publish_data("mailbox-sync", b"x")
            queue.ack(only(queue.lease(1)))
    assert time.monotonic() - started < 15


def test_who_comes_to_wait_after_the_message_does_not_wait(queue):
    queue.publish_data("mailbox-sync", b"x")
    started = time.monotonic()
    queue.wait(30)
    assert time.monotonic() - started < 15


# --- The push envelope ------------------------------------------------------------------------------------------------


def test_the_envelope_is_the_services_own(queue, clock):
    clock.set(datetime(2026, 2, 26, 19, 13, 55, 749_999, tzinfo=UTC))
    message_id = queue.publish_data("mailbox-sync", b"Hello", {"key": "value"})
    queue.nack(only(queue.lease(1)))
    clock.step(2 * SECOND)
    assert json.loads(push_envelope(only(queue.lease(1)))) == {
        "deliveryAttempt": 2,
        "message": {
            "attributes": {"key": "value"},
            "data": base64.b64encode(b"Hello").decode(),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": "2026-02-26T19:13:55.749Z",
            "publish_time": "2026-02-26T19:13:55.749Z",
        },
        "subscription": "projects/demo/subscriptions/mailbox-sync",
    }


def test_the_envelope_leaves_out_what_is_empty_and_the_attempt_without_a_dead_letter(queue):
    queue.publish_data("mailbox-sync-dead", b"x")
    envelope = json.loads(push_envelope(only(queue.lease(1))))
    assert envelope.keys() == {"message", "subscription"}
    assert "attributes" not in envelope["message"]
    queue.publish_data("mailbox-sync-dead", b"", {"a": "b"})
    assert "data" not in json.loads(push_envelope(only(queue.lease(1))))["message"]


# --- Whatever happens -------------------------------------------------------------------------------------------------


class AnyHistory(RuleBasedStateMachine):
    """Every message is waiting, held, acknowledged, dead-lettered or expired; never none of these, never two."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.queue = LocalQueue(":memory:", (SYNC, DEAD), clock=self.clock)
        self.published = 0
        self.acknowledged: Counter[str] = Counter()
        self.held: list = []

    def teardown(self):
        self.queue.close()

    @rule()
    def publish(self):
        self.queue.publish_data("mailbox-sync", b"x")
        self.published += 1

    @rule(limit=st.integers(1, 3))
    def lease(self, limit):
        self.held += self.queue.lease(limit)

    @rule(seconds=st.sampled_from([1, 2, 9, 30, 39, 86_400, -20]))
    def step(self, seconds):
        self.clock.step(seconds * SECOND)

    @rule(data=st.data(), answer=st.sampled_from(["ack", "nack"]))
    def answer(self, data, answer):
        if self.held:
            delivery = data.draw(st.sampled_from(self.held))
            if getattr(self.queue, answer)(delivery) and answer == "ack":
                self.acknowledged[delivery.subscription.name] += 1

    @invariant()
    def no_message_is_lost_or_doubled(self):
        depth, queue = self.queue.depth(), self.queue
        forwarded = queue.dead_lettered["mailbox-sync"]
        gone = self.acknowledged["mailbox-sync"] + queue.expired["mailbox-sync"] + forwarded
        assert depth["mailbox-sync"] == self.published - gone
        gone = self.acknowledged["mailbox-sync-dead"] + queue.expired["mailbox-sync-dead"]
        assert depth["mailbox-sync-dead"] == forwarded - gone

    @invariant()
    def nobody_is_asked_more_often_than_allowed(self):
        assert all(d.attempt <= 5 for d in self.held if d.subscription == SYNC)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
