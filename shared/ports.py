"""What the use cases need from the outside, as protocols. `shared/adapters` has what fulfils them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, Protocol, TypeVar

from shared.model import Employer
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


class Wait(Protocol):
    """Waiting."""

    def __call__(self, duration: timedelta) -> None:
        """Return when so much time has passed."""
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

    def put(self, key: Key[T], value: T, *, revision: Revision | None = None) -> None:
        """Write the document, whether it exists or not; with a `revision`, only if it is still at that.

        Otherwise the whole transaction raises Conflict. Such a document need not be read, and so is not locked.
        """
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

    def publish_all(self, topic: str, messages: Sequence[object]) -> None:
        """Send any number of messages; after TryAgain some of them may have been sent, and all are sent again."""
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

    def raw(self, message_id: str) -> bytes | None:
        """users.messages.get, 20 units: the mail as RFC 5322 bytes; None when it has been deleted meanwhile (404)."""
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


# --- Google's authorization server ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What a person is asked to agree to (OAuth 2.0 with PKCE, OpenID Connect)."""

    scopes: tuple[str, ...]
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    """S256 of the verifier (RFC 7636)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person has agreed to."""

    refresh_token: str
    access: AccessToken
    scopes: frozenset[str]
    """May be fewer than were asked for: the person can untick each."""


class Consent(Protocol):
    """Google's consent screen, and the grants that come of it."""

    @property
    def issuer(self) -> str:
        """Who an answer of this server says it is from (RFC 9207)."""
        ...

    def address(self, request: ConsentRequest) -> str:
        """Where to send the person's browser: a code, offline access, and what was granted before, too."""
        ...

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, nonce: str) -> Grant:
        """What a code is worth; once. Raises Rejected for a dead code and an ID token without our nonce, TryAgain."""
        ...

    def revoke(self, token: str) -> None:
        """Give the grant back that a refresh token stands for; a dead one is no error. Raises TryAgain."""
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

    def rotate(self) -> int:
        """Begin a new epoch and return its version; what older keys have sealed still opens."""
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


# --- A model's opinion ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked: our instruction, and the redacted text that it is about."""

    instruction: str
    text: str


class Advisor(Protocol):
    """A model somewhere; what it says is data and is checked by who asked."""

    def ask(self, question: Question) -> str:
        """Its answer, whatever that is. Raises TryAgain or Rejected when there is none in time."""
        ...


# --- Job postings on the web ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswer:
    """What a web server answered to one request."""

    status: int
    headers: Mapping[str, str]
    """Names lower-cased: content-type, etag, last-modified, location, retry-after, as far as they came."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsRule:
    """What a robots.txt says to us about one address."""

    allowed: bool
    delay: timedelta
    """The pause between two requests that it asks for; none when it asks for none."""


class Web(Protocol):
    """Public web servers, whoever named the address."""

    def get(self, url: str, *, headers: Mapping[str, str], at: datetime, until: datetime, most_bytes: int) -> WebAnswer:
        """One GET, sent no sooner than `at` and answered by `until`; a redirect is told, not followed.

        Raises Rejected for an address that may not be asked and for an answer of more than `most_bytes` (unpacked);
        TryAgain when there is no whole answer in time.
        """
        ...

    def robots(self, text: str, url: str) -> RobotsRule:
        """What a robots.txt says to us about an address; total, whatever the text is."""
        ...

    def json_ld(self, html: bytes) -> tuple[Mapping[str, Any], ...]:
        """The JSON-LD objects of a page, in their order; as untrusted as the page. Raises Rejected for no page."""
        ...


class JobBoards(Protocol):
    """The employers whose public boards are read, and the big boards that carry everybody's jobs."""

    @property
    def employers(self) -> Sequence[Employer]:
        """Whose boards are read, in the order of the list."""
        ...

    def search(self, board: str, term: str, location: str, *, until: datetime) -> tuple[Mapping[str, Any], ...]:
        """Some rows of a big board, never all of them, by JobSpy's names; as untrusted as the board.

        Raises TryAgain when it refuses or is not done by `until`.
        """
        ...


# --- What a person is told outside the app ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideMessage:
    """A notification in words, as a channel outside the app takes it."""

    id: str
    """Stable: the same notification always has the same."""
    kind: str
    created_at: datetime
    subject: str
    """One line."""
    text: str
    html: str = ""
    """Of some kinds only; a whole document."""


class Outside(Protocol):
    """A channel outside the app: mail, chat, webhook."""

    def send(self, target: str, message: OutsideMessage) -> None:
        """Hand it over, once.

        Raises TryAgain when it certainly has not left, Unsure when it may have, Rejected when it never will.
        """
        ...
