"""One person's mailbox in the model: messages, threads, labels, drafts, and the history of every change."""

from __future__ import annotations

import random
import re
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final, Literal

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.errors import invalid, not_found
from shared.local.gmail.rfc822 import ParsedMail, parsed, with_headers

SYSTEM_LABELS: Final = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
"""Labels that every mailbox has, by id."""

HISTORY_KEPT: Final = timedelta(days=7)
"""How long history.list reaches back ("typically at least a week")."""

SENDS_A_DAY: Final = 500
"""Mails that a consumer account may send in any 24 hours."""

_REPEATED = 8
"""One in so many arrivals stands in two history records, and one in so many bears no labels there."""

_ADDR_SPEC = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]+")

ChangeKind = Literal["messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"]


@dataclass(slots=True)
class StoredMessage:
    """A message in a mailbox."""

    id: str
    thread_id: str
    mail: ParsedMail
    labels: dict[str, None]
    """Label ids in the order in which they came."""
    internal_ms: int
    """internalDate: milliseconds since 1970."""
    came_at: datetime
    """When it came into the mailbox; the search index and history may lag behind this."""
    history_id: int = 0
    draft_id: str = ""


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One change."""

    id: int
    at: datetime
    kind: ChangeKind
    labels: frozenset[str]
    """What a label filter looks at: the message's labels and the changed ones."""
    shown: Mapping[str, Any]
    """The History resource."""


@dataclass(slots=True)
class Subscription:
    """What users.watch set up."""

    topic: str
    label_ids: frozenset[str]
    exclude: bool
    expires_at: datetime

    def wants(self, labels: Iterable[str]) -> bool:
        """Whether a change to a message with these labels is pushed."""
        if not self.label_ids:
            return True
        return self.label_ids.isdisjoint(labels) == self.exclude


@dataclass(slots=True)
class Spent:
    """Quota units of the present minute, and of all time."""

    minute: int = 0
    units: int = 0
    total: int = 0


