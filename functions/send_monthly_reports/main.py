"""It is the first, 10:00 somewhere: queue whoever is there."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def send_monthly_reports() -> due.Woken:
    s = services()
    return due.wake(due.MONTHLY, store=s.store, queue=s.queue, clock=s.clock)
