"""A person connects their Gmail: who they are here, which mailbox is theirs, and the watch that wakes us."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared import schedule
from shared.due import SYNC_TOPIC, MailboxDirty
from shared.errors import Conflict, NotFound, Refused, TryAgain
from shared.model import Backfill, Mailbox, Monitoring, Revocation, Stage, User
from shared.ports import AccessToken, Clock, Gmail, Queue, Snapshot, Store, Transaction, Vault
from shared.schema import APPLICATIONS_OF_USER, MAILBOXES, USERS, Key
from shared.settings import Settings

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the purpose that a token is sealed for, not a token
ACCESS_TOKEN = "access_token"  # noqa: S105 - the same
ADDRESS = "address"
"""What an address is sealed for."""

PACES = {
    "15": timedelta(minutes=15),
    "30": timedelta(minutes=30),
    "60": timedelta(minutes=60),
    "daily": timedelta(days=1),
}
"""How often a sweep looks at a mailbox, by the word on its record."""

RECEIPT_EVERY = timedelta(hours=23, minutes=50)
"""A day, less what the nightly sweep may come earlier than the night before; else it would miss every other night."""

OPEN_APPLICATIONS_READ = 100
"""Applications that the daily look reads; somebody with more has an open one."""

RECENT = timedelta(days=7)
"""How long an application is fresh: most answers come within it."""

TAKEN = "this Gmail account is already connected to another account here; disconnect it there first"
"""What the second of two people who want one Gmail is told."""

ANOTHER = "another Gmail account is connected already; disconnect it first"
"""What a person is told who comes with a second one."""

RACES = 8
"""Losing so many races for one record in a row means that something is wrong."""

HISTORY_ID_DIGITS = 20
"""A uint64 has at most 20 digits; padded, the order of the strings is the order of the numbers."""


def mailbox_id(address: str, *, secret: bytes) -> str:
    """The id of an address's mailbox: HMAC-SHA256 of the lower-cased address, so that ids name nobody.

    Raises ValueError without a secret: anybody could compute such an id, and no mailbox has it.
    """
    if not secret:
        raise ValueError("a mailbox id needs the secret, which only a function that uses addresses has")
    return hmac.new(secret, address.strip().lower().encode(), hashlib.sha256).hexdigest()


def padded(history_id: int) -> str:
    """A history id as it is stored."""
    return str(history_id).zfill(HISTORY_ID_DIGITS)


def pace(monitoring: Monitoring, *, is_open: bool, is_recent: bool) -> str:
    """How often a sweep looks: as the person chose, daily without an open application, never when it is off.

    In real time a push tells us first; the sweep under it is quicker while an application is of the last 7 days.
    """
    if monitoring is Monitoring.OFF:
        return ""
    if not is_open:
        return "daily"
    if monitoring is Monitoring.REAL_TIME:
        return "15" if is_recent else "30"
    return monitoring.value


def measured_pace(uid: str, monitoring: Monitoring, *, store: Store, now: datetime) -> str:
    """The pace that the person's applications deserve: one query."""
    page = store.find(APPLICATIONS_OF_USER, parent=uid, limit=OPEN_APPLICATIONS_READ)
    applications = [item.value for item in page.items if not item.value.dismissed and not item.value.merged_into]
    return pace(
        monitoring,
        is_open=bool(page.next) or any(each.stage is not Stage.CLOSED for each in applications),
        is_recent=any(each.created_at > now - RECENT for each in applications),
    )


def mailbox_of(uid: str, *, store: Store) -> Snapshot[Mailbox] | None:
    """The person's connected mailbox, or None."""
    person = store.get(USERS.key(uid))
    found = (
        store.get(MAILBOXES.key(person.value.mailbox_id)) if person is not None and person.value.mailbox_id else None
    )
    return found if found is not None and found.value.uid == uid else None


