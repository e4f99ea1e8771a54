"""Somebody has left: delete what is left of theirs."""

from shared import due, entry, privacy
from shared.services import services


@entry.pubsub(due.AccountLeft)
def erase_account(left: due.AccountLeft) -> privacy.Erased:
    s = services()
    return privacy.erase(
        left, settings=s.settings, store=s.store, queue=s.queue, blobs=s.blobs, clock=s.clock, ids=s.ids
    )
