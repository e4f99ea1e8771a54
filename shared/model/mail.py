"""One mail: what was read in it, who sent it, what it says, and which application it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

SNIPPET_CHARACTERS = 200
"""How much of a mail's text may be stored outside its quoted spans: enough to recognise it, too little to read it."""

SPAN_CHARACTERS = 160
"""The longest quotation kept as evidence: one sentence."""

SPANS_PER_MAIL = 8
"""How many quotations one mail may leave in a record."""


class Signal(StrEnum):
    """What one mail says about an application."""

    ACKNOWLEDGEMENT = "acknowledgement"
    INCOMPLETE_APPLICATION = "incomplete_application"
    INFO_REQUEST = "info_request"
    AVAILABILITY_REQUEST = "availability_request"
    ASSESSMENT = "assessment"
    INTERVIEW_INVITATION = "interview_invitation"
    INTERVIEW_UPDATE = "interview_update"
    OFFER = "offer"
    REJECTION = "rejection"
    ON_HOLD = "on_hold"
    POSITION_CLOSED = "position_closed"
    WITHDRAWAL_CONFIRMED = "withdrawal_confirmed"
    DELIVERY_FAILURE = "delivery_failure"
    VERIFICATION_CODE = "verification_code"
    RECRUITER_OUTREACH = "recruiter_outreach"
    JOB_ALERT = "job_alert"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Words quoted from a mail as evidence, at most `SPAN_CHARACTERS` of them."""

    where: Literal["subject", "body", "from", "calendar", "headers", "attachment"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderCheck:
    """Whether our own receiver vouches for the From: domain (RFC 8601, only the topmost mx.google.com header)."""

    passed: bool
    reason: str
    """In plain words, shown to the person: "DMARC passed for stripe.com"."""
    domain: str = ""
    """The domain of From:, lower-cased; empty when there was none to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPart:
    """One text/calendar part of a mail, decoded."""

    text: str
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Name, type and size (bytes) of an attachment; its content stays in Gmail under `attachment_id`."""

    name: str
    media_type: str
    size: int = 0
    attachment_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message, decoded and capped. Lives in memory only: the body is never stored."""

    id: str
    thread_id: str
    internal_date: datetime
    """Gmail's internalDate; the Date header is the sender's claim and is never used."""
    labels: tuple[str, ...] = ()
    from_name: str = ""
    from_address: str = ""
    """Lower-cased addr-spec of From:, empty when unreadable."""
    reply_to: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    message_id: str = ""
    """RFC 5322 Message-ID with its angle brackets."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-cased names of the few other headers that rules read (list-id, auto-submitted, precedence, ...)."""
    text: str = ""
    """The best plain text, without quoted history and signature. Empty when only the headers were fetched."""
    quoted: str = ""
    snippet: str = ""
    calendars: tuple[CalendarPart, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    sender: SenderCheck = SenderCheck(passed=False, reason="not checked")
    problem: str = ""
    """Why parts of the message could not be read; empty when all of it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewFacts:
    """What a mail says about a meeting. A missing zone is asked for, never guessed."""

    start: datetime | None = None
    """UTC; only when the mail states a zone or an offset."""
    start_local: str = ""
    """ISO local date-time as written ("2026-03-04T10:00"), also when the zone is missing; a date alone is allowed."""
    zone: str = ""
    """IANA name or the abbreviation as written; empty when the mail states none."""
    duration_minutes: int | None = None
    platform: str = ""
    link: str = ""
    alternatives: tuple[str, ...] = ()
    """Further proposed starts, ISO local."""
    ics_uid: str = ""
    ics_sequence: int = 0
    cancelled: bool = False
    organizer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salary:
    """An amount as stated: full units of `currency` (ISO 4217) per `period`; equal bounds when one figure is stated."""

    minimum: float
    maximum: float
    currency: str = ""
    period: str = ""
    bonus: str = ""
    equity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a mail states, each with the words it was read from in `quotes` (keyed by the field's name)."""

    company: str = ""
    role: str = ""
    requisition: str = ""
    job_url: str = ""
    interview: InterviewFacts | None = None
    assessment_deadline: str = ""
    """ISO local date or date-time."""
    salary: Salary | None = None
    reply_by: str = ""
    bounced_message_id: str = ""
    """For a DSN (RFC 3464): the Message-ID of the mail that came back."""
    bounce_diagnosis: str = ""
    quotes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a mail means, and the words that say so."""

    signal: Signal
    confidence: float
    """Calibrated probability that the signal is right, 0 to 1."""
    strong: bool
    """Clear enough to move a status by itself: one strong phrase or two that corroborate each other."""
    evidence: tuple[Span, ...] = ()
    facts: Facts = Facts()
    source: Literal["rules", "weights", "model"] = "rules"
    version: int = 1
    """The classifier's version; a mail read again by a newer one supersedes its older event."""


BY_PUBLIC_WORDS = frozenset({"requisition", "job_url", "company", "company_role", "receipt"})
"""Rules of a `Link` whose proof anybody can write: a name, a number, an address of a page. A Message-ID, a thread and a
meeting's UID are known to those alone who have had mail of the application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The rule that ties a mail to an application. Deterministic: it may move the application's stage."""

    application_id: str
    rule: str
    """One of domain.md's rules: thread, reference, ics, requisition, job_url, company, company_role, receipt."""
    confidence: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An application that a mail may belong to; waits for the person's yes."""

    application_id: str
    rule: str
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """No deterministic link: ranked candidates, best first, or the proof of an application made elsewhere."""

    candidates: tuple[Candidate, ...] = ()
    birth: bool = False
    """The mail itself proves an application that nobody has recorded yet (a receipt naming its company)."""


class MailStatus(StrEnum):
    """The one decision about a mail."""

    LINKED = "linked"
    """It is an event of an application."""
    SUGGESTED = "suggested"
    """It waits for the person to say which application it belongs to."""
    NOTED = "noted"
    """It is about hiring but concerns no application (outreach, alerts, codes)."""
    REPLY = "reply"
    """The person's own mail in the thread of an application."""
    SENT = "sent"
    """It left through us; what became of it stands in its send."""
    PRIVATE = "private"
    """Nothing but the ids is kept: headers and snippet said nothing of hiring, so that the body was not fetched, or the
    person keeps nothing so old."""
    PARKED = "parked"
    """It could not be read; `reason` says why, and it can be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRecord:
    """What is kept of one mail: its creation is the dedupe, and no body is in it."""

    id: str
    uid: str
    thread_id: str
    status: MailStatus
    recorded_at: datetime
    internal_date: datetime | None = None
    from_address: str = ""
    subject: str = ""
    message_id: str = ""
    snippet: str = ""
    verdict: Verdict | None = None
    sender: SenderCheck | None = None
    application_id: str = ""
    link: Link | None = None
    reason: str = ""
    expires_at: datetime | None = None
    """When not even the ids are needed: no look into the past reaches so far back. Set when the rest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Which applications have mail in one Gmail thread."""

    id: str
    uid: str
    application_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSuggestion:
    """A mail that may belong to one of several applications; waits for the person's yes."""

    id: str
    """The mail's id."""
    uid: str
    created_at: datetime
    candidates: tuple[Candidate, ...] = ()
    signal: Signal = Signal.OTHER
    company: str = ""
    role: str = ""
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a model said of one text, so that the same text is never asked about twice; the text itself is not kept."""

    id: str
    """SHA-256 of what was asked, in hex."""
    asked_at: datetime
    expires_at: datetime
    signal: Signal | None = None
    """None: the answer was none that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceDay:
    """How often a model was asked for one person on one day (UTC)."""

    id: str
    """ISO date."""
    asked: int
    expires_at: datetime
