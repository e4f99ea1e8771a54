"""Applications from a table that a person has kept by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared import applications
from shared.errors import Rejected
from shared.model import Event, Outcome, Stage
from shared.moving.record import created, record
from shared.ports import Clock, Store

MOST_ROWS = 2_000
"""Rows of one table: more applications than anybody has written."""

TABLE_BYTES = 1024 * 1024
"""The longest table that is taken."""

COLUMNS = ("company", "role", "requisition", "job_url", "stage", "outcome", "applied_at", "note")
"""What a table may have; a row needs a company, and the rest may be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that was not taken: its line in the table (the head is line 1), and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a table came to, or would."""

    rows: int
    created: int
    known: int
    """Rows that an earlier import has made already."""
    refused: tuple[Refusal, ...]


def import_table(uid: str, table: bytes, *, dry_run: bool, store: Store, clock: Clock) -> Imported:
    """Record the applications in a CSV with a head of `COLUMNS`. Raises Rejected when it is no such table at all."""
    now = clock.now()
    rows = created = known = 0
    refused = []
    # Read to its end first: half a table is not taken.
    for line, row in list(_rows(table)):
        rows += 1
        try:
            event = _event(row, now=now)
        except Rejected as e:
            refused.append(Refusal(line=line, why=str(e)))
            continue
        id_ = applications.stable_id("table", uid, *(row.get(column, "").strip() for column in COLUMNS))
        is_new = record(uid, id_, event, dry_run=dry_run, now=now, store=store)
        created, known = created + is_new, known + (not is_new)
    return Imported(rows=rows, created=created, known=known, refused=tuple(refused))


def _rows(table: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    if len(table) > TABLE_BYTES:
        raise Rejected(f"table: longer than {TABLE_BYTES} bytes")
    try:
        reader = csv.DictReader(io.StringIO(table.decode("utf-8-sig")), strict=True)
        head = [name.strip().lower() for name in reader.fieldnames or ()]
        if unknown := sorted(set(head) - set(COLUMNS)):
            raise Rejected(f"table: the column {unknown[0][:40]!r} is none of {', '.join(COLUMNS)}")
        if "company" not in head:
            raise Rejected("table: the column company is missing")
        reader.fieldnames = head
        for number, row in enumerate(reader, start=1):
            if number > MOST_ROWS:
                raise Rejected(f"table: more than {MOST_ROWS} rows")
            yield reader.line_num, {name: value or "" for name, value in row.items() if name}
    except (UnicodeDecodeError, csv.Error) as e:
        raise Rejected("table: not CSV in UTF-8") from e


def _event(row: Mapping[str, str], *, now: datetime) -> Event:
    """What a row states. Raises Rejected, naming the column."""
    word = row.get("stage", "").strip().lower() or Stage.APPLIED.value
    if word not in list(Stage):
        raise Rejected(f"stage: must be one of {', '.join(Stage)}")
    ending = row.get("outcome", "").strip().lower()
    if (word == Stage.CLOSED.value) != bool(ending) or (ending and ending not in list(Outcome)):
        raise Rejected(f"outcome: closed needs one of {', '.join(Outcome)}, and no other stage has one")
    occurred_at = _moment("applied_at", row.get("applied_at", "").strip(), now)
    return created(
        applications.NewApplication(
            company=row["company"],
            role=row.get("role", ""),
            requisition=row.get("requisition", ""),
            job_url=row.get("job_url", ""),
            note=row.get("note", ""),
        ),
        Stage(word),
        Outcome(ending) if ending else None,
        occurred_at=occurred_at,
        now=now,
    )


def _moment(name: str, text: str, now: datetime) -> datetime:
    """A date or a time in ISO 8601; without a zone it is UTC, and without anything it is now."""
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as e:
        raise Rejected(f"{name}: not a date like 2026-11-22") from e
    if moment > now:
        raise Rejected(f"{name}: in the future")
    return moment
