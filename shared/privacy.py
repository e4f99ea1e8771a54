"""What we have of a person: handed out as a whole, and deleted as a whole.

Which collections hold somebody's documents is said by the schema alone, so that a new one is never forgotten here.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from shared import codec, leaving
from shared.due import ERASE_TOPIC, AccountLeft
from shared.errors import NotFound
from shared.model import Erasure
from shared.ports import Blobs, Clock, Ids, Queue, Snapshot, Store, Transaction
from shared.schema import ERASURES, OF_PERSON, OWNED, REVOCATIONS, Key, Query
from shared.settings import Settings

READ_AT_ONCE = 25
"""Documents of an export in memory at a time: at most 900 KiB each."""

DELETED_AT_ONCE = 200
"""Deletions in one transaction: a request stays far below Firestore's 10 MiB."""

WAITS = timedelta(minutes=5)
"""For what has to end by itself first: a grant on its way back, a run under a lease that was given before."""

SECRETS = ("_hash", "sealed")
"""Parts of names of fields that protect the person; they say nothing about them."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet may take for the beginning of a formula or of a command (OWASP, CSV injection)."""


# --- Export -----------------------------------------------------------------------------------------------------------


def export_json(uid: str, *, store: Store, blobs: Blobs, clock: Clock) -> Iterator[bytes]:
    """Everything as one JSON object, piece by piece: documents by collection, then the files in base64."""
    yield b'{"exported_at":' + codec.to_json(clock.now()) + b',"documents":{'
    for number, query in enumerate(OF_PERSON):
        yield (b"," if number else b"") + codec.to_json(query.collection.name) + b":["
        for index, item in enumerate(_all(query, uid, store=store)):
            yield (b"," if index else b"") + codec.to_json(_shown(item))
        yield b"]"
    yield b'},"files":['
    for index, name in enumerate(blobs.names(f"{uid}/")):
        file = {
            "name": name,
            "media_type": blobs.media_type(name) or "",
            "content": base64.b64encode(blobs.get(name) or b"").decode(),
        }
        yield (b"," if index else b"") + codec.to_json(file)
    yield b"]}"


def export_csv(uid: str, collection: str, *, store: Store) -> Iterator[bytes]:
    """One collection as CSV (RFC 4180), a line a document; what is nested stands in its cell as JSON.

    Raises NotFound for a collection that no person has.
    """
    query = next((each for each in OF_PERSON if each.collection.name == collection), None)
    if query is None:
        raise NotFound(f"collection: must be one of {', '.join(each.collection.name for each in OF_PERSON)}")
    columns = [each.name for each in fields(query.record) if not _is_secret(each.name)]
    return _csv(query, columns, uid, store=store)


def _csv(query: Query[Any], columns: list[str], uid: str, *, store: Store) -> Iterator[bytes]:
    yield _line(columns)
    for item in _all(query, uid, store=store):
        shown = _shown(item)
        yield _line([_cell(shown.get(column)) for column in columns])


def _all(query: Query[Any], uid: str, *, store: Store) -> Iterator[Snapshot[Any]]:
    """Every document of a person's that a query of `OF_PERSON` or `OWNED` finds, a page in memory at a time."""
    cursor = ""
    while True:
        page = store.find(query, limit=READ_AT_ONCE, cursor=cursor, **_asked(query, uid))
        yield from page.items
        cursor = page.next
        if not cursor:
            return


def _asked(query: Query[Any], uid: str) -> dict[str, Any]:
    return {"parent": uid} if query.collection.parent else {"equal": {"uid": uid}}


def _shown(item: Snapshot[Any]) -> dict[str, Any]:
    """A document without its secrets; bytes are always one, sealed by the vault."""
    plain = codec.to_plain(item.value)
    return {name: value for name, value in plain.items() if not _is_secret(name) and not isinstance(value, bytes)}


def _is_secret(name: str) -> bool:
    return any(part in name for part in SECRETS)


