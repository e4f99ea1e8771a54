"""People, applications and notifications from the service that this one replaces, out of its mongoexport files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared import applications, codec
from shared.errors import Rejected
from shared.model import Delivery, EventKind, LegacyRecord, Notification, Outcome, Stage, User
from shared.moving.record import created, record
from shared.ports import Clock, Store, Transaction
from shared.schema import LEGACY, NOTIFICATIONS, USERS

LEGACY_CHARACTERS = 20_000
"""What is kept of an old document that we have no field for."""

STATUSES: Mapping[str, tuple[Stage, Outcome | None]] = {
    "saved": (Stage.SAVED, None),
    "draft": (Stage.SAVED, None),
    "bookmarked": (Stage.SAVED, None),
    "pending": (Stage.APPLIED, None),
    "applied": (Stage.APPLIED, None),
    "sent": (Stage.APPLIED, None),
    "submitted": (Stage.APPLIED, None),
    "viewed": (Stage.APPLIED, None),
    "in_review": (Stage.SCREENING, None),
    "reviewing": (Stage.SCREENING, None),
    "screening": (Stage.SCREENING, None),
    "assessment": (Stage.ASSESSMENT, None),
    "interview": (Stage.INTERVIEW, None),
    "interviewing": (Stage.INTERVIEW, None),
    "interview_scheduled": (Stage.INTERVIEW, None),
    "offer": (Stage.OFFER, None),
    "offered": (Stage.OFFER, None),
    "accepted": (Stage.CLOSED, Outcome.ACCEPTED),
    "hired": (Stage.CLOSED, Outcome.ACCEPTED),
    "declined": (Stage.CLOSED, Outcome.DECLINED),
    "rejected": (Stage.CLOSED, Outcome.REJECTED),
    "withdrawn": (Stage.CLOSED, Outcome.WITHDRAWN),
    "position_closed": (Stage.CLOSED, Outcome.POSITION_CLOSED),
    "no_response": (Stage.CLOSED, Outcome.NO_RESPONSE),
    "ghosted": (Stage.CLOSED, Outcome.NO_RESPONSE),
}
"""The old service's words for where an application stands; a word that is not here counts as applied, and is told."""

EMAIL_STATUSES = {"sent": Delivery.SENT, "failed": Delivery.FAILED}
"""What became of the old service's own mail."""


@dataclass(slots=True)
class Moved:
    """The report of a migration: counts by what, and what a person should look at."""

    counts: Counter[str] = field(default_factory=Counter)
    unknown_statuses: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    """Fields that we have no place for, by collection; they are kept in `legacy`."""
    problems: list[str] = field(default_factory=list)
    """Documents that could not be taken, by their old id."""

    def lines(self) -> list[str]:
        """The report as text."""
        told = [f"{what}: {count}" for what, count in sorted(self.counts.items())]
        told += [f"status {word!r}: not known, taken as applied ({n})" for word, n in self.unknown_statuses.items()]
        told += [f"field {name}: kept in legacy ({n})" for name, n in sorted(self.unknown_fields.items())]
        return told + [f"not taken: {problem}" for problem in self.problems]


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """The export of the old service: documents by collection, each collection a pass over its file."""

    users: Iterable[Mapping[str, Any]] = ()
    jobs: Iterable[Mapping[str, Any]] = ()
    applications: Iterable[Mapping[str, Any]] = ()
    notifications: Iterable[Mapping[str, Any]] = ()


KNOWN = {
    "users": {"_id", "email", "created_at", "gmail_auth"},
    "applications": {
        "_id",
        "user_id",
        "job_id",
        "status",
        "email_status",
        "company",
        "company_name",
        "role",
        "title",
        "position",
        "job_title",
        "url",
        "job_url",
        "created_at",
        "applied_at",
        "sent_at",
        "thread_id",
        "gmail_thread_id",
        "message_id",
        "gmail_message_id",
        "notes",
    },
    "notifications": {"_id", "user_id", "type", "created_at", "read", "is_read", "application_id"},
}
"""The fields that are mapped. `gmail_auth` is never taken over, not even into legacy: people connect again."""


def migrate(old: Old, people: Mapping[str, str], *, dry_run: bool, store: Store, clock: Clock) -> Moved:
    """Take the old service's documents over for the people who are named: uid by lower-cased e-mail address.

    Who is not named has not signed in here yet, and is counted; run it again when they have.
    """
    report = Moved()
    now = clock.now()
    uids: dict[str, str] = {}
    for document in old.users:
        id_, address = _id(document.get("_id")), str(document.get("email", "")).strip().lower()
        uid = people.get(address, "")
        if not uid:
            report.counts["users without an account here"] += 1
            continue
        uids[id_] = uid
        report.counts["users"] += 1
        _keep(uid, "users", id_, document, report, dry_run=dry_run, store=store)
        if not dry_run:
            _make_user(uid, store=store, now=now)
    jobs = {_id(job.get("_id")): job for job in old.jobs}
    report.counts["jobs, used for their applications"] = len(jobs)
    for document in old.applications:
        _one("applications", document, uids, report, jobs=jobs, dry_run=dry_run, store=store, now=now)
    for document in old.notifications:
        _one("notifications", document, uids, report, jobs=jobs, dry_run=dry_run, store=store, now=now)
    return report


