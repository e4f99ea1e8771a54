"""One message: read as little of it as possible, understand it, and write its one decision in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from shared import classify
from shared.applications import (
    APPLICATIONS_PER_THREAD,
    born,
    doubt,
    mail_event,
    match_key,
    stable_id,
    with_event,
    write,
)
from shared.classify import mail as mails
from shared.errors import Conflict, Rejected, TryAgain
from shared.model import (
    SNIPPET_CHARACTERS,
    Application,
    ApplicationSummary,
    Attachment,
    Event,
    EventKind,
    Link,
    LinkSuggestion,
    Mail,
    MailRecord,
    MailStatus,
    Notification,
    NotificationKind,
    Signal,
    Thread,
    User,
    Verdict,
)
from shared.ports import Clock, GmailMailbox, HistoryMessage, Snapshot, Store, Transaction
from shared.schema import (
    APPLICATIONS,
    APPLICATIONS_OF_USER,
    MAILS,
    NOTIFICATIONS,
    SUGGESTIONS,
    THREADS,
    USERS,
    Key,
)

NEVER = frozenset({"DRAFT", "CHAT"})
"""Labels of what is no mail that somebody sent."""

UNCLEAR = frozenset({"CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_FORUMS", "SPAM"})
"""Labels under which hiring mail is rare: a search decides what is opened, so that no newsletter costs a get."""

NO_APPLICATION = frozenset({Signal.RECRUITER_OUTREACH, Signal.JOB_ALERT, Signal.VERIFICATION_CODE})
"""Signals that concern no application, whatever they are linked to."""

STALE_TRIES = 5
"""How often matching is done anew because the person's applications changed meanwhile."""

ROSTER_PAGE = 300
"""Applications read with one query."""

SUBJECT_CHARACTERS = 300
"""What is kept of a subject: enough to find the mail again."""

CALENDAR_BYTES = 262_144
"""A larger .ics file is no invitation."""


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


