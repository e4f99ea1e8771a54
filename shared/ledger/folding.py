"""The fold itself: which events count, and what each of them does.

Events are taken in the order (`occurred_at`, key), whatever the order in which they were learnt. The fold never
matches and never decides whether a mail may act: both stand in the event, frozen when it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.ledger.rounds import INTERVIEW_SIGNALS, Rounds
from shared.model import (
    BY_PUBLIC_WORDS,
    Delivery,
    Event,
    EventKind,
    Move,
    Outcome,
    Projection,
    Signal,
    Stage,
)
from shared.names import same_company

FOLD_VERSION = 3
"""Goes up when the same ledger may fold to something else; older projections are then folded again."""

MOST_THREADS = 20
"""Gmail threads remembered for matching; one application has few."""

MOST_MESSAGE_IDS = 50
"""Message-IDs remembered for matching: a reply names the last few of its thread in References."""

MOST_SENDER_DOMAINS = 10
"""Sender domains remembered for matching; a hiring system, the employer, an agency."""

MOST_NAMES = 5
"""Other names of the company remembered for matching; a brand, its owner, an agency."""

MOST_ICS_UIDS = 20
"""Calendar UIDs remembered for matching; one for each interview round."""


# --- What a mail does -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """What a signal does to an application when its mail may act."""

    stage: Stage | None = None
    outcome: Outcome | None = None
    asks: bool = False
    """The person must do something."""
    reopens: bool = False
    """Said after the end, it raises the question whether this was the end."""


EFFECTS: Mapping[Signal, Effect] = {
    Signal.ACKNOWLEDGEMENT: Effect(stage=Stage.APPLIED),
    Signal.INCOMPLETE_APPLICATION: Effect(asks=True),
    Signal.INFO_REQUEST: Effect(asks=True, reopens=True),
    Signal.AVAILABILITY_REQUEST: Effect(asks=True, reopens=True),
    Signal.ASSESSMENT: Effect(stage=Stage.ASSESSMENT, asks=True, reopens=True),
    Signal.INTERVIEW_INVITATION: Effect(stage=Stage.INTERVIEW, reopens=True),
    Signal.INTERVIEW_UPDATE: Effect(stage=Stage.INTERVIEW, reopens=True),
    Signal.OFFER: Effect(stage=Stage.OFFER, asks=True, reopens=True),
    Signal.REJECTION: Effect(stage=Stage.CLOSED, outcome=Outcome.REJECTED),
    Signal.POSITION_CLOSED: Effect(stage=Stage.CLOSED, outcome=Outcome.POSITION_CLOSED),
    Signal.WITHDRAWAL_CONFIRMED: Effect(stage=Stage.CLOSED, outcome=Outcome.WITHDRAWN),
    Signal.ON_HOLD: Effect(),
    Signal.DELIVERY_FAILURE: Effect(),
}
"""Outreach, job alerts, codes and `other` are missing on purpose: they have no effect on any application."""

NO_EFFECT = frozenset(Signal) - EFFECTS.keys()
"""Signals that touch no application: triage, matching and the intake of mail read off here what they leave alone."""

MOVES_A_STATUS = frozenset(signal for signal, effect in EFFECTS.items() if effect.stage is not None)
"""Signals that name a stage: those of which a person may want to be asked first."""

_CALLED_OFF = Effect()
"""An interview that is called off says nothing about the stage: the rejection, if it is one, is another signal."""

_SETTLED_BY_A_DATE = frozenset({*INTERVIEW_SIGNALS, Signal.AVAILABILITY_REQUEST})
"""What these ask of the person is done when the interview is fixed, or called off."""


def effect_of(event: Event) -> Effect | None:
    """What a mail's event does when it may act; None when it concerns no application."""
    if event.signal in INTERVIEW_SIGNALS and event.interview is not None and event.interview.cancelled:
        return _CALLED_OFF
    return EFFECTS.get(event.signal) if event.signal else None


