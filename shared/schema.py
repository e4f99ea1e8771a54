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
    expires: str = ""
    """A time after which Firestore itself deletes the document, within a day. A mop: nothing may rely on it."""

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

USERS = Collection("users", model.User, unindexed=("preferences", "roster"))
APPLICATIONS = Collection(
    "applications",
    model.Application,
    "users",
    unindexed=("events", "interviews", "moves", "thread_ids", "message_ids", "ics_uids", "sender_domains", "known_as"),
)
MAILS = Collection(
    "mails",
    model.MailRecord,
    "users",
    unindexed=("verdict", "snippet", "subject", "sender", "link", "reason"),
    expires="expires_at",
)
THREADS = Collection("threads", model.Thread, "users")
INTERVIEWS = Collection("interviews", model.Interview, "users", unindexed=("facts",))
SUGGESTIONS = Collection("suggestions", model.LinkSuggestion, "users", unindexed=("candidates",))
NOTIFICATIONS = Collection("notifications", model.Notification, "users", unindexed=("items",))
DISPATCHES = Collection("dispatches", model.Dispatch, "users", unindexed=("reason",))
CHANNEL_TARGETS = Collection("channel_targets", model.ChannelTarget, "users", unindexed=("sealed", "hint"))
CALENDAR_FEEDS = Collection("calendar_feeds", model.CalendarFeed, "users", unindexed=("token_hash",))
REPORTS = Collection(
    "reports",
    model.Report,
    "users",
    unindexed=("total", "by_company", "by_source", "funnel", "ahead", "open_offers"),
)
DOCUMENTS = Collection("documents", model.Document, "users", unindexed=("name", "sha256"))
TEMPLATES = Collection("templates", model.Template, "users", unindexed=("subject", "text", "html"))
REQUESTS = Collection("requests", model.SendRequest, "users", unindexed=("digest",), expires="expires_at")
ADVICE = Collection("advice", model.Advice, "users", expires="expires_at")
ADVICE_DAYS = Collection("advice_days", model.AdviceDay, "users", expires="expires_at")
MAILBOXES = Collection(
    "mailboxes",
    model.Mailbox,
    unindexed=(
        "backfill",
        "receipt",
        "sealed_address",
        "sealed_refresh_token",
        "sealed_access_token",
        "asks",
        "scopes",
        "rescan",
        "tries",
        "resume",
        "sent_in_hours",
    ),
)
CONSENTS = Collection(
    "consents",
    model.OpenConsent,
    "users",
    unindexed=("sealed_verifier", "sealed_address", "scopes", "nonce"),
    expires="expires_at",
)
LEGACY = Collection("legacy", model.LegacyRecord, "users", unindexed=("json",))
REVOCATIONS = Collection("revocations", model.Revocation, unindexed=("sealed_refresh_token",))
ERASURES = Collection("erasures", model.Erasure)
SENDS = Collection(
    "sends", model.Send, unindexed=("letter", "subject", "attempts", "reason", "sent_to", "next_addresses")
)
SEARCHES = Collection("searches", model.Search, unindexed=("pages", "sources", "pending", "failures"))
POSTINGS = Collection(
    "postings", model.Posting, unindexed=("text", "salary", "apply_url", "apply_address", "sources", "keys")
)
POSTING_KEYS = Collection("posting_keys", model.PostingKey)
CACHE = Collection("cache", model.CachedAnswer, unindexed=("etag", "last_modified", "location"))
WEB_HOSTS = Collection("web_hosts", model.WebHost, expires="expires_at")
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
APPLICATIONS_ENDED = Query(
    name="applications_ended",
    collection=APPLICATIONS,
    record=model.EndedApplication,
    equal=("stage",),
    order="updated_at",
)
APPLICATIONS_DISMISSED = Query(
    name="applications_dismissed",
    collection=APPLICATIONS,
    record=model.EndedApplication,
    equal=("dismissed",),
    order="updated_at",
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
MAILS_UNLINKED = Query(
    name="mails_unlinked",
    collection=MAILS,
    record=model.MailRecord,
    equal=("application_id", "status"),
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
NOTIFICATIONS_DUE = Query(
    name="notifications_due", collection=NOTIFICATIONS, record=model.DueNotification, order="due_at", group=True
)
NOTIFICATIONS_ABOUT = Query(
    name="notifications_about",
    collection=NOTIFICATIONS,
    record=model.Notification,
    equal=("about",),
    order="created_at",
)
NOTIFICATIONS_OF_APPLICATION = Query(
    name="notifications_of_application",
    collection=NOTIFICATIONS,
    record=model.DueNotification,
    equal=("application_id",),
    order="created_at",
)
NOTIFICATIONS_OLDEST = Query(
    name="notifications_oldest", collection=NOTIFICATIONS, record=model.DueNotification, order="created_at", group=True
)
DISPATCHES_DUE = Query(
    name="dispatches_due", collection=DISPATCHES, record=model.DueDispatch, order="due_at", group=True
)
DISPATCHES_OF_USER = Query(
    name="dispatches_of_user", collection=DISPATCHES, record=model.Dispatch, order="created_at", descending=True
)
INTERVIEWS_OF_USER = Query(name="interviews_of_user", collection=INTERVIEWS, record=model.Interview, order="start")
INTERVIEWS_DUE = Query(
    name="interviews_due", collection=INTERVIEWS, record=model.DueInterview, order="due_at", group=True
)
INTERVIEWS_STARTING = Query(
    name="interviews_starting", collection=INTERVIEWS, record=model.DueInterview, order="start", group=True
)
REPORTS_OF_USER = Query(name="reports_of_user", collection=REPORTS, record=model.Report, order="since", descending=True)
REPORTS_OLDEST = Query(name="reports_oldest", collection=REPORTS, record=model.Report, order="created_at")
USERS_RETENTION_DUE = Query(name="users_retention_due", collection=USERS, record=model.DuePerson, order="retention_at")
USERS_WEEKLY_DUE = Query(name="users_weekly_due", collection=USERS, record=model.DuePerson, order="weekly_at")
USERS_MONTHLY_DUE = Query(name="users_monthly_due", collection=USERS, record=model.DuePerson, order="monthly_at")
USERS_FOLLOW_UP_DUE = Query(name="users_follow_up_due", collection=USERS, record=model.DuePerson, order="follow_up_at")
DOCUMENTS_OF_USER = Query(
    name="documents_of_user", collection=DOCUMENTS, record=model.Document, order="created_at", descending=True
)
MAILBOXES_DUE = Query(name="mailboxes_due", collection=MAILBOXES, record=model.DueMailbox, order="due_at")
SENDS_DUE = Query(name="sends_due", collection=SENDS, record=model.DueSend, equal=("delivery",), order="due_at")
SENDS_OF_USER = Query(
    name="sends_of_user", collection=SENDS, record=model.Send, equal=("uid",), order="created_at", descending=True
)
SENDS_OF_APPLICATION = Query(
    name="sends_of_application",
    collection=SENDS,
    record=model.Send,
    equal=("uid", "application_id"),
    order="created_at",
)
SENDS_PLANNED = Query(name="sends_planned", collection=SENDS, record=model.DueSend, equal=("uid",), order="send_after")
SENDS_ASKING = Query(
    name="sends_asking", collection=SENDS, record=model.Send, equal=("uid", "question"), order="created_at"
)
SEARCHES_DUE = Query(name="searches_due", collection=SEARCHES, record=model.DueSearch, order="due_at")
SEARCHES_NEXT = Query(name="searches_next", collection=SEARCHES, record=model.Search, order="next_at")
SEARCHES_OF_USER = Query(
    name="searches_of_user", collection=SEARCHES, record=model.Search, equal=("uid",), order="created_at"
)
POSTINGS_LISTED = Query(
    name="postings_listed",
    collection=POSTINGS,
    record=model.PostingSummary,
    equal=("uid", "open"),
    order="found_at",
    descending=True,
)
POSTINGS_BY_TERM = Query(
    name="postings_by_term",
    collection=POSTINGS,
    record=model.PostingSummary,
    equal=("open",),
    contains="terms",
    order="found_at",
    descending=True,
)
POSTINGS_EXPIRING = Query(
    name="postings_expiring", collection=POSTINGS, record=model.PostingSummary, order="expires_at"
)
POSTINGS_CLOSED = Query(name="postings_closed", collection=POSTINGS, record=model.PostingSummary, order="closed_at")
CACHE_EXPIRED = Query(name="cache_expired", collection=CACHE, record=model.CachedAnswer, order="expires_at")
WEB_HOSTS_EXPIRED = Query(name="web_hosts_expired", collection=WEB_HOSTS, record=model.WebHost, order="expires_at")
MAILBOXES_TO_SWEEP = Query(
    name="mailboxes_to_sweep",
    collection=MAILBOXES,
    record=model.SweptMailbox,
    equal=("pace",),
    order="last_sync_at",
)
MAILBOXES_BY_WATCH = Query(
    name="mailboxes_by_watch", collection=MAILBOXES, record=model.SweptMailbox, order="watch_expires_at"
)
MAILBOXES_BY_RECEIPT = Query(
    name="mailboxes_by_receipt", collection=MAILBOXES, record=model.SweptMailbox, order="receipt_due_at"
)
MAILBOXES_ALL = Query(name="mailboxes_all", collection=MAILBOXES, record=model.Mailbox)
REVOCATIONS_ALL = Query(name="revocations_all", collection=REVOCATIONS, record=model.Revocation)
CHANNEL_TARGETS_ALL = Query(
    name="channel_targets_all", collection=CHANNEL_TARGETS, record=model.ChannelTarget, group=True
)
REVOCATIONS_DUE = Query(name="revocations_due", collection=REVOCATIONS, record=model.DueRevocation, order="due_at")
ERASURES_DUE = Query(name="erasures_due", collection=ERASURES, record=model.DueErasure, order="due_at")
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


def _bears_uid(collection: Collection[Any]) -> bool:
    return "uid" in collection.record.__dataclass_fields__


OWNERLESS = {
    "cache": "answers of job boards, by address",
    "runs": "counts of scheduled runs",
    "vault_keys": "wrapped keys",
    "web_hosts": "how politely a host is asked",
}
"""Root collections without a person's documents, and what they hold. Every other one bears `uid`."""

OF_PERSON: tuple[Query[Any], ...] = tuple(
    Query(
        name=f"{collection.name}_of_person",
        collection=collection,
        record=collection.record,
        equal=() if collection.parent else ("uid",),
    )
    for collection in COLLECTIONS
    if collection.name not in OWNERLESS
)
"""Everything of one person, a query for each collection: of the parent `uid`, or with that field."""

OWNED: tuple[Query[Any], ...] = tuple(
    Query(
        name=f"{query.collection.name}_owned",
        collection=query.collection,
        record=model.OwnedDocument if _bears_uid(query.collection) else query.record,
        equal=query.equal,
    )
    for query in OF_PERSON
)
"""The same, reading no more of them than has to be."""

EXPIRED: tuple[Query[Any], ...] = tuple(
    Query(
        name=f"{collection.name}_expired",
        collection=collection,
        record=collection.record,
        order=collection.expires,
        group=True,
    )
    for collection in COLLECTIONS
    if collection.expires and collection.parent
)
"""People's records by the end of their time, for stores that delete nothing by themselves."""

QUERIES: tuple[Query[Any], ...] = (
    *(v for v in list(globals().values()) if isinstance(v, Query)),
    *OF_PERSON,
    *OWNED,
    *EXPIRED,
)


def index_definitions(
    queries: tuple[Query[Any], ...] = QUERIES, collections: tuple[Collection[Any], ...] = COLLECTIONS
) -> list[dict[str, Any]]:
    """What Firestore must be told to index for the queries, and what not to, in no deployment tool's dialect.

    `{"kind": "composite", "collection", "scope", "fields": [{"field", "order" | "contains"}]}` is an index over several
    fields, without the document id, which Firestore adds. `{"kind": "field", "collection", "field", "indexes":
    [{"scope", "order" | "contains"}], "expires"?}` replaces one field's automatic indexes; an empty list means none,
    and `expires` (true) that the field ends its document's time to live.
    Scopes are COLLECTION and COLLECTION_GROUP; orders ASCENDING and DESCENDING; `contains` is true.
    """
    composites: list[dict[str, Any]] = []
    overrides: dict[tuple[str, str], list[dict[str, Any]]] = {
        (collection.name, field): [] for collection in collections for field in collection.unindexed
    }
    expiring = {(collection.name, collection.expires) for collection in collections if collection.expires}
    overrides |= {place: _automatic() for place in sorted(expiring)}
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
        {
            "kind": "field",
            "collection": collection,
            "field": field,
            "indexes": indexes,
            **({"expires": True} if (collection, field) in expiring else {}),
        }
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
