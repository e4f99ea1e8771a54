"""Gmail says that a mailbox changed: read what is new and update its applications."""

from shared import entry, mailbox
from shared.services import services


@entry.pubsub(mailbox.GmailPush.parse)
def gmail_push(push: mailbox.GmailPush) -> mailbox.Synced:
    s = services()
    return mailbox.on_push(
        push, settings=s.settings, store=s.store, queue=s.queue, gmail=s.gmail, vault=s.vault, clock=s.clock
    )
