"""A person lets us into their Gmail: the consent screen, the way back, and their word that this is the account meant.

OAuth 2.0 with a code and PKCE, and OpenID Connect's nonce. The way back leads to the front end, which hands Google's
answer to us with the person's own bearer token: a state is found only below the person who began. So nobody can finish
what another began, nor slip their own account under somebody else's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import accounts
from shared.due import SYNC_TOPIC, MailboxDirty
from shared.errors import NotFound, Refused, Rejected
from shared.mailbox import lookback
from shared.model import Mailbox, OpenConsent, Preferences, Revocation
from shared.ports import Clock, Consent, ConsentRequest, Gmail, Grant, Ids, Queue, Store, Transaction, Vault
from shared.schema import CONSENTS, MAILBOXES, REVOCATIONS, USERS
from shared.settings import Settings

LASTS = timedelta(minutes=10)
"""From the consent screen to the answer, and again from the answer to the person's yes."""

NOT_AT_ALL = timedelta(0)
"""How long a grant is held that is of no use."""

NOTHING_WAITS = "gmail: nothing waits to be confirmed; begin again"
"""What somebody is told who says yes to no offer."""

ANSWER_CHARACTERS = 2_048
"""The longest code or state that is looked at; Google's codes have about 70 characters."""

VERIFIER = "pkce_verifier"
"""What a verifier is sealed for."""

IDENTITY_SCOPES = ("openid", "email")
"""With them comes the ID token that bears our nonce."""

THE_ONE = "gmail"
"""Id of a person's open consent: there is one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of what a person may allow: the word for it, Google's scope, and what it unlocks, as they read it."""

    name: str
    scope: str
    unlocks: str


HEARS = Rung(
    name="hears",
    scope="https://www.googleapis.com/auth/gmail.readonly",
    unlocks="Reads employers' mail, so that your applications follow it by themselves. Nothing is ever changed.",
)
APPLIES = Rung(
    name="applies",
    scope="https://www.googleapis.com/auth/gmail.compose",
    unlocks="Writes your applications as drafts in your Gmail and sends those that you tell it to.",
)
LADDER = (HEARS, APPLIES)
"""Each step includes those before it: what cannot be heard of need not be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where to send the person's browser, and until when the answer is good."""

    address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser brings back from Google, as untrusted as any address that somebody clicked."""

    state: str
    code: str = ""
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What has been granted, shown to the person before it is connected."""

    address: str
    """The Gmail account that they chose at Google."""
    granted: tuple[Rung, ...]
    missing: tuple[Rung, ...]
    expires_at: datetime


def begin(
    uid: str,
    rung: str,
    redirect_uri: str,
    *,
    settings: Settings,
    store: Store,
    vault: Vault,
    consent: Consent,
    clock: Clock,
    ids: Ids,
) -> Screen:
    """Open the consent screen up to a rung of the ladder; an earlier screen of theirs is good no more.

    `redirect_uri` is one of the settings', word for word; empty: the first of them. Raises Rejected for any other.
    """
    names = [each.name for each in LADDER]
    if rung not in names:
        raise Rejected(f"rung: must be {' or '.join(names)}")
    if not settings.redirect_uris:
        raise Rejected("redirect_uri: this deployment names none (HEARBACK_OAUTH_REDIRECT_URIS)")
    where = redirect_uri or settings.redirect_uris[0]
    if where not in settings.redirect_uris:
        raise Rejected("redirect_uri: not one of this deployment's")
    state, nonce, verifier = ids.new() + ids.new(), ids.new(), ids.new() + ids.new()
    opened = OpenConsent(
        uid=uid,
        state_hash=_hash(state),
        expires_at=clock.now() + LASTS,
        redirect_uri=where,
        nonce=nonce,
        sealed_verifier=vault.seal(verifier.encode(), user=uid, purpose=VERIFIER),
    )
    key = CONSENTS.key(uid, THE_ONE)
    store.transact(lambda tx: tx.put(key, opened))
    request = ConsentRequest(
        scopes=(*IDENTITY_SCOPES, *(each.scope for each in LADDER[: names.index(rung) + 1])),
        redirect_uri=where,
        state=state,
        nonce=nonce,
        challenge=_base64url(hashlib.sha256(verifier.encode()).digest()),
    )
    return Screen(address=consent.address(request), expires_at=opened.expires_at)


