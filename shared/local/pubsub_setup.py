"""Topics and push subscriptions on the Pub/Sub emulator, made from the rows that Terraform makes the real ones from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import grpc
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.errors import TryAgain
from shared.registry import Subscription

CALL_SECONDS = 10.0
"""For one call to the emulator, which may have started a moment ago."""

LONGEST_RETENTION = timedelta(days=7)
"""The emulator refuses more; the service itself keeps messages for up to 31 days."""

CHANGEABLE = ("push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy", "message_retention_duration")
"""What an existing subscription is brought into line in; its topic can never change."""


def create(subscriptions: Iterable[Subscription], *, project: str, host: str, endpoint: str) -> None:
    """Make every topic and subscription, or bring it into line; the same call twice changes nothing.

    `host` is the emulator's ("127.0.0.1:8085"), never the service's. Pushes go to `endpoint`/function.
    Raises TryAgain when the emulator does not answer or refuses.
    """
    rows = list(subscriptions)
    topics = {row.topic for row in rows} | {row.dead_letter for row in rows if row.dead_letter is not None}
    with grpc.insecure_channel(host) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        try:
            for topic in sorted(topics):
                _create_topic(publisher, f"projects/{project}/topics/{topic}")
            for row in rows:
                _create_subscription(subscriber, _resource(row, project, endpoint))
        except exceptions.GoogleAPICallError as e:
            raise TryAgain(f"the Pub/Sub emulator at {host}: {e}") from e


def _create_topic(publisher: PublisherClient, name: str) -> None:
    try:
        publisher.create_topic(name=name, retry=None, timeout=CALL_SECONDS)
    except exceptions.AlreadyExists:
        return


def _create_subscription(subscriber: SubscriberClient, resource: types.Subscription) -> None:
    try:
        subscriber.create_subscription(resource, retry=None, timeout=CALL_SECONDS)
    except exceptions.AlreadyExists:
        update = types.UpdateSubscriptionRequest(subscription=resource, update_mask=FieldMask(paths=CHANGEABLE))
        subscriber.update_subscription(update, retry=None, timeout=CALL_SECONDS)


def _resource(row: Subscription, project: str, endpoint: str) -> types.Subscription:
    return types.Subscription(
        name=f"projects/{project}/subscriptions/{row.name}",
        topic=f"projects/{project}/topics/{row.topic}",
        push_config=types.PushConfig(push_endpoint=f"{endpoint.rstrip('/')}/{row.function}"),
        ack_deadline_seconds=int(row.ack_deadline.total_seconds()),
        retry_policy=types.RetryPolicy(
            minimum_backoff=_duration(row.minimum_backoff), maximum_backoff=_duration(row.maximum_backoff)
        ),
        dead_letter_policy=None
        if row.dead_letter is None
        else types.DeadLetterPolicy(
            dead_letter_topic=f"projects/{project}/topics/{row.dead_letter}", max_delivery_attempts=row.max_attempts
        ),
        message_retention_duration=_duration(min(row.retention, LONGEST_RETENTION)),
        # A policy without a time to live means never; without a policy it would be 31 days.
        expiration_policy=types.ExpirationPolicy(),
    )


def _duration(length: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(length)
    return duration
