"""The Gmail account that a mail leaves from: opening it, what it may still send, and the end of its grant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared import accounts
from shared.accounts import ACCESS_TOKEN, REFRESH_TOKEN
from shared.consent import APPLIES, allows
from shared.errors import GrantRevoked, TryAgain
from shared.mailbox.quota import Quota
from shared.model import Mailbox, Notification, NotificationKind, Send
from shared.ports import Clock, Gmail, GmailMailbox, Store, Transaction, Vault
from shared.schema import MAILBOXES, NOTIFICATIONS, SENDS, USERS
from shared.sending.states import LimitReached, ReadsAlone

R = TypeVar("R")

UNITS_PER_MINUTE = 1_500
"""Gmail quota units that sending may spend of a person's 6,000 a minute; reading takes 4,500 (functions table)."""

UNITS_PER_SEND = 300
"""At most, when an earlier try may have left something: profile 1, drafts.list 5 and five drafts.get 100,
messages.list 5 and two messages.get 40, drafts.create 10, drafts.send 100, messages.get 20."""

CONSUMER_DOMAINS = frozenset({"gmail.com", "googlemail.com"})
"""Accounts of which Gmail takes fewer mails; every other domain is a Workspace's."""

CONSUMER_MAILS = 500
"""Mails that Gmail takes of a consumer account in 24 hours."""

WORKSPACE_MAILS = 2_000
"""Mails that Gmail takes of a Workspace account in 24 hours."""

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)

TOKEN_SLACK = timedelta(minutes=3)
"""An access token that ends sooner is renewed first: it must outlast a try."""