def come_back(
    uid: str,
    answer: Answer,
    *,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    consent: Consent,
    clock: Clock,
    ids: Ids,
) -> Offer:
    """Take Google's answer, once. The grant is held for the person's yes, and given back if that does not come.

    A grant whose account Gmail does not name goes back as well.

    Raises Rejected for an answer that is not to their open screen, was used before, or grants too little; Refused when
    the Gmail account belongs to another account here; TryAgain when Google cannot be reached: then begin again.
    """
    opened = _use(uid, answer, issuer=consent.issuer, store=store, clock=clock)
    if answer.error or not answer.code:
        raise Rejected("Google says that it was not allowed" if answer.error else "code: missing")
    verifier = vault.unseal(opened.sealed_verifier, user=uid, purpose=VERIFIER).decode()
    grant = consent.redeem(answer.code, verifier=verifier, redirect_uri=opened.redirect_uri, nonce=opened.nonce)
    hears = HEARS.scope in grant.scopes
    # On record before anything can fail: a grant that nobody confirms goes back, whatever becomes of this request.
    revocation = _revocation(uid, grant, lasts=LASTS if hears else NOT_AT_ALL, vault=vault, clock=clock, ids=ids)
    store.create(REVOCATIONS.key(revocation.id), revocation)
    if not hears:
        raise Rejected("reading mail was not ticked at Google; without it there is nothing to connect")
    address = gmail.mailbox(grant.access.token).profile().email_address
    mailbox_id = accounts.mailbox_id(address, secret=settings.mailbox_secret)
    held = _hold(
        opened, grant, replace(revocation, mailbox_id=mailbox_id), address, store=store, vault=vault, clock=clock
    )
    known = store.get(MAILBOXES.key(mailbox_id))
    if known is not None and known.value.uid != uid:
        raise Refused(accounts.TAKEN)
    return _offer(held, address)


def waiting(uid: str, *, store: Store, vault: Vault, clock: Clock) -> Offer | None:
    """What waits for the person's yes; None when nothing does."""
    found = store.get(CONSENTS.key(uid, THE_ONE))
    if found is None or not found.value.revocation or found.value.expires_at <= clock.now():
        return None
    held = found.value
    return _offer(held, vault.unseal(held.sealed_address, user=uid, purpose=accounts.ADDRESS).decode())


def confirm(
    uid: str, *, settings: Settings, store: Store, queue: Queue, gmail: Gmail, vault: Vault, clock: Clock
) -> Mailbox:
    """The person says that this is the account: connect it. Raises NotFound when nothing waits, or no longer."""
    key = CONSENTS.key(uid, THE_ONE)
    found = store.get(key)
    if found is None or not found.value.revocation or found.value.expires_at <= clock.now():
        raise NotFound(NOTHING_WAITS)
    revocation = store.get(REVOCATIONS.key(found.value.revocation))
    # Without the record that gives the grant back, it was confirmed before, and only the answer was lost.
    connected = accounts.mailbox_of(uid, store=store) if revocation is None else None
    if revocation is not None:
        token = vault.unseal(revocation.value.sealed_refresh_token, user=uid, purpose=accounts.REFRESH_TOKEN)
        mailbox = accounts.connect(
            uid,
            refresh_token=token.decode(),
            scopes=found.value.scopes,
            backfill=lookback.begun(_backfill_days(uid, store=store), now=clock.now()),
            instead_of=revocation.key,
            settings=settings,
            store=store,
            gmail=gmail,
            vault=vault,
            clock=clock,
        )
    elif connected is not None:
        mailbox = connected.value
    else:
        raise NotFound(NOTHING_WAITS)
    store.delete(key)
    queue.publish(SYNC_TOPIC, MailboxDirty(mailbox_id=mailbox.id))
    return mailbox


