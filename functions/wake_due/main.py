"""A minute has passed: publish again whatever is past due."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def wake_due() -> due.Woken:
    s = services()
    return due.wake(store=s.store, queue=s.queue, clock=s.clock)
