"""An hour has passed: have every interview looked at that begins in 20 to 28 hours."""

from shared import due, entry, reminders
from shared.services import services


@entry.scheduled()
def send_interview_reminders() -> due.Woken:
    s = services()
    return reminders.send_interview_reminders(store=s.store, queue=s.queue, clock=s.clock)
