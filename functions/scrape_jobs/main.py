"""The hour of a search has come: begin its round, and leave the work to the queue."""

from shared import entry, jobs
from shared.services import services


@entry.scheduled(jobs.Scrape)
def scrape_jobs(fire: jobs.Scrape) -> jobs.Scraped:
    s = services()
    return jobs.scrape(fire, store=s.store, queue=s.queue, clock=s.clock)
