"""A mailbox has changed: read what is new since its cursor, and lose nothing on the way.

A run claims the mailbox with one conditional write (`lease`), works through Gmail's history (`run`), gives each message
its one decision in one transaction (`intake`), and releases the mailbox with a write that moves the cursor. With that
done, a page of the past is read (`lookback`, `page`), during which any other run may claim the mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared import accounts
from shared.due import SYNC_TOPIC, MailboxDirty
from shared.errors import Rejected
from shared.mailbox import lookback
from shared.mailbox.lease import Lease, LeaseLost, claim
from shared.ports import Advisor, Clock, Gmail, Queue, Store, Vault
from shared.settings import Settings

__all__ = ["SYNC_TOPIC", "GmailPush", "MailboxDirty", "Synced", "on_push", "sync"]

HISTORY_ID = re.compile(r"[0-9]{1,20}")
"""A uint64 in decimal; str.isdecimal would let the digits of other scripts in."""

ADDRESS_CHARACTERS = 320
"""The longest addr-spec: 64 characters, @, 255 characters (RFC 5321, 4.5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GmailPush:
    """Gmail's notification: this address changed, and its history id was this then. A hint; the cursor is ours."""

    email_address: str
    history_id: int

    @classmethod
    def parse(cls, payload: Mapping[str, object]) -> GmailPush:
        """Tame Gmail's JSON; historyId comes as a number or as a string. Raises Rejected, naming the field."""
        address, history_id = payload.get("emailAddress"), payload.get("historyId")
        if not isinstance(address, str) or "@" not in address or len(address) > ADDRESS_CHARACTERS:
            raise Rejected("emailAddress: not an address")
        if isinstance(history_id, str) and HISTORY_ID.fullmatch(history_id):
            history_id = int(history_id)
        if isinstance(history_id, bool) or not isinstance(history_id, int) or not 0 < history_id < 2**64:
            raise Rejected("historyId: not a uint64")
        return cls(email_address=address.lower(), history_id=history_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What one run did."""

    outcome: str
    """synced, put_off, needs_reauth or lease_lost; or already_read, left_to_holder, unknown_mailbox: nothing to do."""
    taken: int = 0
    """Messages that got their decision in this run."""
    units: int = 0
    """Gmail quota units spent."""


def on_push(
    push: GmailPush,
    *,
    settings: Settings,
    store: Store,
    queue: Queue,
    gmail: Gmail,
    vault: Vault,
    clock: Clock,
    advisor: Advisor | None = None,
) -> Synced:
    """Gmail pushed: the mailbox is dirty up to the named history id."""
    dirty = MailboxDirty(mailbox_id=accounts.mailbox_id(push.email_address, secret=settings.mailbox_secret))
    return sync(
        dirty,
        pushed=push.history_id,
        settings=settings,
        store=store,
        queue=queue,
        gmail=gmail,
        vault=vault,
        clock=clock,
        advisor=advisor,
    )


def sync(
    dirty: MailboxDirty,
    *,
    pushed: int = 0,
    settings: Settings,
    store: Store,
    queue: Queue,
    gmail: Gmail,
    vault: Vault,
    clock: Clock,
    advisor: Advisor | None = None,
) -> Synced:
    """Bring one mailbox up to date, or leave it to the run that has it. Raises TryAgain when the store is down."""
    deadline = clock.now() + settings.work_budget
    lease = claim(dirty.mailbox_id, pushed=pushed, duration=settings.lease, store=store, clock=clock)
    if isinstance(lease, str) and lease != "past":
        return Synced(outcome=lease)
    synced, due_at, is_past_due = Synced(outcome="synced"), None, True
    if isinstance(lease, Lease):
        from shared.mailbox.run import Run  # noqa: PLC0415 - a push with nothing to do must not wait for the reading

        run = Run(lease, settings=settings, store=store, gmail=gmail, vault=vault, clock=clock, advisor=advisor)
        try:
            outcome = run.work()
        except LeaseLost:
            # What this run did is recorded; the rest is the other run's.
            return Synced(outcome="lease_lost", taken=run.taken, units=run.units)
        synced, due_at = Synced(outcome=outcome, taken=run.taken, units=run.units), lease.mailbox.due_at
        is_past_due = run.is_done and lookback.is_due(lease.mailbox, now=clock.now())
    if is_past_due and pushed:
        # A push is answered as soon as its mail is on record: the past goes on by itself.
        due_at = clock.now()
    elif is_past_due:
        from shared.mailbox.page import take  # noqa: PLC0415 - most mailboxes have no past to read

        page = take(
            dirty.mailbox_id,
            deadline=deadline,
            settings=settings,
            store=store,
            gmail=gmail,
            vault=vault,
            clock=clock,
            advisor=advisor,
        )
        # Without one, somebody else has it, or its units are still to come; it is due by then.
        due_at = page.lease.whole.due_at if page is not None else None
        if page is not None:
            synced = replace(synced, taken=synced.taken + page.taken, units=synced.units + page.units)
    if due_at is not None and due_at <= clock.now():
        queue.publish(SYNC_TOPIC, dirty)
    return synced
