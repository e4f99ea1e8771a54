"""One mailbox, one run at a time: claim it, write under the claim, and find out when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.accounts import padded
from shared.errors import Conflict, TryAgain
from shared.model import Mailbox
from shared.ports import Clock, Revision, Store
from shared.schema import MAILBOXES

RACES = 8
"""Losing so many races for one record in a row means that something is wrong; the message comes again."""


class LeaseLost(Exception):
    """The mailbox has another generation: this run's time was over, and another run has taken its place."""


class Lease:
    """A mailbox that is this run's own until `mailbox.lease_until`."""

    def __init__(self, mailbox: Mailbox, revision: Revision, *, store: Store, careful: bool) -> None:
        self.mailbox = mailbox
        self.careful = careful
        """The holder before us never released: it may have died of the message that it was reading."""
        self._revision = revision
        self._store = store

    def write(self, change: Callable[[Mailbox], Mailbox]) -> Mailbox:
        """Write what `change` makes of the mailbox; it is asked again when a push has written meanwhile.

        Raises LeaseLost when the generation is no longer ours, TryAgain when the store cannot be reached.
        """
        key = MAILBOXES.key(self.mailbox.id)
        generation = self.mailbox.generation
        for _ in range(RACES):
            changed = change(self.mailbox)
            try:
                self._revision = self._store.put(key, changed, revision=self._revision)  # pragma: SYNCPOINT mailbox
            except Conflict:
                found = self._store.get(key)
                if found is None or found.value.generation != generation:
                    raise LeaseLost from None
                self.mailbox, self._revision = found.value, found.revision
            else:
                self.mailbox = changed
                return changed
        raise TryAgain("the mailbox changes faster than it can be written")


def claim(mailbox_id: str, *, pushed: int, duration: timedelta, store: Store, clock: Clock) -> Lease | str:
    """The lease on a mailbox, or why there is none to be had (one word, for the log).

    One read and one conditional write; only the read when the pushed history id is behind the cursor already. While
    another run holds the mailbox, the push is written down for it.
    """
    key = MAILBOXES.key(mailbox_id)
    for _ in range(RACES):
        found = store.get(key)  # pragma: SYNCPOINT mailbox
        if found is None:
            return "unknown_mailbox"
        mailbox, now = found.value, clock.now()
        if pushed and pushed <= int(mailbox.history_id):
            return "already_read"
        if mailbox.health == "needs_reauth":
            return "needs_reauth"
        if pushed:
            mailbox = _pushed(mailbox, padded(pushed), now)
        held = mailbox.lease_until is not None and now < mailbox.lease_until
        if held and mailbox.dirty == found.value.dirty:
            return "left_to_holder"
        if not held:
            until = now + duration
            mailbox = replace(mailbox, generation=mailbox.generation + 1, lease_until=until, due_at=until)
        try:
            revision = store.put(key, mailbox, revision=found.revision)  # pragma: SYNCPOINT mailbox
        except Conflict:
            continue
        if held:
            return "left_to_holder"
        return Lease(mailbox, revision, store=store, careful=found.value.lease_until is not None)
    raise TryAgain("the mailbox changes faster than it can be claimed")


def _pushed(mailbox: Mailbox, history_id: str, now: datetime) -> Mailbox:
    """The mailbox after a push: only a higher history id than all before makes it dirtier."""
    if history_id <= mailbox.dirty:
        return replace(mailbox, last_push_at=now)
    return replace(mailbox, last_push_at=now, dirty=history_id, dirty_at=now, empty_lists=0)