DELIVERY_MOVES: Mapping[Delivery, frozenset[Delivery]] = {
    # The dead letter marks as failed what no worker could even claim.
    Delivery.QUEUED: frozenset({Delivery.SENDING, Delivery.CANCELLED, Delivery.FAILED}),
    # A try that certainly sent nothing waits in the queue for the next one, where it can be cancelled.
    Delivery.SENDING: frozenset({Delivery.PARKED, Delivery.FAILED, Delivery.UNSURE, Delivery.QUEUED}),
    Delivery.PARKED: frozenset({Delivery.QUEUED, Delivery.CANCELLED}),
    # A draft that the person has edited meanwhile is parked, not sent.
    Delivery.UNSURE: frozenset({Delivery.QUEUED, Delivery.CANCELLED, Delivery.PARKED}),
    # The nightly sweep requeues failed sends that may work now.
    Delivery.FAILED: frozenset({Delivery.QUEUED}),
    # The person may send it after all, and to another address.
    Delivery.CANCELLED: frozenset({Delivery.QUEUED}),
    Delivery.BOUNCED: frozenset({Delivery.QUEUED}),
    # Gmail takes mail beyond the account's limit and gives it back afterwards.
    Delivery.SENT: frozenset({Delivery.PARKED}),
}
"""Moves of `delivery`, beside the two that need proof and go from anywhere: to sent, and beyond it to bounced."""


# --- Which events count -----------------------------------------------------------------------------------------------

UNDOABLE = frozenset({EventKind.MAIL, EventKind.REPLIED, EventKind.CORRECTED, EventKind.ANSWERED})
"""What a retraction removes. A creation is the application itself, and what became of a mail is no opinion.

Retractions are not among them: an undone undo would make the state hang on chains of undoings and on their order.
Whoever undid too much says what is true by a correction, or links the mail again.
"""


def order(event: Event) -> tuple[datetime, str]:
    """The place of an event in its ledger."""
    return event.occurred_at, event.key


def counted(events: Iterable[Event]) -> list[Event]:
    """The events that still count, in their order: none that is retracted or that a newer reading has superseded."""
    ledger = {event.key: event for event in events}
    removed = {event.target for event in ledger.values() if event.kind is EventKind.RETRACTED}
    readings = [event for event in ledger.values() if event.supersedes and event.kind is EventKind.MAIL]
    if readings:
        removed = _with_readings(removed, ledger, readings)
    return sorted(
        (event for event in ledger.values() if event.key not in removed or event.kind not in UNDOABLE), key=order
    )


def _with_readings(retracted: set[str], ledger: Mapping[str, Event], readings: list[Event]) -> set[str]:
    """The retracted events, the newer readings of retracted mails, and the readings that a newer one replaces."""
    removed = set(retracted)
    # The person has undone the mail, whichever reading of it they saw: its newer readings go, too.
    while newer := {event.key for event in readings if event.supersedes in removed} - removed:
        removed |= newer
    for event in readings:
        older = ledger.get(event.supersedes)
        # A closed application never reopens by itself, not even because a newer classifier reads the mail that
        # closed it in another way: the older reading stands until the person has been asked.
        if older is not None and older.kind is EventKind.MAIL and (_closes(event) or not _closes(older)):
            removed.add(older.key)
    return removed


def _closes(event: Event) -> bool:
    effect = effect_of(event)
    return event.automatic and effect is not None and effect.stage is Stage.CLOSED


# --- The fold ---------------------------------------------------------------------------------------------------------


def fold(events: Iterable[Event]) -> Projection:
    """What a ledger amounts to. Pure and total: any order, any duplicates, any missing targets."""
    state = _State(counted(events))
    return state.projection()


def _is_dismissed(events: list[Event]) -> bool:
    """Whether nothing is left of an application that a mail has made but its making."""
    kinds = {event.kind for event in events}
    made_by_mail = any(event.kind is EventKind.CREATED and event.by == "mail" for event in events)
    return made_by_mail and kinds <= {EventKind.CREATED, EventKind.RETRACTED}


