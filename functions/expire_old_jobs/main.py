"""Two in the morning: close the postings that are old, past their closing date, or gone from their source."""

from shared import entry, jobs
from shared.services import services


@entry.scheduled()
def expire_old_jobs() -> jobs.Expired:
    s = services()
    return jobs.expire_old(settings=s.settings, store=s.store, clock=s.clock)
