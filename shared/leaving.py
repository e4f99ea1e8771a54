"""A person disconnects their Gmail: nothing is read from that moment on, and the grant goes back to Google.

Giving back is work that Google may be too ill for, so it is a record with a due time, and it ends in any case.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import accounts
from shared.consent import THE_ONE
from shared.due import REVOKE_TOPIC, RevocationDue
from shared.errors import Rejected, TryAgain
from shared.model import Revocation
from shared.ports import Clock, Consent, Gmail, Ids, Queue, Store, Transaction, Vault
from shared.schema import CONSENTS, MAILBOXES, REVOCATIONS, USERS
from shared.settings import Settings

log = logging.getLogger(__name__)

GIVEN_UP_AFTER = timedelta(days=1)
"""A grant that Google would not take back for so long is dropped with its token: nobody can use it any more."""

BACK_OFF = timedelta(minutes=1)
"""The wait after a failed try; doubles up to LONGEST_BACK_OFF."""

LONGEST_BACK_OFF = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What became of one grant."""

    outcome: str
    """returned, in_use, put_off, given_up, done_before or not_yet."""


def disconnect(uid: str, *, store: Store, queue: Queue, clock: Clock, ids: Ids) -> bool:
    """Forget the mailbox, its cursor and its tokens, but for the one that gives the grant back; False: there was none.

    A run that reads the mailbox meanwhile finds its lease lost.
    """
    now = clock.now()
    revocation_id = ids.new()

    def work(tx: Transaction) -> bool:
        user = tx.get(USERS.key(uid))
        if user is None or not user.mailbox_id:
            return False
        key = MAILBOXES.key(user.mailbox_id)
        mailbox = tx.get(key)
        tx.put(USERS.key(uid), replace(user, mailbox_id=""))
        tx.delete(CONSENTS.key(uid, THE_ONE))
        if mailbox is None or mailbox.uid != uid:
            return False
        tx.delete(key)
        tx.create(REVOCATIONS.key(revocation_id), _of(revocation_id, uid, key.id, mailbox.sealed_refresh_token, now))
        return True

    if not store.transact(work):
        return False
    queue.publish(REVOKE_TOPIC, RevocationDue(revocation_id=revocation_id))
    return True


def give_back(
    due: RevocationDue,
    *,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    consent: Consent,
    clock: Clock,
) -> Returned:
    """Stop the watch and give the grant back to Google, unless the mailbox is connected again meanwhile."""
    key = REVOCATIONS.key(due.revocation_id)
    found = store.get(key)
    if found is None:
        return Returned(outcome="done_before")
    revocation, now = found.value, clock.now()
    if now < revocation.due_at:
        return Returned(outcome="not_yet")
    is_last = now - revocation.since >= GIVEN_UP_AFTER
    try:
        outcome = _settle(
            revocation, is_last=is_last, settings=settings, store=store, gmail=gmail, vault=vault, consent=consent
        )
    except TryAgain as e:
        log.warning("grant not returned", exc_info=e, extra={"attempts": revocation.attempts + 1})
        if not is_last:
            wait = e.after or min(BACK_OFF * (1 << min(revocation.attempts, 10)), LONGEST_BACK_OFF)
            later = replace(revocation, attempts=revocation.attempts + 1, due_at=now + wait)
            store.put(key, later, revision=found.revision)
            return Returned(outcome="put_off")
        outcome = "given_up"
    store.delete(key)
    return Returned(outcome=outcome)


def _settle(
    revocation: Revocation,
    *,
    is_last: bool,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    consent: Consent,
) -> str:
    """What became of it, one word. Raises TryAgain when it needs another try, whether or not there is one."""
    try:
        sealed = revocation.sealed_refresh_token
        token = vault.unseal(sealed, user=revocation.uid, purpose=accounts.REFRESH_TOKEN).decode()
    except Rejected as e:
        # The sealed token cannot be opened: there is nothing that could be given back.
        log.warning("grant given up", exc_info=e)
        return "given_up"
    mailbox_id = revocation.mailbox_id or _mailbox_of(token, is_last=is_last, settings=settings, gmail=gmail)
    # Google ends every token that we have for the account, the one in use as well.
    if mailbox_id and store.get(MAILBOXES.key(mailbox_id)) is not None:
        return "in_use"
    if mailbox_id:
        try:
            gmail.mailbox(gmail.refresh(token).token).stop()
        except Rejected as e:
            # The grant is dead already, or may not stop a watch; what is pushed then finds no mailbox of ours.
            log.info("watch not stopped", exc_info=e)
    consent.revoke(token)
    return "returned"


def _mailbox_of(token: str, *, is_last: bool, settings: Settings, gmail: Gmail) -> str:
    """Id of the mailbox that a grant opens, which nobody could find out so far; empty when it opens none.

    An account that never had Gmail is told from a bad hour of Gmail's by time alone: `is_last`, and it opens none.
    """
    try:
        address = gmail.mailbox(gmail.refresh(token).token).profile().email_address
    except (Rejected, TryAgain) as e:
        if isinstance(e, TryAgain) and not is_last:
            raise
        log.info("grant opens no mailbox", exc_info=e)
        return ""
    return accounts.mailbox_id(address, secret=settings.mailbox_secret)


def _of(id_: str, uid: str, mailbox_id: str, sealed: bytes, now: datetime) -> Revocation:
    return Revocation(id=id_, uid=uid, mailbox_id=mailbox_id, sealed_refresh_token=sealed, since=now, due_at=now)
