"""A search is due: scan its sources, and put the postings on record that fit it."""

from shared import entry, jobs
from shared.services import services


@entry.pubsub(jobs.SearchDue)
def run_search(due: jobs.SearchDue) -> jobs.Ran:
    s = services()
    reader = jobs.Reader(web=s.web, store=s.store, blobs=s.blobs, clock=s.clock)
    return jobs.run(
        due, settings=s.settings, store=s.store, queue=s.queue, reader=reader, boards=s.boards, clock=s.clock
    )
