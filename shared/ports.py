"""What the use cases need from the outside, as protocols. `shared/adapters` has what fulfils them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from shared.schema import Key, Query

T = TypeVar("T")
R = TypeVar("R")

Revision = str
"""Opaque; changes with every write that changes the document. One that leaves it as it is keeps the revision."""

Value = str | int | float | bool | datetime
"""What a query may compare with."""

MessageJson = Mapping[str, Any]
"""Gmail's own Message resource, as untrusted as the mail in it; its `snippet` is plain text, not HTML."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC, to the microsecond."""
        ...


class Ids(Protocol):
    """Fresh identifiers."""

    def new(self) -> str:
        """22 URL-safe characters that nobody can guess and that do not grow with time."""
        ...


# --- Store ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """A document as it was at one revision."""

    key: Key[T]
    value: T
    revision: Revision


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a query's documents; `next` resumes behind the last of them, empty when there are no more."""

    items: tuple[Snapshot[T], ...]
    next: str = ""


class Transaction(Protocol):
    """All reads first, then all writes, one of each document; the writes happen together or not at all.

    A read after a write and a second write of one document raise ValueError.
    """

    def get(self, key: Key[T]) -> T | None:
        """The document, locked against change until the transaction ends."""
        ...

    def create(self, key: Key[T], value: T) -> None:
        """Write a document that must not exist yet; otherwise the whole transaction raises Conflict."""
        ...

    def put(self, key: Key[T], value: T) -> None:
        """Write the document, whether it exists or not."""
        ...

    def delete(self, key: Key[Any]) -> None:
        """Remove the document; a missing one is no error."""
        ...


