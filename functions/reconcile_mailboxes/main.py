"""A night has passed: queue the mailboxes whose receipt is due, that nothing was missed."""

from shared import entry, sweeps
from shared.services import services


@entry.scheduled()
def reconcile_mailboxes() -> sweeps.Swept:
    s = services()
    return sweeps.receipts(store=s.store, queue=s.queue, clock=s.clock)
