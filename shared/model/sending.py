"""One mail that leaves in a person's name: what is asked for, what was tried, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.model.application import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that goes with a letter, as it was when the person asked; its content is in `{uid}/{document_id}`."""

    document_id: str
    name: str
    media_type: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the mail says and to whom. It is erased once it has left: it is in the person's own Sent then."""

    recipient: str
    """An addr-spec (RFC 5322, 3.4.1)."""
    recipient_name: str = ""
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Enclosure, ...] = ()
    # A follow-up stays in its thread only with all three and the thread's own subject.
    thread_id: str = ""
    in_reply_to: str = ""
    """RFC 5322 Message-ID with its angle brackets."""
    references: tuple[str, ...] = ()


AttemptOutcome = Literal["", "sent", "again", "unsure", "parked", "failed", "put_off"]
"""How a try ended: "again" has certainly sent nothing; "put_off" is no try at all, only a wait for quota."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver."""

    number: int
    started_at: datetime
    ended_at: datetime | None = None
    """None while it runs, and when it died."""
    outcome: AttemptOutcome = ""
    reason: str = ""
    """In words that a person understands; empty when it was sent."""


class SendQuestion(StrEnum):
    """What only the person can say. `reconnect` is answered by connecting, the others by sent, send or drop."""

    NONE = ""
    DID_IT_LEAVE = "did_it_leave"
    """Neither the draft nor a sent mail is to be found."""
    EDITED = "edited"
    """The person has changed the draft in Gmail: is it to be sent as it is now?"""
    RECONNECT = "reconnect"
    """Gmail takes our grant no more, or it is for reading alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One mail that a person asked for: it leaves once, or they know why not. Everybody's stand in one collection.

    Terminal: sent, failed, bounced, cancelled; or unsure and parked with a question to the person. Everything else
    has a `due_at`.
    """

    id: str
    uid: str
    application_id: str
    kind: Literal["application", "follow_up"] = "application"
    delivery: Delivery = Delivery.QUEUED
    created_at: datetime
    send_after: datetime
    """The end of the recall window: nothing is claimed before it."""
    due_at: datetime | None = None
    """When somebody must come back to it. A failed one has it when the nightly retry may take it up again."""
    queued_at: datetime | None = None
    """When its present round of tries began, after the first: the person's answer, or the nightly retry."""
    step: int = 0
    """Counts the changes of `delivery`; names their events: "send:<id>:<step>"."""
    generation: int = 0
    """Counts claims; a write under an old one is refused."""
    lease_until: datetime | None = None
    """None when nobody is sending."""
    tries: int = 0
    """Failed tries of this round; the person's answer and the nightly retry begin another."""
    rounds: int = 0
    """How often the nightly retry has taken it up again."""
    attempts: tuple[Attempt, ...] = ()
    """The last tries, oldest first."""
    letter: Letter | None = None
    """None once it has left or was cancelled."""
    subject: str = ""
    """The letter's, kept when the letter is erased: a follow-up stays in its thread only with the same."""
    sent_to: str = ""
    """Where it went, kept when the letter is erased: a bounce asks for another address."""
    enclosed: tuple[str, ...] = ()
    """Names of the files that went with it, kept when the letter is erased: the version of the CV that they have."""
    draft_id: str = ""
    """Gmail's id of the one draft; it stays, whatever is done to the draft."""
    draft_message_id: str = ""
    thread_id: str = ""
    content_hash: str = ""
    """Of the draft as we made it. Empty with a draft: the person wants it as it is now."""
    counted_at: datetime | None = None
    """When it was last counted towards the account's mails of a day."""
    gmail_id: str = ""
    """Gmail's id of the sent mail."""
    message_id: str = ""
    """The sent mail's real Message-ID, which Gmail makes, with its angle brackets."""
    reason: str = ""
    """Why it stands where it stands, in words that a person understands; empty when all is well."""
    question: SendQuestion = SendQuestion.NONE
    answered: Literal["", "sent", "send", "drop"] = ""
    """What the person last said to a question."""
    unsure_at: datetime | None = None
    """Since when nobody knows whether it left."""
    sent_at: datetime | None = None
    next_addresses: tuple[str, ...] = ()
    """Where a mail that came back may go instead: other addresses of the posting and the thread, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSend:
    """What a sweep reads of a send: that somebody must come back to it, and since when."""

    id: str
    due_at: datetime
