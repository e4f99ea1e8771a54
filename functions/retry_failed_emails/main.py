"""A night has come: queue the failed mails that may work on another day."""

from shared import due, entry
from shared.services import services


@entry.scheduled()
def retry_failed_emails() -> due.Woken:
    s = services()
    return due.wake(due.FAILED_SENDS, most=due.MOST_A_NIGHT, store=s.store, queue=s.queue, clock=s.clock)
