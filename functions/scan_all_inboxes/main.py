"""The interval of some mailboxes has passed: queue each of them."""

from shared import entry, sweeps
from shared.services import services


@entry.scheduled()
def scan_all_inboxes() -> sweeps.Swept:
    s = services()
    return sweeps.scan_all(store=s.store, queue=s.queue, clock=s.clock)
