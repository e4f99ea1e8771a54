"""A person connects their Gmail: who they are here, which mailbox is theirs, and the watch that wakes us."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from shared.errors import Rejected
from shared.model import Mailbox, User
from shared.ports import AccessToken, Clock, Gmail, Store, Transaction, Vault
from shared.schema import MAILBOXES, USERS
from shared.settings import Settings

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the purpose that a token is sealed for, not a token
ACCESS_TOKEN = "access_token"  # noqa: S105 - the same

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


def connect(
    uid: str,
    *,
    refresh_token: str,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    clock: Clock,
) -> Mailbox:
    """Connect the mailbox that a grant opens, and start to watch it. Doing it again renews grant and watch.

    The cursor starts at the watch's history id for a new mailbox and stays where it was for a known one, so that
    nothing that came in between is passed over. Raises Rejected when the mailbox belongs to somebody else here,
    GrantRevoked when the grant is dead, TryAgain when Google cannot be reached.
    """
    access = gmail.refresh(refresh_token)
    session = gmail.mailbox(access.token)
    address = session.profile().email_address
    key = MAILBOXES.key(mailbox_id(address, secret=settings.mailbox_secret))
    known = store.get(key)
    if known is not None and known.value.uid != uid:
        raise Rejected("this Gmail account is already connected to another account here; disconnect it there first")
    watch = session.watch(settings.gmail_topic)
    # Sealed out here: the vault may have to ask for its key, and a transaction asks nobody else.
    grant = vault.seal(refresh_token.encode(), user=uid, purpose=REFRESH_TOKEN)
    token = vault.seal(access.token.encode(), user=uid, purpose=ACCESS_TOKEN)
    now = clock.now()

    def work(tx: Transaction) -> Mailbox:
        user = tx.get(USERS.key(uid)) or User(uid=uid, created_at=now)
        mailbox = tx.get(key)
        if mailbox is not None and mailbox.uid != uid:
            raise Rejected("this Gmail account is already connected to another account here; disconnect it there first")
        if mailbox is None:
            start = padded(watch.history_id)
            mailbox = Mailbox(id=key.id, uid=uid, history_id=start, dirty=start, last_sync_at=now)
        mailbox = replace(
            mailbox,
            sealed_refresh_token=grant,
            sealed_access_token=token,
            access_token_expires_at=access.expires_at,
            watch_expires_at=watch.expires_at,
            health="ok",
            trouble="",
            failures=0,
            due_at=now,
            # A run that still goes on under the old grant has lost its lease: it must not write what that one came to.
            generation=mailbox.generation + 1,
            lease_until=None,
        )
        tx.put(USERS.key(uid), replace(user, mailbox_id=key.id))
        tx.put(key, mailbox)
        return mailbox

    return store.transact(work)


def sealed(mailbox: Mailbox, access: AccessToken, *, vault: Vault) -> Mailbox:
    """The mailbox with a new access token, sealed for its owner."""
    token = vault.seal(access.token.encode(), user=mailbox.uid, purpose=ACCESS_TOKEN)
    return replace(mailbox, sealed_access_token=token, access_token_expires_at=access.expires_at)
