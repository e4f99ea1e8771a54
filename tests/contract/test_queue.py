"""What a queue does with a message until it is handled: the local one and Pub/Sub's emulator, by the same rules.

One scenario is played on each: every message is published at once, and the tests look at what arrived.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import grpc
import pytest
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.subscriber import SubscriberClient

from shared.adapters.local_queue import ACKNOWLEDGED, LocalQueue, push_envelope
from shared.adapters.pubsub_queue import PUBLISH_TRIES, PubSubQueue
from shared.errors import Rejected, TryAgain
from shared.local import pubsub_setup
from shared.local.clock import FakeClock
from shared.registry import Subscription
from tests.support import queue_publisher, queue_sink
from tests.support.queue_sink import Sink

SECOND = timedelta(seconds=1)
PATIENCE = 60.0
"""Seconds: the emulator needs 13 on an idle machine."""


@dataclass(frozen=True)
class MailboxDirty:
    mailbox_id: str
    note: str = "Zürich"
    seen_at: datetime | None = None


def row(name, topic="", **changed):
    plain = Subscription(
        name=name,
        topic=topic or name,
        function=name,
        ack_deadline=60 * SECOND,
        minimum_backoff=SECOND,
        maximum_backoff=2 * SECOND,
        max_attempts=None,
        dead_letter=None,
        retention=timedelta(days=7),
    )
    return replace(plain, **changed)


SUBSCRIPTIONS = (
    row("answers-200"),
    row("answers-204"),
    row("fails-500"),
    row("accepts-202"),
    row("hangs", ack_deadline=10 * SECOND),
    row("recovers-late", minimum_backoff=2 * SECOND, maximum_backoff=8 * SECOND),
    row("poison", max_attempts=5, dead_letter="poison-dead"),
    row("poison-dead"),
    row("news-one", topic="news"),
    row("news-two", topic="news"),
)
ANSWERS = {
    "answers-200": (200,),
    "answers-204": (204,),
    "fails-500": (500, 200),
    "accepts-202": (202, 200),
    "hangs": (queue_sink.HANGS, 200),
    "recovers-late": (500, 500, 200),
    "poison": (500,),
    "poison-dead": (204,),
    "news-one": (200,),
    "news-two": (204,),
}
PUSHES = {
    "answers-200": 1,
    "answers-204": 1,
    "fails-500": 2,
    "accepts-202": 2,
    "hangs": 2,
    "recovers-late": 3,
    "poison": 5,
    "poison-dead": 1,
    "news-one": 1,
    "news-two": 1,
}
TOPICS = [*dict.fromkeys(s.topic for s in SUBSCRIPTIONS if s.topic != "poison-dead")]
RAW = {"origin": "Zürich", "empty": ""}
"""Attributes of the message that is published as bytes."""


def play_locally(project):
    clock = FakeClock()
    sink = Sink(ANSWERS, now=lambda: clock.now().timestamp())
    queue = LocalQueue(":memory:", SUBSCRIPTIONS, clock=clock, project=project)
    for topic in TOPICS:
        if topic == "poison":
            queue.publish_data(topic, b"\x00poison\xff", RAW)
        else:
            queue.publish(topic, MailboxDirty(topic))
    while (due := queue.next_due()) is not None:
        clock.set(max(due, clock.now()))
        for delivery in queue.lease(100):
            status = sink.receive(delivery.subscription.function, push_envelope(delivery))
            if status in ACKNOWLEDGED:
                queue.ack(delivery)
            elif status != queue_sink.HANGS:
                queue.nack(delivery)
    queue.close()
    return sink


def play_on_the_emulator(project, host):
    sink = Sink(ANSWERS)
    with sink.served() as endpoint:
        pubsub_setup.create(SUBSCRIPTIONS, project=project, host=host, endpoint=endpoint)
        queue = PubSubQueue(project)
        for topic in TOPICS:
            if topic == "poison":
                with PublisherClient() as client:
                    message = types.PubsubMessage(data=b"\x00poison\xff", attributes=RAW)
                    client.publish(topic=f"projects/{project}/topics/{topic}", messages=[message])
            else:
                queue.publish(topic, MailboxDirty(topic))
        queue.close()
        assert sink.wait(PUSHES, PATIENCE), {name: len(pushes) for name, pushes in sink.pushes.items()}
    return sink


@pytest.fixture(scope="module")
def plays():
    """What was played already: the scenario takes the emulator 13 seconds."""
    return {}


@pytest.fixture(params=["local", pytest.param("emulator", marks=pytest.mark.emulators)])
def played(request, plays, monkeypatch):
    """(project, the pushes that each function got)."""
    if request.param not in plays:
        project = request.getfixturevalue("emulator_project")
        if request.param == "local":
            sink = play_locally(project)
        else:
            host = request.getfixturevalue("pubsub_emulator").host
            monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
            sink = play_on_the_emulator(project, host)
        plays[request.param] = project, sink.pushes
    return plays[request.param]


def data_of(push):
    return base64.b64decode(push.envelope["message"]["data"])


@pytest.mark.parametrize("function", ["answers-200", "answers-204"])
def test_an_acknowledged_message_arrives_once(played, function):
    _, pushes = played
    assert [json.loads(data_of(push)) for push in pushes[function]] == [{"mailbox_id": function, "note": "Zürich"}]


@pytest.mark.parametrize("function", ["fails-500", "accepts-202", "hangs"])
def test_a_push_that_is_not_acknowledged_comes_again_with_the_same_message(played, function):
    _, pushes = played
    first, second = pushes[function]
    assert first.envelope["message"]["messageId"] == second.envelope["message"]["messageId"]
    assert data_of(first) == data_of(second)


def test_a_handler_that_hangs_is_given_up_at_the_ack_deadline(played):
    first, second = played[1]["hangs"]
    # Ten seconds, less what a busy machine takes to accept the first push; a failed one would be back after one.
    assert second.at - first.at >= 8


def test_the_backoff_is_respected(played):
    _, second, third = played[1]["recovers-late"]
    # The emulator makes every first retry after a second, whatever the policy.
    assert third.at - second.at >= 1.9


def test_bytes_and_attributes_arrive_unchanged(played):
    _, pushes = played
    for push in pushes["poison"]:
        assert data_of(push) == b"\x00poison\xff"
        assert push.envelope["message"]["attributes"] == RAW


def test_after_the_last_attempt_the_dead_letter_subscription_gets_the_message(played):
    project, pushes = played
    assert len(pushes["poison"]) == 5
    (letter,) = pushes["poison-dead"]
    assert data_of(letter) == b"\x00poison\xff"
    attributes = letter.envelope["message"]["attributes"]
    published = attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime")
    assert attributes == RAW | {
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "poison",
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
    }
    assert datetime.fromisoformat(published).utcoffset() == timedelta(0)


def test_a_dead_letter_is_a_new_message(played):
    _, pushes = played
    assert (
        pushes["poison"][0].envelope["message"]["messageId"]
        != (pushes["poison-dead"][0].envelope["message"]["messageId"])
    )


def test_every_subscription_of_a_topic_gets_the_message(played):
    _, pushes = played
    (one,), (two,) = pushes["news-one"], pushes["news-two"]
    assert data_of(one) == data_of(two)
    assert one.envelope["message"]["messageId"] == two.envelope["message"]["messageId"]


def test_an_envelope_names_its_subscription_in_full_and_the_message_in_both_spellings(played):
    project, pushes = played
    for subscription in SUBSCRIPTIONS:
        for push in pushes[subscription.name]:
            assert push.envelope["subscription"] == f"projects/{project}/subscriptions/{subscription.name}"
            message = push.envelope["message"]
            assert message["message_id"] == message["messageId"]
            assert message["publish_time"] == message["publishTime"]
            assert datetime.fromisoformat(message["publishTime"]).utcoffset() == timedelta(0)


def test_the_local_backoff_is_exact(plays, emulator_project):
    pushes = play_locally(emulator_project).pushes
    start = pushes["poison"][0].at
    assert [push.at - start for push in pushes["poison"]] == [0, 1, 3, 5, 7]


# --- Publishing to Pub/Sub --------------------------------------------------------------------------------------------

CODES = grpc.StatusCode


@pytest.fixture
def publisher(monkeypatch):
    server = queue_publisher.Publisher()
    with server.served() as host:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield server


@pytest.fixture
def queue():
    queue = PubSubQueue("p1", timeout=timedelta(seconds=2))
    yield queue
    queue.close()


def test_a_record_is_published_as_json_to_the_topic_of_the_project(publisher, queue):
    queue.publish("mailbox-sync", MailboxDirty("m1"))
    (request,) = publisher.received
    assert request.topic == "projects/p1/topics/mailbox-sync"
    assert [json.loads(message.data) for message in request.messages] == [{"mailbox_id": "m1", "note": "Zürich"}]


def test_many_records_are_published_with_few_requests(publisher, queue):
    queue.publish_all("mailbox-sync", [MailboxDirty(f"m{n}") for n in range(2_500)])
    assert [len(request.messages) for request in publisher.received] == [1_000, 1_000, 500]
    named = [json.loads(message.data)["mailbox_id"] for request in publisher.received for message in request.messages]
    assert named == [f"m{n}" for n in range(2_500)]


def test_no_records_are_no_request(publisher, queue):
    queue.publish_all("mailbox-sync", [])
    assert publisher.received == []


@pytest.mark.parametrize(
    "code", [CODES.UNAVAILABLE, CODES.INTERNAL, CODES.RESOURCE_EXHAUSTED, CODES.ABORTED, CODES.UNKNOWN]
)
def test_a_failure_that_may_pass_is_tried_again_at_once(publisher, queue, code):
    publisher.faults.append(code)
    queue.publish("mailbox-sync", MailboxDirty("m1"))
    assert len(publisher.received) == 2
    assert publisher.received[0] == publisher.received[1]


def test_a_failure_that_stays_is_try_again_after_a_few_tries(publisher, queue):
    publisher.faults.extend([CODES.UNAVAILABLE] * 10)
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))
    assert len(publisher.received) == PUBLISH_TRIES


@pytest.mark.parametrize("code", [CODES.NOT_FOUND, CODES.PERMISSION_DENIED, CODES.UNAUTHENTICATED])
def test_what_a_deployment_can_mend_is_try_again_without_a_second_try(publisher, queue, code):
    publisher.faults.append(code)
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))
    assert len(publisher.received) == 1


def test_a_message_that_pubsub_refuses_is_rejected(publisher, queue):
    publisher.faults.append(CODES.INVALID_ARGUMENT)
    with pytest.raises(Rejected):
        queue.publish("mailbox-sync", MailboxDirty("m1"))
    assert len(publisher.received) == 1


def test_a_broker_that_hangs_is_try_again_in_bounded_time(publisher):
    publisher.faults.extend([queue_publisher.HANGS] * PUBLISH_TRIES)
    queue = PubSubQueue("p1", timeout=timedelta(seconds=0.2))
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))
    queue.close()
    assert len(publisher.received) == PUBLISH_TRIES


def test_a_broker_that_is_not_there_is_try_again(monkeypatch, queue):
    with queue_publisher.Publisher().served() as host:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))


def test_a_process_without_credentials_is_try_again(monkeypatch, queue, tmp_path):
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(TryAgain):
        queue.publish("mailbox-sync", MailboxDirty("m1"))


def test_threads_may_share_the_queue(publisher, queue):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: queue.publish("mailbox-sync", MailboxDirty(f"m{n}")), range(40)))
    published = {json.loads(request.messages[0].data)["mailbox_id"] for request in publisher.received}
    assert published == {f"m{n}" for n in range(40)}


def test_who_publishes_nothing_does_not_import_the_library():
    lines = """
