"""Somebody is to be told something: decide where and when, and tell it on one channel."""

from shared import due, entry, notifications
from shared.services import services


@entry.pubsub(due.DeliverNotification)
def deliver_notification(message: due.DeliverNotification) -> notifications.Delivered:
    s = services()
    return notifications.deliver(
        message, lease=s.settings.lease, store=s.store, queue=s.queue, vault=s.vault, outside=s.outside, clock=s.clock
    )
