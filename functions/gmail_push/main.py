"""Gmail says that a mailbox changed: read what is new and update its applications."""

from functools import partial

from shared import entry, mailbox
from shared.services import services


@entry.pubsub(mailbox.GmailPush.parse)
def gmail_push(push: mailbox.GmailPush) -> mailbox.Synced:
    s = services()
    run = partial(mailbox.on_push, push, settings=s.settings, advisor=s.advisor)
    return run(store=s.store, queue=s.queue, gmail=s.gmail, vault=s.vault, clock=s.clock)
