"""Where everything is kept and every question that may be asked of it.

A collection is declared here once, and so is each query. Both stores refuse what is not declared, and the index
definitions are generated from these lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared import model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection(Generic[T]):
    """Documents of one type. With a parent they live below each of its documents: users/{uid}/applications/{id}."""

    name: str
    record: type[T]
    parent: str = ""
    unindexed: tuple[str, ...] = ()
    """Fields with large or private content that no query reads: exempt from indexing."""

    def key(self, *ids: str) -> Key[T]:
        """The key of one document; `ids` from the parent down: `APPLICATIONS.key(uid, application_id)`."""
        if len(ids) != (2 if self.parent else 1) or not all(ids) or any("/" in part for part in ids):
            raise ValueError(f"{self.name}: not the ids of a document: {ids!r}")
        return Key(self, ids)


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One document's place."""

    collection: Collection[T]
    ids: tuple[str, ...]

    @property
    def id(self) -> str:
        """The document's own id, the last part of its path."""
        return self.ids[-1]

    @property
    def path(self) -> str:
        """Firestore's relative path: "users/u1/applications/a1"."""
        if self.collection.parent:
            return f"{self.collection.parent}/{self.ids[0]}/{self.collection.name}/{self.ids[1]}"
        return f"{self.collection.name}/{self.ids[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[T]):
    """A declared question: at most 3 equalities, one range field that is also the order, then the document id.

    `record` may be a narrower type than the collection's: only its fields are read (Firestore's select).
    `group` asks all collections of that name, whatever their parent (a collection group).
    """

    name: str
    collection: Collection[Any]
    record: type[T]
    equal: tuple[str, ...] = ()
    order: str = ""
    """The range field; empty: by document id alone."""
    descending: bool = False
    contains: str = ""
    """A field with a list that must contain a value (array-contains)."""
    group: bool = False

    def __post_init__(self) -> None:
        if len(self.equal) > MOST_EQUALITIES:
            raise ValueError(f"{self.name}: more than {MOST_EQUALITIES} equalities")


MOST_EQUALITIES = 3
"""More would need an index per combination, and no use case has needed more."""

USERS = Collection("users", model.User)
APPLICATIONS = Collection("applications", model.Application, "users", unindexed=("events", "interviews", "moves"))
MAILS = Collection(
    "mails", model.MailRecord, "users", unindexed=("verdict", "snippet", "subject", "sender", "link", "reason")
)
THREADS = Collection("threads", model.Thread, "users")
INTERVIEWS = Collection("interviews", model.Interview, "users", unindexed=("facts",))
SUGGESTIONS = Collection("suggestions", model.LinkSuggestion, "users", unindexed=("candidates",))
NOTIFICATIONS = Collection("notifications", model.Notification, "users")
MAILBOXES = Collection(
    "mailboxes",
    model.Mailbox,
    unindexed=("sealed_refresh_token", "sealed_access_token", "asks", "rescan", "tries", "history_page"),
)
DEAD_LETTERS = Collection("dead_letters", model.DeadLetter, unindexed=("payload", "reason"))
RUNS = Collection("runs", model.Run)

APPLICATIONS_OF_USER = Query(
    name="applications_of_user",
    collection=APPLICATIONS,
    record=model.ApplicationSummary,
    order="updated_at",
    descending=True,
)
MAILS_OF_USER = Query(
    name="mails_of_user", collection=MAILS, record=model.MailRecord, order="recorded_at", descending=True
)
MAILS_OF_APPLICATION = Query(
    name="mails_of_application",
    collection=MAILS,
    record=model.MailRecord,
    equal=("application_id",),
    order="recorded_at",
)
SUGGESTIONS_OPEN = Query(
    name="suggestions_open",
    collection=SUGGESTIONS,
    record=model.LinkSuggestion,
    equal=("open",),
    order="created_at",
    descending=True,
)
NOTIFICATIONS_OF_USER = Query(
    name="notifications_of_user",
    collection=NOTIFICATIONS,
    record=model.Notification,
    order="created_at",
    descending=True,
)
MAILBOXES_DUE = Query(name="mailboxes_due", collection=MAILBOXES, record=model.Mailbox, order="due_at")
DEAD_LETTERS_NEWEST = Query(
    name="dead_letters_newest",
    collection=DEAD_LETTERS,
    record=model.DeadLetter,
    order="recorded_at",
    descending=True,
)
RUNS_OF_FUNCTION = Query(
    name="runs_of_function",
    collection=RUNS,
    record=model.Run,
    equal=("function",),
    order="started_at",
    descending=True,
)

COLLECTIONS: tuple[Collection[Any], ...] = tuple(v for v in list(globals().values()) if isinstance(v, Collection))
QUERIES: tuple[Query[Any], ...] = tuple(v for v in list(globals().values()) if isinstance(v, Query))