class Desk:
    """Takes one person's messages, one after the other, and remembers what it need not read twice."""

    def __init__(self, uid: str, *, store: Store, clock: Clock) -> None:
        self._uid, self._store, self._clock = uid, store, clock
        self._decided: set[str] = set()
        self._threads: dict[str, Thread | None] = {}
        self._roster: Roster | None = None
        self._revision: int | None = None
        """That of the applications when the messages were looked up, for the roster that is read after it."""

    def look_up(self, messages: Sequence[HistoryMessage]) -> None:
        """Read, in one round trip, which of the messages have their decision and which threads we know.

        With them comes the revision of the applications: mail that is worth opening needs it next.
        """
        if not messages:
            return
        records = [MAILS.key(self._uid, message.id) for message in messages]
        thread_ids = sorted({message.thread_id for message in messages} - self._threads.keys())
        threads = [THREADS.key(self._uid, id_) for id_ in thread_ids]
        users = [USERS.key(self._uid)] if self._roster is None else []
        keys: list[Key[Any]] = [*records, *threads, *users]
        found = {key.path: snapshot for key, snapshot in zip(keys, self._store.get_many(keys), strict=True)}
        self._decided.update(key.id for key in records if found[key.path])
        for key in threads:
            thread = found[key.path]
            self._threads[key.id] = thread.value if thread else None
        for user in users:
            self._revision = _revision(found[user.path])

    def has_decided(self, message_id: str) -> bool:
        """Whether the message's decision is on record, as far as `look_up` and this desk know."""
        return message_id in self._decided

    def take(self, message: HistoryMessage, session: GmailMailbox, *, searched: bool, overtakes: bool) -> Taken:
        """Give one message its decision. `searched`: a search for hiring mail has found it.

        `overtakes`: an older message could not be read just now, and it may be the receipt that this one belongs to.
        Raises Rejected when nothing of the message can be read.
        """
        if self.has_decided(message.id):
            return Taken.DECIDED
        thread = self._threads.get(message.thread_id)
        known = thread is not None and bool(thread.application_ids)
        if message.labels is not None and (early := _by_labels(message.labels, known=known, searched=searched)):
            return early
        whole = known and not _own(message.labels or ())
        mail = _fetch(message.id, session, whole=whole)
        if mail is None:
            return Taken.DROPPED
        if early := _by_labels(mail.labels, known=known, searched=searched):
            return early
        if _own(mail.labels):
            self._reply(mail)
        elif not known and not classify.plausible(mail):
            self._keep_private(message)
        else:
            return self._open(mail if whole else _fetch(message.id, session, whole=True), session, overtakes=overtakes)
        return Taken.DECIDED

    def _open(self, mail: Mail | None, session: GmailMailbox, *, overtakes: bool) -> Taken:
        """Decide a mail whose body has been fetched."""
        if mail is None:
            return Taken.DROPPED
        if trouble := mails.unreadable(mail):
            raise Rejected(trouble)
        return self._decide(self._with_calendar(mail, session), overtakes=overtakes)

    def park(self, message: HistoryMessage, reason: str) -> None:
        """Put a message aside where the person can see it, with the reason; once."""
        record = MailRecord(
            id=message.id,
            uid=self._uid,
            thread_id=message.thread_id,
            status=MailStatus.PARKED,
            recorded_at=self._clock.now(),
            reason=reason,
        )
        notice = Notification(
            key=f"parked:{message.id}", uid=self._uid, kind=NotificationKind.MAIL_PARKED, created_at=record.recorded_at
        )

        def work(tx: Transaction) -> None:
            if tx.get(MAILS.key(self._uid, message.id)) is None:
                tx.create(MAILS.key(self._uid, message.id), record)
                tx.create(NOTIFICATIONS.key(self._uid, notice.key), notice)

        self._store.transact(work)
        self._decided.add(message.id)

    # --- One message --------------------------------------------------------------------------------------------------

    def _with_calendar(self, mail: Mail, session: GmailMailbox) -> Mail:
        """Fetch an invitation that came as a file, when the mail has none in its text parts."""
        if mail.calendars:
            return mail
        for file in mail.attachments:
            if file.attachment_id and file.size <= CALENDAR_BYTES and _is_calendar(file):
                content = session.attachment(mail.id, file.attachment_id)
                return mail if content is None else mails.with_calendar(mail, content)
        return mail

    def _keep_private(self, message: HistoryMessage) -> None:
        """Keep nothing of a private mail but that it has been looked at."""
        record = MailRecord(
            id=message.id,
            uid=self._uid,
            thread_id=message.thread_id,
            status=MailStatus.PRIVATE,
            recorded_at=self._clock.now(),
        )
        with contextlib.suppress(Conflict):  # Another run has decided it; its decision stands.
            self._store.create(MAILS.key(self._uid, message.id), record)
        self._decided.add(message.id)

    def _reply(self, mail: Mail) -> None:
        """The person wrote in one of our threads: the application does not wait for them any more."""
        record = self._record(mail, MailStatus.REPLY)
        thread = self._threads.get(mail.thread_id)
        if thread is None or len(thread.application_ids) != 1:
            # In a thread of two applications nobody can say which of them the reply is for: it settles neither.
            self._commit(Decision(record=record))
            return
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
        self._commit(Decision(record=replace(record, application_id=thread.application_ids[0]), event=event))

    def _decide(self, mail: Mail, *, overtakes: bool) -> Taken:
        """Classify, match, and write the decision; match anew when the applications changed meanwhile."""
        record = self._record(mail, MailStatus.NOTED, classify.classify(mail))
        for _ in range(STALE_TRIES):
            roster = self._roster or self._read_roster()
            decision = _decision(mail, record, roster)
            if overtakes and decision.suggestion is not None:
                return Taken.WAITING
            if self._commit(decision, roster):
                return Taken.DECIDED
            self._roster = None
        raise TryAgain("the applications change faster than a mail can be matched")

    def _record(self, mail: Mail, status: MailStatus, verdict: Verdict | None = None) -> MailRecord:
        return MailRecord(
            id=mail.id,
            uid=self._uid,
            thread_id=mail.thread_id,
            status=status,
            recorded_at=self._clock.now(),
            internal_date=mail.internal_date,
            from_address=mail.from_address,
            subject=mail.subject[:SUBJECT_CHARACTERS],
            message_id=mail.message_id,
            snippet=mail.snippet[:SNIPPET_CHARACTERS],
            verdict=verdict,
            sender=mail.sender,
        )

    def _commit(self, decision: Decision, roster: Roster | None = None) -> bool:
        """Write one mail's decision and all that follows from it; False when it was made from a stale roster.

        Creating the record is the dedupe: whoever comes second finds it and leaves everything as it is.
        """
        record, now = decision.record, self._clock.now()
        mail_key, user_key = MAILS.key(self._uid, record.id), USERS.key(self._uid)
        thread_key = THREADS.key(self._uid, record.thread_id)
        application_key = APPLICATIONS.key(self._uid, record.application_id) if record.application_id else None
        reads: list[Key[Any]] = [mail_key, user_key, thread_key]
        if application_key is not None:
            reads.append(application_key)

        def work(tx: Transaction) -> tuple[bool, Thread | None, Roster | None]:
            known, user, thread = tx.get(mail_key), tx.get(user_key), tx.get(thread_key)
            before = tx.get(application_key) if application_key is not None else None
            if known is not None:
                return True, thread, roster
            revision = user.applications_rev if user else 0
            if roster is not None and (revision != roster.revision or _vanished(before, decision)):
                return False, thread, None
            tx.create(mail_key, record)
            if decision.suggestion is not None:
                tx.create(SUGGESTIONS.key(self._uid, record.id), decision.suggestion)
            start = before
            if start is None and decision.created is not None:
                start = born(self._uid, record.application_id, decision.created, now=now)
            if start is None or decision.event is None:
                return True, thread, roster
            after = with_event(start, decision.event, now=now)
            write(tx, before, after, user=user, now=now)
            if thread is None or after.id not in thread.application_ids:
                ids = (*(thread.application_ids if thread else ()), after.id)[-APPLICATIONS_PER_THREAD:]
                thread = Thread(id=record.thread_id, uid=self._uid, application_ids=ids)
                tx.put(thread_key, thread)
            return True, thread, _after(roster, before, after)

        decided, thread, self._roster = self._store.transact(work, reads=reads)  # pragma: SYNCPOINT mailbox
        self._threads[record.thread_id] = thread
        if decided:
            self._decided.add(record.id)
        return decided

    def _read_roster(self) -> Roster:
        """All applications of the person; the revision is read first, so that a change in between is seen later."""
        # Good for one reading: whoever found the roster stale must ask for the revision anew.
        revision, self._revision = self._revision, None
        if revision is None:
            revision = _revision(self._store.get(USERS.key(self._uid)))
        found: list[ApplicationSummary] = []
        cursor = ""
        while True:
            page = self._store.find(APPLICATIONS_OF_USER, parent=self._uid, limit=ROSTER_PAGE, cursor=cursor)
            found += [item.value for item in page.items]
            cursor = page.next
            if not cursor:
                break
        self._roster = Roster(revision, tuple(found))
        return self._roster