def _cell(value: object) -> str:
    """A value as text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (dict, list, bool)):
        return codec.to_json(value).decode()
    text = str(value)
    is_number = isinstance(value, (int, float))
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode()


# --- Deletion ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one run of a deletion did."""

    outcome: str
    """erased: nothing is left; going_on; waiting: for what has to end by itself; done_before."""
    deleted: int = 0


def leave(uid: str, *, store: Store, queue: Queue, clock: Clock, ids: Ids) -> Erasure:
    """Begin to delete everything of a person's, once; their Gmail is disconnected before this returns."""
    now = clock.now()
    key = ERASURES.key(uid)

    def work(tx: Transaction) -> Erasure:
        begun = tx.get(key)
        if begun is not None:
            return begun
        begun = Erasure(id=uid, uid=uid, since=now, due_at=now)
        tx.create(key, begun)
        return begun

    erasure = store.transact(work, reads=[key])
    leaving.disconnect(uid, store=store, queue=queue, clock=clock, ids=ids)
    queue.publish(ERASE_TOPIC, AccountLeft(uid=uid))
    return erasure


def erase(
    left: AccountLeft, *, settings: Settings, store: Store, queue: Queue, blobs: Blobs, clock: Clock, ids: Ids
) -> Erased:
    """Delete what is left of a person, as much as fits into one run; the record of it goes last.

    It goes when two scans, a lease apart, have found no document and no file: a run that began before may still write.
    """
    key = ERASURES.key(left.uid)
    found = store.get(key)
    if found is None:
        return Erased(outcome="done_before")
    deadline = clock.now() + settings.work_budget
    # Whoever connected a mailbox after they left has changed their mind too late: it is given back as well.
    leaving.disconnect(left.uid, store=store, queue=queue, clock=clock, ids=ids)
    deleted = 0
    for batch in _batches(left.uid, store=store):
        store.transact(lambda tx, batch=batch: [tx.delete(each) for each in batch])  # type: ignore[misc]
        deleted += len(batch)
        if clock.now() >= deadline:
            return _go_on(found, left, deleted, store=store, queue=queue, clock=clock)
    for name in blobs.names(f"{left.uid}/"):
        blobs.delete(name)
        deleted += 1
        if clock.now() >= deadline:
            return _go_on(found, left, deleted, store=store, queue=queue, clock=clock)
    now, erasure = clock.now(), found.value
    waits = any(True for _ in _all(_OWNED[REVOCATIONS.name], left.uid, store=store))
    if not deleted and not waits and erasure.empty_at is not None and now - erasure.empty_at >= settings.lease:
        store.delete(key)
        return Erased(outcome="erased")
    empty_at = None if deleted or waits else erasure.empty_at or now
    total = erasure.deleted + deleted
    store.put(key, replace(erasure, empty_at=empty_at, deleted=total, due_at=now + WAITS), revision=found.revision)
    return Erased(outcome="waiting", deleted=deleted)


def _go_on(
    found: Snapshot[Erasure], left: AccountLeft, deleted: int, *, store: Store, queue: Queue, clock: Clock
) -> Erased:
    erasure = found.value
    on = replace(erasure, empty_at=None, deleted=erasure.deleted + deleted, due_at=clock.now())
    store.put(found.key, on, revision=found.revision)
    queue.publish(ERASE_TOPIC, left)
    return Erased(outcome="going_on", deleted=deleted)


_OWNED: Mapping[str, Query[Any]] = {query.collection.name: query for query in OWNED}


def _batches(uid: str, *, store: Store) -> Iterator[list[Key[Any]]]:
    """The keys of everything that may be deleted at once, a transaction's worth at a time."""
    for query in OWNED:
        if query.collection in (ERASURES, REVOCATIONS):
            # This record, and grants that are on their way back: those end by themselves, within a day.
            continue
        while True:
            page = store.find(query, limit=DELETED_AT_ONCE, **_asked(query, uid))
            if not page.items:
                break
            yield [item.key for item in page.items]