@dataclass(slots=True)
class Mailbox:
    """One person's mailbox. Times come from the model's clock, ids from its random numbers."""

    address: str
    rng: random.Random
    now: Callable[[], datetime]
    changed: Callable[[Mailbox, frozenset[str]], None]
    """Told of each change, with the labels that a watch looks at."""
    history_id: int
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    """Message ids by draft id."""
    labels: dict[str, str] = field(default_factory=dict)
    """The person's own labels: name by id."""
    history: list[HistoryRecord] = field(default_factory=list)
    forgotten: int = 0
    """History up to this id is gone."""
    by_date: list[tuple[int, str]] = field(default_factory=list)
    """(internalDate, id), oldest first."""
    sent: list[bytes] = field(default_factory=list)
    """Every mail that has left, oldest first, also what the person deleted since."""
    sent_at: deque[datetime] = field(default_factory=deque)
    sends_a_day: int = SENDS_A_DAY
    subscription: Subscription | None = None
    notified_at: datetime | None = None
    spent: Spent = field(default_factory=Spent)
    _thread_of: dict[str, str] = field(default_factory=dict)
    """Thread ids by RFC 5322 Message-ID."""

    # --- reading ---

    def message(self, message_id: str) -> StoredMessage:
        """A message. Raises GoogleError 400 for what cannot be an id, 404 for what is not there."""
        found = self.messages.get(message_id)
        if found is None:
            raise not_found() if re.fullmatch(r"[0-9a-f]{1,16}", message_id) else invalid("Invalid id value")
        return found

    def draft(self, draft_id: str) -> StoredMessage:
        """The message of a draft. Raises GoogleError 404."""
        if draft_id not in self.drafts:
            raise not_found()
        return self.messages[self.drafts[draft_id]]

    def newest_first(self, before: tuple[int, str] | None = None) -> Iterator[StoredMessage]:
        """All messages by internalDate, from the one before `before` on."""
        end = len(self.by_date) if before is None else bisect_left(self.by_date, before)
        for at in range(end - 1, -1, -1):
            yield self.messages[self.by_date[at][1]]

    def history_since(self, start: int) -> Iterator[HistoryRecord]:
        """Every record after `start`, oldest first. Raises GoogleError 404 when that is too long ago or yet to come."""
        old = self.now() - HISTORY_KEPT
        gone = next((n for n, record in enumerate(self.history) if record.at > old), len(self.history))
        if gone:
            self.forgotten = max(self.forgotten, self.history[gone - 1].id)
            del self.history[:gone]
        if start < self.forgotten or start > self.history_id:
            raise not_found()
        return iter(self.history[bisect_right(self.history, start, key=lambda record: record.id) :])

    def label_ids(self) -> tuple[str, ...]:
        """Every label that there is."""
        return (*SYSTEM_LABELS, *self.labels)

    # --- changing ---

    def receive(
        self, raw: bytes, labels: Iterable[str], *, thread_id: str | None, at: datetime | None
    ) -> StoredMessage:
        """Mail arrives, filed as Gmail's classifier decided; SENT means that the person wrote it elsewhere."""
        mail = parsed(raw)
        given = tuple(labels)
        self.check_labels(given)
        if "SENT" in given:
            self.sent.append(raw)
        elif "UNREAD" not in given and "DRAFT" not in given:
            given = ("UNREAD", *given)
        if thread_id is not None and thread_id not in self.threads:
            raise not_found()
        return self._add(mail, given, thread_id or self._thread_for(mail), at=at)

    def create_draft(self, raw: bytes, thread_id: str, draft_id: str = "") -> StoredMessage:
        """A new draft, or new content for an old one: that makes another message, in the same thread."""
        mail = parsed(raw)
        if draft_id:
            old = self.draft(draft_id)
            self.remove(old.id)
            thread_id = old.thread_id
        else:
            draft_id = f"r{self.rng.choice(('', '-'))}{self.rng.getrandbits(62)}"
            thread_id = self._joined_thread(mail, thread_id) if thread_id else ""
        stored = self._add(mail, ("DRAFT",), thread_id, draft_id=draft_id)
        self.drafts[draft_id] = stored.id
        return stored

    def send(self, raw: bytes, thread_id: str = "") -> StoredMessage:
        """A mail leaves: Gmail names it and keeps a copy. Raises GoogleError for what cannot be sent."""
        now = self.now()
        outgoing = self._outgoing(raw, now)
        stays_in = self._joined_thread(parsed(outgoing), thread_id) if thread_id else ""
        return self._leave(outgoing, stays_in, now)

    def send_draft(self, draft_id: str) -> StoredMessage:
        """A draft leaves: it is gone, and the sent mail is another message in its thread."""
        draft = self.draft(draft_id)
        now = self.now()
        outgoing = self._outgoing(draft.mail.raw, now)
        thread_id = draft.thread_id
        self.remove(draft.id)
        return self._leave(outgoing, thread_id, now)

    def relabel(self, message_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> StoredMessage:
        """Labels change; what changes nothing leaves no history. Raises GoogleError for labels that there are not."""
        stored = self.message(message_id)
        adding = [label for label in add if label not in stored.labels]
        removing = [label for label in remove if label in stored.labels]
        if removing:
            for label in removing:
                del stored.labels[label]
            self._record("labelsRemoved", stored, removing)
        if adding:
            stored.labels.update(dict.fromkeys(adding))
            self._record("labelsAdded", stored, adding)
        if adding or removing:
            self.changed(self, frozenset((*stored.labels, *adding, *removing)))
        return stored

    def remove(self, message_id: str) -> None:
        """A message is deleted for good, and with it the draft that it was."""
        stored = self.message(message_id)
        del self.messages[message_id]
        del self.by_date[bisect_left(self.by_date, (stored.internal_ms, message_id))]
        self.drafts.pop(stored.draft_id, None)
        thread = self.threads[stored.thread_id]
        thread.remove(message_id)
        if not thread:
            del self.threads[stored.thread_id]
            self._thread_of = {mid: tid for mid, tid in self._thread_of.items() if tid != stored.thread_id}
        self._record("messagesDeleted", stored)
        self.changed(self, frozenset(stored.labels))

    def check_labels(self, labels: Iterable[str]) -> None:
        """Raises GoogleError 400 for a label that this mailbox does not have."""
        for label in labels:
            if label not in SYSTEM_LABELS and label not in self.labels:
                raise invalid(f"Invalid label: {label}")

    # --- inside ---

    def _add(
        self, mail: ParsedMail, labels: Iterable[str], thread_id: str, *, at: datetime | None = None, draft_id: str = ""
    ) -> StoredMessage:
        now = self.now()
        message_id = self._new_id(now)
        stored = StoredMessage(
            id=message_id,
            thread_id=thread_id or message_id,
            mail=mail,
            labels=dict.fromkeys(labels),
            internal_ms=int((at or now).timestamp() * 1000),
            came_at=now,
            draft_id=draft_id,
        )
        self.messages[message_id] = stored
        self.threads.setdefault(stored.thread_id, []).append(message_id)
        insort(self.by_date, (stored.internal_ms, message_id))
        if mail.message_id:
            self._thread_of[mail.message_id] = stored.thread_id
        self._record("messagesAdded", stored)
        if self.rng.randrange(_REPEATED) == 0:
            self._record("messagesAdded", stored)
        self.changed(self, frozenset(stored.labels))
        return stored

    def _record(self, kind: ChangeKind, stored: StoredMessage, labels: Iterable[str] = ()) -> None:
        self.history_id += self.rng.randint(1, 40)
        stored.history_id = self.history_id
        named = {"id": stored.id, "threadId": stored.thread_id}
        change: dict[str, Any] = {"message": dict(named)}
        if self.rng.randrange(_REPEATED):
            change["message"]["labelIds"] = list(stored.labels)
        changed = list(labels)
        if changed:
            change["labelIds"] = changed
        shown = {"id": str(self.history_id), "messages": [named], kind: [change]}
        seen = frozenset((*stored.labels, *changed))
        self.history.append(HistoryRecord(self.history_id, self.now(), kind, seen, shown))

    def _new_id(self, now: datetime) -> str:
        """Sixteen hexadecimal digits that grow with time, as Gmail's do."""
        while True:
            message_id = f"{int(now.timestamp() * 1000) << 20 | self.rng.getrandbits(20):016x}"
            if message_id not in self.messages:
                return message_id

    def _thread_for(self, mail: ParsedMail) -> str:
        """The thread of an incoming mail: one that it refers to, if the subject agrees; otherwise a new one."""
        for message_id in reversed(mail.references):
            thread_id = self._thread_of.get(message_id)
            if thread_id and self._subject_of(thread_id) == mail.base_subject:
                return thread_id
        return ""

    def _joined_thread(self, mail: ParsedMail, thread_id: str) -> str:
        """The thread that an outgoing mail asks for, if References and subject bear it out; otherwise a new one."""
        if thread_id not in self.threads:
            raise not_found()
        refers = any(self._thread_of.get(message_id) == thread_id for message_id in mail.references)
        return thread_id if refers and self._subject_of(thread_id) == mail.base_subject else ""

    def _subject_of(self, thread_id: str) -> str:
        return self.messages[self.threads[thread_id][0]].mail.base_subject

    def _outgoing(self, raw: bytes, now: datetime) -> bytes:
        """The mail as it leaves. Nothing has changed yet when this refuses."""
        mail = parsed(raw)
        if not mail.recipients:
            raise invalid("Recipient address required")
        for name in ("To", "Cc", "Bcc"):
            if not all(_ADDR_SPEC.fullmatch(address) for address in mail.addresses(name)):
                raise invalid(f"Invalid {name} header")
        while self.sent_at and self.sent_at[0] <= now - timedelta(days=1):
            self.sent_at.popleft()
        if len(self.sent_at) >= self.sends_a_day:
            free = self.sent_at[0] + timedelta(days=1)
            at = free.strftime("%Y-%m-%dT%H:%M:%S.") + f"{free.microsecond // 1000:03d}Z"
            raise GoogleError(429, "rateLimitExceeded", f"User-rate limit exceeded.  Retry after {at} (Mail sending)")
        changes: dict[str, str | None] = {"Message-ID": f"<CA{self.rng.getrandbits(240):060x}@mail.gmail.com>"}
        if self.address not in mail.header("From").lower():
            changes["From"] = self.address
        if not mail.header("Date"):
            changes["Date"] = format_datetime(now)
        return with_headers(raw, changes)

    def _leave(self, outgoing: bytes, thread_id: str, now: datetime) -> StoredMessage:
        self.sent.append(outgoing)
        self.sent_at.append(now)
        mail = parsed(outgoing)
        to_self = ("UNREAD", "SENT", "INBOX") if self.address in mail.recipients else ("SENT",)
        return self._add(mail, to_self, thread_id)
