"""Something of somebody's is as old as they keep it: delete it."""

from shared import due, entry, retention
from shared.services import services


@entry.pubsub(due.RetentionDue)
def apply_retention(person: due.RetentionDue) -> retention.Applied:
    s = services()
    return retention.apply(person, settings=s.settings, store=s.store, queue=s.queue, clock=s.clock)
