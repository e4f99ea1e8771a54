"""Nobody could handle a message: keep it where a person can see it."""

from shared import dead_letters, entry
from shared.services import services


@entry.dead_letter
def park_dead_letter(message: dead_letters.Undelivered) -> None:
    s = services()
    dead_letters.park(message, mailbox_secret=s.settings.mailbox_secret, store=s.store, clock=s.clock)
