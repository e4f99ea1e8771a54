"""Somebody has disconnected their Gmail: give the grant back to Google."""

from shared import due, entry, leaving
from shared.services import services


@entry.pubsub(due.RevocationDue)
def revoke_grant(grant: due.RevocationDue) -> leaving.Returned:
    s = services()
    return leaving.give_back(
        grant, settings=s.settings, store=s.store, gmail=s.gmail, vault=s.vault, consent=s.consent, clock=s.clock
    )
