"""Some minutes have passed: queue what waits for Gmail's word or for a time."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def settle_sends() -> due.Woken:
    s = services()
    return due.wake(due.UNSETTLED_SENDS, store=s.store, queue=s.queue, clock=s.clock)
