"""It is 09:00 somewhere: queue whoever is there, to look at silent employers and ending offers."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def send_follow_up_reminders() -> due.Woken:
    s = services()
    return due.wake(due.FOLLOW_UPS, store=s.store, queue=s.queue, clock=s.clock)
