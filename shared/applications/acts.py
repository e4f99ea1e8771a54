"""What a person does with applications: record, read, correct, answer, undo, and say where a mail belongs."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from shared.applications.change import born, stable_id, with_event, write
from shared.applications.mail import doubt, mail_event
from shared.errors import NotFound, Rejected
from shared.ledger import UNDOABLE, counted
from shared.model import (
    Application,
    ApplicationSummary,
    Event,
    EventKind,
    Link,
    MailRecord,
    MailStatus,
    Outcome,
    Stage,
    Thread,
    User,
)
from shared.ports import Clock, Ids, Page, Store, Transaction
from shared.schema import APPLICATIONS, APPLICATIONS_OF_USER, MAILS, SUGGESTIONS, THREADS, USERS, Collection, Key

T = TypeVar("T")

COMPANY_CHARACTERS = 120
"""No employer's name is longer; what is, was pasted into the wrong field."""

ROLE_CHARACTERS = 160
"""Titles with team, place and level stay below it."""

REQUISITION_CHARACTERS = 60
"""Requisition ids of the large hiring systems have 6 to 20 characters."""

URL_CHARACTERS = 1_000
"""Addresses of postings with all their tracking parameters."""

NOTE_CHARACTERS = 500
"""A note is a sentence or two; it is kept in the ledger, where every event has 3 KB."""

REQUEST_CHARACTERS = 255
"""The longest Idempotency-Key."""

MOST_LISTED = 100
"""Applications in one page."""

APPLICATIONS_PER_THREAD = 20
"""One Gmail thread rarely has mail of two applications; beyond this it says nothing about any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApplication:
    """An application as a person records it by hand."""

    company: str
    role: str = ""
    requisition: str = ""
    job_url: str = ""
    stage: Stage = Stage.APPLIED
    """saved or applied; what came later is said by mails and corrections."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What the person says is true; empty fields say nothing. Accepted and declined come from here alone."""

    stage: Stage | None = None
    outcome: Outcome | None = None
    """With closed only, and closed needs one."""
    company: str = ""
    role: str = ""
    note: str = ""


# --- Reading ----------------------------------------------------------------------------------------------------------


def get(uid: str, application_id: str, *, store: Store) -> Application:
    """The application with its ledger. Raises NotFound, also for somebody else's."""
    found = store.get(_key(APPLICATIONS, uid, application_id))
    if found is None:
        raise NotFound("applications: there is nothing by that id")
    return found.value


def listed(uid: str, *, limit: int, cursor: str = "", store: Store) -> Page[ApplicationSummary]:
    """The person's applications without their ledgers, last changed first. Raises Rejected for limit and cursor.

    Dismissed ones are left out, so a page may have fewer than `limit`.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise Rejected(f"limit: must be 1 to {MOST_LISTED}")
    page = store.find(APPLICATIONS_OF_USER, parent=uid, limit=limit, cursor=cursor)
    return replace(page, items=tuple(item for item in page.items if not item.value.dismissed))


# --- Writing ----------------------------------------------------------------------------------------------------------


def create(uid: str, new: NewApplication, *, request_id: str = "", store: Store, clock: Clock, ids: Ids) -> Application:
    """Record an application by hand; the same `request_id` gives the one that it made. Raises Rejected by field."""
    now = clock.now()
    event = created(new, now=now)
    application_id = stable_id("request", uid, _request(request_id)) if request_id else ids.new()
    key, user_key = APPLICATIONS.key(uid, application_id), USERS.key(uid)

    def work(tx: Transaction) -> Application:
        user, before = tx.get(user_key), tx.get(key)
        if before is not None:
            return before
        after = born(uid, application_id, event, now=now)
        write(tx, None, after, user=user, now=now)
        return after

    return store.transact(work, reads=[user_key, key])


def created(new: NewApplication, *, now: datetime) -> Event:
    """The event with which a person's application begins. Raises Rejected by field."""
    event = Event(
        key="created",
        kind=EventKind.CREATED,
        occurred_at=now,
        recorded_at=now,
        by="person",
        company=_line("company", new.company, COMPANY_CHARACTERS),
        role=_line("role", new.role, ROLE_CHARACTERS),
        requisition=_line("requisition", new.requisition, REQUISITION_CHARACTERS),
        job_url=_web_address("job_url", new.job_url),
        stage=new.stage,
        note=_note(new.note),
    )
    if not event.company:
        raise Rejected("company: must not be empty")
    if new.stage not in (Stage.SAVED, Stage.APPLIED):
        raise Rejected("stage: must be saved or applied")
    return event


