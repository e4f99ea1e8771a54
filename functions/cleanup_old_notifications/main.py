"""A week has passed: delete notifications older than 90 days."""

from shared import entry, notifications
from shared.services import services


@entry.scheduled()
def cleanup_old_notifications() -> notifications.Cleaned:
    s = services()
    return notifications.cleanup(store=s.store, clock=s.clock)