import sys
from shared.adapters.pubsub_queue import PubSubQueue
PubSubQueue("p1").close()
print([name for name in ("google.pubsub_v1", "google.api_core", "grpc", "tenacity") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- Topics and subscriptions on the emulator -------------------------------------------------------------------------


@pytest.fixture
def subscriber(pubsub_emulator, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator.host)
    with SubscriberClient() as client:
        yield client


def test_a_topic_that_was_never_made_is_try_again(subscriber, emulator_project):
    queue = PubSubQueue(emulator_project)
    with pytest.raises(TryAgain):
        queue.publish("never-made", MailboxDirty("m1"))
    queue.close()


def test_a_subscription_is_made_as_its_row_says_and_never_expires(pubsub_emulator, subscriber, emulator_project):
    mailbox_sync = row(
        "mailbox-sync",
        ack_deadline=150 * SECOND,
        minimum_backoff=10 * SECOND,
        maximum_backoff=600 * SECOND,
        max_attempts=20,
        dead_letter="mailbox-sync-dead",
        retention=timedelta(days=3),
    )
    rows = [mailbox_sync, row("mailbox-sync-dead")]
    for _ in range(2):
        pubsub_setup.create(rows, project=emulator_project, host=pubsub_emulator.host, endpoint="http://127.0.0.1:9/")
    made = subscriber.get_subscription(subscription=f"projects/{emulator_project}/subscriptions/mailbox-sync")
    assert made.topic == f"projects/{emulator_project}/topics/mailbox-sync"
    assert made.push_config.push_endpoint == "http://127.0.0.1:9/mailbox-sync"
    assert made.ack_deadline_seconds == 150
    assert (made.retry_policy.minimum_backoff, made.retry_policy.maximum_backoff) == (10 * SECOND, 600 * SECOND)
    assert made.dead_letter_policy.dead_letter_topic == f"projects/{emulator_project}/topics/mailbox-sync-dead"
    assert made.dead_letter_policy.max_delivery_attempts == 20
    assert made.message_retention_duration == timedelta(days=3)
    assert "expiration_policy" in made
    assert made.expiration_policy.ttl == timedelta(0)
    dead = subscriber.get_subscription(subscription=f"projects/{emulator_project}/subscriptions/mailbox-sync-dead")
    assert "dead_letter_policy" not in dead


def test_an_existing_subscription_is_brought_into_line(pubsub_emulator, subscriber, emulator_project):
    def create(changed, endpoint):
        pubsub_setup.create([changed], project=emulator_project, host=pubsub_emulator.host, endpoint=endpoint)

    create(row("sync", max_attempts=5, dead_letter="sync-dead"), "http://127.0.0.1:9")
    create(row("sync", function="other", ack_deadline=77 * SECOND, maximum_backoff=9 * SECOND), "http://127.0.0.1:10")
    made = subscriber.get_subscription(subscription=f"projects/{emulator_project}/subscriptions/sync")
    assert made.push_config.push_endpoint == "http://127.0.0.1:10/other"
    assert made.ack_deadline_seconds == 77
    assert made.retry_policy.maximum_backoff == 9 * SECOND
    assert "dead_letter_policy" not in made


def test_a_row_that_pubsub_refuses_is_said(pubsub_emulator, emulator_project):
    with pytest.raises(TryAgain, match="ack"):
        pubsub_setup.create(
            [row("sync", ack_deadline=601 * SECOND)],
            project=emulator_project,
            host=pubsub_emulator.host,
            endpoint="http://127.0.0.1:9",
        )


def test_an_emulator_that_is_not_there_is_said():
    with queue_publisher.Publisher().served() as host:
        pass
    with pytest.raises(TryAgain, match=host):
        pubsub_setup.create([row("sync")], project="p1", host=host, endpoint="http://127.0.0.1:9")
