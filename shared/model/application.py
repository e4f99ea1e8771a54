"""One try for one role at one employer: its ledger, and what the ledger amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.model.mail import InterviewFacts, Link, SenderCheck, Signal, Span

EVENTS_PER_APPLICATION = 200
"""A ledger lives in one document: 200 events of at most 2 KB stay well under Firestore's 1 MiB."""


class Stage(StrEnum):
    """How far an application has come. Automatic moves go up in rank only."""

    SAVED = "saved"
    APPLIED = "applied"
    SCREENING = "screening"
    ASSESSMENT = "assessment"
    INTERVIEW = "interview"
    OFFER = "offer"
    CLOSED = "closed"

    @property
    def rank(self) -> int:
        """The order of the stages; screening and assessment stand side by side."""
        return _RANKS[self]


_RANKS = {
    Stage.SAVED: 0,
    Stage.APPLIED: 1,
    Stage.SCREENING: 2,
    Stage.ASSESSMENT: 2,
    Stage.INTERVIEW: 3,
    Stage.OFFER: 4,
    Stage.CLOSED: 5,
}


class Outcome(StrEnum):
    """How a closed application ended. Accepted and declined come from the person alone."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    POSITION_CLOSED = "position_closed"
    NO_RESPONSE = "no_response"


class Attention(StrEnum):
    """What an application asks of the person now. Derived at reading time, never stored."""

    NONE = "none"
    NEEDS_ACTION = "needs_action"
    UNCONFIRMED = "unconfirmed"
    SILENT = "silent"
    ON_HOLD = "on_hold"


class Delivery(StrEnum):
    """What became of the application's outgoing mail."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    PARKED = "parked"
    FAILED = "failed"
    BOUNCED = "bounced"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    """What kind of thing happened to an application."""

    CREATED = "created"
    """Recorded by hand, by Quick Apply, or born from a mail: company, role, stage."""
    MAIL = "mail"
    """An employer's mail was read."""
    REPLIED = "replied"
    """The person wrote in the thread."""
    CORRECTED = "corrected"
    """The person set stage, outcome or words; binds every event that occurred before."""
    RETRACTED = "retracted"
    """Undo of `target`, whichever of the two arrives first."""
    ANSWERED = "answered"
    """The person's yes or no to the suggested move in `target`."""
    DELIVERY = "delivery"
    """The outgoing mail changed its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of an application's ledger. Append only; `automatic` and `link` are frozen when it is written."""

    key: str
    """Ours and stable: "created", "mail:<gmail id>:<n>", "person:<request id>", ..."""
    kind: EventKind
    occurred_at: datetime
    """When it happened: Gmail's internalDate for mail."""
    recorded_at: datetime
    """When we learnt of it."""
    by: Literal["mail", "person", "service"]
    # What a mail said, and why it counts.
    mail_id: str = ""
    thread_id: str = ""
    message_id: str = ""
    """RFC 5322 Message-ID of that mail; a later mail's References may name it."""
    signal: Signal | None = None
    automatic: bool = False
    """True: it may move the stage. False: it only suggests; `why_not` says what was missing."""
    why_not: str = ""
    asked_first: bool = False
    """It might move the stage, and the person wants to say yes before: all else that it brings counts at once."""
    link: Link | None = None
    confidence: float = 0.0
    evidence: tuple[Span, ...] = ()
    sender: SenderCheck | None = None
    interview: InterviewFacts | None = None
    reply_by: str = ""
    supersedes: str = ""
    """Key of the event that an older classifier wrote for the same mail."""
    # What a person or the service set. In a mail's event: what the mail states; it fills what nobody has set.
    company: str = ""
    role: str = ""
    requisition: str = ""
    job_url: str = ""
    stage: Stage | None = None
    outcome: Outcome | None = None
    delivery: Delivery | None = None
    note: str = ""
    # What an undo or an answer points at.
    target: str = ""
    accepted: bool | None = None


class InterviewStatus(StrEnum):
    """Where one interview round stands."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One interview round, folded from the mails that made and moved it."""

    id: str
    """Stable: "ics:<UID>", else "mail:<Gmail id of the mail that proposed it>"."""
    status: InterviewStatus
    facts: InterviewFacts
    start: datetime | None = None
    """UTC, when known."""
    event: str = ""
    """Key of the event that last changed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview(Round):
    """A round as a record of its own, for reminders and calendars; `id` is a digest, since a UID may be any text."""

    uid: str
    application_id: str
    due_at: datetime | None = None
    """When its reminders must be looked at again; None when there are none to come."""
    reminded_until: datetime | None = None
    """Reminders up to this moment are made, or their time had passed; None after any change of the round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueInterview:
    """What a sweep reads of an interview."""

    id: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of stage that a mail suggests and that waits for the person's yes; from closed, a reopening."""

    event: str
    """Key of the event that suggests it."""
    stage: Stage
    outcome: Outcome | None = None
    reason: str = ""
    """In plain words, shown to the person: why it was not done by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What the fold makes of a ledger. Everything here can be thrown away and folded again."""

    company: str = ""
    role: str = ""
    requisition: str = ""
    job_url: str = ""
    dismissed: bool = False
    """A mail made it, and every mail that spoke of it has been undone: it was a misreading."""
    stage: Stage = Stage.SAVED
    outcome: Outcome | None = None
    stage_event: str = ""
    """Key of the event that named the stage: the evidence of the present status."""
    stage_at: datetime | None = None
    """When that event occurred."""
    delivery: Delivery | None = None
    delivery_event: str = ""
    """Key of the event that named the delivery."""
    unconfirmed: bool = False
    """Closed by a mail alone; the person has not said that it is so."""
    on_hold: bool = False
    needs_action: str = ""
    """Key of the event that waits for the person, empty when none does."""
    reply_by: str = ""
    applied_at: datetime | None = None
    last_heard_at: datetime | None = None
    """When the employer last wrote."""
    replied_at: datetime | None = None
    """When the person last wrote in the thread."""
    moves: tuple[Move, ...] = ()
    """Suggested moves that are still open, oldest first."""
    interviews: tuple[Round, ...] = ()
    thread_ids: tuple[str, ...] = ()
    """Gmail threads of its mails, newest last, bounded; an undone mail's is not among them."""
    message_ids: tuple[str, ...] = ()
    """RFC 5322 Message-IDs of its mails, newest last, bounded."""
    ics_uids: tuple[str, ...] = ()
    """Calendar UIDs of its interviews, newest last, bounded."""
    sender_domains: tuple[str, ...] = ()
    """Domains of proven senders that may end it: of its first mail, and of those that answered in its threads."""
    known_as: tuple[str, ...] = ()
    """Other names of the company, taught by the person: what mails that they linked by hand call it, bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSummary(Projection):
    """An application without its ledger: what lists and matching read."""

    id: str
    uid: str
    created_at: datetime
    updated_at: datetime
    merged_into: str = ""
    fold_version: int = 0
    """The fold that wrote this projection; a lower one never overwrites a higher one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedApplication:
    """What retention reads of an application: since when nothing has changed there."""

    id: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """A person's applications as matching reads them, kept on the person's own document: a mail costs no query."""

    version: int
    """What matching reads changes with releases; a roster of another version is made anew."""
    applications: tuple[ApplicationSummary, ...]
    """Last changed first; those that are part of another one or dismissed are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(ApplicationSummary):
    """One try for one role at one employer; its truth is its ledger, the rest is the fold of it."""

    events: dict[str, Event] = field(default_factory=dict)
