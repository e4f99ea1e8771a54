"""Somebody must look at a mailbox again: the same work without a push."""

from functools import partial

from shared import entry, mailbox
from shared.services import services


@entry.pubsub(mailbox.MailboxDirty)
def sync_mailbox(dirty: mailbox.MailboxDirty) -> mailbox.Synced:
    s = services()
    run = partial(mailbox.sync, dirty, settings=s.settings, advisor=s.advisor)
    return run(store=s.store, queue=s.queue, gmail=s.gmail, vault=s.vault, clock=s.clock)
