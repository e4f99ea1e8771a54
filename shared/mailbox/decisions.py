"""What mails do to a person's applications: decided in the order in which they came, written in one transaction.

Each mail has its own decision, made as if those before it had been written already: the applications, threads and the
person's roster that the next mail sees are the ones that the last mail left. So it makes no difference how many of them
share a transaction. Creating a mail's record is the dedupe: whoever comes second finds it and leaves all as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from shared.applications import (
    APPLICATIONS_PER_THREAD,
    applications_of,
    born,
    doubt,
    mail_event,
    matching_sees,
    rostered,
    stable_id,
    told,
    with_applications,
    with_event,
    write_application,
)
from shared.ledger import MOVES_A_STATUS, NO_EFFECT
from shared.model import (
    Application,
    ApplicationSummary,
    Event,
    EventKind,
    Link,
    LinkSuggestion,
    Mail,
    MailRecord,
    MailStatus,
    Notification,
    Preferences,
    Send,
    Signal,
    Thread,
    User,
)
from shared.ports import HistoryMessage, Transaction
from shared.schema import APPLICATIONS, MAILS, SENDS, SUGGESTIONS, THREADS, USERS, Key
from shared.sending.bounce import came_back

NO_APPLICATION = NO_EFFECT - {Signal.OTHER}
"""Signals that concern no application, whatever they are linked to."""

ASKED_FIRST = "you want to be asked first"
"""Why a mail that proves enough only suggests, in words for the person."""


class Taken(Enum):
    """What became of a message."""

    DECIDED = "decided"
    """Its decision is on record."""
    DROPPED = "dropped"
    """It is no mail for us: a draft, a chat, deleted meanwhile, the person's own mail outside our threads."""
    UNCLEAR = "unclear"
    """Only a search for hiring mail may open it."""
    WAITING = "waiting"
    """It would be a question to the person, and an older mail that may answer it has not been read yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A message that has been read and waits for its decision."""

    message: HistoryMessage
    record: MailRecord
    """PRIVATE: all that is kept of it. REPLY: the person's own. NOTED: an employer's, with what it says."""
    mail: Mail | None = None
    """None when it is private."""
    overtakes: bool = False
    """An older message could not be read just now, and it may be the receipt that this one belongs to."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The person's applications, as matching reads them, and the revision that they were read at."""

    revision: int
    applications: tuple[ApplicationSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be written for one mail."""

    record: MailRecord
    event: Event | None = None
    """What it is in the ledger of the record's application."""
    created: Event | None = None
    """The creation of that application, when the mail itself proves it."""
    suggestion: LinkSuggestion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a transaction has made of its readings."""

    taken: Mapping[str, Taken]
    """By the message's id."""
    threads: Mapping[str, Thread | None]
    """As they are now, by id."""
    roster: Roster | None


class Stale(Exception):
    """The roster is not that of the person as the transaction sees them, and their document has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Readings with what can be told of them before the transaction."""

    uid: str
    readings: Sequence[Reading]
    roster: Roster | None
    guesses: Mapping[str, Decision]
    """By the message's id: what each would do if the roster were still true and it were alone."""

    @property
    def mails(self) -> list[Reading]:
        """All but the private ones."""
        return [reading for reading in self.readings if reading.mail is not None]

    @property
    def reads(self) -> list[Key[Any]]:
        """The documents that the transaction will read, as far as they can be guessed."""
        uid, mails = self.uid, self.mails
        if not mails:
            return []
        guessed = dict.fromkeys(decision.record.application_id for decision in self.guesses.values())
        return [
            USERS.key(uid),
            *(MAILS.key(uid, reading.record.id) for reading in mails),
            *(THREADS.key(uid, id_) for id_ in dict.fromkeys(reading.record.thread_id for reading in mails)),
            *(APPLICATIONS.key(uid, id_) for id_ in guessed if id_),
        ]


def planned(uid: str, readings: Sequence[Reading], roster: Roster | None) -> Plan:
    """The readings with what the roster makes of each."""
    guesses = {
        reading.record.id: decided(reading.mail, reading.record, roster.applications)
        for reading in readings
        if roster is not None and reading.mail is not None and reading.record.status is MailStatus.NOTED
    }
    return Plan(uid=uid, readings=readings, roster=roster, guesses=guesses)


@dataclass(slots=True)
class _Change:
    """One application in one transaction: as it was read, as it is now, and what the person is told of the way."""

    before: Application | None
    after: Application
    told: list[Notification] = field(default_factory=list)


class Settlement:
    """One transaction's decisions: everything that it has read, as the decisions so far have left it."""

    def __init__(self, tx: Transaction, plan: Plan, *, now: datetime) -> None:
        self._tx, self._plan, self._now = tx, plan, now
        self._user: User | None = None
        self._applications: tuple[ApplicationSummary, ...] | None = None
        """None while nobody has asked for them."""
        self._seen = 0
        """Changes that matching sees."""
        self._threads: dict[str, Thread | None] = {}
        self._moved: set[str] = set()
        """Threads that belong to one application more than before."""
        self._changes: dict[str, _Change] = {}
        self._decisions: list[Decision] = []
        self._returned: dict[str, Send] = {}
        """Mails of ours that came back, by the send's id."""

    def settle(self) -> Settled:
        """Decide each, then write all. Raises Stale."""
        mails = self._plan.mails
        if mails:
            self._read_person(mails)
        for reading in mails:
            thread_id = reading.record.thread_id
            self._threads[thread_id] = self._tx.get(THREADS.key(self._plan.uid, thread_id))
        taken = {reading.record.id: self._decide(reading) for reading in self._plan.readings}
        self._write()
        revision = (self._user.applications_rev if self._user else 0) + self._seen
        roster = None if self._applications is None else Roster(revision, self._applications)
        return Settled(taken=taken, threads=self._threads, roster=roster)

    def _read_person(self, mails: Sequence[Reading]) -> None:
        """The person and all their applications: those known before, if they are of this revision."""
        self._user = self._tx.get(USERS.key(self._plan.uid))
        revision = self._user.applications_rev if self._user else 0
        if self._plan.roster is not None and self._plan.roster.revision == revision:
            self._applications = self._plan.roster.applications
        else:
            self._applications = applications_of(self._user)
        if self._applications is None and any(reading.record.verdict is not None for reading in mails):
            raise Stale

    def _decide(self, reading: Reading) -> Taken:
        """One mail's decision, after those of all before it."""
        record, mail = reading.record, reading.mail
        if mail is None:
            # Not read before it is created: should another run have decided it, this transaction fails for all.
            self._decisions.append(Decision(record=record))
            return Taken.DECIDED
        if self._tx.get(MAILS.key(self._plan.uid, record.id)) is not None:
            return Taken.DECIDED
        thread = self._threads[record.thread_id]
        if record.status is MailStatus.REPLY:
            decision = _reply(mail, record, thread)
        else:
            decision = self._decided(mail, record)
            if reading.overtakes and decision.suggestion is not None:
                return Taken.WAITING
        self._decisions.append(self._change(decision))
        return Taken.DECIDED

    def _decided(self, mail: Mail, record: MailRecord) -> Decision:
        applications, known = self._applications or (), self._plan.roster
        if known is not None and applications is known.applications:
            return self._plan.guesses[record.id]
        return decided(mail, record, applications)

    def _change(self, decision: Decision) -> Decision:
        """Add the decision's event to its application, and everything that follows from that; gives what it is then."""
        id_ = decision.record.application_id
        if decision.event is None or not id_:
            return decision
        change = self._changes.get(id_)
        before = change.after if change else self._tx.get(APPLICATIONS.key(self._plan.uid, id_))
        if decision.event.kind is EventKind.MAIL and _vanished(before, decision):
            raise Stale
        start = before
        if start is None:
            if decision.created is None:
                return decision
            start = born(self._plan.uid, id_, decision.created, now=self._now)
        own = decision.event
        if self._is_asked_first(own):
            own = replace(own, automatic=False, asked_first=True, why_not=ASKED_FIRST)
            decision = replace(decision, event=own, record=replace(decision.record, reason=ASKED_FIRST))
        after = start
        for event in self._events(start, decision.record, own):
            after = with_event(after, event, now=self._now)
        if change is None:
            change = self._changes[id_] = _Change(before, after)
        change.after = after
        change.told += told(before, after, user=self._user, now=self._now)
        if matching_sees(before, after):
            self._seen += 1
            self._applications = None if self._applications is None else rostered(self._applications, after)
        thread_id = decision.record.thread_id
        thread = self._threads[thread_id]
        if thread is None or id_ not in thread.application_ids:
            ids = (*(thread.application_ids if thread else ()), id_)[-APPLICATIONS_PER_THREAD:]
            self._threads[thread_id] = Thread(id=thread_id, uid=self._plan.uid, application_ids=ids)
            self._moved.add(thread_id)
        return decision

    def _is_asked_first(self, event: Event) -> bool:
        """Whether a mail that might act by itself is of a kind of which the person wants to say yes first."""
        preferences = self._user.preferences if self._user else Preferences()
        moves = event.automatic and event.signal in MOVES_A_STATUS
        return moves and event.signal is not None and preferences.mode_of(event.signal) == "confirm"

    def _events(self, application: Application, record: MailRecord, event: Event) -> tuple[Event, ...]:
        """The mail's event; of a mail of ours that came back also what that means for its send."""
        if event.signal is not Signal.DELIVERY_FAILURE:
            return (event,)
        events, returned = came_back(self._tx, application, record, event, now=self._now)
        if returned is not None:
            self._returned[returned.id] = returned
        return events

    def _write(self) -> None:
        for decision in self._decisions:
            self._tx.create(MAILS.key(self._plan.uid, decision.record.id), decision.record)
            if decision.suggestion is not None:
                self._tx.create(SUGGESTIONS.key(self._plan.uid, decision.record.id), decision.suggestion)
        for change in self._changes.values():
            write_application(self._tx, change.before, change.after, now=self._now, notified=change.told)
        for id_, send in self._returned.items():
            self._tx.put(SENDS.key(id_), send)
        for id_ in sorted(self._moved):
            if (thread := self._threads[id_]) is not None:
                self._tx.put(THREADS.key(self._plan.uid, id_), thread)
        if self._seen:
            uid = self._plan.uid
            person = with_applications(self._user, self._applications, uid=uid, changes=self._seen, now=self._now)
            self._tx.put(USERS.key(uid), person)


# --- Pure: what one mail does -----------------------------------------------------------------------------------------


def decided(mail: Mail, record: MailRecord, applications: Sequence[ApplicationSummary]) -> Decision:
    """What this mail does, given the person's applications. Frozen in the event: the fold never matches again."""
    verdict = record.verdict
    if verdict is None or verdict.signal in NO_APPLICATION:
        return Decision(record=record)
    from shared.matching import match, stranger  # noqa: PLC0415 - it reads senders with the expressions that find facts

    found = match(mail, verdict, applications)
    why_not = "Gmail has put this mail into spam" if "SPAM" in mail.labels else doubt(verdict, mail.sender)
    if isinstance(found, Link):
        return _linked(record, found, why_not or stranger(mail, verdict, found, applications))
    if verdict.signal is Signal.OTHER:
        return Decision(record=record)
    if found.birth and not why_not:
        # An id that the same mail always gives: read twice, it is one application.
        application_id = stable_id(record.uid, record.id)
        link = Link(application_id=application_id, rule="receipt", confidence=verdict.confidence)
        created = Event(
            key="created",
            kind=EventKind.CREATED,
            occurred_at=mail.internal_date,
            recorded_at=record.recorded_at,
            by="mail",
            company=verdict.facts.company,
            role=verdict.facts.role,
        )
        return replace(_linked(record, link, why_not), created=created)
    suggestion = LinkSuggestion(
        id=mail.id,
        uid=record.uid,
        created_at=record.recorded_at,
        candidates=found.candidates,
        signal=verdict.signal,
        company=verdict.facts.company,
        role=verdict.facts.role,
    )
    reason = why_not or ("more than one application fits" if found.candidates else "no application fits")
    return Decision(record=replace(record, status=MailStatus.SUGGESTED, reason=reason), suggestion=suggestion)


def _linked(record: MailRecord, link: Link, why_not: str) -> Decision:
    linked = replace(record, status=MailStatus.LINKED, application_id=link.application_id, link=link, reason=why_not)
    return Decision(record=linked, event=mail_event(linked, link, why_not=why_not, by="mail", now=record.recorded_at))


def _reply(mail: Mail, record: MailRecord, thread: Thread | None) -> Decision:
    """The person wrote in one of our threads: the application does not wait for them any more."""
    if thread is None or len(thread.application_ids) != 1:
        # In a thread of two applications nobody can say which of them the reply is for: it settles neither.
        return Decision(record=record)
    event = Event(
        key=f"mail:{mail.id}:1",
        kind=EventKind.REPLIED,
        occurred_at=mail.internal_date,
        recorded_at=record.recorded_at,
        by="person",
        mail_id=mail.id,
        thread_id=mail.thread_id,
        message_id=mail.message_id,
    )
    return Decision(record=replace(record, application_id=thread.application_ids[0]), event=event)


def _vanished(before: Application | None, decision: Decision) -> bool:
    """The application that the mail was matched to is not there any more, or is part of another one."""
    if decision.created is not None:
        return False
    return before is None or bool(before.merged_into) or before.dismissed