class Account:
    """One person's mailbox while something is done with it. Opens it at the first call; renews a dead token once."""

    def __init__(self, uid: str, *, store: Store, gmail: Gmail, vault: Vault, clock: Clock) -> None:
        self.uid = uid
        self._store, self._gmail, self._vault, self._clock = store, gmail, vault, clock
        self._session: GmailMailbox | None = None
        self._fresh = False
        self._mailbox: Mailbox | None = None

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox as it was when it was opened. Raises GrantRevoked when there is none that can be opened."""
        if self._mailbox is None:
            user = self._store.get(USERS.key(self.uid))
            key = MAILBOXES.key(user.value.mailbox_id) if user is not None and user.value.mailbox_id else None
            found = self._store.get(key) if key is not None else None
            if found is None or found.value.health == "needs_reauth":
                raise GrantRevoked("Gmail is not connected")
            self._mailbox = found.value
        return self._mailbox

    def check_scopes(self) -> None:
        """Raises ReadsAlone when the grant does not reach to sending, GrantRevoked when there is none."""
        if not allows(self.mailbox, APPLIES):
            raise ReadsAlone

    @property
    def may_send(self) -> bool:
        """Whether there is a mailbox with a grant that is not known to be dead or to be for reading alone."""
        try:
            self.check_scopes()
        except (GrantRevoked, ReadsAlone):
            return False
        return True

    def ask(self, question: Callable[[GmailMailbox], R]) -> R:
        """One call of Gmail, once more when the access token alone was dead. Raises what the call raises.

        A 401 did nothing, so even a call that sends may be made again after it.
        """
        session = self._session or self._open(fresh=False)
        try:
            return question(session)
        except GrantRevoked:
            if self._fresh:
                raise
        return question(self._open(fresh=True))

    def reserve(self, send: Send, address: str) -> Send:
        """Make room for one mail: quota units of this minute, and one of the day's mails. Raises LimitReached.

        A send counts once a day, however often it is tried. Gives the send as it is then on record; raises TryAgain
        when somebody else has taken it over.
        """
        key, now = MAILBOXES.key(self.mailbox.id), self._clock.now()
        send_key = SENDS.key(send.id)
        most = CONSUMER_MAILS if address.rpartition("@")[2] in CONSUMER_DOMAINS else WORKSPACE_MAILS

        def work(tx: Transaction) -> Send:
            mailbox, current = tx.get(key), tx.get(send_key)
            if mailbox is None:
                raise GrantRevoked("Gmail is not connected")
            if current is None or current.generation != send.generation:
                raise TryAgain("another run has taken this send over")
            quota = Quota(UNITS_PER_MINUTE, mailbox.sending_units)
            if not quota.allows(UNITS_PER_SEND, units=0, now=now):
                free_at = quota.free_at(UNITS_PER_SEND, units=0, now=now)
                raise LimitReached("Gmail takes no more just now.", at=free_at, daily=False)
            hours = {hour: n for hour, n in mailbox.sent_in_hours.items() if _begun(hour, now) > now - DAY - HOUR}
            counts = current.counted_at is not None and current.counted_at > now - DAY
            if not counts:
                if sum(hours.values()) >= most:
                    raise LimitReached(
                        f"Gmail takes {most} mails a day from this account, and they have been sent.",
                        at=_begun(min(hours), now) + DAY + HOUR,
                        daily=True,
                    )
                hour = now.strftime("%Y-%m-%dT%H")
                hours[hour] = hours.get(hour, 0) + 1
                current = replace(current, counted_at=now)
                tx.put(send_key, current)
            units = quota.told(mailbox.sending_units, units=UNITS_PER_SEND, now=now)
            tx.put(key, replace(mailbox, sending_units=units, sent_in_hours=hours))
            return current

        return self._store.transact(work, reads=[key, send_key])

    def _open(self, *, fresh: bool) -> GmailMailbox:
        mailbox = self.mailbox
        expires_at = mailbox.access_token_expires_at
        if fresh or expires_at is None or expires_at < self._clock.now() + TOKEN_SLACK:
            grant = self._vault.unseal(mailbox.sealed_refresh_token, user=mailbox.uid, purpose=REFRESH_TOKEN)
            try:
                access = self._gmail.refresh(grant.decode())
            except GrantRevoked:
                self._stop_until_reconnected()
                raise
            self._fresh = True
            self._session = self._gmail.mailbox(access.token)
            self._keep(accounts.sealed(mailbox, access, vault=self._vault))
        else:
            token = self._vault.unseal(mailbox.sealed_access_token, user=mailbox.uid, purpose=ACCESS_TOKEN).decode()
            self._session = self._gmail.mailbox(token)
        return self._session

    def _keep(self, opened: Mailbox) -> None:
        """Leave the new token to the next one who opens the mailbox; whoever has written meanwhile has one, too."""
        key = MAILBOXES.key(opened.id)

        def work(tx: Transaction) -> None:
            current = tx.get(key)
            if current is not None and current.sealed_refresh_token == opened.sealed_refresh_token:
                tx.put(
                    key,
                    replace(
                        current,
                        sealed_access_token=opened.sealed_access_token,
                        access_token_expires_at=opened.access_token_expires_at,
                    ),
                )

        self._store.transact(work, reads=[key])

    def _stop_until_reconnected(self) -> None:
        """The grant is dead: no further call until the person connects again, and one notice that says so."""
        opened, key, now = self.mailbox, MAILBOXES.key(self.mailbox.id), self._clock.now()

        def work(tx: Transaction) -> None:
            current = tx.get(key)
            if (
                current is None
                or current.health == "needs_reauth"
                or current.sealed_refresh_token != opened.sealed_refresh_token
            ):
                return
            generation = current.generation + 1
            notice = f"reconnect:{key.id[:16]}:{generation}"
            tx.put(
                key,
                # A run that reads the mailbox just now must not write what it came to under the dead grant.
                replace(
                    current,
                    health="needs_reauth",
                    generation=generation,
                    lease_until=None,
                    due_at=None,
                    trouble="revoked",
                ),
            )
            told = Notification(
                key=notice, uid=self.uid, kind=NotificationKind.NEEDS_REAUTH, created_at=now, due_at=now
            )
            tx.create(NOTIFICATIONS.key(self.uid, notice), told)

        self._store.transact(work, reads=[key])


def _begun(hour: str, now: datetime) -> datetime:
    """When an hour of `sent_in_hours` began."""
    return datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=now.tzinfo)
