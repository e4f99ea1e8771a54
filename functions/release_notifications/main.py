"""Five minutes have passed: have everything looked at that has waited for its hour."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def release_notifications() -> due.Woken:
    s = services()
    return due.wake(due.WAITING_FOR_THEIR_HOUR, store=s.store, queue=s.queue, clock=s.clock)
