"""One message: read as little of it as possible, understand it, and have its one decision written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared import classify
from shared.applications import applications_of
from shared.classify import mail as mails
from shared.errors import Conflict, Rejected, TryAgain
from shared.mailbox.decisions import Plan, Reading, Roster, Settled, Settlement, Stale, Taken, planned
from shared.model import (
    SNIPPET_CHARACTERS,
    ApplicationSummary,
    Attachment,
    Mail,
    MailRecord,
    MailStatus,
    Notification,
    NotificationKind,
    Thread,
    User,
    Verdict,
)
from shared.ports import Advisor, Clock, GmailMailbox, HistoryMessage, Store, Transaction
from shared.schema import APPLICATIONS_OF_USER, MAILS, NOTIFICATIONS, THREADS, USERS, Key

NEVER = frozenset({"DRAFT", "CHAT"})
"""Labels of what is no mail that somebody sent."""

UNCLEAR = frozenset({"CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_FORUMS", "SPAM"})
"""Labels under which hiring mail is rare: a search decides what is opened, so that no newsletter costs a get."""

STALE_TRIES = 5
"""How often matching is done anew because the person's applications changed meanwhile."""

ROSTER_PAGE = 300
"""Applications read with one query."""

SUBJECT_CHARACTERS = 300
"""What is kept of a subject: enough to find the mail again."""

CALENDAR_BYTES = 262_144
"""A larger .ics file is no invitation."""


class Desk:
    """Takes one person's messages, one after the other, and remembers what it need not read twice."""

    def __init__(self, uid: str, *, store: Store, clock: Clock, advisor: Advisor | None = None) -> None:
        self._uid, self._store, self._clock, self._advisor = uid, store, clock, advisor
        self._decided: set[str] = set()
        self._threads: dict[str, Thread | None] = {}
        self._roster: Roster | None = None
        self._user: User | None = None
        self._is_fresh = False
        """The person has just been read, with the messages that were looked up."""

    def look_up(self, messages: Sequence[HistoryMessage]) -> None:
        """Read, in one round trip, which of the messages have their decision and which threads we know.

        With them comes the person's document, which has their applications: mail that is worth opening needs them next.
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
            snapshot = found[user.path]
            self._user, self._is_fresh = snapshot.value if snapshot else None, True

    def has_decided(self, message_id: str) -> bool:
        """Whether the message's decision is on record, as far as `look_up` and this desk know."""
        return message_id in self._decided

    def take(
        self, message: HistoryMessage, session: GmailMailbox, *, searched: bool, overtakes: bool
    ) -> Taken | Reading:
        """Read one message, as little of it as possible. `searched`: a search for hiring mail has found it.

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
        early = Taken.DROPPED if mail is None else _by_labels(mail.labels, known=known, searched=searched)
        if early is not None or mail is None:
            return early or Taken.DROPPED
        if _own(mail.labels):
            return Reading(message=message, mail=mail, record=self._record(mail, MailStatus.REPLY))
        if known or classify.plausible(mail):
            opened = mail if whole else _fetch(message.id, session, whole=True)
            return self._open(message, opened, session, overtakes=overtakes)
        return Reading(message=message, record=self._private(message))

    def _open(
        self, message: HistoryMessage, mail: Mail | None, session: GmailMailbox, *, overtakes: bool
    ) -> Taken | Reading:
        """Understand a mail whose body has been fetched."""
        if mail is None:
            return Taken.DROPPED
        if trouble := mails.unreadable(mail):
            raise Rejected(trouble)
        mail = self._with_calendar(mail, session)
        record = self._record(mail, MailStatus.NOTED, self._understood(mail))
        return Reading(message=message, mail=mail, record=record, overtakes=overtakes)

    def settle(self, readings: Sequence[Reading], *, also: Callable[[Transaction], None] | None = None) -> Settled:
        """Give the readings their decisions, in one transaction with what `also` writes; in order, or none of them.

        Raises TryAgain when the person's applications change faster than mail can be matched to them.
        """
        for turn in range(STALE_TRIES):
            if self._roster is None and any(reading.record.verdict is not None for reading in readings):
                self._read_roster(asking=turn > 0)
            try:
                return self._settle(planned(self._uid, readings, self._roster), also)
            except Stale:
                self._roster, self._is_fresh = None, False
            except Conflict:
                if also is not None or len(readings) > 1 or readings[0].mail is not None:
                    raise
                # Another run has decided the private mail; its decision stands.
                self._decided.add(readings[0].record.id)
                return Settled(taken={readings[0].record.id: Taken.DECIDED}, threads={}, roster=self._roster)
        raise TryAgain("the applications change faster than a mail can be matched")

    def _settle(self, plan: Plan, also: Callable[[Transaction], None] | None) -> Settled:
        now = self._clock.now()

        def work(tx: Transaction) -> Settled:
            settled = Settlement(tx, plan, now=now).settle()
            if also is not None:
                also(tx)
            return settled

        settled = self._store.transact(work, reads=plan.reads)  # pragma: SYNCPOINT mailbox
        self._threads |= settled.threads
        self._roster = settled.roster or self._roster
        self._decided.update(id_ for id_, taken in settled.taken.items() if taken is Taken.DECIDED)
        return settled

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
            key=f"parked:{message.id}",
            uid=self._uid,
            kind=NotificationKind.MAIL_PARKED,
            created_at=record.recorded_at,
            due_at=record.recorded_at,
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

    def _understood(self, mail: Mail) -> Verdict:
        """What the mail means; what is unclear, a model may settle where there is one."""
        verdict = classify.classify(mail)
        if self._advisor is None:
            return verdict
        from shared.classify.advisor import settle  # noqa: PLC0415 - most deployments have no advisor

        return settle(mail, verdict, uid=self._uid, advisor=self._advisor, store=self._store, clock=self._clock)

    def _private(self, message: HistoryMessage) -> MailRecord:
        """What is kept of a private mail: that it has been looked at."""
        return MailRecord(
            id=message.id,
            uid=self._uid,
            thread_id=message.thread_id,
            status=MailStatus.PRIVATE,
            recorded_at=self._clock.now(),
        )

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

    def _read_roster(self, *, asking: bool) -> None:
        """All applications of the person: those that their document has, else (or when `asking`) by a query.

        The revision is read first, so that a change in between is seen later.
        """
        if not self._is_fresh:
            found = self._store.get(USERS.key(self._uid))
            self._user = found.value if found else None
        # Good for one reading: whoever finds the roster stale must ask for the person anew.
        self._is_fresh = False
        revision = self._user.applications_rev if self._user else 0
        kept = None if asking else applications_of(self._user)
        self._roster = Roster(revision, self._ask_for_applications() if kept is None else kept)

    def _ask_for_applications(self) -> tuple[ApplicationSummary, ...]:
        found: list[ApplicationSummary] = []
        cursor = ""
        while True:
            page = self._store.find(APPLICATIONS_OF_USER, parent=self._uid, limit=ROSTER_PAGE, cursor=cursor)
            found += [item.value for item in page.items]
            cursor = page.next
            if not cursor:
                return tuple(found)


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
