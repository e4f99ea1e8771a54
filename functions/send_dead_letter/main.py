"""A mail could not be sent in all its tries: mark it failed and tell the person."""

from shared import dead_letters, entry
from shared.sending import dead
from shared.services import services


@entry.dead_letter
def send_dead_letter(message: dead_letters.Undelivered) -> dead.Buried:
    s = services()
    return dead.bury(message, store=s.store, clock=s.clock)
