"""A mail that somebody asked for is due: deliver it once, or find out what became of it."""

from shared import entry
from shared.due import SendDue
from shared.sending import deliver as sends
from shared.services import services


@entry.pubsub(SendDue)
def send_application(due: SendDue) -> sends.Delivered:
    s = services()
    return sends.deliver(
        due, settings=s.settings, store=s.store, gmail=s.gmail, vault=s.vault, blobs=s.blobs, clock=s.clock, wait=s.wait
    )