def _one(
    kind: str,
    document: Mapping[str, Any],
    uids: Mapping[str, str],
    report: Moved,
    *,
    jobs: Mapping[str, Mapping[str, Any]],
    dry_run: bool,
    store: Store,
    now: datetime,
) -> None:
    """One document of a person's; what is wrong with it is told, and does not keep the others."""
    id_, uid = _id(document.get("_id")), uids.get(_id(document.get("user_id")), "")
    if not uid:
        report.counts[f"{kind} of nobody here"] += 1
        return
    if not id_:
        report.problems.append(f"{kind}: a document without _id")
        return
    try:
        if kind == "applications":
            is_new = _take_application(uid, id_, document, jobs, report, dry_run=dry_run, store=store, now=now)
        else:
            is_new = _take_notification(uid, id_, document, dry_run=dry_run, store=store, now=now)
    except Rejected as e:
        report.problems.append(f"{kind} {id_}: {e}")
        return
    report.counts[kind if is_new else f"{kind}, there already"] += 1
    _keep(uid, kind, id_, document, report, dry_run=dry_run, store=store)


def _take_application(
    uid: str,
    id_: str,
    document: Mapping[str, Any],
    jobs: Mapping[str, Mapping[str, Any]],
    report: Moved,
    *,
    dry_run: bool,
    store: Store,
    now: datetime,
) -> bool:
    job = jobs.get(_id(document.get("job_id")), {})
    word = str(document.get("status", "applied")).strip().lower().replace(" ", "_").replace("-", "_")
    if word not in STATUSES:
        report.unknown_statuses[word[:40]] += 1
    stage, outcome = STATUSES.get(word, (Stage.APPLIED, None))
    at = min(_time(document, "applied_at", "sent_at", "created_at") or now, now)
    new = applications.NewApplication(
        company=_text(document, "company", "company_name") or _text(job, "company", "company_name"),
        role=_text(document, "role", "title", "position", "job_title") or _text(job, "title", "role", "position"),
        job_url=_text(document, "job_url", "url") or _text(job, "url", "job_url", "apply_url"),
        note=_text(document, "notes"),
    )
    event = replace(
        created(new, stage, outcome, occurred_at=at, now=now),
        thread_id=_text(document, "gmail_thread_id", "thread_id"),
    )
    delivery = EMAIL_STATUSES.get(str(document.get("email_status", "")).lower())
    sent = None
    if delivery is not None:
        sent = replace(
            event, key="migrated:delivery", kind=EventKind.DELIVERY, stage=None, outcome=None, delivery=delivery
        )
    return record(uid, applications.stable_id("old", id_), event, dry_run=dry_run, now=now, store=store, sent=sent)


def _take_notification(
    uid: str, id_: str, document: Mapping[str, Any], *, dry_run: bool, store: Store, now: datetime
) -> bool:
    """A notification of the old service is history: it is told nowhere again."""
    at = min(_time(document, "created_at") or now, now)
    is_read = bool(document.get("read") or document.get("is_read"))
    old_application = _id(document.get("application_id"))
    notification = Notification(
        key=f"old:{id_}",
        uid=uid,
        kind=f"old_{_text(document, 'type') or 'notification'}"[:60],
        created_at=at,
        application_id=applications.stable_id("old", old_application) if old_application else "",
        read_at=at if is_read else None,
    )
    return _create(NOTIFICATIONS.key(uid, notification.key), notification, dry_run=dry_run, store=store)


def _keep(
    uid: str,
    kind: str,
    id_: str,
    document: Mapping[str, Any],
    report: Moved,
    *,
    dry_run: bool,
    store: Store,
) -> None:
    """Keep what we have no field for as it was, where the person's export finds it."""
    rest = {name: value for name, value in document.items() if name not in KNOWN[kind]}
    if not rest:
        return
    for name in rest:
        report.unknown_fields[f"{kind}.{name}"] += 1
    text = codec.to_json(rest).decode()
    if len(text) > LEGACY_CHARACTERS:
        report.problems.append(f"{kind} {id_}: {len(text)} characters beside what we know; cut off")
    record = LegacyRecord(id=f"{kind}:{id_}", uid=uid, kind=kind, json=text[:LEGACY_CHARACTERS])
    _create(LEGACY.key(uid, record.id), record, dry_run=dry_run, store=store)


def _create(key: Any, record: Any, *, dry_run: bool, store: Store) -> bool:
    """Make a document unless it is there; whether it was not."""
    if dry_run:
        return store.get(key) is None

    def work(tx: Transaction) -> bool:
        if tx.get(key) is not None:
            return False
        tx.create(key, record)
        return True

    return store.transact(work, reads=[key])


def _make_user(uid: str, *, store: Store, now: datetime) -> None:
    _create(USERS.key(uid), User(uid=uid, created_at=now), dry_run=False, store=store)


# --- MongoDB's extended JSON ------------------------------------------------------------------------------------------


def _id(value: object) -> str:
    """An ObjectId or a plain id as text that can be a document's id."""
    if isinstance(value, Mapping):
        value = value.get("$oid", "")
    text = str(value) if isinstance(value, (str, int)) else ""
    return text if len(text) <= 100 and "/" not in text else ""  # noqa: PLR2004 - an ObjectId has 24


def _text(document: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is a text."""
    return next((value for name in names if isinstance(value := document.get(name), str) and value), "")


def _time(document: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of these fields that is a time: `{"$date": ISO or {"$numberLong": ms}}`, or ISO text."""
    for name in names:
        value = document.get(name)
        if isinstance(value, Mapping):
            value = value.get("$date")
        if isinstance(value, Mapping):
            value = value.get("$numberLong")
            value = int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else None
        try:
            if isinstance(value, int) and not isinstance(value, bool):
                return datetime.fromtimestamp(value / 1000, UTC)
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            continue
    return None
