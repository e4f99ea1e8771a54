"""It is Monday, 10:00 somewhere: queue whoever is there."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def send_weekly_summaries() -> due.Woken:
    s = services()
    return due.wake(due.WEEKLY, store=s.store, queue=s.queue, clock=s.clock)