def correct(
    uid: str,
    application_id: str,
    correction: Correction,
    *,
    request_id: str = "",
    store: Store,
    clock: Clock,
    ids: Ids,
) -> Application:
    """Set what is true: it binds all that occurred before. Raises Rejected by field, and NotFound.

    The same `request_id` corrects once.
    """
    company = _line("company", correction.company, COMPANY_CHARACTERS)
    role = _line("role", correction.role, ROLE_CHARACTERS)
    note = _note(correction.note)
    if (correction.stage is Stage.CLOSED) != (correction.outcome is not None):
        raise Rejected("outcome: closed needs one, and no other stage has one")
    if not (correction.stage or company or role or note):
        raise Rejected("correction: it says nothing")
    key = f"person:{stable_id(_request(request_id)) if request_id else ids.new()}"
    now = clock.now()

    def event(before: Application) -> Event:
        return Event(
            key=key,
            kind=EventKind.CORRECTED,
            occurred_at=_after_all_of(before, now),
            recorded_at=now,
            by="person",
            stage=correction.stage,
            outcome=correction.outcome,
            company=company,
            role=role,
            note=note,
        )

    def work(tx: Transaction) -> Application:
        user, before = _read(tx, uid, application_id)
        after = with_event(before, event(before), now=now)
        write(tx, before, after, user=user, now=now)
        return after

    return store.transact(work, reads=_reads(uid, application_id))


def answer(uid: str, application_id: str, event_key: str, *, accepted: bool, store: Store, clock: Clock) -> Application:
    """Say yes or no to what a mail suggests: an open move, or an end that a mail alone has brought.

    The same answer again changes nothing; another answer replaces the first. Raises Rejected when nothing is asked
    there, and NotFound.
    """
    now = clock.now()

    def work(tx: Transaction) -> Application:
        user, before = _read(tx, uid, application_id)
        given = [e for e in counted(before.events.values()) if e.kind is EventKind.ANSWERED and e.target == event_key]
        if given and given[-1].accepted is accepted:
            return before
        open_ = {move.event for move in before.moves} | ({before.stage_event} if before.unconfirmed else set())
        if event_key not in open_ and not given:
            raise Rejected("event: nothing waits for an answer there")
        number = sum(e.kind is EventKind.ANSWERED and e.target == event_key for e in before.events.values()) + 1
        answered = Event(
            key=f"answer:{event_key}:{number}",
            kind=EventKind.ANSWERED,
            occurred_at=_after_all_of(before, now),
            recorded_at=now,
            by="person",
            target=event_key,
            accepted=accepted,
        )
        after = with_event(before, answered, now=now)
        write(tx, before, after, user=user, now=now)
        return after

    return store.transact(work, reads=_reads(uid, application_id))


def undo(uid: str, application_id: str, event_key: str, *, store: Store, clock: Clock) -> Application:
    """Take one event out of the ledger's effect; twice is once. Raises Rejected for what cannot be undone, NotFound.

    An undone mail belongs to no application until the person says where.
    """
    now = clock.now()

    def work(tx: Transaction) -> Application:
        user, before = _read(tx, uid, application_id)
        target = before.events.get(event_key)
        if target is None:
            raise NotFound("event: the application has none by that key")
        if target.kind not in UNDOABLE:
            raise Rejected(f"event: {_WHY_NOT_UNDONE[target.kind]}")
        retracted = Event(
            key=f"retract:{event_key}",
            kind=EventKind.RETRACTED,
            occurred_at=now,
            recorded_at=now,
            by="person",
            target=event_key,
        )
        if retracted.key in before.events:
            return before
        mail = tx.get(MAILS.key(uid, target.mail_id)) if target.mail_id else None
        thread = tx.get(THREADS.key(uid, target.thread_id)) if target.thread_id else None
        after = with_event(before, retracted, now=now)
        write(tx, before, after, user=user, now=now)
        if mail is not None and mail.status is MailStatus.LINKED and mail.application_id == application_id:
            freed = replace(mail, status=MailStatus.NOTED, application_id="", link=None, reason="undone by the person")
            tx.put(MAILS.key(uid, mail.id), freed)
        if thread is not None and target.thread_id not in after.thread_ids:
            others = tuple(id_ for id_ in thread.application_ids if id_ != application_id)
            if others != thread.application_ids:
                tx.put(THREADS.key(uid, thread.id), replace(thread, application_ids=others))
        return after

    return store.transact(work, reads=_reads(uid, application_id))


_WHY_NOT_UNDONE = {
    EventKind.CREATED: "the application itself cannot be undone",
    EventKind.RETRACTED: "an undo cannot be undone; say what is true by a correction",
    EventKind.DELIVERY: "what became of a mail is a fact and cannot be undone",
}


