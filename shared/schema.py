"""Where everything is kept and every question that may be asked of it.

A collection is declared here once, and so is each query. Both stores refuse what is not declared, and the index
definitions are generated from these lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared import model

T = TypeVar("T")

_ID = re.compile(r"(?!\.{1,2}\Z|__.*__\Z)[^/]{1,375}", re.DOTALL)
"""What Firestore takes as a document's id, which has at most 1,500 bytes: 375 characters of at most four."""


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
        if len(ids) != (2 if self.parent else 1) or not all(map(_ID.fullmatch, ids)):
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
    sums: tuple[str, ...] = ()
    """Numeric fields that may be summed over the query; each needs an index."""

    def __post_init__(self) -> None:
        if len(self.equal) > MOST_EQUALITIES:
            raise ValueError(f"{self.name}: more than {MOST_EQUALITIES} equalities")
        if self.descending and not self.order:
            raise ValueError(f"{self.name}: Firestore does not go through ids downwards")
        if self.sums and self.contains:
            raise ValueError(f"{self.name}: count and sum have no array-contains")


MOST_EQUALITIES = 3
"""More would need an index per combination, and no use case has needed more."""

USERS = Collection("users", model.User)
APPLICATIONS = Collection(
    "applications",
    model.Application,
    "users",
    unindexed=("events", "interviews", "moves", "thread_ids", "message_ids", "ics_uids"),
)
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
    unindexed=("sealed_refresh_token", "sealed_access_token", "asks", "rescan", "tries", "resume"),
)
DEAD_LETTERS = Collection("dead_letters", model.DeadLetter, unindexed=("payload", "reason"))
RUNS = Collection("runs", model.Run)
VAULT_KEYS = Collection("vault_keys", model.VaultKey, unindexed=("wrapped",))

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
MAILBOXES_DUE = Query(name="mailboxes_due", collection=MAILBOXES, record=model.DueMailbox, order="due_at")
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
VAULT_KEYS_NEWEST = Query(
    name="vault_keys_newest", collection=VAULT_KEYS, record=model.VaultKey, order="version", descending=True
)

COLLECTIONS: tuple[Collection[Any], ...] = tuple(v for v in list(globals().values()) if isinstance(v, Collection))
QUERIES: tuple[Query[Any], ...] = tuple(v for v in list(globals().values()) if isinstance(v, Query))


def index_definitions(
    queries: tuple[Query[Any], ...] = QUERIES, collections: tuple[Collection[Any], ...] = COLLECTIONS
) -> list[dict[str, Any]]:
    """What Firestore must be told to index for the queries, and what not to, in no deployment tool's dialect.

    `{"kind": "composite", "collection", "scope", "fields": [{"field", "order" | "contains"}]}` is an index over several
    fields, without the document id, which Firestore adds. `{"kind": "field", "collection", "field", "indexes":
    [{"scope", "order" | "contains"}]}` replaces one field's automatic indexes; an empty list means none.
    Scopes are COLLECTION and COLLECTION_GROUP; orders ASCENDING and DESCENDING; `contains` is true.
    """
    composites: list[dict[str, Any]] = []
    overrides: dict[tuple[str, str], list[dict[str, Any]]] = {
        (collection.name, field): [] for collection in collections for field in collection.unindexed
    }
    for query in queries:
        for fields in _indexes(query):
            scope = "COLLECTION_GROUP" if query.group else "COLLECTION"
            if len(fields) > 1:
                composite = {
                    "kind": "composite",
                    "collection": query.collection.name,
                    "scope": scope,
                    "fields": fields,
                }
                if composite not in composites:
                    composites.append(composite)
            elif query.group:
                # Within one collection every field is indexed by itself; across a group none is.
                field = fields[0]["field"]
                how = {"scope": scope, **{k: v for k, v in fields[0].items() if k != "field"}}
                indexes = overrides.setdefault((query.collection.name, field), _automatic())
                if how not in indexes:
                    indexes.append(how)
    return composites + [
        {"kind": "field", "collection": collection, "field": field, "indexes": indexes}
        for (collection, field), indexes in overrides.items()
    ]


def _indexes(query: Query[Any]) -> list[list[dict[str, Any]]]:
    """The indexes that serve a query and its sums, each a list of fields in order. Equality comes first."""
    equal: list[dict[str, Any]] = [{"field": field, "order": "ASCENDING"} for field in query.equal]
    if query.contains:
        equal.append({"field": query.contains, "contains": True})
    order = [{"field": query.order, "order": "DESCENDING" if query.descending else "ASCENDING"}] if query.order else []
    sums = [[{"field": field, "order": "ASCENDING"}] for field in query.sums if field != query.order]
    # Without an order Firestore joins the equalities' own indexes by itself; an array's needs a common one.
    finding = [equal + order] if order or query.contains else [[field] for field in equal]
    return [fields for fields in finding if fields] + [equal + order + field for field in sums]


def _automatic() -> list[dict[str, Any]]:
    """The indexes that Firestore gives every field: an override that adds one has to name them, too."""
    return [
        {"scope": "COLLECTION", "order": "ASCENDING"},
        {"scope": "COLLECTION", "order": "DESCENDING"},
        {"scope": "COLLECTION", "contains": True},
    ]
