"""Fresh applications wait for their answers: queue the mailboxes that these will come to."""

from shared import entry, sweeps
from shared.services import services


@entry.scheduled()
def scan_recent_applications() -> sweeps.Swept:
    s = services()
    return sweeps.scan_recent(store=s.store, queue=s.queue, clock=s.clock)