def _backfill_days(uid: str, *, store: Store) -> int:
    person = store.get(USERS.key(uid))
    return (person.value.preferences if person is not None else Preferences()).backfill_days


def _use(uid: str, answer: Answer, *, issuer: str, store: Store, clock: Clock) -> OpenConsent:
    """The open consent that this answers, which no other answer can use any more. Raises Rejected.

    An answer of another server is refused before anything is used up: whoever sends it must not close our screen.
    """
    if max(len(answer.state), len(answer.code)) > ANSWER_CHARACTERS:
        raise Rejected("state, code: too long")
    if answer.issuer and answer.issuer != issuer:
        raise Rejected("iss: not the server that was asked")
    now = clock.now()
    key = CONSENTS.key(uid, THE_ONE)

    def work(tx: Transaction) -> OpenConsent:
        opened = tx.get(key)
        if opened is None or not opened.state_hash or not hmac.compare_digest(opened.state_hash, _hash(answer.state)):
            raise Rejected("state: not that of your open consent screen, or used already; begin again")
        tx.put(key, replace(opened, state_hash=""))
        if opened.expires_at <= now:
            return replace(opened, state_hash="")
        return opened

    opened = store.transact(work, reads=[key])
    if not opened.state_hash:
        raise Rejected("state: older than ten minutes; begin again")
    return opened


def _hold(
    opened: OpenConsent,
    grant: Grant,
    revocation: Revocation,
    address: str,
    *,
    store: Store,
    vault: Vault,
    clock: Clock,
) -> OpenConsent:
    """Write down whose grant it is, beside the record that gives it back when the offer has ended."""
    expires_at = clock.now() + LASTS
    held = replace(
        opened,
        state_hash="",
        nonce="",
        sealed_verifier=b"",
        expires_at=expires_at,
        revocation=revocation.id,
        scopes=tuple(sorted(grant.scopes)),
        sealed_address=vault.seal(address.encode(), user=opened.uid, purpose=accounts.ADDRESS),
    )
    key = CONSENTS.key(opened.uid, THE_ONE)

    def work(tx: Transaction) -> bool:
        current = tx.get(key)
        tx.put(REVOCATIONS.key(revocation.id), replace(revocation, due_at=expires_at))
        if current is None or current.state_hash:
            return False
        tx.put(key, held)
        return True

    if not store.transact(work, reads=[key]):
        raise Rejected("state: you have opened another consent screen meanwhile; use that one")
    return held


def _revocation(uid: str, grant: Grant, *, lasts: timedelta, vault: Vault, clock: Clock, ids: Ids) -> Revocation:
    now = clock.now()
    return Revocation(
        id=ids.new(),
        uid=uid,
        mailbox_id="",
        sealed_refresh_token=vault.seal(grant.refresh_token.encode(), user=uid, purpose=accounts.REFRESH_TOKEN),
        since=now,
        due_at=now + lasts,
    )


def rungs(scopes: tuple[str, ...]) -> tuple[Rung, ...]:
    """The steps of the ladder that these scopes reach."""
    return tuple(rung for rung in LADDER if rung.scope in scopes)


def allows(mailbox: Mailbox, rung: Rung) -> bool:
    """Whether the mailbox's grant reaches that step. Of a grant whose scopes nobody has noted Google itself decides."""
    return not mailbox.scopes or rung.scope in mailbox.scopes


def _offer(held: OpenConsent, address: str) -> Offer:
    granted = rungs(held.scopes)
    return Offer(
        address=address,
        granted=granted,
        missing=tuple(rung for rung in LADDER if rung not in granted),
        expires_at=held.expires_at,
    )


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
