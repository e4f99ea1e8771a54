"""A person's week or month is over: write their report, once."""

from shared import due, entry, reports
from shared.services import services


@entry.pubsub(due.WriteReport)
def write_report(message: due.WriteReport) -> reports.Written:
    s = services()
    return reports.write(message, store=s.store, queue=s.queue, clock=s.clock)
