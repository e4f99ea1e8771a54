"""What Hearback knows: mailboxes, mails, applications and their ledgers. Frozen records, stored as they are.

Times are aware and in UTC. Ids of Gmail stay strings; a history id is stored as 20 digits, so that the order of the
strings is the order of the numbers. A field that is None is not stored, so it is not found by an ordered query either.
"""

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

EVENTS_PER_APPLICATION = 200
"""A ledger lives in one document: 200 events of at most 2 KB stay well under Firestore's 1 MiB."""


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


# --- One mail, as the classifier reads it and as the record keeps it -------------------------------------------------


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


# --- Matching ---------------------------------------------------------------------------------------------------------


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


# --- The ledger -------------------------------------------------------------------------------------------------------


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
class Application(ApplicationSummary):
    """One try for one role at one employer; its truth is its ledger, the rest is the fold of it."""

    events: dict[str, Event] = field(default_factory=dict)


# --- What else is kept ------------------------------------------------------------------------------------------------


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
    PRIVATE = "private"
    """Headers and snippet said nothing of hiring: the body was not fetched, and nothing but the ids is kept."""
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


class NotificationKind(StrEnum):
    """What a person is told."""

    APPLICATION_FOUND = "application_found"
    """A mail proved an application that nobody had recorded."""
    STATUS_CHANGED = "status_changed"
    MOVE_SUGGESTED = "move_suggested"
    INTERVIEW_CHANGED = "interview_changed"
    NEEDS_ACTION = "needs_action"
    ON_HOLD = "on_hold"
    DELIVERY_TROUBLE = "delivery_trouble"
    """The outgoing mail failed, bounced, is parked, or nobody knows yet whether it left."""
    MAIL_PARKED = "mail_parked"
    """A mail could not be read; it is kept aside and can be tried again."""
    NEEDS_REAUTH = "needs_reauth"
    """Gmail takes our grant no more: nothing is read until the person connects again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing that a person is told, created in the transaction that caused it and keyed by its cause."""

    key: str
    """Ours, and made of the cause alone (application and event, mail, lease): one cause tells one thing once."""
    uid: str
    kind: str
    """A word of `NotificationKind`; not typed as one, so that a later release's word can still be read."""
    created_at: datetime
    application_id: str = ""
    event: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `applications_rev` moves whenever something that matching reads changes."""

    uid: str
    applications_rev: int = 0
    mailbox_id: str = ""
    time_zone: str = "UTC"
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A provisional "no": Gmail's search index lags, so the same question is put again."""

    at: datetime
    after: datetime
    """How far back the search looks."""
    ids: tuple[str, ...]
    """The messages in question; empty means every message that the search finds."""
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """A bounded look back after Gmail forgot our cursor, from old to new, a window of time for each lease."""

    after: datetime
    """Everything before it has been looked at."""
    until: datetime
    """Where it ends: when it began, and history took over."""
    step_seconds: float
    """How wide the next window is."""
    at: datetime
    """When the next window is due."""
    again: bool = False
    """The second look, for what the search index did not show the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResume:
    """Where a run stopped inside the pages of one history: the token of the next page, what the whole list reaches."""

    page_token: str
    reached: str
    """The history id that the first page named. 20 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A person's connected Gmail account: cursor, watch, lease, what is due, and its health."""

    id: str
    """HMAC of the lower-cased address."""
    uid: str
    history_id: str
    """The cursor: everything before it is done or parked. 20 digits."""
    dirty: str = ""
    """The highest history id that a push has named. 20 digits."""
    dirty_at: datetime | None = None
    due_at: datetime | None = None
    """When somebody must look again; None when there is nothing to do."""
    generation: int = 0
    """Counts leases; a write under an old one is refused."""
    lease_until: datetime | None = None
    """None when the last holder released it cleanly."""
    opening: str = ""
    """The message that a careful run is about to open."""
    openings: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    """Failed tries of single messages, by id."""
    retry_at: datetime | None = None
    """When the failing messages are due; a failure before it, after another push, is no further try."""
    empty_lists: int = 0
    """How often history.list was empty although a push says otherwise."""
    failures: int = 0
    """Failed runs in a row; sets the back-off."""
    resume: HistoryResume | None = None
    """Set when a run ran out of time inside the history from `history_id`."""
    asks: tuple[Ask, ...] = ()
    rescan: Rescan | None = None
    health: Literal["ok", "needs_reauth", "watch_lapsed", "quarantined"] = "ok"
    trouble: str = ""
    """Why the last run failed, in plain words; empty after a good one."""
    watch_expires_at: datetime | None = None
    last_sync_at: datetime | None = None
    last_push_at: datetime | None = None
    units_spent: float = 0.0
    """Gmail quota units in the bucket's present minute."""
    units_at: datetime | None = None
    sealed_refresh_token: bytes = b""
    sealed_access_token: bytes = b""
    access_token_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMailbox:
    """What a sweep reads of a mailbox: that somebody must come back to it, and since when."""

    id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be handled: kept, shown, and re-driven by hand."""

    id: str
    function: str
    topic: str
    payload: str
    """The message's own JSON, at most 4,000 characters; a Gmail notification's address is not kept."""
    reason: str
    recorded_at: datetime
    uid: str = ""
    attempts: int = 0
    redriven_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The small record that each scheduled run leaves."""

    id: str
    function: str
    started_at: datetime
    finished_at: datetime
    scanned: int = 0
    queued: int = 0
    updated: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultKey:
    """The data key of one epoch of the vault; only Cloud KMS can unwrap it."""

    version: int
    """1, 2, 3, ...: also the document's id, and what sealed bytes begin with."""
    wrapped: bytes
    created_at: datetime
