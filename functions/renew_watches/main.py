"""An hour has passed: queue the mailboxes whose watch is older than a day."""

from shared import entry, sweeps
from shared.services import services


@entry.scheduled()
def renew_watches() -> sweeps.Swept:
    s = services()
    return sweeps.watches(store=s.store, queue=s.queue, clock=s.clock)