class _State:
    """The application while its ledger is read, event by event."""

    def __init__(self, events: list[Event]) -> None:
        self.company = self.role = self.requisition = self.job_url = ""
        self.dismissed = _is_dismissed(events)
        self.stage = Stage.SAVED
        self.open_stage = Stage.APPLIED
        """The last stage before the end: where a reopened application goes on that names no stage of its own."""
        self.outcome: Outcome | None = None
        self.stage_event = ""
        self.stage_at: datetime | None = None
        self.delivery: Delivery | None = None
        self.delivery_event = ""
        self.unconfirmed = self.on_hold = False
        self.needs_action = ""
        self.asked_by: Signal | None = None
        self.reply_by = ""
        self.applied_at: datetime | None = None
        self.last_heard_at: datetime | None = None
        self.replied_at: datetime | None = None
        self.moves: dict[str, Move] = {}
        self.senders: dict[str, None] = {}
        self.names: dict[str, None] = {}
        self.rounds = Rounds()
        self.threads: dict[str, None] = {}
        self.message_ids: dict[str, None] = {}
        self.answers = {e.target: e.accepted for e in events if e.kind is EventKind.ANSWERED}
        """The last answer to each suggested move; an answer takes effect in its mail's place."""
        self.mails = {e.key for e in events if e.kind is EventKind.MAIL}
        for event in events:
            if event.kind is EventKind.CREATED:
                self._words(event)
        for event in events:
            self._take(event)

    def projection(self) -> Projection:
        """What the ledger amounts to."""
        return Projection(
            company=self.company,
            role=self.role,
            requisition=self.requisition,
            job_url=self.job_url,
            dismissed=self.dismissed,
            stage=self.stage,
            outcome=self.outcome,
            stage_event=self.stage_event,
            stage_at=self.stage_at,
            delivery=self.delivery,
            delivery_event=self.delivery_event,
            unconfirmed=self.unconfirmed,
            on_hold=self.on_hold,
            needs_action=self.needs_action,
            reply_by=self.reply_by,
            applied_at=self.applied_at,
            last_heard_at=self.last_heard_at,
            replied_at=self.replied_at,
            moves=tuple(self.moves.values()),
            interviews=self.rounds.all(),
            thread_ids=tuple(self.threads)[-MOST_THREADS:],
            message_ids=tuple(self.message_ids)[-MOST_MESSAGE_IDS:],
            ics_uids=self.rounds.ics_uids()[-MOST_ICS_UIDS:],
            sender_domains=tuple(self.senders)[:MOST_SENDER_DOMAINS],
            known_as=tuple(name for name in self.names if not same_company(name, self.company))[-MOST_NAMES:],
        )

    # --- One event ----------------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event.kind:
            case EventKind.MAIL:
                self._mail(event)
            case EventKind.CREATED:
                self._remember(event)
                self._name(event, event.stage or Stage.SAVED, event.outcome, confirmed=True)
            case EventKind.REPLIED:
                self._remember(event)
                self._replied(event)
            case EventKind.CORRECTED:
                self._words(event)
                self._corrected(event)
            case EventKind.DELIVERY:
                self._remember(event)
                self._delivered(event)
            case EventKind.ANSWERED | EventKind.RETRACTED:
                pass  # Both have been looked up before: they take effect in the place of the event they speak of.

    def _words(self, event: Event) -> None:
        """What somebody has set; empty words set nothing."""
        self.company = event.company or self.company
        self.role = event.role or self.role
        self.requisition = event.requisition or self.requisition
        self.job_url = event.job_url or self.job_url

    def _remember(self, event: Event) -> None:
        for seen, value in ((self.threads, event.thread_id), (self.message_ids, event.message_id)):
            if value:
                seen.pop(value, None)
                seen[value] = None

    def _know(self, event: Event) -> None:
        """Who may end the application: the first who wrote, and whoever answered in a thread or was linked by hand.

        A later stranger that only names the company is not added: two mails of theirs would vouch for each other.
        A mail that was linked by hand also teaches what its sender calls the company, until the link is undone.
        """
        domain = event.sender.domain if event.sender else ""
        by_words = event.by == "mail" and (event.link is None or event.link.rule in BY_PUBLIC_WORDS)
        if domain and event.signal is not Signal.DELIVERY_FAILURE and not (self.senders and by_words):
            self.senders[domain] = None
        if event.by == "person" and event.company:
            self.names[event.company] = None

    def _replied(self, event: Event) -> None:
        self.replied_at = event.occurred_at
        self.needs_action = ""
        # An offer's clock runs until it is accepted or declined, whatever was written meanwhile.
        if self.stage is not Stage.OFFER:
            self.reply_by = ""

    def _corrected(self, event: Event) -> None:
        """The person's word: it binds everything before, so it may go down, and it settles what was open."""
        if event.interview is not None:
            self.rounds.correct(event, event.interview)
            if self.asked_by in _SETTLED_BY_A_DATE:
                self.needs_action = ""
        stage = event.stage or (Stage.CLOSED if event.outcome else None)
        if stage is None:
            return
        outcome = event.outcome or (self.outcome if self.stage is stage else None)
        if self.stage is not stage:
            self.reply_by = ""
        self.moves.clear()
        self.needs_action = ""
        if stage is Stage.SAVED:
            self.applied_at = None
        self._set(event, stage, outcome if stage is Stage.CLOSED else None, confirmed=True)

    def _delivered(self, event: Event) -> None:
        to = event.delivery
        if to is None:
            return
        if to is Delivery.SENT:
            self._name(event, Stage.APPLIED, None, confirmed=True)
        if (
            self.delivery is None
            or to is Delivery.BOUNCED
            or (to is Delivery.SENT and self.delivery is not Delivery.BOUNCED)
            or to in DELIVERY_MOVES[self.delivery]
        ):
            self._deliver(event, to)

    def _deliver(self, event: Event, to: Delivery) -> None:
        if to is not self.delivery:
            self.delivery, self.delivery_event = to, event.key

    # --- A mail -------------------------------------------------------------------------------------------------------

    def _mail(self, event: Event) -> None:
        effect = effect_of(event)
        # Of a superseded reading only a closing still counts, and only until the person has said what is true.
        doubts_the_end = event.supersedes in self.mails
        if effect is None:
            if not doubts_the_end:
                return
            effect = Effect()
        if event.sender is None or event.sender.passed:
            self._remember(event)
            self._know(event)
            if event.signal is not Signal.DELIVERY_FAILURE:
                self.last_heard_at = event.occurred_at
        answer = self.answers.get(event.key)
        if answer is False:
            return
        if doubts_the_end and not answer:
            stage = effect.stage or self.open_stage
            self._suggest(event, stage, None, "A newer reading of the mail that closed this sees no end in it.")
        elif answer or (event.automatic and self.stage is not Stage.CLOSED):
            self._act(event, effect, confirmed=bool(answer))
        elif event.asked_first and self.stage is not Stage.CLOSED:
            # Only the stage waits for the person's yes.
            self._act(event, Effect(asks=effect.asks), confirmed=False)
            self._suggest(event, effect.stage, effect.outcome, event.why_not)
        elif not (event.automatic or event.asked_first):
            self._suggest(event, effect.stage, effect.outcome, event.why_not, reopens=effect.reopens)
        else:
            self._act_after_the_end(event, effect)

    def _act(self, event: Event, effect: Effect, *, confirmed: bool) -> None:
        """The mail does what its signal does; `confirmed` by the person, it may even open what was closed."""
        if event.signal is Signal.DELIVERY_FAILURE:
            self._deliver(event, Delivery.BOUNCED)
            return
        # What a mail states fills what nobody has set.
        self.company = self.company or event.company
        self.role = self.role or event.role
        self.requisition = self.requisition or event.requisition
        self.job_url = self.job_url or event.job_url
        if event.signal is Signal.ACKNOWLEDGEMENT and self.asked_by is Signal.INCOMPLETE_APPLICATION:
            self.needs_action = ""
        named = False
        if confirmed and self.stage is Stage.CLOSED and effect.stage is not Stage.CLOSED:
            self._set(event, effect.stage or self.open_stage, None, confirmed=True)
            named = True
        elif effect.stage is not None:
            named = self._name(event, effect.stage, effect.outcome, confirmed=confirmed)
        asks = self._interview(event) or effect.asks
        if self.stage is Stage.CLOSED:
            return
        if event.signal is Signal.ON_HOLD:
            self.on_hold = True
        if asks:
            self.needs_action, self.asked_by = event.key, event.signal
            self.on_hold = False
        if event.reply_by and (asks or named):
            self.reply_by = event.reply_by

    def _act_after_the_end(self, event: Event, effect: Effect) -> None:
        """A mail that might act, on a closed application: only the person opens it, or renames an end of theirs."""
        if event.signal is Signal.DELIVERY_FAILURE:
            self._deliver(event, Delivery.BOUNCED)
        elif effect.stage is Stage.CLOSED and self.unconfirmed and event.automatic:
            self._name(event, Stage.CLOSED, effect.outcome, confirmed=False)
        else:
            reason = "The employer has written again after the end."
            self._suggest(event, effect.stage, effect.outcome, reason, reopens=effect.reopens)
        self._interview(event)

    def _interview(self, event: Event) -> bool:
        """Fold the mail's interview into the rounds; True when the person must settle something about it."""
        facts = event.interview
        if facts is None:
            return event.signal is Signal.INTERVIEW_INVITATION
        if facts.cancelled or (event.signal in INTERVIEW_SIGNALS and self.stage is not Stage.CLOSED):
            asks = self.rounds.take(event, facts)
            if not asks and self.asked_by in _SETTLED_BY_A_DATE:
                self.needs_action = ""
            return asks
        return False

    def _suggest(
        self, event: Event, stage: Stage | None, outcome: Outcome | None, reason: str, *, reopens: bool = True
    ) -> None:
        """Put the move to the person, unless it would change nothing."""
        if self.stage is Stage.CLOSED and stage is not Stage.CLOSED:
            stage = (stage or self.open_stage) if reopens else None
        elif stage is not None and not self._would_change(stage, outcome):
            stage = None
        if stage is not None:
            self.moves[event.key] = Move(event=event.key, stage=stage, outcome=outcome, reason=reason)

    def _would_change(self, stage: Stage, outcome: Outcome | None) -> bool:
        if stage is self.stage:
            return stage is Stage.CLOSED and outcome is not self.outcome
        return stage.rank >= self.stage.rank

    # --- The stage ----------------------------------------------------------------------------------------------------

    def _name(self, event: Event, stage: Stage, outcome: Outcome | None, *, confirmed: bool) -> bool:
        """Forward by rank only; at equal rank the later event names the stage. False when it was further already."""
        if stage.rank < self.stage.rank:
            return False
        if stage.rank > self.stage.rank:
            self.needs_action = self.reply_by = ""
        self._set(event, stage, outcome, confirmed=confirmed)
        return True

    def _set(self, event: Event, stage: Stage, outcome: Outcome | None, *, confirmed: bool) -> None:
        if self.stage is not Stage.CLOSED and self.stage is not Stage.SAVED:
            self.open_stage = self.stage
        self.stage, self.outcome = stage, outcome
        self.stage_event, self.stage_at = event.key, event.occurred_at
        self.on_hold = False
        closed = stage is Stage.CLOSED
        self.unconfirmed = closed and not confirmed
        # What has been reached or passed needs no yes any more.
        if self.moves:
            still = {} if closed else {k: m for k, m in self.moves.items() if self._would_change(m.stage, m.outcome)}
            self.moves = still
        # A person may close what they only saved: that was never applied for.
        if stage is not Stage.SAVED and not (closed and event.kind is EventKind.CORRECTED):
            self.applied_at = self.applied_at or event.occurred_at