class Store(Protocol):
    """Typed documents. Raises TryAgain when the store cannot be reached."""

    def get(self, key: Key[T]) -> Snapshot[T] | None:
        """The document, or None."""
        ...

    def get_many(self, keys: Sequence[Key[T]]) -> tuple[Snapshot[T] | None, ...]:
        """The documents in the order of the keys, None for each missing one; one round trip, a read for each."""
        ...

    def create(self, key: Key[T], value: T) -> Revision:
        """Write a document that must not exist yet; Conflict otherwise."""
        ...

    def put(self, key: Key[T], value: T, *, revision: Revision) -> Revision:
        """Write the document if it is still at `revision`; Conflict otherwise. Returns the new revision."""
        ...

    def delete(self, key: Key[Any]) -> None:
        """Remove the document; a missing one is no error."""
        ...

    def find(
        self,
        query: Query[T],
        *,
        limit: int,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        contains: Value | None = None,
        since: Value | None = None,
        before: Value | None = None,
        cursor: str = "",
    ) -> Page[T]:
        """Documents in the query's order, then by id; `since <= order field < before`.

        `parent` is the parent document's id (all parents for a group query). Documents without the order field are
        not found. Raises Rejected for a cursor that is none of ours.
        """
        ...

    def count(
        self,
        query: Query[Any],
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> int:
        """How many documents the query finds."""
        ...

    def sum(
        self,
        query: Query[Any],
        field: str,
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> float:
        """The sum of a numeric field, one of the query's `sums`, over the documents that the query finds."""
        ...

    def transact(self, work: Callable[[Transaction], R], *, reads: Sequence[Key[Any]] = ()) -> R:
        """Run `work` until its writes commit; it may run several times and must have no other effects.

        `reads` are documents that `work` is known to read: they are fetched in one round trip, inside the transaction.
        """
        ...


# --- Queue ------------------------------------------------------------------------------------------------------------


class Queue(Protocol):
    """Wake-ups for functions. At least once, in any order."""

    def publish(self, topic: str, message: object) -> None:
        """Send a message (a dataclass of ids) to a topic; returns when the broker has it. Raises TryAgain."""
        ...


# --- Gmail ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A short-lived key to one mailbox."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who a mailbox is, and its present history id."""

    email_address: str
    history_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessage:
    """A message that history says has come, or was rescued from spam."""

    id: str
    thread_id: str
    labels: tuple[str, ...] | None
    """None when the record did not bear them."""
    rescued: bool = False
    """The person has said that it is no spam."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page of history.list, each message once."""

    history_id: int
    """The mailbox's history id at the time of the answer."""
    messages: tuple[HistoryMessage, ...]
    next_page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """One page of messages.list: (message id, thread id)."""

    messages: tuple[tuple[str, str], ...]
    next_page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Gmail's answer to users.watch."""

    history_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft. Any edit gives it another `message_id`; its own id stays."""

    id: str
    message_id: str
    thread_id: str
    raw: bytes | None = None
    """The mail as RFC 5322 bytes; None when it was only named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPage:
    """One page of drafts.list."""

    drafts: tuple[Draft, ...]
    next_page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail that has left. Gmail gave it a Message-ID of its own: read it back from the message."""

    id: str
    thread_id: str


class GmailMailbox(Protocol):
    """One mailbox through one access token.

    Every method raises TryAgain for what may pass (5xx, time-out, connection), RateLimited for quota, GrantRevoked
    for 401, and Rejected for what Gmail will never accept. `send` and `send_draft` raise Unsure instead of TryAgain
    when the mail may have left. No method repeats a call that changes something.
    """

    @property
    def units(self) -> int:
        """Quota units that this object has spent so far."""
        ...

    def profile(self) -> Profile:
        """users.getProfile, 1 unit."""
        ...

    def history(self, start: int, *, page: str = "") -> HistoryPage | None:
        """users.history.list (messageAdded, labelRemoved), 2 units; None when `start` is too old (404)."""
        ...

    def message(self, message_id: str, *, form: Literal["metadata", "full"]) -> MessageJson | None:
        """users.messages.get, 20 units; None when it has been deleted meanwhile (404)."""
        ...

    def attachment(self, message_id: str, attachment_id: str) -> bytes | None:
        """users.messages.attachments.get, 20 units; None when it is gone."""
        ...

    def search(self, query: str, *, page: str = "", limit: int = 100) -> MessagePage:
        """users.messages.list with `q`, 5 units; newest first."""
        ...

    def watch(self, topic: str) -> Watch:
        """users.watch on INBOX, 100 units; `topic` is the full name projects/P/topics/T.

        A watch of ours on another topic is stopped and replaced (250 units).
        """
        ...

    def stop(self) -> None:
        """users.stop, 50 units: no more pushes for this mailbox."""
        ...

    def create_draft(self, raw: bytes, *, thread_id: str = "") -> Draft:
        """users.drafts.create, 10 units; nothing is sent. Above 3 MB through the upload endpoint."""
        ...

    def get_draft(self, draft_id: str) -> Draft | None:
        """users.drafts.get with the whole mail, 20 units; None when it was sent or deleted (404)."""
        ...

    def list_drafts(self, query: str = "", *, page: str = "", limit: int = 100) -> DraftPage:
        """users.drafts.list, 5 units; newest first, without the mails themselves."""
        ...

    def send_draft(self, draft_id: str) -> SentMail | None:
        """users.drafts.send, 100 units; None when there is no such draft: it was sent before, or deleted."""
        ...

    def delete_draft(self, draft_id: str) -> None:
        """users.drafts.delete, 10 units; a missing one is no error."""
        ...

    def send(self, raw: bytes, *, thread_id: str = "") -> SentMail:
        """users.messages.send, 100 units. To stay in a thread: its id, References to it, and the same subject."""
        ...

    def thread(self, thread_id: str) -> tuple[MessageJson, ...] | None:
        """users.threads.get, 40 units: headers of its messages, oldest first; None when it is gone (404)."""
        ...


class Gmail(Protocol):
    """Gmail and the token endpoint that opens it."""

    def refresh(self, refresh_token: str) -> AccessToken:
        """A new access token. Raises GrantRevoked on invalid_grant, TryAgain when the endpoint is down."""
        ...

    def mailbox(self, access_token: str) -> GmailMailbox:
        """The mailbox that the token opens; makes no call yet."""
        ...


# --- Secrets, files, people -------------------------------------------------------------------------------------------


class Vault(Protocol):
    """Seals small secrets so that only the same user and purpose can open them."""

    def seal(self, secret: bytes, *, user: str, purpose: str) -> bytes:
        """AES-GCM with user, purpose and key version as associated data."""
        ...

    def unseal(self, sealed: bytes, *, user: str, purpose: str) -> bytes:
        """The secret. Raises Rejected when the bytes were changed or sealed for someone or something else."""
        ...


class Blobs(Protocol):
    """Files by name. Names are ours: `{uid}/{id}`."""

    def put(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write or replace a file."""
        ...

    def get(self, name: str) -> bytes | None:
        """Its content, or None."""
        ...

    def media_type(self, name: str) -> str | None:
        """Its media type, or None."""
        ...

    def delete(self, name: str) -> None:
        """Remove it; a missing one is no error."""
        ...

    def names(self, prefix: str) -> tuple[str, ...]:
        """All names that begin with `prefix`, sorted."""
        ...


class Identity(Protocol):
    """Who is calling."""

    def verify(self, token: str) -> str:
        """The uid that a bearer token proves (the `sub` of a Google ID token). Raises Rejected."""
        ...


class SignIn(Protocol):
    """The embedded wiring's way to a bearer token; no other wiring has one."""

    def token(self, uid: str) -> str:
        """A token that this wiring's Identity takes for the uid. Raises Rejected for what can't be a uid."""
        ...