def link_suggestion(
    uid: str, mail_id: str, application_id: str | None, *, store: Store, clock: Clock
) -> Application | None:
    """Say which application a mail belongs to (None: to none of them); the mail then counts there as it was read.

    Saying it twice is once. Raises NotFound, and Rejected when the mail was never read or is another application's.
    """
    now = clock.now()
    mail_key, suggestion_key = _key(MAILS, uid, mail_id), _key(SUGGESTIONS, uid, mail_id)

    def work(tx: Transaction) -> Application | None:
        record, suggestion = tx.get(mail_key), tx.get(suggestion_key)
        if record is None:
            raise NotFound("mails: there is nothing by that id")
        if record.status is MailStatus.LINKED and record.application_id != application_id:
            raise Rejected("mail: it belongs to another application; undo it there first")
        after = None
        if application_id is not None:
            after = _link(tx, uid, record, application_id, now=now)
        elif record.status is MailStatus.SUGGESTED:
            tx.put(mail_key, replace(record, status=MailStatus.NOTED, reason="of no application, says the person"))
        if suggestion is not None and suggestion.open:
            tx.put(suggestion_key, replace(suggestion, open=False))
        return after

    return store.transact(work, reads=[mail_key, suggestion_key])


def _link(tx: Transaction, uid: str, record: MailRecord, application_id: str, *, now: datetime) -> Application:
    user, before = _read(tx, uid, application_id)
    thread = tx.get(THREADS.key(uid, record.thread_id)) or Thread(id=record.thread_id, uid=uid)
    if record.status is MailStatus.LINKED:
        return before
    if record.status not in (MailStatus.SUGGESTED, MailStatus.NOTED) or record.verdict is None:
        raise Rejected(f"mail: it has not been read as an employer's: {record.status}")
    link = Link(application_id=application_id, rule="person", confidence=1.0, reason="The person says so.")
    # An undone reading stays undone: what the person says now is an event of its own.
    reading = 1
    while f"mail:{record.id}:{reading}" in before.events:
        reading += 1
    event = mail_event(
        record, link, why_not=doubt(record.verdict, record.sender), by="person", now=now, reading=reading
    )
    after = with_event(before, event, now=now)
    write(tx, before, after, user=user, now=now)
    linked = replace(record, status=MailStatus.LINKED, application_id=application_id, link=link, reason="")
    tx.put(MAILS.key(uid, record.id), linked)
    if application_id not in thread.application_ids:
        ids = (*thread.application_ids, application_id)[-APPLICATIONS_PER_THREAD:]
        tx.put(THREADS.key(uid, thread.id), replace(thread, application_ids=ids))
    return after


# --- Ids and times ----------------------------------------------------------------------------------------------------


def _key(collection: Collection[T], uid: str, id_: str) -> Key[T]:
    try:
        return collection.key(uid, id_)
    except ValueError as e:
        raise NotFound(f"{collection.name}: there is nothing by that id") from e


def _reads(uid: str, application_id: str) -> list[Key[User] | Key[Application]]:
    return [USERS.key(uid), _key(APPLICATIONS, uid, application_id)]


def _read(tx: Transaction, uid: str, application_id: str) -> tuple[User | None, Application]:
    user, application = tx.get(USERS.key(uid)), tx.get(_key(APPLICATIONS, uid, application_id))
    if application is None:
        raise NotFound("applications: there is nothing by that id")
    return user, application


def _after_all_of(application: Application, now: datetime) -> datetime:
    """When the person spoke: after everything that they could see, even when clocks disagree."""
    newest = max(event.occurred_at for event in application.events.values())
    return max(now, newest + timedelta(microseconds=1))


# --- What a person typed ----------------------------------------------------------------------------------------------


def _request(request_id: str) -> str:
    if len(request_id) > REQUEST_CHARACTERS:
        raise Rejected(f"request_id: more than {REQUEST_CHARACTERS} characters")
    return request_id


def _line(field: str, text: str, most: int) -> str:
    """One line of text, its runs of white space made one space."""
    if len(text) > most:
        raise Rejected(f"{field}: more than {most} characters")
    line = " ".join(text.split())
    if not _is_printable(line):
        raise Rejected(f"{field}: contains control characters")
    return line


def _note(text: str) -> str:
    if len(text) > NOTE_CHARACTERS:
        raise Rejected(f"note: more than {NOTE_CHARACTERS} characters")
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    if not _is_printable(lines.replace("\n", "")):
        raise Rejected("note: contains control characters")
    return lines


def _is_printable(text: str) -> bool:
    # Lone surrogates (Cs) are no Unicode text: no store and no JSON takes them.
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


def _web_address(field: str, text: str) -> str:
    """An http(s) address with a host, or nothing."""
    address = text.strip()
    if not address:
        return ""
    if len(address) > URL_CHARACTERS:
        raise Rejected(f"{field}: more than {URL_CHARACTERS} characters")
    if not _is_printable(address) or any(character.isspace() for character in address):
        raise Rejected(f"{field}: contains white space or control characters")
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as e:
        raise Rejected(f"{field}: not an address") from e
    if parts.scheme not in ("http", "https") or not host:
        raise Rejected(f"{field}: must be an http or https address")
    if parts.username is not None or parts.password is not None:
        raise Rejected(f"{field}: must not contain a user name or password")
    return address