def _decision(mail: Mail, record: MailRecord, roster: Roster) -> Decision:
    """What this mail does, given the person's applications. Frozen in the event: the fold never matches again."""
    verdict = record.verdict
    if verdict is None or verdict.signal in NO_APPLICATION:
        return Decision(record=record)
    from shared.matching import match  # noqa: PLC0415 - it reads senders with the expressions that find facts

    found = match(mail, verdict, roster.applications)
    why_not = "Gmail has put this mail into spam" if "SPAM" in mail.labels else doubt(verdict, mail.sender)
    if isinstance(found, Link):
        return _linked(record, found, why_not)
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


def _revision(user: Snapshot[User] | None) -> int:
    return user.value.applications_rev if user else 0


def _vanished(before: Application | None, decision: Decision) -> bool:
    """The application that the mail was matched to is not there any more, or is part of another one."""
    if decision.event is None or decision.created is not None:
        return False
    return before is None or bool(before.merged_into) or before.dismissed


def _after(roster: Roster | None, before: Application | None, after: Application) -> Roster | None:
    """The roster after our own write, so that the next mail need not read it again."""
    if roster is None:
        return None
    changed = before is None or match_key(before) != match_key(after)
    others = tuple(summary for summary in roster.applications if summary.id != after.id)
    return Roster(roster.revision + changed, (after, *others))


def _fetch(message_id: str, session: GmailMailbox, *, whole: bool) -> Mail | None:
    """The mail with its body, or its headers and snippet alone; None when it has been deleted meanwhile."""
    fetched = session.message(message_id, form="full" if whole else "metadata")
    return None if fetched is None else mails.from_gmail(fetched)


def _own(labels: Sequence[str]) -> bool:
    """The person's own mail; one to themselves stands in the inbox too, and counts as received."""
    return "SENT" in labels and "INBOX" not in labels


def _by_labels(labels: Sequence[str], *, known: bool, searched: bool) -> Taken | None:
    """What the labels alone decide."""
    if NEVER.intersection(labels) or (_own(labels) and not known):
        return Taken.DROPPED
    if UNCLEAR.intersection(labels) and not known and not searched:
        return Taken.UNCLEAR
    return None


def _is_calendar(file: Attachment) -> bool:
    return file.media_type in {"text/calendar", "application/ics"} or file.name.lower().endswith(".ics")
