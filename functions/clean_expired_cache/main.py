"""Three in the morning: drop what web servers answered a week ago, and postings that closed long ago."""

from shared import entry, jobs
from shared.services import services


@entry.scheduled()
def clean_expired_cache() -> jobs.Expired:
    s = services()
    return jobs.clean_cache(settings=s.settings, store=s.store, blobs=s.blobs, clock=s.clock)
