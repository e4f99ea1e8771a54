"""Three in the morning: drop what has expired, and queue everybody who has something as old as they keep it."""

from shared import entry, retention
from shared.services import services


@entry.scheduled()
def clean_expired_cache() -> retention.Cleaned:
    s = services()
    return retention.clean(settings=s.settings, store=s.store, queue=s.queue, blobs=s.blobs, clock=s.clock)
