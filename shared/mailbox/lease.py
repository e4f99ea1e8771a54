"""One mailbox, one run at a time: claim it, write under the claim, and find out when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.accounts import padded
from shared.errors import Conflict, TryAgain
from shared.mailbox import lookback
from shared.model import Mailbox, Monitoring
from shared.ports import Clock, Revision, Store, Transaction
from shared.schema import MAILBOXES

RACES = 8
"""Losing so many races for one record in a row means that something is wrong; the message comes again."""


MOST_CRASHES = 3
"""A mailbox whose runs crash so often in a row is set aside: the same code will not do better in a minute."""

QUARANTINE = timedelta(hours=1)
"""After this it is tried again, once."""


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

    def write_in(self, tx: Transaction, changed: Mailbox) -> None:
        """Write it in a transaction, which raises Conflict when a push or another run has written meanwhile."""
        tx.put(MAILBOXES.key(self.mailbox.id), changed, revision=self._revision)


def claim(mailbox_id: str, *, pushed: int, duration: timedelta, store: Store, clock: Clock) -> Lease | str:
    """The lease on a mailbox, or why there is none to be had (one word, for the log; "past": only a page is due).

    One read and one conditional write; only the read when the pushed history id is behind the cursor already. While
    another run holds the mailbox, the push is written down for it.
    """
    key = MAILBOXES.key(mailbox_id)
    for _ in range(RACES):
        found = store.get(key)  # pragma: SYNCPOINT mailbox
        if found is None:
            return "unknown_mailbox"
        revision = found.revision
        why_not, mailbox = _claimed(found.value, pushed=pushed, duration=duration, now=clock.now())
        if mailbox is not found.value:
            try:
                revision = store.put(key, mailbox, revision=found.revision)  # pragma: SYNCPOINT mailbox
            except Conflict:
                continue
        # After a quarantine the lease is clean, and what crashed the runs before it may be a mail that is still there.
        unclean = found.value.lease_until is not None or found.value.crashes > 0
        return why_not or Lease(mailbox, revision, store=store, careful=unclean)
    raise TryAgain("the mailbox changes faster than it can be claimed")


def _claimed(known: Mailbox, *, pushed: int, duration: timedelta, now: datetime) -> tuple[str, Mailbox]:
    """Why there is no lease (empty: there is one), and what is to be written; `known` itself when nothing is."""
    if pushed and pushed <= int(known.history_id):
        return "already_read", known
    if known.health == "needs_reauth":
        return "needs_reauth", known
    # While monitoring is off a push says nothing: what came is read from the cursor when it is on again.
    heard = pushed and known.monitoring is not Monitoring.OFF
    mailbox = _pushed(known, padded(pushed), now) if heard else known
    held = mailbox.lease_until is not None and now < mailbox.lease_until
    if held:
        return "left_to_holder", known if mailbox.dirty == known.dirty else mailbox
    crashes = known.crashes
    if known.lease_until is not None:
        # The holder ended without a word; a message that it had open is to blame, if there is one.
        crashes = 0 if known.opening else crashes + 1
    if rest := _resting(known, crashes, now):
        return rest
    if known.lease_until is None and not pushed and lookback.is_all(known, now=now):
        return "past", known
    until = now + duration
    generation = mailbox.generation + 1
    return "", replace(mailbox, generation=generation, crashes=crashes, lease_until=until, due_at=until)


def switched_off(mailbox: Mailbox, *, due_at: datetime | None = None) -> Mailbox:
    """The mailbox while monitoring is off: nobody comes for its mail, and what failed is tried afresh afterwards.

    The cursor and what was put off (pages, rescan, asks) stay, for the run that comes when it is on again.
    """
    return replace(
        mailbox,
        due_at=due_at,
        lease_until=None,
        dirty=mailbox.history_id,
        tries={},
        retry_at=None,
        failures=0,
    )


def _resting(known: Mailbox, crashes: int, now: datetime) -> tuple[str, Mailbox] | None:
    """Why nobody is to read this mailbox now, and what is to be written; None when somebody is."""
    if known.monitoring is Monitoring.OFF and known.watch_expires_at is None:
        quiet = switched_off(known)
        return "monitoring_off", known if quiet == known else quiet
    if known.health == "quarantined" and known.due_at is not None and now < known.due_at:
        return "quarantined", known
    if known.lease_until is not None and crashes >= MOST_CRASHES:
        aside = replace(known, health="quarantined", trouble=f"{crashes} runs in a row crashed", crashes=crashes)
        return "quarantined", replace(aside, due_at=now + QUARANTINE, lease_until=None)
    return None


def _pushed(mailbox: Mailbox, history_id: str, now: datetime) -> Mailbox:
    """The mailbox after a push: only a higher history id than all before makes it dirtier."""
    if history_id <= mailbox.dirty:
        return replace(mailbox, last_push_at=now)
    return replace(mailbox, last_push_at=now, dirty=history_id, dirty_at=now, empty_lists=0)