def connect(
    uid: str,
    *,
    refresh_token: str,
    scopes: Sequence[str] = (),
    backfill: Backfill | None = None,
    instead_of: Key[Revocation] | None = None,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    clock: Clock,
) -> Mailbox:
    """Connect the mailbox that a grant opens, and start to watch it. Doing it again renews grant and watch.

    The cursor starts at the watch's history id for a new mailbox and stays where it was for a known one, so that
    nothing that came in between is passed over. `scopes` are what was granted, where that is known; `backfill` is
    what a new mailbox begins with, and with it come the daily receipts; `instead_of` is the record by which the grant
    would go back to Google, which goes with this. Raises Refused when the mailbox belongs to somebody else here,
    NotFound when `instead_of` is gone, GrantRevoked when the grant is dead, TryAgain when Google cannot be reached.
    """
    access = gmail.refresh(refresh_token)
    session = gmail.mailbox(access.token)
    profile = session.profile()
    key = MAILBOXES.key(mailbox_id(profile.email_address, secret=settings.mailbox_secret))
    known = store.get(key)
    if known is not None and known.value.uid != uid:
        raise Refused(TAKEN)
    person = store.get(USERS.key(uid))
    monitoring = person.value.preferences.monitoring if person is not None else Monitoring.REAL_TIME
    watch = session.watch(settings.gmail_topic) if monitoring is Monitoring.REAL_TIME else None
    reached = watch.history_id if watch is not None else profile.history_id
    # Sealed out here: the vault may have to ask for its key, and a transaction asks nobody else.
    grant = vault.seal(refresh_token.encode(), user=uid, purpose=REFRESH_TOKEN)
    token = vault.seal(access.token.encode(), user=uid, purpose=ACCESS_TOKEN)
    sealed_address = vault.seal(profile.email_address.encode(), user=uid, purpose=ADDRESS)
    now = clock.now()

    def work(tx: Transaction) -> Mailbox:
        user = tx.get(USERS.key(uid)) or User(uid=uid, created_at=now)
        mailbox = tx.get(key)
        if instead_of is not None and tx.get(instead_of) is None:
            raise NotFound("gmail: the grant went back to Google meanwhile; begin again")
        if mailbox is not None and mailbox.uid != uid:
            raise Refused(TAKEN)
        if user.mailbox_id not in ("", key.id):
            raise Refused(ANOTHER)
        if mailbox is None:
            start = padded(reached)
            mailbox = Mailbox(
                id=key.id,
                uid=uid,
                history_id=start,
                dirty=start,
                last_sync_at=now,
                backfill=backfill,
                receipt_due_at=now + RECEIPT_EVERY if backfill is not None else None,
            )
        mailbox = replace(
            mailbox,
            sealed_refresh_token=grant,
            sealed_access_token=token,
            access_token_expires_at=access.expires_at,
            watch_expires_at=watch.expires_at if watch is not None else None,
            monitoring=monitoring,
            # As if there were a fresh application, until the daily look counts them.
            pace=pace(monitoring, is_open=True, is_recent=True),
            scopes=tuple(sorted(scopes)) or mailbox.scopes,
            sealed_address=sealed_address,
            health="ok",
            trouble="",
            failures=0,
            due_at=now,
            # A run that still goes on under the old grant has lost its lease: it must not write what that one came to.
            generation=mailbox.generation + 1,
            lease_until=None,
        )
        tx.put(USERS.key(uid), schedule.scheduled(replace(user, mailbox_id=key.id), now=now))
        tx.put(key, mailbox)
        if instead_of is not None:
            tx.delete(instead_of)
        return mailbox

    connected = store.transact(work)
    from shared.sending.person import reconnected  # noqa: PLC0415 - sending opens mailboxes by this module

    # Should this fail, the mails that wait look by themselves, within the hour.
    reconnected(uid, store=store, clock=clock)
    return connected


def follow(uid: str, *, store: Store, queue: Queue, clock: Clock) -> None:
    """The person has chosen, or has applied: let their mailbox follow, as if there were a fresh application.

    The daily look counts what there really is. A run sees to the watch, and to what came while monitoring was off; one
    that holds the mailbox just now comes back for it.
    """
    for _ in range(RACES):
        found, person = mailbox_of(uid, store=store), store.get(USERS.key(uid))
        if found is None or person is None:
            return
        monitoring = person.value.preferences.monitoring
        changed = replace(found.value, monitoring=monitoring, pace=pace(monitoring, is_open=True, is_recent=True))
        if changed == found.value:
            return
        if monitoring is not found.value.monitoring:
            changed = replace(changed, due_at=soonest(changed, now=clock.now()))
        try:
            store.put(found.key, changed, revision=found.revision)
        except Conflict:
            continue
        queue.publish(SYNC_TOPIC, MailboxDirty(mailbox_id=changed.id))
        return
    raise TryAgain("the mailbox changes faster than it can be written")


def soonest(mailbox: Mailbox, *, now: datetime) -> datetime | None:
    """When a run must come for what has just been asked for: now, unless one has the mailbox and comes back by itself.

    Never later than before: a clock that is ahead must not put off what a dead run has left.
    """
    if mailbox.lease_until is not None and now < mailbox.lease_until:
        return mailbox.due_at
    return now if mailbox.due_at is None else min(now, mailbox.due_at)


def sealed(mailbox: Mailbox, access: AccessToken, *, vault: Vault) -> Mailbox:
    """The mailbox with a new access token, sealed for its owner."""
    token = vault.seal(access.token.encode(), user=mailbox.uid, purpose=ACCESS_TOKEN)
    return replace(mailbox, sealed_access_token=token, access_token_expires_at=access.expires_at)
