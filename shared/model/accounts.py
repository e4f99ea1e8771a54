"""How a person's Gmail is connected and how it is left: an open consent, a grant to give back, an account to erase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConsent:
    """A person has gone to Google's consent screen, or has come back and must say that this is the account meant.

    Kept below the person, so that nobody else's answer finds it; one at a time, so that a new one ends the old one.
    """

    uid: str
    state_hash: str
    """SHA-256 of the state, in hexadecimal; empty once an answer has used it."""
    expires_at: datetime
    redirect_uri: str
    nonce: str = ""
    sealed_verifier: bytes = b""
    # After the answer.
    revocation: str = ""
    """Id of the record that gives the grant back unless the person confirms; empty before the answer."""
    scopes: tuple[str, ...] = ()
    """What was granted."""
    sealed_address: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A grant that is to be given back to Google, and the watch that goes with it. Gone when that is done."""

    id: str
    uid: str
    mailbox_id: str
    """While a mailbox of this id is connected, its grant is alive, and giving this one back would end it, too.

    Empty while nobody knows which mailbox the grant opens: then Gmail is asked when it is given back.
    """
    sealed_refresh_token: bytes
    since: datetime
    due_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRevocation:
    """What a sweep reads of one."""

    id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A person leaves: everything of theirs is deleted, piece by piece, this record last."""

    id: str
    """The person's uid."""
    uid: str
    since: datetime
    due_at: datetime
    deleted: int = 0
    """Documents and files so far."""
    empty_at: datetime | None = None
    """When a whole scan last found nothing; what a late run writes after it, a second scan finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueErasure:
    """What a sweep reads of one."""

    id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptMailbox:
    """What a sweep reads of a mailbox: enough to tell whether somebody must look, and whether somebody already will."""

    id: str
    health: str = "ok"
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedDocument:
    """What a deletion reads of a document: next to nothing. Its key is all that counts."""

    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRecord:
    """What the service before this one knew of a person and we have no field for; kept for them, read by nobody."""

    id: str
    """Collection and id there: "applications:<id>"."""
    uid: str
    kind: str
    json: str
