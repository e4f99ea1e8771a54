"""What the API answers: the contract with the front end. Fields are added, never renamed; the unknown is left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared import schedule
from shared.ledger import UNDOABLE, attention, counted
from shared.ledger.folding import order
from shared.model import (
    Application,
    ApplicationSummary,
    Attention,
    Candidate,
    Delivery,
    Event,
    EventKind,
    InterviewStatus,
    Link,
    LinkSuggestion,
    MailRecord,
    Move,
    Outcome,
    Preferences,
    Round,
    SenderCheck,
    Signal,
    Span,
    Stage,
)
from shared.preferences import silence_thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """That we are here, and what we are."""

    status: Literal["ok"] = "ok"
    wiring: Literal["local", "emulators", "google"]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewView:
    """One interview round."""

    id: str
    status: InterviewStatus
    start: datetime | None
    """Only when the mail states a zone."""
    start_local: str | None
    """As the mail states it, also without a zone."""
    zone: str | None
    duration_minutes: int | None
    platform: str | None
    link: str | None
    event: str
    """Key of the event that last changed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application as a list shows it."""

    id: str
    company: str
    role: str
    stage: Stage
    outcome: Outcome | None
    attention: Attention
    delivery: Delivery | None
    stage_event: str
    """Key of the event that says why the stage is what it is."""
    needs_action: str | None
    """Key of the event that waits for the person."""
    reply_by: str | None
    """The day, or the local time, by which an offer or a question is to be answered."""
    days_left: int | None
    """Until then, where the person is: 0 on the day itself, negative after it."""
    moves: tuple[Move, ...]
    """Moves that wait for a yes or no."""
    interviews: tuple[InterviewView, ...]
    requisition: str | None
    job_url: str | None
    applied_at: datetime | None
    last_heard_at: datetime | None
    replied_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One entry of a ledger, with its evidence."""

    key: str
    kind: EventKind
    occurred_at: datetime
    recorded_at: datetime
    by: str
    counts: bool
    """False once it is undone, or a newer reading of the same mail has replaced it."""
    undoable: bool
    signal: Signal | None
    automatic: bool | None
    """Whether the mail may move the stage by itself; of a mail alone."""
    why_not: str | None
    confidence: float | None
    evidence: tuple[Span, ...]
    link: Link | None
    sender: SenderCheck | None
    mail_id: str | None
    thread_id: str | None
    reply_by: str | None
    company: str | None
    role: str | None
    stage: Stage | None
    outcome: Outcome | None
    delivery: Delivery | None
    note: str | None
    target: str | None
    """Key of the event that it undoes or answers."""
    accepted: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDetail:
    """An application with its ledger, oldest event first."""

    application: ApplicationView
    ledger: tuple[EventView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationPage:
    """Some applications, last changed first."""

    applications: tuple[ApplicationView, ...]
    next: str | None
    """The `cursor` of the next page; left out on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionView:
    """A mail that waits for the person to say where it belongs."""

    mail: str
    created_at: datetime
    signal: Signal
    company: str | None
    role: str | None
    from_address: str | None
    subject: str | None
    snippet: str | None
    internal_date: datetime | None
    candidates: tuple[Candidate, ...]
    """Best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionPage:
    """Some suggestions, newest first."""

    suggestions: tuple[SuggestionView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A bearer token of the embedded wiring."""

    token: str
    uid: str


# --- From records -----------------------------------------------------------------------------------------------------


def detail(application: Application, preferences: Preferences, now: datetime) -> ApplicationDetail:
    """An application with its ledger, as its person sees it."""
    counting = {event.key for event in counted(application.events.values())}
    ledger = sorted(application.events.values(), key=order)
    return ApplicationDetail(
        application=view(application, preferences, now),
        ledger=tuple(_event(event, counts=event.key in counting) for event in ledger),
    )


def view(summary: ApplicationSummary, preferences: Preferences, now: datetime) -> ApplicationView:
    """An application without its ledger: how long is silent, and how many days are left, is the person's own choice."""
    return ApplicationView(
        id=summary.id,
        company=summary.company,
        role=summary.role,
        stage=summary.stage,
        outcome=summary.outcome,
        attention=attention(summary, now, silence_thresholds(preferences)),
        delivery=summary.delivery,
        stage_event=summary.stage_event,
        needs_action=summary.needs_action or None,
        reply_by=summary.reply_by or None,
        days_left=schedule.days_left(summary.reply_by, preferences, now),
        moves=summary.moves,
        interviews=tuple(_interview(each) for each in summary.interviews),
        requisition=summary.requisition or None,
        job_url=summary.job_url or None,
        applied_at=summary.applied_at,
        last_heard_at=summary.last_heard_at,
        replied_at=summary.replied_at,
        created_at=summary.created_at,
        updated_at=summary.updated_at,
    )


def _interview(each: Round) -> InterviewView:
    return InterviewView(
        id=each.id,
        status=each.status,
        start=each.start,
        start_local=each.facts.start_local or None,
        zone=each.facts.zone or None,
        duration_minutes=each.facts.duration_minutes,
        platform=each.facts.platform or None,
        link=each.facts.link or None,
        event=each.event,
    )


def _event(event: Event, *, counts: bool) -> EventView:
    is_mail = event.kind is EventKind.MAIL
    return EventView(
        key=event.key,
        kind=event.kind,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        by=event.by,
        counts=counts,
        undoable=counts and event.kind in UNDOABLE,
        signal=event.signal,
        automatic=event.automatic if is_mail else None,
        why_not=event.why_not or None,
        confidence=event.confidence if is_mail else None,
        evidence=event.evidence,
        link=event.link,
        sender=event.sender,
        mail_id=event.mail_id or None,
        thread_id=event.thread_id or None,
        reply_by=event.reply_by or None,
        company=event.company or None,
        role=event.role or None,
        stage=event.stage,
        outcome=event.outcome,
        delivery=event.delivery,
        note=event.note or None,
        target=event.target or None,
        accepted=event.accepted,
    )


def suggestion(waiting: LinkSuggestion, mail: MailRecord | None) -> SuggestionView:
    """A suggestion, with what helps to recognise its mail."""
    return SuggestionView(
        mail=waiting.id,
        created_at=waiting.created_at,
        signal=waiting.signal,
        company=waiting.company or None,
        role=waiting.role or None,
        from_address=(mail.from_address or None) if mail else None,
        subject=(mail.subject or None) if mail else None,
        snippet=(mail.snippet or None) if mail else None,
        internal_date=mail.internal_date if mail else None,
        candidates=waiting.candidates,
    )
